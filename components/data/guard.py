"""Where a data store stands, who may reach it, and who may read its password."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from ..children import Children
from ..identity.key import AnyKey
from ..network.network import Network
from ..policy import Statement, statement
from ..security_rules import allow_ingress, closed_group

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
    def of(prefix: str, what: str, port: int, network: Network, child: Children) -> Guard:
        """A group that lets nobody in and nothing out: a store only answers."""
        group = closed_group(f"{prefix}-security-group", network.vpc_id, f"{what} {prefix}", child("security_group"))
        return Guard(prefix=prefix, what=what, port=port, child=child, group=group)

    @property
    def unique(self) -> pulumi.Output[str]:
        """A text that no other store has, and that stays the same as long as this one lives."""
        return self.group.id.apply(lambda identifier: identifier.removeprefix("sg-"))

    def allow_from(self, security_group_id: pulumi.Input[str], name: str) -> None:
        """Open the port to the members of one security group."""
        rule, why = f"{self.prefix}-ingress-from-{name}", f"{self.what} from {name}"
        allow_ingress(rule, self.group.id, self.port, why, self.child("ingress_rule"), group=security_group_id)


def subnet_ids(network: Network) -> pulumi.Output[list[str]]:
    """The subnets for data: the isolated ones, or the private ones where there are none."""
    return pulumi.Output.all(isolated=network.isolated_subnet_ids, private=network.private_subnet_ids).apply(
        lambda tiers: tiers["isolated"] or tiers["private"]
    )


def reading(secret_arn: pulumi.Input[str], key: AnyKey | None) -> list[Statement]:
    """To read a store's password, and nothing more."""
    statements = [
        statement(
            "ReadThePassword",
            actions=["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"],
            resources=secret_arn,
        )
    ]
    if key is not None:
        statements.append(
            statement(
                "DecryptThePassword",
                actions="kms:Decrypt",
                resources=key.arn,
                # The key protects more than the password; this role gets no further by way of it.
                condition={"StringEquals": {"kms:EncryptionContext:SecretARN": secret_arn}},
            )
        )
    return statements
