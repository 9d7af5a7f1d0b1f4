"""A private, encrypted, versioned S3 bucket.

Use: uploads = Bucket("wiki-dev-uploads", BucketArgs(key_arn=key.arn))
     uploads.grant_write(task_role)
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import pulumi
import pulumi_aws as aws

from components.account import Account
from components.children import Children, Transform
from components.data.lifecycle import LifecycleRule, StorageClass
from components.data.log_delivery import LogSource, admit
from components.identity.key import DECRYPT_ACTIONS, ENCRYPT_ACTIONS
from components.policy import Statement, document, statement, trust
from components.refusal import Refusal, nearest
from components.retention import Retention


@dataclass(frozen=True, kw_only=True)
class ObjectLock:
    """Nobody can delete or overwrite a version until its time is over. Can only be chosen when the bucket is made."""

    mode: Literal["GOVERNANCE", "COMPLIANCE"]
    """GOVERNANCE: principals with a special permission can still delete. COMPLIANCE: nobody can, not even the root
    user; what was written stays, and is paid for, to the end."""

    days: int
    """Days for which each version is locked."""

    def __post_init__(self) -> None:
        if self.mode not in ("GOVERNANCE", "COMPLIANCE"):
            raise Refusal("object_lock.mode", self.mode, "is not allowed; use GOVERNANCE or COMPLIANCE")
        if not 1 <= self.days <= 36500:
            raise Refusal("object_lock.days", self.days, "is not allowed; use 1 to 36500 days")


@dataclass(frozen=True, kw_only=True)
class Replica:
    """A copy of everything in another region. Doubles the storage and adds $0.09 for each GB that is copied."""

    region: str
    """Where the copy is kept."""

    key_arn: pulumi.Input[str] | None = None
    """The KMS key there (keys do not leave their region). Needed when the bucket itself has a key."""


@dataclass(frozen=True, kw_only=True)
class BucketArgs:
    """What the caller decides about a bucket. Privacy, encryption and TLS are not among it."""

    key_arn: pulumi.Input[str] | None = None
    """The KMS key that encrypts the objects. Without one, the key that AWS manages for S3 in the account (free)."""

    encryption: Literal["kms", "s3"] = "kms"
    """s3 only where AWS can write with nothing else: the targets of server access logs and load balancer logs."""

    versioning: bool = True
    """Keep what was overwritten or deleted. Off only for what can be made again, such as a built front end."""

    noncurrent_days: int = 30
    """Days for which an overwritten or deleted version is kept, and paid for."""

    abort_uploads_days: int = 7
    """Days after which the parts of an unfinished upload, which nobody sees and everybody pays for, are removed."""

    lifecycle: Sequence[LifecycleRule] = ()
    """What becomes of objects as they age."""

    intelligent_tiering: bool = False
    """Let S3 move each object by its use ($0.0025 a month for 1,000 objects over 128 KB; no cost to read back).
    After 90 days without use it goes to an archive tier, from which reading takes hours."""

    object_lock: ObjectLock | None = None
    """Keep versions from being deleted by anybody for a time."""

    replica: Replica | None = None
    """Keep a copy in another region."""

    access_log_bucket: pulumi.Input[str] | None = None
    """The name of the bucket that records each access to this one (a Bucket's `log_target_name`)."""

    receives_logs_from: Collection[LogSource] = ()
    """AWS services that may write their logs here, each under its own prefix."""

    statements: Callable[[pulumi.Output[str]], Sequence[Statement]] | None = None
    """Further statements for the bucket's policy (a bucket has only one), made from the bucket's ARN."""

    retention: Retention = "protected"
    """protected: cannot be deleted. ephemeral: is deleted with everything in it."""

    transform: Transform = field(default_factory=dict)
    """Changes to the properties of named children, for what this component does not offer."""

    def __post_init__(self) -> None:
        for source in self.receives_logs_from:
            known = get_args(LogSource)
            if source not in known:
                raise Refusal(
                    "receives_logs_from",
                    source,
                    f"does not write logs to S3; {nearest(source, known)}use {', '.join(known)}",
                )
        if self.encryption == "s3" and self.key_arn is not None:
            raise Refusal("key_arn", "a key", "cannot be used with encryption 's3'; leave one of them out")
        if self.encryption == "kms" and self.receives_logs_from:
            raise Refusal("encryption", "kms", "keeps the log services of AWS from writing here; use 's3'")
        if self.intelligent_tiering and any(rule.prefix == "" and rule.transitions for rule in self.lifecycle):
            raise Refusal(
                "intelligent_tiering", True, "cannot be used with transitions of all objects; choose one of the two"
            )
        if self.noncurrent_days < 1:
            raise Refusal("noncurrent_days", self.noncurrent_days, "is not allowed; use 1 or more days")
        if self.abort_uploads_days < 1:
            raise Refusal("abort_uploads_days", self.abort_uploads_days, "is not allowed; use 1 or more days")
        prefixes = [rule.prefix for rule in self.lifecycle]
        if len(set(prefixes)) != len(prefixes):
            raise Refusal("lifecycle", prefixes, "has two rules for the same prefix; make them one")
        if not self.versioning and (self.object_lock or self.replica):
            raise Refusal("versioning", False, "cannot be off with object_lock or replica, which work on versions")
        if self.object_lock and self.object_lock.mode == "COMPLIANCE" and self.retention == "ephemeral":
            raise Refusal(
                "object_lock.mode", "COMPLIANCE", "cannot be torn down, and retention is ephemeral; use GOVERNANCE"
            )
        if self.object_lock and "s3" in self.receives_logs_from:
            raise Refusal(
                "object_lock",
                self.object_lock.mode,
                "keeps S3 from writing access logs here; use another bucket for them",
            )
        if self.replica and self.key_arn is not None and self.replica.key_arn is None:
            raise Refusal(
                "replica.key_arn", None, f"is needed: a key of the region {self.replica.region} for the copies"
            )
        if self.replica and self.encryption == "kms" and self.key_arn is None:
            raise Refusal(
                "replica", self.replica.region, "needs keys of your own at both ends; set key_arn and replica.key_arn"
            )


class Bucket(pulumi.ComponentResource):
    """An S3 bucket that nobody reaches without a grant."""

    CHILDREN = (
        "bucket",
        "public_access_block",
        "ownership_controls",
        "encryption",
        "versioning",
        "policy",
        "lifecycle",
        "logging",
        "intelligent_tiering",
        "object_lock",
        "replica_bucket",
        "replication",
        "replication_role",
        "replication_policy",
        "grant",
    )

    name: pulumi.Output[str]
    """The name that AWS knows it by."""
    arn: pulumi.Output[str]
    regional_domain_name: pulumi.Output[str]
    """Where CloudFront fetches from."""
    log_target_name: pulumi.Output[str]
    """The name, known only once the policy admits the services in `receives_logs_from`."""
    log_target_arn: pulumi.Output[str]
    """The ARN, known only once the policy admits the services in `receives_logs_from`."""

    def __init__(self, name: str, args: BucketArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kumiki:data:Bucket", name, None, opts)
        self._prefix = name
        self._args = args
        self._child = Children(self, args.transform, self.CHILDREN)
        self._account = Account.of(self)

        bucket, versioning, policy = self._private_bucket("bucket", key_arn=args.key_arn)
        self._access_logs(bucket)
        self._tiering(bucket)
        self._object_lock(bucket, versioning)
        self._replicate(bucket, versioning)

        self.name, self.arn = bucket.bucket, bucket.arn
        self.regional_domain_name = bucket.bucket_regional_domain_name
        self.log_target_name = pulumi.Output.all(bucket.bucket, policy.id).apply(lambda known: known[0])
        self.log_target_arn = pulumi.Output.all(bucket.arn, policy.id).apply(lambda known: known[0])
        self.register_outputs({"name": self.name, "arn": self.arn})

    def grant_read(self, role: aws.iam.Role, folder: str | None = None) -> None:
        """Let `role` list and read objects, or those of `folder` only, and nothing more."""
        self._grant(role, "read", ["s3:GetObject", "s3:GetObjectVersion"], DECRYPT_ACTIONS, folder)

    def grant_list(self, role: aws.iam.Role) -> None:
        """Let `role` list the names of all objects, and nothing more.

        What works with a folder as Spark does needs it beside a grant of the folder: S3 says of an object that is not
        there that it is missing, to who may list the bucket; to others that it is forbidden, which ends a job.
        """
        self._grant(role, "list", [], [])

    def grant_write(self, role: aws.iam.Role, folder: str | None = None) -> None:
        """Let `role` list, write and delete objects, or those of `folder` only (a deletion leaves the version)."""
        # Decrypt, because the parts of a large upload are read back when they are put together.
        self._grant(
            role,
            "write",
            ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:ListMultipartUploadParts", "s3:PutObject"],
            sorted({*ENCRYPT_ACTIONS, *DECRYPT_ACTIONS}),
            folder,
        )

    def _grant(
        self,
        role: aws.iam.Role,
        verb: str,
        actions: Sequence[str],
        key_actions: Sequence[str],
        folder: str | None = None,
    ) -> None:
        if folder is None:
            statements = [
                statement("FindObjects", actions=["s3:GetBucketLocation", "s3:ListBucket"], resources=self.arn)
            ]
        else:
            inside = {"StringLike": {"s3:prefix": [folder, f"{folder}/*"]}}
            statements = [
                statement("FindTheBucket", actions="s3:GetBucketLocation", resources=self.arn),
                statement("FindObjects", actions="s3:ListBucket", resources=self.arn, condition=inside),
            ]
        if actions:
            statements += self._objects(verb, actions, key_actions, folder)
        aws.iam.RolePolicy(
            f"{self._prefix}-{verb}-for-{role.pulumi_resource_name}",
            role=role.id,
            policy=document(*statements),
            opts=self._child("grant"),
        )

    def _objects(
        self, verb: str, actions: Sequence[str], key_actions: Sequence[str], folder: str | None
    ) -> list[Statement]:
        objects = [pulumi.Output.concat(self.arn, "/*" if folder is None else f"/{folder}/*")]
        if folder is not None and verb == "write":
            # By an object of this name Spark on AWS notes that there is a folder.
            objects.append(pulumi.Output.concat(self.arn, f"/{folder}_$folder$"))
        statements = [statement(f"{verb.capitalize()}Objects", actions=actions, resources=objects)]
        if self._args.key_arn is not None:
            statements.append(statement("UseTheKey", actions=key_actions, resources=self._args.key_arn))
        return statements

    def _private_bucket(
        self, kind: Literal["bucket", "replica-bucket"], *, key_arn: pulumi.Input[str] | None, region: str | None = None
    ) -> tuple[aws.s3.Bucket, aws.s3.BucketVersioning, aws.s3.BucketPolicy]:
        """A bucket with everything that makes it private and durable; made once, and once more for a replica."""
        args, protected, is_replica = self._args, self._args.retention == "protected", kind == "replica-bucket"
        stem = f"{self._prefix}-replica" if is_replica else self._prefix
        bucket = aws.s3.Bucket(
            f"{self._prefix}-{kind}",
            force_destroy=not protected,
            object_lock_enabled=True if args.object_lock and not is_replica else None,
            region=region,
            opts=self._child("replica_bucket" if is_replica else "bucket", protect=protected),
        )
        block = aws.s3.BucketPublicAccessBlock(
            f"{stem}-public-access-block",
            bucket=bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            region=region,
            opts=self._child("public_access_block"),
        )
        aws.s3.BucketOwnershipControls(
            f"{stem}-ownership-controls",
            bucket=bucket.id,
            # Access lists of single objects mean nothing; policies alone decide.
            rule=aws.s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
            region=region,
            opts=self._child("ownership_controls"),
        )
        with_kms = args.encryption == "kms"
        aws.s3.BucketServerSideEncryptionConfiguration(
            f"{stem}-encryption",
            bucket=bucket.id,
            rules=[
                aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
                    apply_server_side_encryption_by_default=(
                        aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                            sse_algorithm="aws:kms" if with_kms else "AES256",
                            kms_master_key_id=key_arn,
                        )
                    ),
                    # One call to KMS for many objects: up to 99 % less on the bill for requests.
                    bucket_key_enabled=True if with_kms else None,
                )
            ],
            region=region,
            opts=self._child("encryption"),
        )
        versioning = aws.s3.BucketVersioning(
            f"{stem}-versioning",
            bucket=bucket.id,
            versioning_configuration=aws.s3.BucketVersioningVersioningConfigurationArgs(
                # A bucket that was versioned once can only be suspended; for a new one this is the same as off.
                status="Enabled" if args.versioning else "Suspended"
            ),
            region=region,
            opts=self._child("versioning"),
        )
        statements = list(_tls_only(bucket.arn))
        if not is_replica:
            statements += admit(args.receives_logs_from, bucket.arn, self._account)
            statements += args.statements(bucket.arn) if args.statements else ()
        policy = aws.s3.BucketPolicy(
            f"{stem}-policy",
            bucket=bucket.id,
            policy=document(*statements),
            region=region,
            # S3 refuses two changes of a bucket's access at the same moment.
            opts=self._child("policy", depends_on=[block]),
        )
        aws.s3.BucketLifecycleConfiguration(
            f"{stem}-lifecycle",
            bucket=bucket.id,
            rules=_lifecycle_rules(args),
            region=region,
            opts=self._child("lifecycle", depends_on=[versioning]),
        )
        return bucket, versioning, policy

    def _access_logs(self, bucket: aws.s3.Bucket) -> None:
        if self._args.access_log_bucket is None:
            return
        aws.s3.BucketLogging(
            f"{self._prefix}-logging",
            bucket=bucket.id,
            target_bucket=self._args.access_log_bucket,
            target_prefix="s3-access-logs/",
            # The path then holds account, region, bucket and day, so that Athena reads one day and not everything.
            target_object_key_format=aws.s3.BucketLoggingTargetObjectKeyFormatArgs(
                partitioned_prefix=aws.s3.BucketLoggingTargetObjectKeyFormatPartitionedPrefixArgs(
                    partition_date_source="EventTime"
                )
            ),
            opts=self._child("logging"),
        )

    def _tiering(self, bucket: aws.s3.Bucket) -> None:
        if not self._args.intelligent_tiering:
            return
        aws.s3.BucketIntelligentTieringConfiguration(
            f"{self._prefix}-intelligent-tiering",
            bucket=bucket.id,
            name="entire-bucket",
            tierings=[
                aws.s3.BucketIntelligentTieringConfigurationTieringArgs(access_tier="ARCHIVE_ACCESS", days=90),
                aws.s3.BucketIntelligentTieringConfigurationTieringArgs(access_tier="DEEP_ARCHIVE_ACCESS", days=180),
            ],
            opts=self._child("intelligent_tiering"),
        )

    def _object_lock(self, bucket: aws.s3.Bucket, versioning: aws.s3.BucketVersioning) -> None:
        lock = self._args.object_lock
        if lock is None:
            return
        aws.s3.BucketObjectLockConfiguration(
            f"{self._prefix}-object-lock",
            bucket=bucket.id,
            rule=aws.s3.BucketObjectLockConfigurationRuleArgs(
                default_retention=aws.s3.BucketObjectLockConfigurationRuleDefaultRetentionArgs(
                    mode=lock.mode, days=lock.days
                )
            ),
            opts=self._child("object_lock", depends_on=[versioning]),
        )

    def _replicate(self, bucket: aws.s3.Bucket, versioning: aws.s3.BucketVersioning) -> None:
        replica = self._args.replica
        if replica is None:
            return
        copy, copy_versioning, _ = self._private_bucket(
            "replica-bucket", key_arn=replica.key_arn, region=replica.region
        )
        role = aws.iam.Role(
            f"{self._prefix}-replica-role",
            description=f"Copies the objects of {self._prefix} to {replica.region}.",
            assume_role_policy=trust("s3.amazonaws.com", source_account=self._account.id, source_arn=bucket.arn),
            opts=self._child("replication_role"),
        )
        policy = aws.iam.RolePolicy(
            f"{self._prefix}-replica-policy",
            role=role.id,
            policy=document(*_replication_statements(bucket.arn, copy.arn, self._args, replica, self._account)),
            opts=self._child("replication_policy"),
        )
        own_key = replica.key_arn is not None
        aws.s3.BucketReplicationConfig(
            f"{self._prefix}-replication",
            bucket=bucket.id,
            role=role.arn,
            rules=[
                aws.s3.BucketReplicationConfigRuleArgs(
                    id="entire-bucket",
                    status="Enabled",
                    priority=0,
                    filter=aws.s3.BucketReplicationConfigRuleFilterArgs(prefix=""),
                    # A deletion here deletes nothing there: the copy is also the way back from a mistake.
                    delete_marker_replication=aws.s3.BucketReplicationConfigRuleDeleteMarkerReplicationArgs(
                        status="Disabled"
                    ),
                    source_selection_criteria=aws.s3.BucketReplicationConfigRuleSourceSelectionCriteriaArgs(
                        sse_kms_encrypted_objects=(
                            aws.s3.BucketReplicationConfigRuleSourceSelectionCriteriaSseKmsEncryptedObjectsArgs(
                                status="Enabled"
                            )
                        )
                    )
                    if own_key
                    else None,
                    destination=aws.s3.BucketReplicationConfigRuleDestinationArgs(
                        bucket=copy.arn,
                        encryption_configuration=(
                            aws.s3.BucketReplicationConfigRuleDestinationEncryptionConfigurationArgs(
                                replica_kms_key_id=replica.key_arn
                            )
                        )
                        if replica.key_arn is not None
                        else None,
                    ),
                )
            ],
            opts=self._child("replication", depends_on=[versioning, copy_versioning, policy]),
        )


