"""The record of every connection in a VPC, kept in CloudWatch Logs or in a bucket."""

from __future__ import annotations

from typing import Literal, Protocol

import pulumi
import pulumi_aws as aws

from ..account import Account
from ..args import Args
from ..children import Children
from ..errors import ArgumentError
from ..identity.key import AnyKey
from ..log_group import make_log_group
from ..policy import statement
from ..service_role import service_role
from ..values import LogRetentionDays

CHILDREN = ("flow_log", "flow_log_group", "flow_log_role", "flow_log_policy")


class FlowLogs(Args):
    """The record of every connection in the VPC."""

    destination: Literal["cloudwatch", "s3"] = "cloudwatch"
    """cloudwatch: searchable at once with Logs Insights; about $0.76 for each GB taken in (ap-northeast-1). s3: a third
    of that, as Parquet files by hour in the archive of logs, which Athena reads; searchable after minutes."""

    aggregation_seconds: Literal[60, 600] = 600
    """Seconds that one record sums up. 60 shows more and costs up to ten times as much."""


class LogArchive(Protocol):
    """A bucket that AWS services write their logs to."""

    @property
    def log_target_arn(self) -> pulumi.Output[str]: ...


def record(
    name: str,
    logs: FlowLogs,
    vpc_id: pulumi.Output[str],
    account: Account,
    child: Children,
    *,
    retention_days: LogRetentionDays,
    key: AnyKey | None,
    archive: LogArchive | None,
) -> pulumi.Output[str] | None:
    """Record every connection in the VPC, accepted or refused, in a log group, whose name is the answer, or in a bucket
    that receives logs from `vpc-flow-logs`."""
    waits: list[pulumi.Resource] = []
    group_name = None
    if logs.destination == "cloudwatch":
        group, role, policy = _log_group(name, account, child, retention_days, key)
        waits = [policy]
        group_name = group.name
        where = {"log_destination_type": "cloud-watch-logs", "log_destination": group.arn, "iam_role_arn": role.arn}
    elif archive is not None:
        where = {
            "log_destination_type": "s3",
            "log_destination": pulumi.Output.concat(archive.log_target_arn, "/vpc-flow-logs/"),
            "destination_options": aws.ec2.FlowLogDestinationOptionsArgs(
                file_format="parquet", hive_compatible_partitions=True, per_hour_partition=True
            ),
        }
    else:
        raise ArgumentError("flow_logs.destination", "s3", "needs the bucket; give log_archive")
    aws.ec2.FlowLog(
        f"{name}-flow-log",
        vpc_id=vpc_id,
        traffic_type="ALL",
        max_aggregation_interval=logs.aggregation_seconds,
        tags={"Name": f"{name}-flow-log"},
        opts=child("flow_log", depends_on=waits),
        **where,
    )
    return group_name


def _log_group(
    name: str, account: Account, child: Children, retention_days: LogRetentionDays, key: AnyKey | None
) -> tuple[aws.cloudwatch.LogGroup, aws.iam.Role, aws.iam.RolePolicy]:
    group = make_log_group(
        f"{name}-flow-log-group", f"/aws/vpc-flow-logs/{name}", retention_days, key, child("flow_log_group")
    )
    role, policy = service_role(
        name,
        account,
        child,
        kind="flow_log",
        service="vpc-flow-logs.amazonaws.com",
        source_arn=account.arn("ec2", "vpc-flow-log/*"),
        description=f"Writes the flow logs of {name}.",
        statements=[
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
        ],
    )
    return group, role, policy
