"""The stack that is checked: its environment, its product, its waivers, all from the stack's configuration.

An update describes the stack to the pack. `pulumi policy analyze` does not (CLI 3.274): there the first URN names the
stack, and whoever runs it passes the configuration on in PULUMI_CONFIG.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

ENVIRONMENTS = ("prod", "staging", "dev", "test")
# Where data may be if a stack does not say otherwise.
JAPAN = ("ap-northeast-1", "ap-northeast-3")

# Kinds of logs, and the days for which they are kept at least where a stack says no more (requirement D17: access logs
# one year, error logs six months, audit logs three years, with a leap day).
LOG_DAYS = {"application": 1, "access": 365, "error": 180, "audit": 1096}

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

    regions: tuple[str, ...] = JAPAN
    """`<project>:residency`, its `regions`: where data may be."""

    log_kinds: Mapping[str, int] | None = None
    """`<project>:logs`, its `kinds`: for how many days each kind of log is kept; None where the stack says no kinds."""

    free_tier: bool = False
    """`<project>:freeTier`: whether the stack must cost nothing in an account with the 12-month offers."""

    free_plan: bool = False
    """`<project>:freeTier` with `plan: free`: whether the account has AWS's free plan, which refuses some sizes."""

    expected: Mapping[str, object] | None = None
    """`<project>:expected`: what passes through the stack in a month; None where nobody says."""

    first_year: bool = False
    """`<project>:freeTier` for an account that has the 12-month offers."""

    exemptions: str = ""
    """`policy:exemptions` as it was given: JSON text."""

    preview: bool = False
    """Whether this is a preview: some values are not known yet."""

    named: bool = True
    """Whether somebody has said which stack this is. `pulumi policy analyze` says nothing: the first URN does."""

    configured: bool = True
    """Whether a configuration came; without one the environment is a guess, and no waiver is known."""

    @property
    def is_prod(self) -> bool:
        return self.environment == "prod"

    @classmethod
    def of(
        cls, *, project: str, name: str, config: Mapping[str, str] | None, preview: bool, named: bool = True
    ) -> Stack:
        given = config or {}
        plan = _plan(given.get(f"{project}:freeTier", ""))
        return cls(
            environment=given.get(f"{project}:environment") or _environment_of(name),
            product=given.get(f"{project}:product"),
            owner=given.get(f"{project}:owner"),
            region=given.get("aws:region"),
            regions=_regions(given.get(f"{project}:residency")),
            log_kinds=_log_kinds(given.get(f"{project}:logs")),
            free_tier=plan is not None,
            free_plan=plan == "free",
            expected=_expected(given.get(f"{project}:expected")),
            first_year=plan == "legacy",
            exemptions=given.get("policy:exemptions", ""),
            preview=preview,
            named=named,
            configured=config is not None,
        )

    @classmethod
    def from_environment(cls) -> Stack:
        """The stack that the engine describes in the variables it starts the pack with."""
        return cls.of(
            project=os.environ.get("PULUMI_PROJECT", ""),
            name=os.environ.get("PULUMI_STACK", ""),
            config=config_of_environment(),
            preview=_preview(),
            named="PULUMI_PROJECT" in os.environ,
        )

    @classmethod
    def of_urn(cls, urn: str) -> Stack:
        """The stack of a resource, `urn:pulumi:<stack>::<project>::…`, with the configuration of the environment."""
        stack, _, rest = urn.removeprefix("urn:pulumi:").partition("::")
        return cls.of(project=rest.partition("::")[0], name=stack, config=config_of_environment(), preview=_preview())


def config_of_environment() -> dict[str, str] | None:
    """PULUMI_CONFIG: as the engine sets it, key and text, or as `pulumi config --json` prints it, where each text has
    a mapping around it. None where it is not set."""
    text = os.environ.get("PULUMI_CONFIG")
    if not text:
        return None
    try:
        given = json.loads(text)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        # No stack trace: the engine shows the last words of a pack that does not start.
        raise SystemExit("PULUMI_CONFIG is not a configuration; set it to what `pulumi config --json` prints")
    texts = {key: each.get("value") if isinstance(each, dict) else each for key, each in given.items()}
    # Of a secret `pulumi config --json` has no value.
    return {key: str(value) for key, value in texts.items() if value is not None}


def _expected(text: str | None) -> Mapping[str, object] | None:
    """What the stack says of its use; None where it says nothing that can be read."""
    try:
        given = json.loads(text or "null")
    except ValueError:
        return None
    return given if isinstance(given, dict) else None


def _regions(residency: str | None) -> tuple[str, ...]:
    """What the stack says of it; Japan where it says nothing that can be read."""
    try:
        given = json.loads(residency or "{}")
    except ValueError:
        return JAPAN
    named = given.get("regions") if isinstance(given, dict) else None
    return tuple(str(region) for region in named) if isinstance(named, list) and named else JAPAN


def _log_kinds(logs: str | None) -> dict[str, int] | None:
    """The days of each kind, those that the stack says and those that count where it does not."""
    try:
        given = json.loads(logs or "{}")
    except ValueError:
        return None
    kinds = given.get("kinds") if isinstance(given, dict) else None
    if not isinstance(kinds, dict):
        return None
    said = {kind: days for kind, days in kinds.items() if kind in LOG_DAYS and isinstance(days, int)}
    return {**LOG_DAYS, **said}


def _plan(text: str) -> str | None:
    """The account's plan, `true` being short for `{plan: legacy}`; None where the stack need not be free."""
    try:
        given = json.loads(text.lower())
    except ValueError:
        return None
    if isinstance(given, dict):
        return str(given.get("plan", "legacy"))
    return "legacy" if given is True else None


def _preview() -> bool:
    return os.environ.get("PULUMI_DRY_RUN", "").lower() == "true"


def _environment_of(stack_name: str) -> str:
    """`wiki-prod` and `production` are prod; a name that says nothing stands for itself."""
    last = re.split(r"[-_./]", stack_name.lower())[-1]
    environment = _OTHER_NAMES.get(last, last)
    return environment if environment in ENVIRONMENTS else stack_name
