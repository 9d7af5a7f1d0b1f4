"""The role with which a function runs: what Lambda needs for it, and what its code may do from the beginning."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from ..account import Account
from ..children import Children
from ..identity.key import AnyKey
from ..log_group import write_log
from ..policy import Statement, document, statement, trust_of_service
from .access import SEND_TRACES, Secret, read_secrets

CHILDREN = ("role", "policy")


def make_execution_role(
    name: str,
    *,
    log_group: aws.cloudwatch.LogGroup,
    dead_letters: aws.sqs.Queue,
    secrets: Mapping[str, pulumi.Input[str]],
    key: AnyKey | None,
    has_environment: bool,
    tracing: bool,
    in_network: bool,
    account: Account,
    child: Children,
) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
    """The role, and the policy that must be there before the function is."""
    role = aws.iam.Role(
        f"{name}-role",
        description=f"What {name} may do.",
        # Lambda names no source, and takes a role of the function's own account only.
        assume_role_policy=trust_of_service("AssumedByTheFunction", "lambda.amazonaws.com"),
        opts=child("role"),
    )
    function = account.arn("lambda", f"function:{name}")
    statements = [
        write_log("WriteTheLog", log_group.arn),
        statement("KeepWhatFailed", actions="sqs:SendMessage", resources=dead_letters.arn),
        *read_secrets({variable: Secret(arn=arn, key=key) for variable, arn in secrets.items()}, "Its", account),
    ]
    if key is not None and has_environment:
        statements.append(
            statement(
                "ReadItsEnvironment",
                actions="kms:Decrypt",
                resources=key.arn,
                condition={"StringEquals": {"kms:EncryptionContext:aws:lambda:FunctionArn": function}},
            )
        )
    if tracing:
        statements.append(SEND_TRACES)
    if in_network:
        statements += _network_interfaces(function)
    policy = aws.iam.RolePolicy(f"{name}-policy", role=role.id, policy=document(*statements), opts=child("policy"))
    return role, policy


_INTERFACES = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
)


def _network_interfaces(function: pulumi.Output[str]) -> list[Statement]:
    """Lambda connects the function to the network with the function's role; the function's code must not do as much."""
    return [
        # Lambda tries these on "*" before it takes a function.
        statement("JoinTheNetwork", actions=_INTERFACES, resources="*"),
        statement(
            "OnlyLambdaItself",
            effect="Deny",
            actions=_INTERFACES,
            resources="*",
            condition={"ArnEquals": {"lambda:SourceFunctionArn": [function]}},
        ),
    ]
