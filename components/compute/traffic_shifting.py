"""Traffic shifting to a new version of a function: CodeDeploy gives it a share first, and goes back when calls fail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws

from ..account import Account
from ..children import Children
from ..policy import statement
from ..service_role import service_role

DeploymentConfig = Literal[
    "canary10Percent5Minutes",
    "canary10Percent10Minutes",
    "canary10Percent15Minutes",
    "canary10Percent30Minutes",
    "linear10PercentEvery1Minute",
    "linear10PercentEvery2Minutes",
    "linear10PercentEvery3Minutes",
    "linear10PercentEvery10Minutes",
]
"""canary: a tenth of the calls for so long, then all. linear: a tenth more each time. AWS's own configurations."""

CHILDREN = ("rollback_alarm", "shift_role", "shift_policy", "shift_application", "shift_group")


@dataclass(frozen=True, kw_only=True)
class TrafficShifting:
    """What a deployment needs to know, to shift calls."""

    application_name: pulumi.Output[str]
    group_name: pulumi.Output[str]
    application_arn: pulumi.Output[str]
    group_arn: pulumi.Output[str]


def shift_traffic(
    name: str,
    config: DeploymentConfig,
    *,
    function: aws.lambda_.Function,
    alias: aws.lambda_.Alias,
    account: Account,
    child: Children,
) -> TrafficShifting:
    """The CodeDeploy application and group that move an alias. Free, but for the alarm, $0.10 a month."""
    alarm = aws.cloudwatch.MetricAlarm(
        f"{name}-rollback-alarm",
        alarm_description=f"A call of {name} failed. While a deployment shifts calls, it stops and goes back.",
        namespace="AWS/Lambda",
        metric_name="Errors",
        dimensions={"FunctionName": function.name, "Resource": pulumi.Output.concat(function.name, ":", alias.name)},
        statistic="Sum",
        period=60,
        evaluation_periods=1,
        threshold=0,
        comparison_operator="GreaterThanThreshold",
        treat_missing_data="notBreaching",
        opts=child("rollback_alarm"),
    )
    role = _role(name, function, account, child)
    application = aws.codedeploy.Application(
        f"{name}-shift-application",
        name=name,
        compute_platform="Lambda",
        tags={"Name": f"{name}-shift-application"},
        opts=child("shift_application"),
    )
    group = aws.codedeploy.DeploymentGroup(
        f"{name}-shift-group",
        app_name=application.name,
        deployment_group_name=name,
        service_role_arn=role.arn,
        deployment_config_name=f"CodeDeployDefault.Lambda{config[0].upper()}{config[1:]}",
        deployment_style=aws.codedeploy.DeploymentGroupDeploymentStyleArgs(
            deployment_option="WITH_TRAFFIC_CONTROL", deployment_type="BLUE_GREEN"
        ),
        alarm_configuration=aws.codedeploy.DeploymentGroupAlarmConfigurationArgs(
            enabled=True,
            alarms=[alarm.name],
            # An alarm that cannot be asked is no reason to go on.
            ignore_poll_alarm_failure=False,
        ),
        auto_rollback_configuration=aws.codedeploy.DeploymentGroupAutoRollbackConfigurationArgs(
            enabled=True,
            events=["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"],
        ),
        tags={"Name": f"{name}-shift-group"},
        opts=child("shift_group"),
    )
    return TrafficShifting(
        application_name=application.name,
        group_name=group.deployment_group_name,
        application_arn=account.arn("codedeploy", f"application:{name}"),
        group_arn=account.arn("codedeploy", f"deploymentgroup:{name}/{name}"),
    )


def _role(name: str, function: aws.lambda_.Function, account: Account, child: Children) -> aws.iam.Role:
    role, _ = service_role(
        name,
        account,
        child,
        kind="shift",
        service="codedeploy.amazonaws.com",
        source_arn=account.arn("codedeploy", f"deploymentgroup:{name}/{name}"),
        description=f"With it CodeDeploy moves the alias of {name}.",
        statements=[
            statement(
                "MoveTheAlias",
                actions=["lambda:GetAlias", "lambda:GetProvisionedConcurrencyConfig", "lambda:UpdateAlias"],
                resources=[function.arn, pulumi.Output.concat(function.arn, ":*")],
            ),
            # CodeDeploy asks for its alarms by their names, which the action takes on "*" only.
            statement("WatchTheAlarms", actions="cloudwatch:DescribeAlarms", resources="*"),
        ],
    )
    return role
