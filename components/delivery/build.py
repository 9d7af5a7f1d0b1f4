"""Builds: each commit of a branch is built and judged by CodeBuild, and what came of it is kept in a bucket.

Use: Build("wiki-dev-build", BuildArgs(repository="acme/wiki", connection_arn=…, spec=…, bucket_name=…, …))

What a build may do is to read the repository and to write its log and its results. It deploys nothing: that takes a
person's consent and another role (docs/decisions/0007-two-roles-for-delivery.md).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_aws as aws
import yaml

from components.account import Account
from components.alarms import AlarmTopics, Metric, raise_alarm
from components.children import Children, Transform
from components.identity.key import DECRYPT_ACTIONS, ENCRYPT_ACTIONS
from components.network.flow_logs import RetentionDays
from components.policy import Statement, document, statement, trust
from components.refusal import Refusal

FOLDER = "commits"
"""Under which the results of a commit are kept."""

# Amazon Linux 2023 on arm64, which is cheaper and what the functions run on. It has Python 3.13.
IMAGE = "aws/codebuild/amazonlinux-aarch64-standard:3.0"

_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,38}/[A-Za-z0-9._-]{1,100}")
_BRANCH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,199}")
_CONNECTION = re.compile(r"arn:aws[a-z-]*:(codeconnections|codestar-connections):[a-z0-9-]+:\d{12}:connection/[\w-]+")
_PHASES = ("install", "pre_build", "build", "post_build")


@dataclass(frozen=True, kw_only=True)
class BuildArgs:
    """What the caller decides about builds. Up to $0.005 for each minute; nothing while nothing is built."""

    repository: str
    """The GitHub repository, as owner/name."""

    branch: str = "main"
    """The branch whose commits are built."""

    connection_arn: str
    """The account's connection to GitHub, made in the console: a person must agree to it at GitHub. Free."""

    spec: str
    """The text of the build specification. Not a path into the repository: then whoever may push would decide what is
    done with the build's role."""

    environment: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """What the commands are told; nothing secret: it stands in every log."""

    bucket_name: pulumi.Input[str]
    """Where the results are kept."""

    bucket_arn: pulumi.Input[str]
    """The same bucket."""

    key_arn: pulumi.Input[str] | None = None
    """The KMS key of the bucket. Without one, the key that AWS manages for S3 (free)."""

    minutes: int = 10
    """After which a build is ended, 5 to 480."""

    on_push: bool = True
    """Build when somebody pushes. Otherwise only when somebody starts a build."""

    log_retention_days: RetentionDays = 30
    """Days until a record in the log is deleted."""

    logs_key_arn: pulumi.Input[str] | None = None
    """The KMS key of the log group; its policy must admit `/aws/codebuild/{name}`."""

    transform: Transform = field(default_factory=dict)
    """Changes to the properties of named children, for what this component does not offer."""

    def __post_init__(self) -> None:
        if not _REPOSITORY.fullmatch(self.repository):
            raise Refusal("repository", self.repository, "is not a GitHub repository; write one as owner/name")
        if not _BRANCH.fullmatch(self.branch):
            raise Refusal("branch", self.branch, "is not the name of one branch; write it without wildcards")
        if not _CONNECTION.fullmatch(self.connection_arn):
            raise Refusal(
                "connection_arn",
                self.connection_arn,
                "is not the ARN of a connection; make one under Settings, Connections in the console of CodeBuild, "
                "agree to it at GitHub, and write its ARN",
            )
        if not 5 <= self.minutes <= 480:
            raise Refusal("minutes", self.minutes, "is not allowed; use 5 to 480")
        _check_spec(self.spec)


