"""A private, encrypted, versioned S3 bucket.

Use: uploads = Bucket("wiki-dev-uploads", BucketArgs(), key=key)
     uploads.grant_write(task_role)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pulumi
import pulumi_aws as aws

from ..account import Account
from ..alarms import AlarmTopics, Metric
from ..component import Component
from ..errors import ArgumentError
from ..identity.key import DECRYPT_ACTIONS, ENCRYPT_ACTIONS, AnyKey
from ..policy import Statement, statement
from ..widgets import Widget
from . import private_bucket, replication
from .bucket_args import BucketArgs, ObjectLock
from .log_delivery import admit
from .replication import HOURS_WITHOUT_CONTROL, REPLICATION_MINUTES, RULE_ID

__all__ = ["Bucket", "BucketArgs", "ObjectLock"]


class Bucket(Component):
    """An S3 bucket that nobody reaches without a grant."""

    CHILDREN = (
        *private_bucket.CHILDREN,
        *("logging", "intelligent_tiering", "notification", "grant", "alarm"),
        *replication.CHILDREN,
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
    name_begins: str
    """How the name begins, to which Pulumi adds some letters of its own: a pattern of events must be known before."""
    tells_events: bool
    """Whether EventBridge hears of its objects."""

    def __init__(
        self,
        name: str,
        args: BucketArgs,
        *,
        key: AnyKey | None = None,
        replica_key: AnyKey | None = None,
        access_logs: Bucket | None = None,
        statements: Callable[[pulumi.Output[str]], Sequence[Statement]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param key: What encrypts the objects. Without one the key that AWS manages for S3 in the account (free).
        :param replica_key: What encrypts the replica: a key of its region (keys do not leave theirs).
        :param access_logs: The bucket that records each access to this one; it must receive logs from `s3`.
        :param statements: Further statements for the bucket's policy (a bucket has only one), made from its ARN.
        """
        super().__init__(name, args, opts)
        self._args, self._key = args, key
        if args.encryption == "s3" and key is not None:
            raise ArgumentError("key", "a key", "cannot be used with encryption s3; leave one of them out")
        keys = self._replication_keys(replica_key)
        account = Account.of(self)

        def admitted(arn: pulumi.Output[str]) -> list[Statement]:
            return [*admit(args.receives_logs_from, arn, account), *(statements(arn) if statements else ())]

        made = private_bucket.make(name, args, self._child, key, statements=admitted)
        bucket, policy = made.bucket, made.policy
        if access_logs is not None:
            self._record_access(bucket, access_logs)
        self._tiering(bucket)
        self._copy: aws.s3.Bucket | None = None
        if args.replicate_to:
            copy = private_bucket.make(name, args, self._child, keys and keys.copy, replica_in=args.replicate_to)
            replication.replicate(name, args, made, copy, args.replicate_to, keys, account, self._child)
            self._copy = copy.bucket
        if args.events:
            aws.s3.BucketNotification(
                f"{name}-notification", bucket=bucket.id, eventbridge=True, opts=self._child("notification")
            )

        self.name_begins, self.tells_events = f"{name}-bucket-", args.events
        self.name, self.arn = bucket.bucket, bucket.arn
        self.regional_domain_name = bucket.bucket_regional_domain_name
        self.log_target_name = pulumi.Output.all(bucket.bucket, policy.id).apply(lambda known: known[0])
        self.log_target_arn = pulumi.Output.all(bucket.arn, policy.id).apply(lambda known: known[0])
        self.register_outputs({"name": self.name, "arn": self.arn})

    def grant_read(self, role: aws.iam.Role, folder: str | None = None) -> aws.iam.RolePolicy:
        """Let `role` list and read objects, or those of `folder` only, and nothing more."""
        return self._grant(role, "read", ["s3:GetObject", "s3:GetObjectVersion"], DECRYPT_ACTIONS, folder)

    def grant_list(self, role: aws.iam.Role) -> aws.iam.RolePolicy:
        """Let `role` list the names of all objects, and nothing more.

        What works with a folder as Spark does needs it beside a grant of the folder: S3 says of an object that is not
        there that it is missing, to who may list the bucket; to others that it is forbidden, which ends a job.
        """
        return self._grant(role, "list", [], [])

    def grant_write(self, role: aws.iam.Role, folder: str | None = None) -> aws.iam.RolePolicy:
        """Let `role` list, write and delete objects, or those of `folder` only (a deletion leaves the version)."""
        # Decrypt, because the parts of a large upload are read back when they are put together.
        return self._grant(
            role,
            "write",
            ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:ListMultipartUploadParts", "s3:PutObject"],
            sorted({*ENCRYPT_ACTIONS, *DECRYPT_ACTIONS}),
            folder,
        )

    def alarms(self, topics: AlarmTopics, there: AlarmTopics) -> list[aws.cloudwatch.MetricAlarm]:
        """Objects that reach the copy late or never; none without a copy.

        :param there: Topics in the region of the copy: S3 counts what lags there, and what failed here, and an alarm
            hears metrics and reaches topics of its own region only
            (docs.aws.amazon.com/AmazonS3/latest/userguide/repl-metrics.html).
        """
        region, copy = self._args.replicate_to, self._copy
        if region is None or copy is None:
            return []
        failed, lag = self._of_copy(copy)
        controlled = self._args.replication_time_control
        late = f"{REPLICATION_MINUTES} minutes" if controlled else f"{HOURS_WITHOUT_CONTROL} hours"
        return [
            self._alarm(
                "replication-late",
                description=f"objects reach the copy in {region} more than {late} late, and would be lost if this "
                "region failed now.",
                metric=lag,
                threshold=REPLICATION_MINUTES * 60 if controlled else HOURS_WITHOUT_CONTROL * 3600,
                severity="warning",
                topics=there,
                region=region,
            ),
            self._alarm(
                "replication-failed",
                description=f"objects were not copied to {region}, and S3 does not try again by itself: look at the "
                "role and the keys, then copy them by S3 Batch Replication.",
                metric=failed,
                threshold=0,
                period_seconds=300,
                periods=1,
                severity="critical",
                topics=topics,
            ),
        ]

    @property
    def widgets(self) -> list[Widget]:
        """How late objects reach the copy, and what never did; nothing without a copy."""
        if self._copy is None:
            return []
        section, (failed, lag) = "Copies of buckets (S3)", self._of_copy(self._copy)
        late = self._graph(section, lag, region=self._args.replicate_to)
        return [late, self._graph(section, failed, period_seconds=300)]

    def _of_copy(self, copy: aws.s3.Bucket) -> tuple[Metric, Metric]:
        """What failed, which S3 counts here, and what lags, which it counts there."""
        dimensions = {"SourceBucket": self.name, "DestinationBucket": copy.bucket, "RuleId": RULE_ID}
        return (
            Metric(namespace="AWS/S3", name="OperationsFailedReplication", dimensions=dimensions, statistic="Sum"),
            Metric(namespace="AWS/S3", name="ReplicationLatency", dimensions=dimensions, statistic="Maximum"),
        )

    def _grant(
        self,
        role: aws.iam.Role,
        verb: str,
        actions: Sequence[str],
        key_actions: Sequence[str],
        folder: str | None = None,
    ) -> aws.iam.RolePolicy:
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
        return self._allow(role, verb, *statements)

    def _objects(
        self, verb: str, actions: Sequence[str], key_actions: Sequence[str], folder: str | None
    ) -> list[Statement]:
        objects = [pulumi.Output.concat(self.arn, "/*" if folder is None else f"/{folder}/*")]
        if folder is not None and verb == "write":
            # By an object of this name Spark on AWS notes that there is a folder.
            objects.append(pulumi.Output.concat(self.arn, f"/{folder}_$folder$"))
        statements = [statement(f"{verb.capitalize()}Objects", actions=actions, resources=objects)]
        if self._key is not None:
            statements.append(statement("UseTheKey", actions=key_actions, resources=self._key.arn))
        return statements

    def _replication_keys(self, replica_key: AnyKey | None) -> replication.Keys | None:
        if not self._args.replicate_to or self._args.encryption == "s3":
            return None
        if self._key is None or replica_key is None:
            reason = "needs keys of your own at both ends; give key and replica_key"
            raise ArgumentError("replicate_to", self._args.replicate_to, reason)
        return replication.Keys(source=self._key, copy=replica_key)

    def _record_access(self, bucket: aws.s3.Bucket, archive: Bucket) -> None:
        aws.s3.BucketLogging(
            f"{self._prefix}-logging",
            bucket=bucket.id,
            target_bucket=archive.log_target_name,
            target_prefix="s3-access-logs/",
            # The path then holds account, region, bucket and day, so that Athena reads one day and not everything.
            target_object_key_format={"partitioned_prefix": {"partition_date_source": "EventTime"}},
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
                {"access_tier": "ARCHIVE_ACCESS", "days": 90},
                {"access_tier": "DEEP_ARCHIVE_ACCESS", "days": 180},
            ],
            opts=self._child("intelligent_tiering"),
        )
