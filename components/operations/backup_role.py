"""The role of backups: what AWS's own policy for AWS Backup allows, for these stores of this account."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

import pulumi
import pulumi_aws as aws

from ..account import Account
from ..children import Children
from ..policy import Statement, statement
from ..service_role import service_role

Store = Literal["aurora", "dynamodb", "rds"]

SOURCES: Final[Mapping[Store, tuple[str, str]]] = {
    "aurora": ("rds", "cluster:*"),
    "dynamodb": ("dynamodb", "table/*"),
    "rds": ("rds", "db:*"),
}
"""What is backed up: service and resource of its ARN."""

_SNAPSHOTS: Final[Mapping[Store, str]] = {"aurora": "cluster-snapshot", "rds": "snapshot"}
"""What backups of databases are."""


def make_backup_role(
    prefix: str,
    stores: Sequence[Store],
    vaults: Sequence[pulumi.Input[str]],
    keys: Sequence[pulumi.Input[str]],
    account: Account,
    child: Children,
) -> aws.iam.Role:
    """The role with which backups are made, and copied where `vaults` are in two regions."""
    role, _ = service_role(
        prefix,
        account,
        child,
        service="backup.amazonaws.com",
        source_arn=account.arn("backup", "*"),
        says_for_whom=False,
        description=f"Makes and copies the backups of {prefix}.",
        statements=_permissions(stores, vaults, keys, account),
    )
    return role


def _permissions(
    stores: Sequence[Store],
    vaults: Sequence[pulumi.Input[str]],
    keys: Sequence[pulumi.Input[str]],
    account: Account,
) -> Iterator[Statement]:
    snapshots = [
        _everywhere(account, "rds", f"{kind}:awsbackup:*") for store, kind in _SNAPSHOTS.items() if store in stores
    ]
    yield statement(
        "UseTheVaults", actions=["backup:CopyIntoBackupVault", "backup:DescribeBackupVault"], resources=vaults
    )
    yield statement(
        "TagAndCopyBackups",
        actions=["backup:CopyFromBackupVault", "backup:TagResource"],
        resources=[_everywhere(account, "backup", "recovery-point:*"), *snapshots],
    )
    # Which resources carry the tags is a question without a resource.
    yield statement("FindByTag", actions="tag:GetResources", resources="*")
    if "dynamodb" in stores:
        yield from _of_tables(account)
    if snapshots:
        databases = [
            _everywhere(account, "rds", resource)
            for store, kind in _SNAPSHOTS.items()
            if store in stores
            for resource in (SOURCES[store][1], f"{kind}:*")
        ]
        yield from _of_databases(databases, snapshots)
    if keys:
        yield from _of_keys(keys)


def _of_tables(account: Account) -> Iterator[Statement]:
    yield statement(
        "BackUpTables",
        actions=[
            "dynamodb:CreateBackup",
            "dynamodb:DescribeTable",
            "dynamodb:ListTagsOfResource",
            "dynamodb:StartAwsBackupJob",
        ],
        resources=account.arn(*SOURCES["dynamodb"]),
    )
    yield statement(
        "CareForBackupsOfTables",
        actions=["dynamodb:DeleteBackup", "dynamodb:DescribeBackup"],
        resources=_everywhere(account, "dynamodb", "table/*/backup/*"),
    )


def _of_databases(
    databases: Sequence[pulumi.Output[str]], snapshots: Sequence[pulumi.Output[str]]
) -> Iterator[Statement]:
    yield statement(
        "BackUpDatabases",
        actions=[
            "rds:AddTagsToResource",
            "rds:CopyDBClusterSnapshot",
            "rds:CopyDBSnapshot",
            "rds:CreateDBClusterSnapshot",
            "rds:CreateDBSnapshot",
            "rds:DescribeDBClusterSnapshots",
            "rds:DescribeDBClusters",
            "rds:DescribeDBInstances",
            "rds:DescribeDBSnapshots",
            "rds:ListTagsForResource",
        ],
        resources=databases,
    )
    yield statement(
        "CareForBackupsOfDatabases",
        actions=[
            "rds:DeleteDBClusterSnapshot",
            "rds:DeleteDBSnapshot",
            "rds:ModifyDBClusterSnapshotAttribute",
            "rds:ModifyDBSnapshotAttribute",
        ],
        resources=snapshots,
    )


def _of_keys(keys: Sequence[pulumi.Input[str]]) -> Iterator[Statement]:
    every = pulumi.Output.all(*keys).apply(lambda known: sorted(set(known)))
    yield statement(
        "UseTheKeys",
        actions=["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"],
        resources=every,
    )
    yield statement(
        "LendTheKeysToAws",
        actions="kms:CreateGrant",
        resources=every,
        condition={"Bool": {"kms:GrantIsForAWSResource": "true"}},
    )


def _everywhere(account: Account, service: str, resource: str) -> pulumi.Output[str]:
    """In this account, in both regions."""
    return account.arn(service, resource, region="*")