class Build(pulumi.ComponentResource):
    """A CodeBuild project that builds the commits of one branch, one at a time."""

    CHILDREN = ("log_group", "role", "policy", "project", "webhook", "alarm")

    name: pulumi.Output[str]
    """By which `aws codebuild start-build` knows it."""
    arn: pulumi.Output[str]

    def __init__(self, name: str, args: BuildArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kumiki:delivery:Build", name, None, opts)
        self._prefix, self._args = name, args
        self._child = Children(self, args.transform, self.CHILDREN)
        self._account = Account.of(self)

        # Made first: otherwise CodeBuild would make it, without retention and key.
        log_group = aws.cloudwatch.LogGroup(
            f"{name}-log-group",
            name=f"/aws/codebuild/{name}",
            retention_in_days=args.log_retention_days,
            kms_key_id=args.logs_key_arn,
            opts=self._child("log_group"),
        )
        role, policy = self._role(log_group)
        project = self._project(role, policy, log_group)
        if args.on_push:
            self._webhook(project)

        self.name, self.arn = project.name, project.arn
        self.register_outputs({"name": self.name})

    def alarms(self, topics: AlarmTopics) -> None:
        """A commit that cannot be built, or should not be deployed."""
        raise_alarm(
            f"{self._prefix}-failed-alarm",
            means=f"A build of {self._prefix} failed: its log says why. Nothing was deployed.",
            metric=Metric(
                namespace="AWS/CodeBuild", name="FailedBuilds", dimensions={"ProjectName": self.name}, statistic="Sum"
            ),
            threshold=0,
            period_seconds=300,
            periods=1,
            severity="warning",
            topics=topics,
            opts=self._child("alarm"),
        )

    # --- What it is made of ------------------------------------------------------------------------------------------

    def _project(
        self, role: aws.iam.Role, policy: aws.iam.RolePolicy, log_group: aws.cloudwatch.LogGroup
    ) -> aws.codebuild.Project:
        args, name = self._args, self._prefix
        return aws.codebuild.Project(
            f"{name}-project",
            name=name,
            description=f"Builds {args.repository}, branch {args.branch}",
            service_role=role.arn,
            source=aws.codebuild.ProjectSourceArgs(
                type="GITHUB",
                location=f"https://github.com/{args.repository}.git",
                auth=aws.codebuild.ProjectSourceAuthArgs(type="CODECONNECTIONS", resource=args.connection_arn),
                buildspec=args.spec,
                git_clone_depth=1,
                # The tick or cross beside the commit.
                report_build_status=True,
            ),
            source_version=args.branch,
            environment=aws.codebuild.ProjectEnvironmentArgs(
                type="ARM_CONTAINER",
                compute_type="BUILD_GENERAL1_SMALL",
                image=IMAGE,
                # Only builds of images would need it.
                privileged_mode=False,
                environment_variables=[
                    aws.codebuild.ProjectEnvironmentEnvironmentVariableArgs(name=key, value=value)
                    for key, value in sorted(args.environment.items())
                ],
            ),
            artifacts=aws.codebuild.ProjectArtifactsArgs(
                type="S3",
                location=args.bucket_name,
                path=FOLDER,
                # The specification names the commit.
                override_artifact_name=True,
                packaging="NONE",
                encryption_disabled=False,
            ),
            encryption_key=args.key_arn,
            # On the machine of the last build, if it is still there: free, and gone at times.
            cache=aws.codebuild.ProjectCacheArgs(type="LOCAL", modes=["LOCAL_CUSTOM_CACHE"]),
            build_timeout=args.minutes,
            queued_timeout=60,
            concurrent_build_limit=1,
            logs_config=aws.codebuild.ProjectLogsConfigArgs(
                cloudwatch_logs=aws.codebuild.ProjectLogsConfigCloudwatchLogsArgs(
                    status="ENABLED", group_name=log_group.name
                )
            ),
            tags={"Name": f"{name}-project"},
            # CodeBuild tries the role when the project is made.
            opts=self._child("project", depends_on=[policy]),
        )

    def _webhook(self, project: aws.codebuild.Project) -> None:
        # Pushes only: a pull request may come from a stranger, and a build of it would run what he wrote.
        filters = {"EVENT": "PUSH", "HEAD_REF": f"^refs/heads/{re.escape(self._args.branch)}$"}
        aws.codebuild.Webhook(
            f"{self._prefix}-webhook",
            project_name=project.name,
            build_type="BUILD",
            filter_groups=[
                aws.codebuild.WebhookFilterGroupArgs(
                    filters=[
                        aws.codebuild.WebhookFilterGroupFilterArgs(type=kind, pattern=pattern)
                        for kind, pattern in filters.items()
                    ]
                )
            ],
            opts=self._child("webhook"),
        )

    # --- Permissions -------------------------------------------------------------------------------------------------

    def _role(self, log_group: aws.cloudwatch.LogGroup) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
        role = aws.iam.Role(
            f"{self._prefix}-role",
            description=f"With it {self._prefix} reads the repository and keeps what it builds.",
            assume_role_policy=trust(
                "codebuild.amazonaws.com",
                source_account=self._account.id,
                source_arn=self._account.arn("codebuild", f"project/{self._prefix}"),
            ),
            opts=self._child("role"),
        )
        policy = aws.iam.RolePolicy(
            f"{self._prefix}-policy",
            role=role.id,
            policy=document(*self._statements(log_group)),
            opts=self._child("policy"),
        )
        return role, policy

    def _statements(self, log_group: aws.cloudwatch.LogGroup) -> Sequence[Statement]:
        args = self._args
        service = args.connection_arn.split(":")[2]
        statements = [
            statement(
                "WriteTheLog",
                actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                resources=pulumi.Output.concat(log_group.arn, ":*"),
            ),
            statement(
                "ReadTheRepository",
                actions=[f"{service}:GetConnection", f"{service}:GetConnectionToken"],
                resources=args.connection_arn,
            ),
            # CodeBuild makes sure that the bucket is the account's own.
            statement("FindTheBucket", actions=["s3:GetBucketAcl", "s3:GetBucketLocation"], resources=args.bucket_arn),
            statement(
                "KeepTheResults",
                actions="s3:PutObject",
                resources=pulumi.Output.concat(args.bucket_arn, f"/{FOLDER}/*"),
            ),
        ]
        if args.key_arn is not None:
            through = pulumi.Output.concat("s3.", self._account.region, ".amazonaws.com")
            statements.append(
                statement(
                    "EncryptTheResults",
                    # Decrypt, because the parts of a large upload are read back when they are put together.
                    actions=sorted({*ENCRYPT_ACTIONS, *DECRYPT_ACTIONS}),
                    resources=args.key_arn,
                    condition={"StringEquals": {"kms:ViaService": through}},
                )
            )
        return statements


def _check_spec(text: str) -> None:
    """Refuse what CodeBuild would refuse only when the first commit comes."""
    try:
        spec: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise Refusal("spec", "the specification", f"is no YAML: {str(error).splitlines()[0]}") from None
    if not isinstance(spec, dict) or spec.get("version") != 0.2:
        raise Refusal("spec", "the specification", "must begin with `version: 0.2`")
    phases = spec.get("phases")
    if not isinstance(phases, dict) or not any((phases.get(phase) or {}).get("commands") for phase in _PHASES):
        raise Refusal("spec", "the specification", "has no commands; give one of the phases some")
    for phase in phases:
        if phase not in _PHASES:
            raise Refusal("spec", f"phases.{phase}", f"is not known; use {', '.join(_PHASES)}")
    if not (spec.get("artifacts") or {}).get("files"):
        raise Refusal("spec", "artifacts.files", "is missing: nothing would be kept; name the files")
