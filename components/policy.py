"""Policy documents: stable text (sorted, without nulls), so that no update shows a difference that is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pulumi

Statement = Mapping[str, Any]
"""One statement of a policy document, as AWS spells it; values may be outputs."""

Condition = Mapping[str, Mapping[str, Any]]
"""Operator → key → value, as AWS spells it."""


def statement(
    sid: str,
    *,
    actions: str | Sequence[str],
    resources: Any,
    principal: Mapping[str, Any] | pulumi.Output[Any] | Literal["*"] | None = None,
    condition: Condition | None = None,
    effect: Literal["Allow", "Deny"] = "Allow",
) -> Statement:
    """One statement. `resources` is an ARN, an output of one, or a list of them."""
    parts = {
        "Sid": sid,
        "Effect": effect,
        "Principal": principal,
        "Action": actions if isinstance(actions, str) else sorted(actions),
        "Resource": resources,
        "Condition": condition,
    }
    return {key: value for key, value in parts.items() if value is not None}


def document(*statements: Statement) -> pulumi.Output[str]:
    """The JSON text of a policy with these statements."""
    return pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": list(statements)}, sort_keys=True)


def trust_of_service(sid: str, service: str) -> pulumi.Output[str]:
    """Lets an AWS service assume a role, for services that name no source when they do (see `trust`)."""
    return document({"Sid": sid, "Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"})


def trust(
    service: str, *, source_account: pulumi.Input[str], source_arn: pulumi.Input[str], says_for_whom: bool = True
) -> pulumi.Output[str]:
    """Lets an AWS service assume a role, but only when it works for `source_arn` in `source_account`.

    Without the conditions the service could be made to use the role on behalf of somebody else's account. A service of
    which no documentation says that it sends them (`says_for_whom=False`) would never get in by them: there they hold
    where they are sent. A role can be given to such a service only by somebody of its own account (iam:PassRole).
    """
    if_sent = "" if says_for_whom else "IfExists"
    return document(
        {
            "Sid": "AssumedByTheServiceForThisAccount",
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sts:AssumeRole",
            "Condition": {
                f"StringEquals{if_sent}": {"aws:SourceAccount": source_account},
                f"ArnLike{if_sent}": {"aws:SourceArn": source_arn},
            },
        }
    )
