"""The record of every connection in a VPC, kept in CloudWatch Logs or in a bucket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import pulumi
import pulumi_aws as aws

from components.account import Account
from components.children import Children
from components.policy import document, statement, trust
from components.refusal import Refusal

CHILDREN = ("flow_log", "flow_log_group", "flow_log_role", "flow_log_policy")

RetentionDays = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]
"""The numbers of days for which CloudWatch Logs can keep records."""


@dataclass(frozen=True, kw_only=True)
class FlowLogsToCloudWatch:
    """Searchable at once with Logs Insights; about $0.76 for each GB taken in (ap-northeast-1)."""

    retention_days: RetentionDays = 30
    """Days until a record is deleted."""

    key_arn: pulumi.Input[str] | None = None
    """The KMS key of the log group. Its policy must let CloudWatch Logs use it (`KeyArgs.log_groups`).
    Without one the group is encrypted with a key that AWS owns."""

    aggregation_seconds: Literal[60, 600] = 600
    """Seconds that one record sums up. 60 shows more and costs up to ten times as much."""

    def __post_init__(self) -> None:
        if self.retention_days not in get_args(RetentionDays):
            allowed = ", ".join(str(days) for days in get_args(RetentionDays))
            raise Refusal(
                "retention_days", self.retention_days, f"is not kept by CloudWatch Logs; use one of {allowed}"
            )


@dataclass(frozen=True, kw_only=True)
class FlowLogsToBucket:
    """A third of the price of CloudWatch, as Parquet files by hour that Athena reads; searchable after minutes."""

    bucket_arn: pulumi.Input[str]
    """The bucket; its policy must admit `vpc-flow-logs` (a Bucket's `log_target_arn` waits until it does)."""

    aggregation_seconds: Literal[60, 600] = 600
    """Seconds that one record sums up. 60 shows more and costs up to ten times as much."""


FlowLogs = FlowLogsToCloudWatch | FlowLogsToBucket


def record_flows(
    name: str, logs: FlowLogs, vpc_id: pulumi.Output[str], account: Account, child: Children
) -> aws.ec2.FlowLog:
    """Record every connection in the VPC, accepted or refused."""
    if isinstance(logs, FlowLogsToBucket):
        return aws.ec2.FlowLog(
            f"{name}-flow-log",
            vpc_id=vpc_id,
            traffic_type="ALL",
            log_destination_type="s3",
            log_destination=pulumi.Output.concat(logs.bucket_arn, "/vpc-flow-logs/"),
            destination_options=aws.ec2.FlowLogDestinationOptionsArgs(
                file_format="parquet", hive_compatible_partitions=True, per_hour_partition=True
            ),
            max_aggregation_interval=logs.aggregation_seconds,
            tags={"Name": f"{name}-flow-log"},
            opts=child("flow_log"),
        )
    # Made first: the service would otherwise make a group of its own that keeps its records for ever.
    group = aws.cloudwatch.LogGroup(
        f"{name}-flow-log-group",
        name=flow_log_group_name(name),
        retention_in_days=logs.retention_days,
        kms_key_id=logs.key_arn,
        opts=child("flow_log_group"),
    )
    role = aws.iam.Role(
        f"{name}-flow-log-role",
        description=f"Writes the flow logs of {name}.",
        assume_role_policy=trust(
            "vpc-flow-logs.amazonaws.com", source_account=account.id, source_arn=account.arn("ec2", "vpc-flow-log/*")
        ),
        opts=child("flow_log_role"),
    )
    policy = aws.iam.RolePolicy(
        f"{name}-flow-log-policy",
        role=role.id,
        policy=document(
            statement(
                "WriteToThisGroupOnly",
                actions=[
                    "logs:CreateLogStream",
                    "logs:DescribeLogGroups",
                    "logs:DescribeLogStreams",
                    "logs:PutLogEvents",
                ],
                resources=[group.arn, pulumi.Output.concat(group.arn, ":*")],
            )
        ),
        opts=child("flow_log_policy"),
    )
    return aws.ec2.FlowLog(
        f"{name}-flow-log",
        vpc_id=vpc_id,
        traffic_type="ALL",
        log_destination_type="cloud-watch-logs",
        log_destination=group.arn,
        iam_role_arn=role.arn,
        max_aggregation_interval=logs.aggregation_seconds,
        tags={"Name": f"{name}-flow-log"},
        opts=child("flow_log", depends_on=[policy]),
    )


def flow_log_group_name(name: str) -> str:
    """The log group of the VPC called `name`: a key's policy must name it before it exists."""
    return f"/aws/vpc-flow-logs/{name}"