def _tls_only(arn: pulumi.Output[str]) -> list[Statement]:
    everything = [arn, pulumi.Output.concat(arn, "/*")]
    return [
        statement(
            "DenyPlainHttp",
            effect="Deny",
            principal="*",
            actions="s3:*",
            resources=everything,
            condition={"Bool": {"aws:SecureTransport": "false"}},
        ),
        statement(
            "DenyOldTls",
            effect="Deny",
            principal="*",
            actions="s3:*",
            resources=everything,
            condition={"NumericLessThan": {"s3:TlsVersion": "1.2"}},
        ),
    ]


def _lifecycle_rules(args: BucketArgs) -> list[aws.s3.BucketLifecycleConfigurationRuleArgs]:
    housekeeping = aws.s3.BucketLifecycleConfigurationRuleArgs(
        id="housekeeping",
        status="Enabled",
        filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
        abort_incomplete_multipart_upload=aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
            days_after_initiation=args.abort_uploads_days
        ),
        noncurrent_version_expiration=aws.s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
            noncurrent_days=args.noncurrent_days
        )
        if args.versioning
        else None,
        # A deletion leaves a marker; once no version is left behind it, it goes too.
        expiration=aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(expired_object_delete_marker=True)
        if args.versioning
        else None,
    )
    transitions = {rule.prefix: dict(rule.transitions) for rule in args.lifecycle}
    if args.intelligent_tiering and "" not in transitions:
        transitions[""] = {}
    rules = [housekeeping]
    deletions = {rule.prefix: rule.delete_after_days for rule in args.lifecycle}
    for prefix in sorted(transitions):
        moves: dict[StorageClass, int] = dict(transitions[prefix])
        if args.intelligent_tiering and prefix == "" and not moves:
            moves = {"INTELLIGENT_TIERING": 0}
        days = deletions.get(prefix)
        rules.append(
            aws.s3.BucketLifecycleConfigurationRuleArgs(
                id=f"age:{prefix or 'all'}",
                status="Enabled",
                filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=prefix),
                transitions=[
                    aws.s3.BucketLifecycleConfigurationRuleTransitionArgs(storage_class=storage_class, days=after)
                    for storage_class, after in sorted(moves.items(), key=lambda move: move[1])
                ],
                expiration=aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(days=days) if days else None,
            )
        )
    return rules


