"""The roles with which AWS services work for a component, each with one policy of its own."""

from __future__ import annotations

from collections.abc import Iterable

import pulumi
import pulumi_aws as aws

from .account import Account
from .children import Children
from .policy import Statement, document, trust


def service_role(
    prefix: str,
    account: Account,
    child: Children,
    *,
    kind: str = "",
    name: str | None = None,
    service: str,
    source_arn: pulumi.Input[str],
    says_for_whom: bool = True,
    description: str,
    statements: Iterable[Statement],
) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
    """A role that `service` assumes for `source_arn` (see `trust`), and what it may do with it. What uses the role at
    once waits for the policy. `kind` tells it from the component's other roles. `name` is what AWS calls it where
    somebody must know that beforehand; otherwise Pulumi adds a suffix, by which a replacement can be made first."""
    stem, children = (f"{prefix}-{kind.replace('_', '-')}", f"{kind}_") if kind else (prefix, "")
    role = aws.iam.Role(
        f"{stem}-role",
        name=name,
        description=description,
        assume_role_policy=trust(
            service, source_account=account.id, source_arn=source_arn, says_for_whom=says_for_whom
        ),
        opts=child(f"{children}role"),
    )
    policy = aws.iam.RolePolicy(
        f"{stem}-policy", role=role.id, policy=document(*statements), opts=child(f"{children}policy")
    )
    return role, policy
