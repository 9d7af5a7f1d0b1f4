"""The role of a host: shells and deployments by Systems Manager, its own log, and the origin's secret."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pulumi_aws as aws

from ..children import Children
from ..identity.key import DECRYPT_ACTIONS, AnyKey
from ..log_group import write_log
from ..policy import Statement, document, statement, trust_of_service

# What the agent of Systems Manager calls for shells and for commands; none of it knows a narrower resource. Left out of
# AWS's own policy AmazonSSMManagedInstanceCore: reading every parameter of the account, inventory, patching.
_AGENT_ACTIONS: Final = (
    "ec2messages:AcknowledgeMessage",
    "ec2messages:DeleteMessage",
    "ec2messages:FailMessage",
    "ec2messages:GetEndpoint",
    "ec2messages:GetMessages",
    "ec2messages:SendReply",
    "ssm:UpdateInstanceInformation",
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
)


def make_host_role(
    prefix: str,
    log_group: aws.cloudwatch.LogGroup,
    origin_secret: aws.ssm.Parameter,
    key: AnyKey | None,
    child: Children,
) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
    """The role, to which other components grant more, and what every host may do."""
    role = aws.iam.Role(
        f"{prefix}-role",
        description=f"What the host {prefix} may do",
        assume_role_policy=trust_of_service("AssumedByInstances", "ec2.amazonaws.com"),
        opts=child("role"),
    )
    statements = _permissions(log_group, origin_secret, key)
    policy = aws.iam.RolePolicy(f"{prefix}-policy", role=role.id, policy=document(*statements), opts=child("policy"))
    return role, policy


def _permissions(
    log_group: aws.cloudwatch.LogGroup, origin_secret: aws.ssm.Parameter, key: AnyKey | None
) -> Iterator[Statement]:
    yield statement("AnswerSystemsManager", actions=_AGENT_ACTIONS, resources="*")
    yield write_log("WriteLogs", log_group.arn)
    yield statement("ReadTheOriginsSecret", actions="ssm:GetParameter", resources=origin_secret.arn)
    if key is not None:
        yield statement(
            "DecryptTheOriginsSecret",
            actions=DECRYPT_ACTIONS[0],
            resources=key.arn,
            # The key protects more than this; the host gets no further by way of it.
            condition={"StringEquals": {"kms:EncryptionContext:PARAMETER_ARN": origin_secret.arn}},
        )