def _replication_statements(
    source: pulumi.Output[str], copy: pulumi.Output[str], args: BucketArgs, replica: Replica, account: Account
) -> list[Statement]:
    statements = [
        statement("ReadTheSource", actions=["s3:GetReplicationConfiguration", "s3:ListBucket"], resources=source),
        statement(
            "ReadItsVersions",
            actions=[
                "s3:GetObjectVersionAcl",
                "s3:GetObjectVersionForReplication",
                "s3:GetObjectVersionTagging",
            ],
            resources=pulumi.Output.concat(source, "/*"),
        ),
        statement(
            "WriteTheCopies",
            actions=["s3:ReplicateDelete", "s3:ReplicateObject", "s3:ReplicateTags"],
            resources=pulumi.Output.concat(copy, "/*"),
        ),
    ]
    if args.key_arn is not None and replica.key_arn is not None:
        here = pulumi.Output.concat("s3.", account.region, ".amazonaws.com")
        statements += [
            statement(
                "DecryptTheSource",
                actions="kms:Decrypt",
                resources=args.key_arn,
                condition={"StringEquals": {"kms:ViaService": here}},
            ),
            statement(
                "EncryptTheCopies",
                actions="kms:Encrypt",
                resources=replica.key_arn,
                condition={"StringEquals": {"kms:ViaService": f"s3.{replica.region}.amazonaws.com"}},
            ),
        ]
    return statements
