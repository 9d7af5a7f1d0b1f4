"""A KMS key that only the account's IAM policies and named AWS services may use.

Use: key = Key("wiki-dev-logs", KeyArgs(description="Logs of wiki-dev", log_groups=["/aws/vpc-flow-logs/wiki-dev-*"]))
     key.grant_decrypt(role)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

import pulumi
import pulumi_aws as aws
from pydantic import Field

from ..account import Account
from ..args import ComponentArgs
from ..component import Component
from ..errors import ArgumentError, Mistake
from ..policy import Statement, document, statement
from ..retention import Retention
from ..values import Region

ENCRYPT_ACTIONS = ("kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey")
DECRYPT_ACTIONS = ("kms:Decrypt", "kms:DescribeKey")

RotationDays = Annotated[int, Field(ge=90, le=2560)]


@dataclass(frozen=True, kw_only=True)
class ServiceUse:
    """An AWS service that uses the key itself, for resources of this account."""

    principal: str
    """The service, for example `sns.amazonaws.com`."""

    source_arn: pulumi.Input[str]
    """The resource on whose behalf it may do so, or a pattern of one."""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9.-]+\.amazonaws\.com", self.principal):
            raise ArgumentError(
                "services", self.principal, "is not an AWS service; write one such as 'sns.amazonaws.com'"
            )


class KeyArgs(ComponentArgs):
    """A KMS key. It costs $1 a month, and so does each of its first two rotations."""

    description: str
    """What it protects; shown beside the key in the console."""

    log_groups: list[str] = []
    """Names of the CloudWatch log groups that it may encrypt, with `*` as a wildcard."""

    rotation_days: RotationDays = 365
    """Days between two rotations. Old material stays, so nothing is encrypted again."""

    region: Region | None = None
    """A region other than the provider's, for the key of a replica."""

    retention: Retention = "protected"
    """protected: cannot be deleted, and a deletion waits 30 days. ephemeral: it can, after 7 days, the least."""

    def mistakes(self) -> Iterator[Mistake]:
        for number, pattern in enumerate(self.log_groups):
            if pattern.strip("*/") == "":
                reason = "would admit every log group; begin with a name or a prefix"
                yield Mistake(("log_groups", number), pattern, reason)


@dataclass(frozen=True, kw_only=True)
class ExistingKey:
    """A key that another stack made, and whose policy is that stack's to write."""

    arn: pulumi.Input[str]


class Key(Component):
    """A symmetric key with rotation, an exact policy and an alias."""

    CHILDREN = ("key", "alias", "grant")

    arn: pulumi.Output[str]
    key_id: pulumi.Output[str]
    alias_name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: KeyArgs,
        *,
        services: Sequence[ServiceUse] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param services: Other AWS services that use it themselves.
        """
        super().__init__(name, args, opts)
        protected = args.retention == "protected"
        key = aws.kms.Key(
            f"{name}-key",
            description=args.description,
            enable_key_rotation=True,
            rotation_period_in_days=args.rotation_days,
            deletion_window_in_days=30 if protected else 7,
            policy=document(*_key_policy(args, services, Account.of(self))),
            region=args.region,
            opts=self._child("key", protect=protected),
        )
        alias = aws.kms.Alias(
            f"{name}-alias",
            name=f"alias/{name}",
            target_key_id=key.key_id,
            region=args.region,
            opts=self._child("alias"),
        )
        self.arn, self.key_id, self.alias_name = key.arn, key.key_id, alias.name
        self.register_outputs({"arn": self.arn})

    def grant_encrypt(self, role: aws.iam.Role) -> aws.iam.RolePolicy:
        """Let `role` encrypt with this key, and nothing more."""
        return self._allow(role, "encrypt", statement("Encrypt", actions=ENCRYPT_ACTIONS, resources=self.arn))

    def grant_decrypt(self, role: aws.iam.Role) -> aws.iam.RolePolicy:
        """Let `role` decrypt with this key, and nothing more."""
        return self._allow(role, "decrypt", statement("Decrypt", actions=DECRYPT_ACTIONS, resources=self.arn))


AnyKey = Key | ExistingKey
"""What encrypts: a key of this stack's or of another's."""


def _key_policy(args: KeyArgs, services: Sequence[ServiceUse], account: Account) -> list[Statement]:
    # In a key policy "*" means this key only.
    statements = [
        # Without it the key would be out of everybody's reach once its maker is gone. IAM policies decide the rest.
        statement("AdministeredByTheAccount", principal={"AWS": account.root}, actions="kms:*", resources="*")
    ]
    region = pulumi.Output.from_input(args.region) if args.region else account.region
    if args.log_groups:
        groups = [
            pulumi.Output.concat("arn:", account.partition, ":logs:", region, ":", account.id, f":log-group:{pattern}")
            for pattern in args.log_groups
        ]
        statements.append(
            statement(
                "UsedByCloudWatchLogsForTheseGroups",
                principal={"Service": pulumi.Output.concat("logs.", region, ".amazonaws.com")},
                actions=["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
                resources="*",
                # CloudWatch Logs names the group in the encryption context; other accounts' groups do not match.
                condition={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
            )
        )
    for number, use in enumerate(services, start=1):
        statements.append(
            statement(
                f"UsedByService{number}",
                principal={"Service": use.principal},
                # CloudTrail looks at the key before it uses it.
                actions=["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey*"],
                resources="*",
                condition={
                    "StringEquals": {"aws:SourceAccount": account.id},
                    "ArnLike": {"aws:SourceArn": use.source_arn},
                },
            )
        )
    return statements
