"""The role that runs `pulumi up` of another stack, with the policies that were worked out for it and nothing more.

Use: DeployerRole("ops-prod-wiki-dev", DeployerRoleArgs(product="wiki", environment="dev", repository="acme/wiki",
                  job_environment="dev", oidc_provider="arn:aws:iam::…"), policies=documents)

The documents are those of `python -m permissions` (docs/permissions). The role belongs to a stack of its own: one that
made the role by which it is deployed could lock itself out, and could widen its own rights
(docs/decisions/0007-two-roles-for-delivery.md).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import pulumi
import pulumi_aws as aws
from pydantic import Field

from ..account import Account
from ..args import ComponentArgs
from ..component import Component
from ..errors import ArgumentError, Mistake
from ..policy import Statement, document, statement
from ..values import Environment, Name, text
from .deploy_role import ENVIRONMENT, GITHUB_PROVIDER, REPOSITORY, trust_of_jobs

EMULATED: Final = "123456789012"
"""The account in whose name the policies are worked out; the role's own takes its place."""

ATTACHED: Final = 10
"""Managed policies that a role may have, unless AWS is asked for more; one of them says what the role never does."""

ROLE_SERVICES: Final = (
    "aoss", "athena", "backup", "bedrock", "cloudfront", "cloudwatch", "codeconnections", "codedeploy", "dynamodb",
    "ec2", "ec2messages", "ecr", "ecs", "events", "execute-api", "firehose", "glue", "kms", "lambda", "logs", "rds",
    "rds-db",
    "s3", "secretsmanager", "sns", "sqs", "ssm", "ssmmessages", "states", "sts", "tag", "xray",
)  # fmt: skip
"""What the roles of this program's stacks use, by the prefixes of their actions; `iam` is not among them."""

_PRINCIPAL: Final = r"arn:aws[a-z-]*:iam::\d{12}:(?:role|user)/[\w+=,.@/-]{1,512}"
_BUCKET: Final = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
_MAKES_RIGHTS: Final = (
    "iam:AttachRolePolicy",
    "iam:CreateRole",
    "iam:PutRolePermissionsBoundary",
    "iam:PutRolePolicy",
)


_ServicePrefix = Annotated[
    str, text(r"(?!iam$|organizations$|account$)[a-z][a-z0-9-]*", "write the prefix of its actions, as s3")
]


class DeployerRoleArgs(ComponentArgs):
    """The role with which a stack is deployed. It costs nothing."""

    product: Name
    """The product of the stack that it deploys."""

    environment: Environment
    """The environment of the stack that it deploys."""

    purpose: Literal["preview", "up", "destroy"] = "up"
    """What for. preview: it reads, also the state. up: it also makes and changes, and deletes what keeps no data.
    destroy: it reads and deletes, everything."""

    repository: Annotated[str, text(*REPOSITORY)] | None = None
    """The GitHub repository whose jobs may assume it, as `owner/name`, or with GitHub's ids, as
    `owner@1234/name@5678`. Left out: `principal` does."""

    job_environment: Annotated[str, text(*ENVIRONMENT)] | None = None
    """The GitHub environment of those jobs: its reviewers then stand before every update."""

    oidc_provider: Annotated[str, text(*GITHUB_PROVIDER)] | None = None
    """The ARN of the account's identity provider for GitHub."""

    principal: (
        Annotated[
            str,
            text(_PRINCIPAL, "write the ARN of one role or user, as arn:aws:iam::<account>:role/<name>"),
        ]
        | None
    ) = None
    """The ARN of the role or user who may assume it, where no job of GitHub's does."""

    bound_roles: bool = False
    """Whether every role that it makes must have the boundary that is made with it (the stack's file then says
    `roleBoundary`). Without it, whoever deploys can give a role any right and hand it to a service."""

    role_services: Annotated[list[_ServicePrefix], Field(min_length=1)] = list(ROLE_SERVICES)
    """The services that roles of the stack may use at most, by the prefixes of their actions: what the boundary says.
    Left out: those that this program's roles use. Neither `iam` nor `organizations` nor `account` can be one."""

    state_bucket: Annotated[str, text(_BUCKET, "write the name of a bucket")] | None = None
    """The bucket of the stack's state."""

    state_key: Annotated[str, text(r"alias/[\w/-]{1,250}", "write the alias of a key, as alias/<name>")] | None = None
    """The alias of the key that encrypts the state, and the secrets in it."""

    session_minutes: Annotated[int, Field(ge=60, le=720)] = 120
    """How long one session may last: as the longest job that has the role."""

    def mistakes(self) -> Iterator[Mistake]:
        github = {
            "repository": self.repository,
            "job_environment": self.job_environment,
            "oidc_provider": self.oidc_provider,
        }
        given = [name for name, value in github.items() if value is not None]
        if self.principal is not None and given:
            yield Mistake(
                "principal", self.principal, "excludes jobs of GitHub's: name either whom to trust, or the other"
            )
        elif self.principal is None:
            for name in github.keys() - given:
                why = "means that nobody could assume the role; write it, or principal in place of the three"
                yield Mistake(name, None, why)


