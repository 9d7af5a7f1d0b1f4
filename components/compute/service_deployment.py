"""How ECS brings new tasks of a service: rolling, or by shifting requests between two target groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import pulumi
import pulumi_aws as aws

from ..account import Account
from ..children import Children
from ..policy import statement
from ..service_role import service_role

Strategy = Literal["rolling", "blueGreen", "canary"]

_CANARY_MINUTES = 5
"""For which the first tenth of the requests is watched."""


def deployment_configuration(strategy: Strategy, bake_minutes: int) -> aws.ecs.ServiceDeploymentConfigurationArgs:
    """How ECS moves to new tasks."""
    configuration = aws.ecs.ServiceDeploymentConfigurationArgs
    if strategy == "rolling":
        return configuration(strategy="ROLLING")
    bake = str(bake_minutes)
    if strategy == "blueGreen":
        return configuration(strategy="BLUE_GREEN", bake_time_in_minutes=bake)
    return configuration(
        strategy="CANARY",
        bake_time_in_minutes=bake,
        canary_configuration=aws.ecs.ServiceDeploymentConfigurationCanaryConfigurationArgs(
            canary_percent=10, canary_bake_time_in_minutes=str(_CANARY_MINUTES)
        ),
    )


def deployment_timeouts(strategy: Strategy, bake_minutes: int) -> pulumi.CustomTimeouts | None:
    """The provider's own are 20 minutes, for a deployment that does not bake."""
    if strategy == "rolling":
        return None
    minutes = f"{20 + _CANARY_MINUTES + bake_minutes}m"
    return pulumi.CustomTimeouts(create=minutes, update=minutes)


def deployment_role(
    name: str,
    listener_arn: pulumi.Input[str],
    groups: Sequence[aws.lb.TargetGroup],
    rule: aws.lb.ListenerRule,
    account: Account,
    child: Children,
) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
    """With it ECS shifts requests between the groups: of this listener, this rule and these groups alone."""
    return service_role(
        name,
        account,
        child,
        kind="deployment",
        service="ecs.amazonaws.com",
        source_arn=account.arn("ecs", "*"),
        description=f"With it ECS shifts the requests of {name} between two target groups.",
        statements=[
            # The Describe actions know no resources.
            statement(
                "LookAround",
                actions=[
                    "elasticloadbalancing:DescribeListeners",
                    "elasticloadbalancing:DescribeRules",
                    "elasticloadbalancing:DescribeTargetGroups",
                    "elasticloadbalancing:DescribeTargetHealth",
                ],
                resources="*",
            ),
            statement(
                "ShiftRequests",
                actions=["elasticloadbalancing:ModifyListener", "elasticloadbalancing:ModifyRule"],
                resources=[listener_arn, rule.arn],
            ),
            statement(
                "MoveTasks",
                actions=["elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets"],
                resources=[group.arn for group in groups],
            ),
        ],
    )
