"""What a schedule or an event route may start, as a component hands it out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import pulumi
from pydantic import Field

from ..identity.key import AnyKey


@dataclass(frozen=True, kw_only=True)
class Target:
    """A thing to start, and the one action that starting it takes."""

    arn: pulumi.Input[str]
    """The workflow, queue or other resource."""

    action: str
    """The IAM action, for example `states:StartExecution`."""

    key: AnyKey | None = None
    """What encrypts what is sent there."""


# What EventBridge takes, for a schedule and for a rule.
MaxRetries = Annotated[int, Field(ge=0, le=185)]
MaxAgeSeconds = Annotated[int, Field(ge=60, le=24 * 3600)]
