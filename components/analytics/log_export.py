"""CloudWatch logs that flow on into a bucket: a subscription of each log group, and Firehose.

Use: export = LogExport("chat-dev-lake-log-export", LogExportArgs(), log_groups={"database": group.name}, bucket=raw)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

import pulumi
import pulumi_aws as aws
from pydantic import Field

from ..account import Account
from ..alarms import AlarmTopics, Metric
from ..args import ComponentArgs
from ..component import Component
from ..data.bucket import Bucket
from ..errors import ArgumentError
from ..identity.key import DECRYPT_ACTIONS, ENCRYPT_ACTIONS, AnyKey
from ..log_group import make_log_group
from ..policy import statement
from ..service_role import service_role
from ..values import LogRetentionDays, text
from ..widgets import Widget

STREAM: Final = "S3Delivery"


class LogExportArgs(ComponentArgs):
    """Logs that flow on into a bucket. Firehose takes $0.036 for each GB that CloudWatch sends, compressed."""

    folder: Annotated[str, text(r"[a-z0-9][a-z0-9_-]*", "use lower-case letters, digits, - and _")] = "cloudwatch-logs"
    """Under which folder. Firehose adds the hour in UTC at which the records arrived: `2026/01/31/23/`."""

    buffer_seconds: Annotated[int, Field(ge=60, le=900)] = 300
    """How long Firehose gathers records into a file."""

    log_retention_days: LogRetentionDays = 30
    """Days for which Firehose's own complaints are kept."""


class LogExport(Component):
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

    def __init__(
        self,
        name: str,
        args: LogExportArgs,
        *,
        log_groups: Mapping[str, pulumi.Input[str]],
        bucket: Bucket,
        key: AnyKey | None = None,
        log_key: AnyKey | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param log_groups: Title → name of each. CloudWatch allows two subscriptions of a group; this is one of them.
        :param bucket: Where the records go.
        :param key: What encrypts the bucket, and what waits in Firehose.
        :param log_key: What encrypts Firehose's complaints.
        """
        super().__init__(name, args, opts)
        if not log_groups:
            raise ArgumentError("log_groups", [], "would export nothing; name one log group or more")
        self._args, self._bucket = args, bucket
        self._key_arn = key.arn if key else None
        child = self._child
        self._account = Account.of(self)
        stream = self._delivery_stream(log_key)
        self.stream_name = stream.name
        role, policy = service_role(
            name,
            self._account,
            child,
            kind="subscription",
            service="logs.amazonaws.com",
            source_arn=self._account.arn("logs", "*"),
            description=f"Lets CloudWatch Logs send records to {name}.",
            statements=[
                statement("Send", actions=["firehose:PutRecord", "firehose:PutRecordBatch"], resources=stream.arn)
            ],
        )
        for title, group in sorted(log_groups.items()):
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

    def alarms(self, topics: AlarmTopics) -> list[aws.cloudwatch.MetricAlarm]:
        """Records that wait for long: the bucket or the key lets Firehose in no more."""
        late = self._alarm(
            "late",
            description="logs have waited for an hour on their way to S3 and are lost after a day. Look at the log "
            "group "
            f"{log_group_name(self._prefix)}.",
            metric=self._metric("DeliveryToS3.DataFreshness", "Maximum"),
            threshold=3600,
            period_seconds=300,
            periods=1,
            severity="warning",
            topics=topics,
        )
        return [late]

    @property
    def widgets(self) -> list[Widget]:
        """How much flows, and for how long the oldest record has waited."""
        shown = [("IncomingBytes", "Sum"), ("DeliveryToS3.DataFreshness", "Maximum")]
        return [self._graph("Streams (Firehose)", self._metric(*one), period_seconds=300) for one in shown]

    def _metric(self, name: str, statistic: str) -> Metric:
        dimensions = {"DeliveryStreamName": self.stream_name}
        return Metric(namespace="AWS/Firehose", name=name, dimensions=dimensions, statistic=statistic)

    def _delivery_stream(self, log_key: AnyKey | None) -> aws.kinesis.FirehoseDeliveryStream:
        args, name, child = self._args, self._prefix, self._child
        group = make_log_group(
            f"{name}-log-group", log_group_name(name), args.log_retention_days, log_key, child("log_group")
        )
        complaints = aws.cloudwatch.LogStream(
            f"{name}-log-stream", name=STREAM, log_group_name=group.name, opts=child("log_stream")
        )
        statements = [
            statement(
                "FindTheBucket",
                actions=["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
                resources=self._bucket.arn,
            ),
            statement(
                "WriteTheRecords",
                actions=["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"],
                resources=[
                    pulumi.Output.concat(self._bucket.arn, f"/{folder}/*")
                    for folder in (args.folder, f"{args.folder}-failed")
                ],
            ),
            statement("Complain", actions="logs:PutLogEvents", resources=pulumi.Output.concat(group.arn, ":*")),
        ]
        if self._key_arn is not None:
            actions = sorted({*DECRYPT_ACTIONS, *ENCRYPT_ACTIONS})
            statements.append(statement("UseTheKey", actions=actions, resources=self._key_arn))
        role, policy = service_role(
            name,
            self._account,
            child,
            service="firehose.amazonaws.com",
            source_arn=self._account.arn("firehose", f"deliverystream/{name}"),
            description=f"Lets Firehose write what {name} gathers.",
            statements=statements,
        )
        return aws.kinesis.FirehoseDeliveryStream(
            f"{name}-delivery-stream",
            name=name,
            destination="extended_s3",
            server_side_encryption=aws.kinesis.FirehoseDeliveryStreamServerSideEncryptionArgs(
                enabled=True,
                key_type="AWS_OWNED_CMK" if self._key_arn is None else "CUSTOMER_MANAGED_CMK",
                key_arn=self._key_arn,
            ),
            extended_s3_configuration=aws.kinesis.FirehoseDeliveryStreamExtendedS3ConfigurationArgs(
                bucket_arn=self._bucket.arn,
                role_arn=role.arn,
                prefix=f"{args.folder}/",
                error_output_prefix=f"{args.folder}-failed/",
                buffering_interval=args.buffer_seconds,
                buffering_size=64,
                # What CloudWatch sends is gzip already.
                compression_format="UNCOMPRESSED",
                file_extension=".gz",
                kms_key_arn=self._key_arn,
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
