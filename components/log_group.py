"""Groups of CloudWatch Logs: made before what writes to them, which would otherwise make one that keeps its records for
ever, and written to by those who are let."""

from __future__ import annotations

from typing import Protocol

import pulumi
import pulumi_aws as aws

from .policy import Statement, statement


class LogKey(Protocol):
    """A key that lets CloudWatch Logs use it (`KeyArgs.log_groups`)."""

    @property
    def arn(self) -> pulumi.Input[str]: ...


def make_log_group(
    name: str,
    log_name: pulumi.Input[str],
    retention_days: int,
    key: LogKey | None,
    opts: pulumi.ResourceOptions,
) -> aws.cloudwatch.LogGroup:
    """A group that CloudWatch knows as `log_name`."""
    return aws.cloudwatch.LogGroup(
        name, name=log_name, retention_in_days=retention_days, kms_key_id=key.arn if key else None, opts=opts
    )


def write_log(sid: str, log_group_arn: pulumi.Input[str]) -> Statement:
    """Write to a log group. Not CreateLogGroup: one that is deleted must not come back without retention and key."""
    return statement(
        sid,
        actions=["logs:CreateLogStream", "logs:PutLogEvents"],
        resources=pulumi.Output.concat(log_group_arn, ":*"),
    )
