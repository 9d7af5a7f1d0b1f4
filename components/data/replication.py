"""The copy of a bucket in another region: what is copied, and the role with which S3 copies it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from ..account import Account
from ..children import Children
from ..identity.key import AnyKey
from ..policy import Statement, document, statement, trust
from .bucket_args import BucketArgs
from .private_bucket import PrivateBucket

CHILDREN = ("replication", "replication_role", "replication_policy")


# https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-time-control.html
REPLICATION_MINUTES: Final = 15
"""Within which S3 copies nearly everything where its replication time control is on; S3 knows no other number."""

HOURS_WITHOUT_CONTROL: Final = 3
"""After which a copy is late where it is off: S3 promises nothing then, and large objects take hours."""

RULE_ID: Final = "entire-bucket"


@dataclass(frozen=True, kw_only=True)
class Keys:
    """What encrypts the objects at both ends."""

    source: AnyKey
    copy: AnyKey


def replicate(
    prefix: str,
    args: BucketArgs,
    source: PrivateBucket,
    copy: PrivateBucket,
    region: str,
    keys: Keys | None,
    account: Account,
    child: Children,
) -> None:
    """Copy every object of `source` to `copy`, which is in `region`."""
    role = aws.iam.Role(
        f"{prefix}-replica-role",
        description=f"Copies the objects of {prefix} to {region}.",
        assume_role_policy=trust("s3.amazonaws.com", source_account=account.id, source_arn=source.bucket.arn),
        opts=child("replication_role"),
    )
    policy = aws.iam.RolePolicy(
        f"{prefix}-replica-policy",
        role=role.id,
        policy=document(*_permissions(args, source.bucket.arn, copy.bucket.arn, region, keys, account)),
        opts=child("replication_policy"),
    )
    timed = args.replication_time_control
    aws.s3.BucketReplicationConfig(
        f"{prefix}-replication",
        bucket=source.bucket.id,
        role=role.arn,
        rules=[
            {
                "id": RULE_ID,
                "status": "Enabled",
                "priority": 0,
                "filter": {"prefix": ""},
                "delete_marker_replication": {"status": "Enabled" if args.replicate_deletions else "Disabled"},
                "source_selection_criteria": {"sse_kms_encrypted_objects": {"status": "Enabled"}} if keys else None,
                "destination": {
                    "bucket": copy.bucket.arn,
                    "encryption_configuration": {"replica_kms_key_id": keys.copy.arn} if keys else None,
                    "metrics": {
                        "status": "Enabled",
                        "event_threshold": {"minutes": REPLICATION_MINUTES} if timed else None,
                    },
                    "replication_time": {"status": "Enabled", "time": {"minutes": REPLICATION_MINUTES}}
                    if timed
                    else None,
                },
            }
        ],
        opts=child("replication", depends_on=[source.versioning, copy.versioning, policy]),
    )


def _permissions(
    args: BucketArgs,
    source: pulumi.Output[str],
    copy: pulumi.Output[str],
    region: str,
    keys: Keys | None,
    account: Account,
) -> list[Statement]:
    statements = [
        statement("ReadTheSource", actions=["s3:GetReplicationConfiguration", "s3:ListBucket"], resources=source),
        statement(
            "ReadItsVersions",
            actions=[
                # docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html: to copy the locks, too.
                *(["s3:GetObjectLegalHold", "s3:GetObjectRetention"] if args.object_lock else []),
                *("s3:GetObjectVersionAcl", "s3:GetObjectVersionForReplication", "s3:GetObjectVersionTagging"),
            ],
            resources=pulumi.Output.concat(source, "/*"),
        ),
        statement(
            "WriteTheCopies",
            actions=[
                *(["s3:ReplicateDelete"] if args.replicate_deletions else []),
                *("s3:ReplicateObject", "s3:ReplicateTags"),
            ],
            resources=pulumi.Output.concat(copy, "/*"),
        ),
    ]
    if keys is not None:
        for sid, action, key, where in (
            ("DecryptTheSource", "kms:Decrypt", keys.source, account.region),
            ("EncryptTheCopies", "kms:Encrypt", keys.copy, region),
        ):
            through = {"StringEquals": {"kms:ViaService": pulumi.Output.concat("s3.", where, ".amazonaws.com")}}
            statements.append(statement(sid, actions=action, resources=key.arn, condition=through))
    return statements
