"""A service as the target of a load balancer: target groups behind one rule of a listener."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated, Protocol

import pulumi
import pulumi_aws as aws
from pydantic import Field

from ..account import Account
from ..alarms import Metric
from ..args import Args
from ..children import Children
from ..edge.origin_secret import HEADER
from ..errors import Mistake
from ..security_rules import allow_egress, allow_ingress
from ..short_names import digested
from ..values import UrlPath, text
from .service_deployment import Strategy, deployment_role

CHILDREN = (
    "ingress_rule", "load_balancer_egress_rule", "target_group", "listener_rule", "deployment_role",
    "deployment_policy",
)  # fmt: skip

_LONGEST_NAME = 32
"""Of a target group, in AWS."""
_ROOM = _LONGEST_NAME - len("-1234567")
"""What Pulumi leaves of it."""

# https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateRule.html
_MOST_VALUES = 5

# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html#path-conditions
_Path = Annotated[
    str, text(r"""[/*?][A-Za-z0-9_\-.$/~"'@:+&*?]{0,127}""", "write a pattern of paths such as /api/*, in ASCII")
]
_Times = Annotated[int, Field(ge=2, le=10)]


class PublicPaths(Args):
    """What of a service everybody may ask for, without a token."""

    priority: Annotated[int, Field(ge=1, le=50_000)]
    """Below that of the service itself, so that the load balancer finds these paths first."""

    paths: Annotated[list[_Path], Field(min_length=1, max_length=_MOST_VALUES)]
    """Such as /health. The service must do nothing there in anybody's name: no token was judged."""


class LoadBalancerTarget(Args):
    """Which requests of a load balancer a service answers, and how it is found healthy."""

    priority: Annotated[int, Field(ge=1, le=50_000)] = 100
    """Rules are tried from the lowest on, and each number can be used once."""

    hosts: list[str] = []
    """Host names, with `*` and `?`; empty means any."""

    paths: list[_Path] = ["/*"]
    """Paths, with `*` and `?`."""

    health_path: UrlPath = "/health"
    """Must answer 200 while a task may get requests."""

    health_interval_seconds: Annotated[int, Field(ge=5, le=300)] = 15
    """Seconds between two checks."""

    healthy_after: _Times = 2
    """Good answers until a new task gets requests."""

    unhealthy_after: _Times = 3
    """Bad answers until a task gets none, and is replaced."""

    grace_seconds: Annotated[int, Field(ge=0, le=7200)] = 60
    """Seconds that a new task has to start in before bad answers count."""

    drain_seconds: Annotated[int, Field(ge=0, le=110)] = 30
    """Seconds that open requests have to end in; a task is ended after 120 at the latest."""

    signed_in: bool = False
    """Only who brings an access token of the user pool, made for its client, is let in: the load balancer judges it,
    for nothing, and answers 401 itself. Needs HTTPS, a pool with one client, and rolling deployments."""

    public: PublicPaths | None = None
    """With signedIn: paths that need no token."""

    def mistakes(self) -> Iterator[Mistake]:
        if not self.hosts and not self.paths:
            yield Mistake("paths", [], "and no hosts leave nothing to answer; use ['/*'] for everything")
        if self.public is not None and not self.signed_in:
            yield Mistake("public", self.public.paths, "makes no sense where nobody needs a token; remove it")
        elif self.public is not None and self.public.priority >= self.priority:
            why = f"is not below the service's own, {self.priority}, which would be tried first; use a smaller one"
            yield Mistake(("public", "priority"), self.public.priority, why)
        if self.public is not None and _covered(self.paths or ["/*"], self.public.paths):
            why = "are all that the service answers, so nobody would need a token; name fewer, or remove signedIn"
            yield Mistake(("public", "paths"), self.public.paths, why)
        yield from self.mistakes_of_rule(origin_secret=False)

    def mistakes_of_rule(self, *, origin_secret: bool) -> Iterator[Mistake]:
        """More values than a rule can have, in all conditions together."""
        rules = {"paths": self.paths}
        if self.public is not None:
            rules["public"] = self.public.paths
        for field, paths in rules.items():
            if len(self.hosts) + len(paths) + origin_secret > _MOST_VALUES:
                secret = " and the origin's secret" if origin_secret else ""
                why = f"and hosts{secret} are more than five values, the most that a rule can have"
                yield Mistake(field, paths, why)


def _covered(paths: list[str], public: list[str]) -> bool:
    """Whether every one of the paths is public. (A pattern is held against others as a path would be.)"""
    return all(any(fnmatchcase(path, pattern) for pattern in public) for path in paths)


class AnyLoadBalancer(Protocol):
    """What a service needs to know of the load balancer before it."""

    @property
    def listener_arn(self) -> pulumi.Output[str]: ...
    @property
    def security_group_id(self) -> pulumi.Output[str]: ...
    @property
    def arn_suffix(self) -> pulumi.Output[str]: ...
    @property
    def origin_secret(self) -> pulumi.Output[str] | None:
        """What a request must show in the header X-Origin-Secret; without it the listener answers 404."""
        ...


class AnyUserPool(Protocol):
    """What a load balancer needs to know to judge tokens."""

    @property
    def issuer(self) -> pulumi.Output[str]: ...
    @property
    def client_ids(self) -> Mapping[str, pulumi.Output[str]]: ...


@dataclass(frozen=True, kw_only=True)
class TargetGroups:
    """What was made for the requests of a service."""

    port: int
    health_path: str
    groups: Sequence[aws.lb.TargetGroup]
    """One, or two between which deployments shift the requests."""
    rule: aws.lb.ListenerRule
    public_rule: aws.lb.ListenerRule | None
    deployment_role: aws.iam.Role | None
    deployment_policy: aws.iam.RolePolicy | None
    label: pulumi.Output[str]
    """By which scaling knows the requests."""
    dimensions: dict[str, pulumi.Input[str]]
    """By which metrics know them."""

    def metric(self, name: str, statistic: str) -> Metric:
        """What the load balancer tells of them."""
        return Metric(namespace="AWS/ApplicationELB", name=name, dimensions=self.dimensions, statistic=statistic)

    @property
    def resources(self) -> list[pulumi.Resource]:
        """What must be there before the service: a target group without a listener takes none."""
        further = (self.public_rule, self.deployment_policy)
        return [self.rule, *(one for one in further if one is not None)]

    def load_balancer_of(self, container: str) -> aws.ecs.ServiceLoadBalancerArgs:
        """The groups as ECS takes them."""
        shifting = None
        if self.deployment_role is not None:
            shifting = aws.ecs.ServiceLoadBalancerAdvancedConfigurationArgs(
                alternate_target_group_arn=self.groups[1].arn,
                production_listener_rule=self.rule.arn,
                role_arn=self.deployment_role.arn,
            )
        return aws.ecs.ServiceLoadBalancerArgs(
            container_name=container,
            container_port=self.port,
            target_group_arn=self.groups[0].arn,
            advanced_configuration=shifting,
        )


def attach(
    name: str,
    target: LoadBalancerTarget,
    load_balancer: AnyLoadBalancer,
    *,
    group_id: pulumi.Output[str],
    port: int,
    vpc_id: pulumi.Input[str],
    strategy: Strategy,
    user_pool: AnyUserPool | None = None,
    account: Account,
    child: Children,
) -> TargetGroups:
    """The way from the load balancer to the tasks, target groups, the listener's rule and, where ECS shifts requests
    itself, the role with which it does."""
    why, balancer = "Requests and health checks", load_balancer.security_group_id
    opts = child("ingress_rule")
    allow_ingress(f"{name}-ingress-rule", group_id, port, f"{why} of the load balancer", opts, group=balancer)
    opts = child("load_balancer_egress_rule")
    allow_egress(f"{name}-load-balancer-egress-rule", balancer, port, f"{why} to {name}", opts, group=group_id)
    shifts = strategy != "rolling"
    groups = [
        _target_group(name, label, target, port, vpc_id, child) for label in (("tg", "tg2") if shifts else ("tg",))
    ]
    rule = aws.lb.ListenerRule(
        f"{name}-listener-rule",
        listener_arn=load_balancer.listener_arn,
        priority=target.priority,
        actions=[_action(groups)] if user_pool is None else [_judged(user_pool), _action(groups, order=2)],
        conditions=_conditions(target.hosts, target.paths, load_balancer.origin_secret),
        # During a deployment ECS moves the weights; an update of ours would move them back.
        opts=child("listener_rule", ignore_changes=["actions"] if shifts else []),
    )
    public = None
    if target.public is not None:
        public = aws.lb.ListenerRule(
            f"{name}-public-listener-rule",
            listener_arn=load_balancer.listener_arn,
            priority=target.public.priority,
            actions=[_action(groups)],
            conditions=_conditions(target.hosts, target.public.paths, load_balancer.origin_secret),
            opts=child("listener_rule"),
        )
    role, policy = (None, None)
    if shifts:
        role, policy = deployment_role(name, load_balancer.listener_arn, groups, rule, account, child)
    return TargetGroups(
        port=port,
        health_path=target.health_path,
        groups=groups,
        rule=rule,
        public_rule=public,
        deployment_role=role,
        deployment_policy=policy,
        label=pulumi.Output.concat(load_balancer.arn_suffix, "/", groups[0].arn_suffix),
        dimensions={"TargetGroup": groups[0].arn_suffix, "LoadBalancer": load_balancer.arn_suffix},
    )


def _target_group(
    prefix: str, label: str, target: LoadBalancerTarget, port: int, vpc_id: pulumi.Input[str], child: Children
) -> aws.lb.TargetGroup:
    name = f"{prefix}-{label}"
    return aws.lb.TargetGroup(
        name,
        # By Pulumi where there is room for its suffix: a group in use cannot be replaced under the same name. Else one
        # that changes with the port; beside the network nothing else replaces a group.
        name=None if len(name) <= _ROOM else digested(prefix, _LONGEST_NAME, ending=f"-{label}", also=str(port)),
        vpc_id=vpc_id,
        target_type="ip",
        protocol="HTTP",
        port=port,
        deregistration_delay=target.drain_seconds,
        health_check=aws.lb.TargetGroupHealthCheckArgs(
            path=target.health_path,
            protocol="HTTP",
            matcher="200",
            interval=target.health_interval_seconds,
            timeout=min(5, target.health_interval_seconds - 1),
            healthy_threshold=target.healthy_after,
            unhealthy_threshold=target.unhealthy_after,
        ),
        opts=child("target_group"),
    )


def _judged(pool: AnyUserPool) -> aws.lb.ListenerRuleActionArgs:
    """Lets on who brings an access token that the pool has made for its client and that has not ended; who does not is
    answered 401. Id tokens tell a program who somebody is, and are no permission
    (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-verify-jwt.html)."""
    ((_, client),) = pool.client_ids.items()
    claims = {"token_use": "access", "client_id": client}
    return aws.lb.ListenerRuleActionArgs(
        type="jwt-validation",
        order=1,
        jwt_validation=aws.lb.ListenerRuleActionJwtValidationArgs(
            issuer=pool.issuer,
            jwks_endpoint=pulumi.Output.concat(pool.issuer, "/.well-known/jwks.json"),
            additional_claims=[
                aws.lb.ListenerRuleActionJwtValidationAdditionalClaimArgs(
                    format="single-string", name=name, values=[value]
                )
                for name, value in claims.items()
            ],
        ),
    )


def _action(groups: Sequence[aws.lb.TargetGroup], *, order: int | None = None) -> aws.lb.ListenerRuleActionArgs:
    if len(groups) == 1:
        return aws.lb.ListenerRuleActionArgs(type="forward", target_group_arn=groups[0].arn, order=order)
    return aws.lb.ListenerRuleActionArgs(
        type="forward",
        forward=aws.lb.ListenerRuleActionForwardArgs(
            target_groups=[
                aws.lb.ListenerRuleActionForwardTargetGroupArgs(arn=group.arn, weight=weight)
                for group, weight in zip(groups, (100, 0), strict=True)
            ]
        ),
    )


def _conditions(
    hosts: Sequence[str], paths: Sequence[str], origin_secret: pulumi.Output[str] | None
) -> list[aws.lb.ListenerRuleConditionArgs]:
    conditions = []
    if hosts:
        known = aws.lb.ListenerRuleConditionHostHeaderArgs(values=hosts)
        conditions.append(aws.lb.ListenerRuleConditionArgs(host_header=known))
    if paths:
        asked = aws.lb.ListenerRuleConditionPathPatternArgs(values=paths)
        conditions.append(aws.lb.ListenerRuleConditionArgs(path_pattern=asked))
    if origin_secret is not None:
        header = aws.lb.ListenerRuleConditionHttpHeaderArgs(http_header_name=HEADER, values=[origin_secret])
        conditions.append(aws.lb.ListenerRuleConditionArgs(http_header=header))
    return conditions
