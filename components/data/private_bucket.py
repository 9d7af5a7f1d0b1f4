"""A bucket with everything that makes it private and durable: a component's own, and once more its replica."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from ..children import Children
from ..identity.key import AnyKey
from ..policy import Statement, document, statement
from ..values import StorageClass
from .bucket_args import BucketArgs

CHILDREN = (
    *("bucket", "replica_bucket", "public_access_block", "ownership_controls", "encryption", "versioning", "policy"),
    *("lifecycle", "object_lock"),
)

_MFA_DELETE_TAG = "MfaDelete"
"""Of a bucket for which somebody switches MFA delete on; the policy pack asks for no lifecycle there."""


@dataclass(frozen=True, kw_only=True)
class PrivateBucket:
    """The bucket, and what others wait for."""

    bucket: aws.s3.Bucket
    versioning: aws.s3.BucketVersioning
    policy: aws.s3.BucketPolicy


def make(
    prefix: str,
    args: BucketArgs,
    child: Children,
    key: AnyKey | None,
    *,
    statements: Callable[[pulumi.Output[str]], Iterable[Statement]] = lambda _: (),
    replica_in: str | None = None,
) -> PrivateBucket:
    """Nobody reaches it without a grant, and then by TLS. `statements`, made from its ARN, let others in; `replica_in`
    is the region where it is a replica."""
    protected, is_replica, region = args.retention == "protected", replica_in is not None, replica_in
    kind, stem = ("replica-bucket", f"{prefix}-replica") if is_replica else ("bucket", prefix)
    bucket = aws.s3.Bucket(
        f"{prefix}-{kind}",
        force_destroy=not protected,
        # Of the copy too: S3 copies locked objects into such a bucket only (DstBucketObjectLockConfigMissing,
        # docs.aws.amazon.com/AmazonS3/latest/userguide/replication-failure-codes.html).
        object_lock_enabled=True if args.object_lock else None,
        region=region,
        tags={_MFA_DELETE_TAG: "by-hand"} if args.mfa_delete else None,
        opts=child("replica_bucket" if is_replica else "bucket", protect=protected),
    )
    block = aws.s3.BucketPublicAccessBlock(
        f"{stem}-public-access-block",
        bucket=bucket.id,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        region=region,
        opts=child("public_access_block"),
    )
    aws.s3.BucketOwnershipControls(
        f"{stem}-ownership-controls",
        bucket=bucket.id,
        # Access lists of single objects mean nothing; policies alone decide.
        rule={"object_ownership": "BucketOwnerEnforced"},
        region=region,
        opts=child("ownership_controls"),
    )
    with_kms = args.encryption == "kms"
    aws.s3.BucketServerSideEncryptionConfiguration(
        f"{stem}-encryption",
        bucket=bucket.id,
        rules=[
            {
                "apply_server_side_encryption_by_default": {
                    "sse_algorithm": "aws:kms" if with_kms else "AES256",
                    "kms_master_key_id": key.arn if key else None,
                },
                # One call to KMS for many objects: up to 99 % less on the bill for requests.
                "bucket_key_enabled": with_kms,
                # As S3 does by itself since April 2026; what it fills in, an update would take away again.
                "blocked_encryption_types": ["SSE-C"],
            }
        ],
        region=region,
        opts=child("encryption"),
    )
    versioning = aws.s3.BucketVersioning(
        f"{stem}-versioning",
        bucket=bucket.id,
        # A bucket that was versioned once can only be suspended; for a new one this is the same as off.
        versioning_configuration={"status": "Enabled" if args.versioning else "Suspended"},
        region=region,
        opts=child("versioning"),
    )
    policy = aws.s3.BucketPolicy(
        f"{stem}-policy",
        bucket=bucket.id,
        policy=document(*_tls_only(bucket.arn), *statements(bucket.arn)),
        region=region,
        # S3 refuses two changes of a bucket's access at the same moment.
        opts=child("policy", depends_on=[block]),
    )
    if not args.mfa_delete:
        aws.s3.BucketLifecycleConfiguration(
            f"{stem}-lifecycle",
            bucket=bucket.id,
            rules=list(_lifecycle_rules(args)),
            region=region,
            opts=child("lifecycle", depends_on=[versioning]),
        )
    if args.object_lock:
        aws.s3.BucketObjectLockConfiguration(
            f"{stem}-object-lock",
            bucket=bucket.id,
            rule={"default_retention": {"mode": args.object_lock.mode, "days": args.object_lock.days}},
            region=region,
            opts=child("object_lock", depends_on=[versioning]),
        )
    return PrivateBucket(bucket=bucket, versioning=versioning, policy=policy)


def _tls_only(arn: pulumi.Output[str]) -> list[Statement]:
    everything = [arn, pulumi.Output.concat(arn, "/*")]
    refused = {
        "DenyPlainHttp": {"Bool": {"aws:SecureTransport": "false"}},
        "DenyOldTls": {"NumericLessThan": {"s3:TlsVersion": "1.2"}},
    }
    return [
        statement(sid, effect="Deny", principal="*", actions="s3:*", resources=everything, condition=condition)
        for sid, condition in refused.items()
    ]


def _lifecycle_rules(args: BucketArgs) -> Iterator[aws.s3.BucketLifecycleConfigurationRuleArgsDict]:
    yield {
        "id": "housekeeping",
        "status": "Enabled",
        "filter": {"prefix": ""},
        "abort_incomplete_multipart_upload": {"days_after_initiation": args.abort_uploads_days},
        "noncurrent_version_expiration": {"noncurrent_days": args.noncurrent_days} if args.versioning else None,
        # A deletion leaves a marker; once no version is left behind it, it goes too.
        "expiration": {"expired_object_delete_marker": True} if args.versioning else None,
    }
    moves: dict[str, dict[StorageClass, int]] = {rule.prefix: rule.transitions for rule in args.lifecycle}
    deletions = {rule.prefix: rule.delete_after_days for rule in args.lifecycle}
    if args.intelligent_tiering:
        # There is no other move of all objects (`BucketArgs.mistakes`).
        moves[""] = {"INTELLIGENT_TIERING": 0}
    for prefix, transitions in sorted(moves.items()):
        days = deletions.get(prefix)
        yield {
            "id": f"age:{prefix or 'all'}",
            "status": "Enabled",
            "filter": {"prefix": prefix},
            "transitions": [
                {"storage_class": storage_class, "days": after}
                for storage_class, after in sorted(transitions.items(), key=lambda move: move[1])
            ],
            "expiration": {"days": days} if days else None,
        }
