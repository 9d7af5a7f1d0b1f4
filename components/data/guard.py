"""Who may reach a data store, and who may read its password."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from components.children import Children
from components.policy import document, statement
from components.security_rules import let_in

CHILDREN: Final = ("security_group", "ingress_rule", "grant")


@dataclass(frozen=True, kw_only=True)
class Guard:
    """The security group of one data store, which opens one port to those who are named."""

    prefix: str
    what: str
    port: int
    child: Children
    group: aws.ec2.SecurityGroup

    @staticmethod
    def of(prefix: str, what: str, port: int, vpc_id: pulumi.Input[str], child: Children) -> Guard:
        """A group that lets nobody in and nothing out: a store only answers."""
        group = aws.ec2.SecurityGroup(
            f"{prefix}-security-group",
            vpc_id=vpc_id,
            description=f"{what} {prefix}",
            tags={"Name": f"{prefix}-security-group"},
            opts=child("security_group"),
        )
        return Guard(prefix=prefix, what=what, port=port, child=child, group=group)

    @property
    def unique(self) -> pulumi.Output[str]:
        """A text that no other store has, and that stays the same as long as this one lives."""
        return self.group.id.apply(lambda identifier: identifier.removeprefix("sg-"))

    def allow_from(self, security_group_id: pulumi.Input[str], name: str) -> None:
        """Open the port to the members of one security group."""
        rule, why = f"{self.prefix}-ingress-from-{name}", f"{self.what} from {name}"
        let_in(rule, self.group.id, self.port, why, self.child("ingress_rule"), group=security_group_id)

    def grant_connect(
        self, role: aws.iam.Role, secret_arn: pulumi.Input[str], key_arn: pulumi.Input[str] | None
    ) -> None:
        """Let `role` read the store's password."""
        statements = [
            statement(
                "ReadThePassword",
                actions=["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"],
                resources=secret_arn,
            )
        ]
        if key_arn is not None:
            statements.append(
                statement(
                    "DecryptThePassword",
                    actions="kms:Decrypt",
                    resources=key_arn,
                    # The key protects more than the password; this role gets no further by way of it.
                    condition={"StringEquals": {"kms:EncryptionContext:SecretARN": secret_arn}},
                )
            )
        aws.iam.RolePolicy(
            f"{self.prefix}-connect-for-{role.pulumi_resource_name}",
            role=role.id,
            policy=document(*statements),
            opts=self.child("grant"),
        )
