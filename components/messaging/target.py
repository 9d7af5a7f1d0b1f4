"""What a schedule or an event route may start, as a component hands it out."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi


@dataclass(frozen=True, kw_only=True)
class Target:
    """A thing to start, and the one action that starting it takes."""

    arn: pulumi.Input[str]
    """The workflow, queue or other resource."""

    action: str
    """The IAM action, for example `states:StartExecution`."""

    key_arn: pulumi.Input[str] | None = None
    """The KMS key that encrypts what is sent there."""
