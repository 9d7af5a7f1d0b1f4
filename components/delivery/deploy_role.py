"""The role with which GitHub Actions deploys a service's image: no key is stored anywhere, and it can do nothing else.

Use: DeployRole("wiki-dev-delivery", DeployRoleArgs(repository="acme/wiki", github_environment="dev"),
                deployed=Deployed(image_repositories=[repository.arn], services=[DeployedService(...)]))

What `pulumi up` needs is another matter: it makes roles and policies, and whoever may do that can give himself the
rest. Such a role is made outside the stack that it deploys (docs/decisions/0007-two-roles-for-delivery.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Final

import pulumi
import pulumi_aws as aws
from pydantic import Field

from ..account import Account
from ..args import ComponentArgs
from ..component import Component
from ..policy import Statement, document, statement
from ..values import text
from .deployed import NOTHING, Deployed, DeployedService

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"

KEEP_ACTIONS = ("ecr:BatchGetImage", "ecr:DescribeImages", "ecr:PutImage")
"""To give an image that is there a second tag."""
PUSH_ACTIONS = (
    "ecr:BatchCheckLayerAvailability",
    # Docker asks whether the image is there already, and for its parts that need no second upload.
    "ecr:BatchGetImage",
    "ecr:CompleteLayerUpload",
    "ecr:DescribeImageScanFindings",
    "ecr:DescribeImages",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
)

_OWNER, _NAME = r"[A-Za-z0-9][A-Za-z0-9_-]{0,38}", r"[A-Za-z0-9._-]{1,100}"
REPOSITORY: Final = (
    rf"{_OWNER}/{_NAME}|{_OWNER}@[1-9]\d*/{_NAME}@[1-9]\d*",
    (
        "write a GitHub repository as owner/name, or with both ids as owner@1234/name@5678, without wildcards and "
        "without https://"
    ),
)
"""A repository's form, and how to mend what has another."""

ENVIRONMENT: Final = (
    r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,254}",
    "write the name of one GitHub environment exactly, without wildcards, for example prod",
)
"""The same of a GitHub environment."""

_PROVIDER = rf"arn:aws[a-z-]*:iam::\d{{12}}:oidc-provider/{re.escape(ISSUER)}"
GITHUB_PROVIDER: Final = (_PROVIDER, f"use arn:aws:iam::<account>:oidc-provider/{ISSUER}")
"""The same of the account's identity provider for GitHub."""


class DeployRoleArgs(ComponentArgs):
    """The role with which a GitHub workflow deploys. It costs nothing."""

    repository: Annotated[str, text(*REPOSITORY)]
    """The GitHub repository, as `owner/name`, or with GitHub's ids, as `owner@1234/name@5678`: repositories made,
    renamed or moved since 2026-07-15 are called so in the tokens of their jobs, and earlier ones that chose to
    (github.blog/changelog/2026-04-23-immutable-subject-claims-for-github-actions-oidc-tokens)."""

    github_environment: Annotated[str, text(*ENVIRONMENT)]
    """The GitHub environment whose jobs may assume the role. Its protection rules (reviewers, branches) then hold for
    every deployment; a role that trusted a branch instead would know no reviewers. In YAML left out: it is called as
    the stack's environment."""

    oidc_provider: Annotated[
        str, text(f"create|{_PROVIDER}", f"use create, or arn:aws:iam::<account>:oidc-provider/{ISSUER}")
    ] = "create"
    """create, which also deletes it with the role, or the ARN of the account's identity provider for GitHub where there
    is one already: an account can have only one."""

    session_minutes: Annotated[int, Field(ge=60, le=720)] = 120
    """How long one session may last: as the longest job of the workflows that has the role."""


