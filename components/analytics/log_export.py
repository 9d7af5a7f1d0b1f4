"""CloudWatch logs that flow on into a bucket: a subscription of each log group, and Firehose.

Use: export = LogExport("chat-dev-lake-log-export", LogExportArgs(log_groups={"database": group.name}, bucket=raw))
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import pulumi
import pulumi_aws as aws

from components.account import Account
from components.alarms import AlarmTopics, Metric, raise_alarm
from components.children import Children, Transform
from components.data.bucket import Bucket
from components.identity.key import DECRYPT_ACTIONS, ENCRYPT_ACTIONS
from components.policy import document, statement, trust
from components.refusal import Refusal

STREAM: Final = "S3Delivery"


@dataclass(frozen=True, kw_only=True)
class LogExportArgs:
    """What the caller decides about an export. Firehose takes $0.036 for each GB that CloudWatch sends, compressed."""

    log_groups: Mapping[str, pulumi.Input[str]]
    """Title → name of each log group. CloudWatch allows two subscriptions of a group; this is one of them."""

    bucket: Bucket
    """Where the records go."""

    folder: str = "cloudwatch-logs"
    """Under which folder. Firehose adds the hour in UTC at which the records arrived: `2026/01/31/23/`."""

    key_arn: pulumi.Input[str] | None = None
    """The KMS key of the bucket, and of what waits in Firehose."""

    buffer_seconds: int = 300
    """Seconds for which Firehose gathers records into a file, 60 to 900."""

    log_retention_days: int = 30
    """Days for which Firehose's own complaints are kept."""

    log_key_arn: pulumi.Input[str] | None = None
    """The KMS key that encrypts those."""

    transform: Transform = field(default_factory=dict)
    """Changes to the properties of named children, for what this component does not offer."""

    def __post_init__(self) -> None:
        if not self.log_groups:
            raise Refusal("log_groups", [], "would export nothing; name one log group or more")
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", self.folder):
            raise Refusal("folder", self.folder, "is not allowed; use lower-case letters, digits, - and _")
        if not 60 <= self.buffer_seconds <= 900:
            raise Refusal("buffer_seconds", self.buffer_seconds, "is not allowed; Firehose takes 60 to 900")


