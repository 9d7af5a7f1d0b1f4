"""What ECS may do with the infrastructure role of an Express service: make what stands before it, and no more.

As AWS's own AmazonECSInfrastructureRoleforExpressGatewayServices, version 6 of 12 February 2026, within one region and
one network. AWS adds to that when Express Mode learns more: where a deployment is refused, compare the two.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pulumi

from ..account import Account
from ..policy import Condition, Statement, statement

_TAG: Final = "AmazonECSManaged"
"""With what ECS tags all that it makes; what others made has it not."""
_ON_THE_THING: Final[Condition] = {"StringEquals": {f"aws:ResourceTag/{_TAG}": "true"}}
_IN_THE_REQUEST: Final[Condition] = {"StringEquals": {f"aws:RequestTag/{_TAG}": "true"}}
_BALANCING: Final = ("loadbalancer/app/*/*", "listener/app/*/*/*", "listener-rule/app/*/*/*/*", "targetgroup/*/*")


def infrastructure_statements(account: Account, vpc_id: pulumi.Input[str]) -> Iterator[Statement]:
    """The load balancer and its certificate, security groups, scaling, alarms and log groups, by services."""
    yield statement(
        "MakeTheRolesOfServices",
        actions="iam:CreateServiceLinkedRole",
        resources=pulumi.Output.format("arn:{}:iam::{}:role/aws-service-role/*", account.partition, account.id),
        condition={
            "StringEquals": {
                "iam:AWSServiceName": [
                    "ecs.application-autoscaling.amazonaws.com",
                    "elasticloadbalancing.amazonaws.com",
                ]
            }
        },
    )
    yield from _balancing(account)
    yield from _security_groups(account, pulumi.Output.concat(account.arn("ec2", "vpc/"), vpc_id))
    yield from _scaling(account)
    yield from _watching(account)


def _balancing(account: Account) -> Iterator[Statement]:
    made = [account.arn("elasticloadbalancing", kind) for kind in _BALANCING]
    kinds = ("Listener", "LoadBalancer", "Rule", "TargetGroup")
    yield statement(
        "BalanceLoad",
        actions=[
            *(f"elasticloadbalancing:{verb}{kind}" for verb in ("Create", "Delete") for kind in kinds),
            *("elasticloadbalancing:ModifyListener", "elasticloadbalancing:ModifyRule"),
            *("elasticloadbalancing:AddListenerCertificates", "elasticloadbalancing:RemoveListenerCertificates"),
            *("elasticloadbalancing:RegisterTargets", "elasticloadbalancing:DeregisterTargets"),
        ],
        resources=made,
        condition=_ON_THE_THING,
    )
    yield statement(
        "TagWhatBalancesLoad",
        actions="elasticloadbalancing:AddTags",
        resources=made,
        condition={"StringEquals": {"elasticloadbalancing:CreateAction": [f"Create{kind}" for kind in kinds]}},
    )
    # The actions that look up know no resources.
    yield statement(
        "LookUpWhatBalancesLoad",
        actions=[
            f"elasticloadbalancing:Describe{what}"
            for what in ("Listeners", "LoadBalancers", "Rules", "TargetGroups", "TargetHealth")
        ],
        resources="*",
    )
    yield statement(
        "CertifyTheAddress",
        actions=[
            *("acm:AddTagsToCertificate", "acm:DeleteCertificate", "acm:DescribeCertificate"),
            "acm:RequestCertificate",
        ],
        resources=account.arn("acm", "certificate/*"),
        condition=_ON_THE_THING,
    )


def _security_groups(account: Account, vpc: pulumi.Input[str]) -> Iterator[Statement]:
    groups, rules = account.arn("ec2", "security-group/*"), account.arn("ec2", "security-group-rule/*")
    opens = ["ec2:AuthorizeSecurityGroupEgress", "ec2:AuthorizeSecurityGroupIngress"]
    closes = ["ec2:RevokeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress"]
    yield statement("MakeGroupsInTheNetwork", actions="ec2:CreateSecurityGroup", resources=vpc)
    yield statement(
        "MakeGroupsWithTheTag",
        actions=["ec2:CreateSecurityGroup", *opens],
        resources=[groups, rules],
        condition=_IN_THE_REQUEST,
    )
    yield statement(
        "ChangeItsGroups",
        actions=["ec2:DeleteSecurityGroup", *opens, *closes],
        resources=groups,
        condition=_ON_THE_THING,
    )
    yield statement(
        "TagItsGroups",
        actions="ec2:CreateTags",
        resources=[groups, rules],
        condition={
            "StringEquals": {"ec2:CreateAction": ["CreateSecurityGroup", *(one.partition(":")[2] for one in opens)]}
        },
    )
    # The actions that look up know no resources.
    yield statement(
        "LookUpTheNetwork",
        actions=[f"ec2:Describe{what}" for what in ("RouteTables", "SecurityGroups", "Subnets", "Vpcs")],
        resources="*",
    )


def _scaling(account: Account) -> Iterator[Statement]:
    targets, prefix = account.arn("application-autoscaling", "scalable-target/*"), "application-autoscaling"
    yield statement(
        "ScaleItsServices",
        actions=[f"{prefix}:{what}" for what in ("DeregisterScalableTarget", "RegisterScalableTarget", "TagResource")],
        resources=targets,
        condition=_ON_THE_THING,
    )
    yield statement(
        "SayHowServicesScale",
        actions=[f"{prefix}:DeleteScalingPolicy", f"{prefix}:PutScalingPolicy"],
        resources=targets,
        condition={"StringEquals": {"application-autoscaling:service-namespace": "ecs"}},
    )
    yield statement(
        "LookUpHowServicesScale",
        actions=[f"{prefix}:Describe{what}" for what in ("ScalableTargets", "ScalingActivities", "ScalingPolicies")],
        resources=targets,
    )


def _watching(account: Account) -> Iterator[Statement]:
    alarms, logs = account.arn("cloudwatch", "alarm:*"), account.arn("logs", "log-group:*")
    yield statement(
        "MakeAlarmsOnDeployments",
        actions=["cloudwatch:PutMetricAlarm", "cloudwatch:TagResource"],
        resources=alarms,
        condition=_IN_THE_REQUEST,
    )
    yield statement(
        "LookUpAndDeleteItsAlarms",
        actions=["cloudwatch:DeleteAlarms", "cloudwatch:DescribeAlarms"],
        resources=alarms,
        condition=_ON_THE_THING,
    )
    yield statement(
        "MakeLogGroups",
        actions=["logs:CreateLogGroup", "logs:TagResource"],
        resources=logs,
        condition=_IN_THE_REQUEST,
    )
    # The action knows no resource.
    yield statement("LookUpLogGroups", actions="logs:DescribeLogGroups", resources="*")