class DeployerRole(Component):
    """A role, its policies, what it never does, and the boundary for the roles that it makes."""

    CHILDREN = ("role", "policy", "limits", "boundary", "attachment")

    arn: pulumi.Output[str]
    boundary_arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: DeployerRoleArgs,
        *,
        policies: Sequence[Mapping[str, Any]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param policies: The policy documents, as `python -m permissions` writes them.
        """
        super().__init__(name, args, opts)
        if not 0 < len(policies) < ATTACHED:
            raise ArgumentError("policies", len(policies), f"give 1 to {ATTACHED - 1}: a role can have no more")
        child, account = self._child, Account.of(self)
        boundary = aws.iam.Policy(
            f"{name}-boundary",
            description=f"What no role of {args.product}-{args.environment} does, whatever else it is given",
            policy=document(*_boundary(args, account)),
            opts=child("boundary"),
        )
        self.boundary_arn = boundary.arn
        role = aws.iam.Role(
            f"{name}-role",
            description=f"pulumi {args.purpose} of {args.product}-{args.environment}",
            assume_role_policy=document(_trust(args)),
            max_session_duration=args.session_minutes * 60,
            opts=child("role"),
        )
        texts = {f"policy-{number}": _here(one, account) for number, one in enumerate(policies, start=1)}
        texts["limits"] = document(*_state(args, account), *_limits(args, account, role.arn, boundary.arn))
        for key, content in texts.items():
            policy = aws.iam.Policy(
                f"{name}-{key}",
                description=f"For pulumi {args.purpose} of {args.product}-{args.environment}",
                policy=content,
                opts=child("limits" if key == "limits" else "policy"),
            )
            aws.iam.RolePolicyAttachment(
                f"{name}-{key}-attachment", role=role.name, policy_arn=policy.arn, opts=child("attachment")
            )
        self.arn = role.arn
        self.register_outputs({"arn": self.arn, "boundary_arn": self.boundary_arn})


def _here(policy: Mapping[str, Any], account: Account) -> pulumi.Output[str]:
    """The document in this account."""
    content = json.dumps(policy, sort_keys=True)
    return pulumi.Output.all(account.id, account.partition).apply(
        lambda known: content.replace(f":{EMULATED}:", f":{known[0]}:").replace("arn:aws:", f"arn:{known[1]}:")
    )


def _trust(args: DeployerRoleArgs) -> Statement:
    if args.principal is not None:
        return {
            "Sid": "AssumedByThisPrincipal",
            "Effect": "Allow",
            "Principal": {"AWS": args.principal},
            "Action": "sts:AssumeRole",
        }
    assert args.oidc_provider is not None
    assert args.repository is not None
    assert args.job_environment is not None
    return trust_of_jobs(args.oidc_provider, args.repository, args.job_environment)


def _state(args: DeployerRoleArgs, account: Account) -> Iterator[Statement]:
    reads = args.purpose == "preview"
    if args.state_bucket is not None:
        bucket = pulumi.Output.concat("arn:", account.partition, f":s3:::{args.state_bucket}")
        yield statement("FindTheState", actions=["s3:GetBucketLocation", "s3:ListBucket"], resources=bucket)
        # A preview takes no lock and writes nothing.
        yield statement(
            "ReadTheState" if reads else "ReadAndWriteTheState",
            actions="s3:GetObject" if reads else ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
            resources=pulumi.Output.concat(bucket, "/.pulumi/*"),
        )
    if args.state_key is not None:
        yield statement(
            "UseTheKeyOfTheState",
            actions="kms:Decrypt" if reads else ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"],
            resources=account.arn("kms", "key/*"),
            condition={"ForAnyValue:StringEquals": {"kms:ResourceAliases": args.state_key}},
        )


def _limits(
    args: DeployerRoleArgs, account: Account, role: pulumi.Input[str], boundary: pulumi.Input[str]
) -> Iterator[Statement]:
    yield statement(
        "NotItselfNorItsBoundary",
        actions="iam:*",
        resources=[
            role,
            boundary,
            pulumi.Output.from_input(role).apply(
                lambda arn: arn.replace(":role/", ":policy/").rpartition("-role")[0] + "-*"
            ),
        ],
        effect="Deny",
    )
    yield statement(
        "NoUsersAndNoKeys",
        actions=["iam:CreateAccessKey", "iam:CreateLoginProfile", "iam:CreateUser", "iam:UpdateLoginProfile"],
        resources="*",
        effect="Deny",
    )
    if args.bound_roles:
        yield statement(
            "OnlyRolesWithTheBoundary",
            actions=_MAKES_RIGHTS,
            resources=account.global_arn("iam", "role/*"),
            condition={"StringNotEquals": {"iam:PermissionsBoundary": boundary}},
            effect="Deny",
        )
        yield statement("TheBoundaryStays", actions="iam:DeleteRolePermissionsBoundary", resources="*", effect="Deny")


def _boundary(args: DeployerRoleArgs, account: Account) -> Iterator[Statement]:
    # A boundary allows nothing by itself: a role has what both it and the role's own policies allow.
    yield statement(
        "WhatRolesOfTheStackAreGiven",
        actions=[f"{service}:*" for service in args.role_services],
        resources="*",
        condition={
            "StringEquals": {
                "aws:PrincipalTag/Environment": args.environment,
                "aws:PrincipalTag/Project": args.product,
            }
        },
    )
    yield statement(
        "RolesOfTheStackAlone",
        actions=["iam:GetRole", "iam:PassRole"],
        resources=account.global_arn("iam", f"role/{args.product}-{args.environment}-*"),
    )