class LogExport(pulumi.ComponentResource):
    """A delivery stream into a folder of the bucket, and the subscriptions that feed it."""

    CHILDREN = (
        "log_group",
        "log_stream",
        "role",
        "policy",
        "delivery_stream",
        "subscription_role",
        "subscription_policy",
        "subscription",
        "alarm",
    )

    stream_name: pulumi.Output[str]

    def __init__(self, name: str, args: LogExportArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kumiki:analytics:LogExport", name, None, opts)
        self._prefix = name
        self._args = args
        self._child = child = Children(self, args.transform, self.CHILDREN)
        self._account = Account.of(self)
        stream = self._delivery_stream()
        self.stream_name = stream.name
        role = aws.iam.Role(
            f"{name}-subscription-role",
            description=f"Lets CloudWatch Logs send records to {name}.",
            assume_role_policy=trust(
                "logs.amazonaws.com", source_account=self._account.id, source_arn=self._account.arn("logs", "*")
            ),
            opts=child("subscription_role"),
        )
        policy = aws.iam.RolePolicy(
            f"{name}-subscription-policy",
            role=role.id,
            policy=document(
                statement("Send", actions=["firehose:PutRecord", "firehose:PutRecordBatch"], resources=stream.arn)
            ),
            opts=child("subscription_policy"),
        )
        for title, group in sorted(args.log_groups.items()):
            aws.cloudwatch.LogSubscriptionFilter(
                f"{name}-{title}-subscription",
                name=f"{name}-{title}",
                log_group=group,
                destination_arn=stream.arn,
                role_arn=role.arn,
                # Everything: what is of no use is cheaper to drop by a query than to miss.
                filter_pattern="",
                # AWS sends a trial record first.
                opts=child("subscription", depends_on=[policy]),
            )
        self.register_outputs({"streamName": self.stream_name})

    def alarms(self, topics: AlarmTopics) -> None:
        """Records that wait for long: the bucket or the key lets Firehose in no more."""
        raise_alarm(
            f"{self._prefix}-late-alarm",
            means=f"{self._prefix}: logs have waited for an hour on their way to S3 and are lost after a day. "
            f"Look at the log group {log_group_name(self._prefix)}.",
            metric=Metric(
                namespace="AWS/Firehose",
                name="DeliveryToS3.DataFreshness",
                dimensions={"DeliveryStreamName": self.stream_name},
                statistic="Maximum",
            ),
            threshold=3600,
            period_seconds=300,
            periods=1,
            severity="warning",
            topics=topics,
            opts=self._child("alarm"),
        )

    def _delivery_stream(self) -> aws.kinesis.FirehoseDeliveryStream:
        args, name, child = self._args, self._prefix, self._child
        group = aws.cloudwatch.LogGroup(
            f"{name}-log-group",
            name=log_group_name(name),
            retention_in_days=args.log_retention_days,
            kms_key_id=args.log_key_arn,
            opts=child("log_group"),
        )
        complaints = aws.cloudwatch.LogStream(
            f"{name}-log-stream", name=STREAM, log_group_name=group.name, opts=child("log_stream")
        )
        role = aws.iam.Role(
            f"{name}-role",
            description=f"Lets Firehose write what {name} gathers.",
            assume_role_policy=trust(
                "firehose.amazonaws.com",
                source_account=self._account.id,
                source_arn=self._account.arn("firehose", f"deliverystream/{name}"),
            ),
            opts=child("role"),
        )
        statements = [
            statement(
                "FindTheBucket",
                actions=["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
                resources=args.bucket.arn,
            ),
            statement(
                "WriteTheRecords",
                actions=["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"],
                resources=[
                    pulumi.Output.concat(args.bucket.arn, f"/{folder}/*")
                    for folder in (args.folder, f"{args.folder}-failed")
                ],
            ),
            statement("Complain", actions="logs:PutLogEvents", resources=pulumi.Output.concat(group.arn, ":*")),
        ]
        if args.key_arn is not None:
            actions = sorted({*DECRYPT_ACTIONS, *ENCRYPT_ACTIONS})
            statements.append(statement("UseTheKey", actions=actions, resources=args.key_arn))
        policy = aws.iam.RolePolicy(f"{name}-policy", role=role.id, policy=document(*statements), opts=child("policy"))
        return aws.kinesis.FirehoseDeliveryStream(
            f"{name}-delivery-stream",
            name=name,
            destination="extended_s3",
            server_side_encryption=aws.kinesis.FirehoseDeliveryStreamServerSideEncryptionArgs(
                enabled=True,
                key_type="AWS_OWNED_CMK" if args.key_arn is None else "CUSTOMER_MANAGED_CMK",
                key_arn=args.key_arn,
            ),
            extended_s3_configuration=aws.kinesis.FirehoseDeliveryStreamExtendedS3ConfigurationArgs(
                bucket_arn=args.bucket.arn,
                role_arn=role.arn,
                prefix=f"{args.folder}/",
                error_output_prefix=f"{args.folder}-failed/",
                buffering_interval=args.buffer_seconds,
                buffering_size=64,
                # What CloudWatch sends is gzip already.
                compression_format="UNCOMPRESSED",
                file_extension=".gz",
                kms_key_arn=args.key_arn,
                cloudwatch_logging_options=(
                    aws.kinesis.FirehoseDeliveryStreamExtendedS3ConfigurationCloudwatchLoggingOptionsArgs(
                        enabled=True, log_group_name=group.name, log_stream_name=complaints.name
                    )
                ),
            ),
            opts=child("delivery_stream", depends_on=[policy]),
        )


def log_group_name(name: str) -> str:
    """Where Firehose complains of the export called `name`."""
    return f"/aws/kinesisfirehose/{name}"
