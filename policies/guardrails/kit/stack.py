"""The stack that is judged: its environment, its product, its waivers, all from the stack's configuration."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

ENVIRONMENTS = ("prod", "staging", "dev", "test")
# For stacks of other programs, which are known by their name only.
_OTHER_NAMES = {"production": "prod", "prd": "prod", "live": "prod", "stg": "staging", "stage": "staging"}
_OTHER_NAMES |= {"development": "dev", "testing": "test"}


@dataclass(frozen=True, kw_only=True)
class Stack:
    """What the rules may know about the stack."""

    environment: str
    """`<project>:environment`, else what the stack's name says, else the stack's name."""

    product: str | None = None
    """`<project>:product`; None in a program that is not built like ours."""

    owner: str | None = None
    """`<project>:owner`, for the Owner tag."""

    region: str | None = None
    """`aws:region`, which counts where a resource uses the default provider."""

    free_tier: bool = False
    """`<project>:freeTier`: whether the stack must cost nothing in an account with the 12-month offers."""

    exemptions: str = ""
    """`policy:exemptions` as it was given: JSON text."""

    preview: bool = False
    """Whether this is a preview: some values are not known yet."""

    @property
    def is_prod(self) -> bool:
        return self.environment == "prod"

    @classmethod
    def of(cls, *, project: str, name: str, config: Mapping[str, str], preview: bool) -> Stack:
        return cls(
            environment=config.get(f"{project}:environment") or _environment_of(name),
            product=config.get(f"{project}:product"),
            owner=config.get(f"{project}:owner"),
            region=config.get("aws:region"),
            free_tier=config.get(f"{project}:freeTier", "").lower() == "true",
            exemptions=config.get("policy:exemptions", ""),
            preview=preview,
        )

    @classmethod
    def from_environment(cls) -> Stack:
        """The stack that the engine describes in the variables it starts the pack with."""
        return cls.of(
            project=os.environ.get("PULUMI_PROJECT", ""),
            name=os.environ.get("PULUMI_STACK", ""),
            config=json.loads(os.environ.get("PULUMI_CONFIG") or "{}"),
            preview=os.environ.get("PULUMI_DRY_RUN", "").lower() == "true",
        )


def _environment_of(stack_name: str) -> str:
    """`wiki-prod` and `production` are prod; a name that says nothing stands for itself."""
    last = re.split(r"[-_./]", stack_name.lower())[-1]
    environment = _OTHER_NAMES.get(last, last)
    return environment if environment in ENVIRONMENTS else stack_name