class DeployRole(Component):
    """A role for one environment of one repository, and GitHub's identity provider unless the account has it."""

    CHILDREN = ("provider", "role", "policy")

    arn: pulumi.Output[str]
    provider_arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: DeployRoleArgs,
        *,
        deployed: Deployed = NOTHING,
        pipeline_role: str | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param deployed: What it may deploy to.
        :param pipeline_role: The name of a role of this account that may take this one, too: with it a pipeline tries a
            commit here, before it brings it to production elsewhere.
        """
        super().__init__(name, args, opts)
        child = self._child
        if args.oidc_provider == "create":
            provider = aws.iam.OpenIdConnectProvider(
                f"{name}-provider",
                url=f"https://{ISSUER}",
                client_id_lists=[AUDIENCE],
                # No thumbprint: AWS checks GitHub's certificate against its own list of authorities.
                opts=child("provider"),
            )
            self.provider_arn = provider.arn
        else:
            self.provider_arn = pulumi.Output.from_input(args.oidc_provider)
        role = aws.iam.Role(
            f"{name}-role",
            description=f"GitHub Actions of {_without_ids(args.repository)}, environment {args.github_environment}",
            assume_role_policy=document(
                trust_of_jobs(self.provider_arn, args.repository, args.github_environment),
                *([_trust_of_role(pipeline_role, Account.of(self))] if pipeline_role is not None else []),
            ),
            max_session_duration=args.session_minutes * 60,
            opts=child("role"),
        )
        if statements := list(deploy_statements(deployed, Account.of(self))):
            policy = document(ask_for_known_faults(), *statements)
            aws.iam.RolePolicy(f"{name}-policy", role=role.id, policy=policy, opts=child("policy"))
        self.arn = role.arn
        self.register_outputs({"arn": self.arn})


def trust_of_jobs(provider_arn: pulumi.Input[str], repository: str, environment: str) -> Statement:
    """Lets the jobs of one environment of one repository assume a role."""
    return {
        "Sid": "AssumedByJobsOfThisEnvironment",
        "Effect": "Allow",
        "Principal": {"Federated": provider_arn},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            # Both, and exactly: GitHub signs such tokens for everybody's repositories.
            "StringEquals": {f"{ISSUER}:aud": AUDIENCE, f"{ISSUER}:sub": _subjects(repository, environment)}
        },
    }


def _trust_of_role(name: str, account: Account) -> Statement:
    return {
        "Sid": "AssumedByThePipeline",
        "Effect": "Allow",
        # The account with a condition, because AWS refuses a principal that does not exist yet.
        "Principal": {"AWS": account.root},
        "Action": "sts:AssumeRole",
        "Condition": {"ArnEquals": {"aws:PrincipalArn": account.global_arn("iam", f"role/{name}")}},
    }


def _subjects(repository: str, environment: str) -> str | list[str]:
    """What the repository's jobs are called. With ids both forms, so that nothing stops on the day on which GitHub
    begins to add them. Nobody else gets the form without: every new repository has ids, also one that takes a name that
    became free."""
    named = dict.fromkeys((_without_ids(repository), repository))
    subjects = [f"repo:{each}:environment:{environment}" for each in named]
    return subjects if len(subjects) > 1 else subjects[0]


def _without_ids(repository: str) -> str:
    return re.sub(r"@\d+", "", repository)


def _cluster(service: DeployedService) -> pulumi.Output[str]:
    # A service's ARN is …:service/<cluster>/<name>.
    arn = pulumi.Output.from_input(service.service_arn)
    return arn.apply(lambda arn: arn.replace(":service/", ":cluster/").rpartition("/")[0])


def ask_for_known_faults() -> Statement:
    """Hold a list of dependencies against what Amazon Inspector knows of faults; the action knows no resource
    (.github/scripts/audit.sh)."""
    return statement("AskForKnownFaults", actions="inspector-scan:ScanSbom", resources="*")


def deploy_statements(
    to: Deployed, account: Account, *, image_actions: Sequence[str] = PUSH_ACTIONS
) -> Iterator[Statement]:
    """What deploying to these takes, and nothing more; `image_actions` on their repositories."""
    if to.image_repositories:
        # A token for the registry; the action knows no resource.
        yield statement("LogInToTheRegistry", actions="ecr:GetAuthorizationToken", resources="*")
        yield statement("PushImages", actions=image_actions, resources=list(to.image_repositories))
    if to.image_tags:
        yield statement(
            "SayWhichImageRuns", actions=["ssm:GetParameter", "ssm:PutParameter"], resources=list(to.image_tags)
        )
    if to.services:
        families = [
            account.arn("ecs", pulumi.Output.concat("task-definition/", each.family, ":*")) for each in to.services
        ]
        yield statement("RegisterTaskDefinitions", actions="ecs:RegisterTaskDefinition", resources=families)
        yield statement(
            "TagWhatIsRegistered",
            actions="ecs:TagResource",
            resources=families,
            condition={"StringEquals": {"ecs:CreateAction": "RegisterTaskDefinition"}},
        )
        # The action knows no resource. Secrets are named in a task definition, not contained.
        yield statement("ReadTaskDefinitions", actions="ecs:DescribeTaskDefinition", resources="*")
        yield statement(
            "UpdateServicesAndWatchThem",
            actions=["ecs:DescribeServices", "ecs:UpdateService"],
            resources=[each.service_arn for each in to.services],
        )
        yield statement(
            "RunAnImageOnceToMigrate",
            actions="ecs:RunTask",
            resources=families,
            condition={"ArnEquals": {"ecs:cluster": [_cluster(each) for each in to.services]}},
        )
        yield statement(
            "SeeWhatCameOfIt",
            actions="ecs:DescribeTasks",
            resources=[
                _cluster(each).apply(lambda arn: f"{arn.replace(':cluster/', ':task/')}/*") for each in to.services
            ],
        )
        yield statement(
            "GiveTasksTheirRoles",
            actions="iam:PassRole",
            resources=[role for each in to.services for role in each.roles],
            condition={"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
        )
    if to.functions:
        yield statement(
            "SeeWhereCallsGo",
            actions="lambda:GetAlias",
            resources=[
                arn
                for each in to.functions
                for arn in (each.function_arn, pulumi.Output.concat(each.function_arn, ":*"))
            ],
        )
        yield statement(
            "MoveCallsByCodeDeploy",
            actions=["codedeploy:CreateDeployment", "codedeploy:GetDeployment"],
            resources=[each.group_arn for each in to.functions],
        )
        yield statement(
            "TellCodeDeployWhereTo",
            actions=["codedeploy:GetApplicationRevision", "codedeploy:RegisterApplicationRevision"],
            resources=[each.application_arn for each in to.functions],
        )
        yield statement(
            "ReadHowCallsMove",
            actions="codedeploy:GetDeploymentConfig",
            resources=account.arn("codedeploy", "deploymentconfig:CodeDeployDefault.Lambda*"),
        )
    for number, host in enumerate(to.hosts, start=1):
        suffix = "" if number == 1 else str(number)
        yield statement(f"SendThisDocument{suffix}", actions="ssm:SendCommand", resources=host.document_arn)
        yield statement(
            f"ToThisHost{suffix}",
            actions="ssm:SendCommand",
            resources=account.arn("ec2", "instance/*"),
            condition={"StringEquals": {"ssm:resourceTag/Name": host.name}},
        )
    if to.hosts:
        # The action knows no resource; the answers hold what the deployment's script prints, and no secret.
        yield statement("WatchCommands", actions="ssm:ListCommandInvocations", resources="*")
    if to.sites:
        yield statement("SeeTheSitesFiles", actions="s3:ListBucket", resources=[each.bucket_arn for each in to.sites])
        yield statement(
            "ReplaceTheSitesFiles",
            actions=["s3:DeleteObject", "s3:PutObject"],
            resources=[pulumi.Output.concat(each.bucket_arn, "/*") for each in to.sites],
        )
        yield statement(
            "DropCopiesOfThem",
            actions=["cloudfront:CreateInvalidation", "cloudfront:GetInvalidation"],
            resources=[each.distribution_arn for each in to.sites],
        )
