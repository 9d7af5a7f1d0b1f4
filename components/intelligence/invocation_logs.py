"""The record of every request to a model: in a bucket, and in a log group where it can be searched.

Use: logs = InvocationLogs("wiki-dev-model-logs", InvocationLogsArgs(), bucket=bucket)

One for all of an account in a region: the second stack adopts that of the first, or it would be taken over.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import pulumi
import pulumi_aws as aws
from pydantic import Field

from ..account import Account
from ..args import ComponentArgs
from ..component import Component
from ..data.bucket import Bucket
from ..identity.key import AnyKey
from ..log_group import make_log_group
from ..policy import Statement, statement
from ..service_role import service_role
from ..values import LogRetentionDays

SERVICE = "bedrock.amazonaws.com"
_PREFIX = "model-invocations"
_STREAM = "aws/bedrock/modelinvocations"
"""What Bedrock calls the stream that it writes (…/userguide/model-invocation-logging.html)."""


class InvocationLogsArgs(ComponentArgs):
    """Prompts and answers, word by word: personal data, if any is in them. CloudWatch takes $0.76 for each GB."""

    way: Literal["create", "adopt"] = "create"
    """create: made here. adopt: the account has one in this region already, of another stack."""

    delete_after_days: Annotated[int, Field(ge=1, le=3653)] = 365
    """Days until a record in the bucket is deleted."""

    log_retention_days: LogRetentionDays = 30
    """Days until CloudWatch deletes its copy of a record. In YAML left out: the stack's."""


class InvocationLogs(Component):
    """Bedrock's log of invocations, and what lets it write there and nowhere else."""

    CHILDREN = ("log_group", "role", "policy", "configuration")

    log_group_name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: InvocationLogsArgs,
        *,
        bucket: Bucket,
        logs_key: AnyKey | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param bucket: Where the records go, in the same region; its policy has `invocation_statements`, and the policy
            of its key lets `bedrock.amazonaws.com` use that.
        :param logs_key: What encrypts the log group; its policy must admit `/aws/bedrock/{name}`.
        """
        super().__init__(name, args, opts)
        account = Account.of(self)
        group = make_log_group(
            f"{name}-log-group", f"/aws/bedrock/{name}", args.log_retention_days, logs_key, self._child("log_group")
        )
        role, policy = service_role(
            name,
            account,
            self._child,
            service=SERVICE,
            source_arn=account.arn("bedrock", "*"),
            description=f"With it Bedrock writes {name}.",
            statements=[
                statement(
                    "WriteTheRecord",
                    actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                    resources=pulumi.Output.concat(group.arn, f":log-stream:{_STREAM}"),
                )
            ],
        )
        where = {"bucket_name": bucket.log_target_name, "key_prefix": _PREFIX}
        aws.bedrockmodel.InvocationLoggingConfiguration(
            f"{name}-configuration",
            logging_config=aws.bedrockmodel.InvocationLoggingConfigurationLoggingConfigArgs(
                s3_config=aws.bedrockmodel.InvocationLoggingConfigurationLoggingConfigS3ConfigArgs(**where),
                cloudwatch_config=aws.bedrockmodel.InvocationLoggingConfigurationLoggingConfigCloudwatchConfigArgs(
                    log_group_name=group.name,
                    role_arn=role.arn,
                    # What is longer than 100 KB does not fit into an event.
                    large_data_delivery_s3_config=aws.bedrockmodel.InvocationLoggingConfigurationLoggingConfigCloudwatchConfigLargeDataDeliveryS3ConfigArgs(
                        **where
                    ),
                ),
                text_data_delivery_enabled=True,
                # Vectors say nothing to who reads a log, and images are not asked for.
                embedding_data_delivery_enabled=False,
                image_data_delivery_enabled=False,
                video_data_delivery_enabled=False,
            ),
            # Bedrock tries both ways when it is told of them.
            opts=self._child("configuration", depends_on=[policy]),
        )
        self.log_group_name = group.name
        self.register_outputs({"logGroupName": self.log_group_name})


def invocation_statements(bucket_arn: pulumi.Output[str], account: Account) -> Sequence[Statement]:
    """For a bucket's policy: lets Bedrock write the records of this account."""
    return [
        statement(
            "RecordsOfModelInvocations",
            principal={"Service": SERVICE},
            actions="s3:PutObject",
            resources=pulumi.Output.concat(
                bucket_arn, f"/{_PREFIX}/AWSLogs/", account.id, "/BedrockModelInvocationLogs/*"
            ),
            condition={
                "StringEquals": {"aws:SourceAccount": account.id},
                "ArnLike": {"aws:SourceArn": account.arn("bedrock", "*")},
            },
        )
    ]
