"""How requests reach a service: target groups behind one rule of a load balancer's listener."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pulumi
import pulumi_aws as aws

from components.edge.origin_secret import HEADER
from components.policy import document, statement, trust
from components.refusal import Refusal

if TYPE_CHECKING:
    from components.account import Account
    from components.children import Children

CHILDREN = ("target_group", "listener_rule", "deployment_role", "deployment_policy")

Strategy = Literal["rolling", "blueGreen", "canary"]


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """Which requests the service answers."""

    listener_arn: pulumi.Input[str]
    """The listener, HTTPS as a rule."""

    load_balancer_security_group_id: pulumi.Input[str]
    """The load balancer's group: nobody else reaches the tasks."""

    load_balancer_arn_suffix: pulumi.Input[str]
    """`app/<name>/<id>`, by which metrics know the load balancer."""

    priority: int
    """1 to 50000; rules are tried from the lowest on, and each number can be used once."""

    hosts: Sequence[str] = ()
    """Host names, with `*` and `?`; empty means any."""

    paths: Sequence[str] = ("/*",)
    """Paths, with `*` and `?`."""

    origin_secret: pulumi.Input[str] | None = None
    """What a request must show in the header X-Origin-Secret; without it the listener answers 404. None: nothing."""

    health_path: str = "/health"
    """Must answer 200 while a task may get requests."""

    health_interval_seconds: int = 15
    """Seconds between two checks."""

    healthy_after: int = 2
    """Good answers until a new task gets requests."""

    unhealthy_after: int = 3
    """Bad answers until a task gets none, and is replaced."""

    grace_seconds: int = 60
    """Seconds that a new task has to start in before bad answers count."""

    drain_seconds: int = 30
    """Seconds that open requests have to end in."""

    def __post_init__(self) -> None:
        if not 1 <= self.priority <= 50_000:
            raise Refusal("traffic.priority", self.priority, "is not allowed; use 1 to 50000")
        if not self.hosts and not self.paths:
            raise Refusal("traffic.paths", [], "and no hosts leave nothing to answer; use ['/*'] for everything")
        # A rule may hold five values, all conditions together.
        if len(self.hosts) + len(self.paths) + (self.origin_secret is not None) > 5:
            secret = " and the origin's secret" if self.origin_secret is not None else ""
            raise Refusal(
                "traffic.paths",
                list(self.paths),
                f"and hosts{secret} are more than five, the most that a rule can have",
            )
        if not self.health_path.startswith("/"):
            raise Refusal("traffic.health_path", self.health_path, "is not a path; write one such as /health")
        if not 5 <= self.health_interval_seconds <= 300:
            raise Refusal("traffic.health_interval_seconds", self.health_interval_seconds, "is not 5 to 300")
        for name in ("healthy_after", "unhealthy_after"):
            if not 2 <= getattr(self, name) <= 10:
                raise Refusal(f"traffic.{name}", getattr(self, name), "is not allowed; use 2 to 10")
        if not 0 <= self.drain_seconds <= 110:
            raise Refusal(
                "traffic.drain_seconds", self.drain_seconds, "is not 0 to 110; a task is ended after 120 at the latest"
            )


@dataclass(frozen=True, kw_only=True)
class Way:
    """What was made for the requests of a service."""

    target_groups: Sequence[aws.lb.TargetGroup]
    """One, or two between which deployments shift the requests."""
    rule: aws.lb.ListenerRule
    deployment_role: aws.iam.Role | None
    deployment_policy: aws.iam.RolePolicy | None


def lead_in(
    name: str,
    traffic: Traffic,
    *,
    port: int,
    vpc_id: pulumi.Input[str],
    strategy: Strategy,
    account: Account,
    child: Children,
) -> Way:
    """Target groups, the listener's rule and, where ECS shifts requests itself, the role with which it does."""
    shifts = strategy != "rolling"
    groups = [
        aws.lb.TargetGroup(
            # Named by Pulumi: a group in use cannot be replaced under the same name. AWS allows 32 characters.
            f"{name}-{label}",
            vpc_id=vpc_id,
            target_type="ip",
            protocol="HTTP",
            port=port,
            deregistration_delay=traffic.drain_seconds,
            health_check=aws.lb.TargetGroupHealthCheckArgs(
                path=traffic.health_path,
                protocol="HTTP",
                matcher="200",
                interval=traffic.health_interval_seconds,
                timeout=min(5, traffic.health_interval_seconds - 1),
                healthy_threshold=traffic.healthy_after,
                unhealthy_threshold=traffic.unhealthy_after,
            ),
            opts=child("target_group"),
        )
        for label in (("tg", "tg2") if shifts else ("tg",))
    ]
    rule = aws.lb.ListenerRule(
        f"{name}-listener-rule",
        listener_arn=traffic.listener_arn,
        priority=traffic.priority,
        actions=[_action(groups)],
        conditions=_conditions(traffic),
        # During a deployment ECS moves the weights; an update of ours would move them back.
        opts=child("listener_rule", ignore_changes=["actions"] if shifts else []),
    )
    role, policy = _deployment_role(name, traffic, groups, rule, account, child) if shifts else (None, None)
    return Way(target_groups=groups, rule=rule, deployment_role=role, deployment_policy=policy)


def _action(groups: Sequence[aws.lb.TargetGroup]) -> aws.lb.ListenerRuleActionArgs:
    if len(groups) == 1:
        return aws.lb.ListenerRuleActionArgs(type="forward", target_group_arn=groups[0].arn)
    return aws.lb.ListenerRuleActionArgs(
        type="forward",
        forward=aws.lb.ListenerRuleActionForwardArgs(
            target_groups=[
                aws.lb.ListenerRuleActionForwardTargetGroupArgs(arn=group.arn, weight=weight)
                for group, weight in zip(groups, (100, 0), strict=True)
            ]
        ),
    )


def _conditions(traffic: Traffic) -> list[aws.lb.ListenerRuleConditionArgs]:
    conditions = []
    if traffic.hosts:
        hosts = aws.lb.ListenerRuleConditionHostHeaderArgs(values=list(traffic.hosts))
        conditions.append(aws.lb.ListenerRuleConditionArgs(host_header=hosts))
    if traffic.paths:
        paths = aws.lb.ListenerRuleConditionPathPatternArgs(values=list(traffic.paths))
        conditions.append(aws.lb.ListenerRuleConditionArgs(path_pattern=paths))
    if traffic.origin_secret is not None:
        header = aws.lb.ListenerRuleConditionHttpHeaderArgs(http_header_name=HEADER, values=[traffic.origin_secret])
        conditions.append(aws.lb.ListenerRuleConditionArgs(http_header=header))
    return conditions


def _deployment_role(
    name: str,
    traffic: Traffic,
    groups: Sequence[aws.lb.TargetGroup],
    rule: aws.lb.ListenerRule,
    account: Account,
    child: Children,
) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
    role = aws.iam.Role(
        f"{name}-deployment-role",
        description=f"With it ECS shifts the requests of {name} between two target groups.",
        assume_role_policy=trust("ecs.amazonaws.com", source_account=account.id, source_arn=account.arn("ecs", "*")),
        opts=child("deployment_role"),
    )
    policy = aws.iam.RolePolicy(
        f"{name}-deployment-policy",
        role=role.id,
        policy=document(
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
                resources=[traffic.listener_arn, rule.arn],
            ),
            statement(
                "MoveTasks",
                actions=["elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets"],
                resources=[group.arn for group in groups],
            ),
        ),
        opts=child("deployment_policy"),
    )
    return role, policy
