"""Builds: each commit of a branch is built and judged by CodeBuild, and what came of it is kept in a bucket.

Use: Build("wiki-dev-build", BuildArgs(repository="acme/wiki", connection=…), spec=…, bucket=bucket)

What a build may do is to read the repository and to write its log and its results. It deploys nothing: that takes a
person's consent and another role (docs/decisions/0007-two-roles-for-delivery.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import pulumi
import pulumi_aws as aws
import yaml
from pydantic import Field

from ..account import Account
from ..alarms import AlarmTopics, Metric
from ..args import ComponentArgs
from ..component import Component
from ..data.bucket import Bucket
from ..errors import ArgumentError, Mistake
from ..identity.key import DECRYPT_ACTIONS, ENCRYPT_ACTIONS, AnyKey
from ..log_group import make_log_group, write_log
from ..policy import Statement, statement
from ..service_role import service_role
from ..values import GitHubRepository, LogRetentionDays, text
from ..widgets import Widget

FOLDER = "commits"
"""Under which the results of a commit are kept."""

# Amazon Linux 2023 on arm64, which is cheaper and what the functions run on. It has Python 3.13.
IMAGE = "aws/codebuild/amazonlinux-aarch64-standard:3.0"

CONNECTION = r"arn:aws[a-z-]*:(codeconnections|codestar-connections):[a-z0-9-]+:\d{12}:connection/[\w-]+"
CONNECTION_IN_WORDS = (
    "make a connection under Settings, Connections in the console of CodeBuild, agree to it at GitHub, and write its "
    "ARN"
)
_PHASES = ("install", "pre_build", "build", "post_build")


class BuildArgs(ComponentArgs):
    """Builds of each commit by CodeBuild. Up to $0.005 for each minute; nothing while nothing is built."""

    repository: GitHubRepository
    """The GitHub repository, as owner/name."""

    branch: Annotated[
        str, text(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,199}", "write the name of one branch, without wildcards")
    ] = "main"
    """The branch whose commits are built."""

    connection: Annotated[str, text(CONNECTION, CONNECTION_IN_WORDS)]
    """The ARN of the account's connection to GitHub, made in the console: a person must agree to it at GitHub. Free."""

    minutes: Annotated[int, Field(ge=5, le=480)] = 10
    """After which a build is ended."""

    on_push: bool = True
    """Build when somebody pushes. Otherwise only when somebody starts a build."""

    log_retention_days: LogRetentionDays = 30
    """Days until a record in the log is deleted. In YAML left out: the stack's."""


class Build(Component):
    """A CodeBuild project that builds the commits of one branch, one at a time."""

    CHILDREN = ("log_group", "role", "policy", "project", "webhook", "alarm")

    name: pulumi.Output[str]
    """By which `aws codebuild start-build` knows it."""
    arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: BuildArgs,
        *,
        spec: str,
        bucket: Bucket,
        key: AnyKey | None = None,
        environment: Mapping[str, pulumi.Input[str]] | None = None,
        logs_key: AnyKey | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param spec: The text of the build specification. Not a path into the repository: then whoever may push would
            decide what is done with the build's role.
        :param bucket: Where the results are kept.
        :param key: What encrypts the bucket. Without one, the AWS-managed key of S3 (free).
        :param environment: What the commands are told; nothing secret: it stands in every log.
        :param logs_key: What encrypts the log group; its policy must admit `/aws/codebuild/{name}`.
        """
        super().__init__(name, args, opts)
        if wrong := list(spec_mistakes(spec)):
            raise ArgumentError.of(wrong)
        self._args, self._spec, self._bucket, self._key = args, spec, bucket, key
        self._environment = environment or {}
        self._account = Account.of(self)

        # Made first: otherwise CodeBuild would make it, without retention and key.
        log_group = make_log_group(
            f"{name}-log-group", f"/aws/codebuild/{name}", args.log_retention_days, logs_key, self._child("log_group")
        )
        role, policy = self._role(log_group)
        project = self._project(role, policy, log_group)
        if args.on_push:
            self._webhook(project)

        self.name, self.arn = project.name, project.arn
        self.register_outputs({"name": self.name})

    def alarms(self, topics: AlarmTopics) -> list[aws.cloudwatch.MetricAlarm]:
        """A commit that cannot be built, or should not be deployed."""
        alarm = self._alarm(
            "failed",
            description="a build failed. Its log says why; nothing was deployed.",
            metric=self._metric("FailedBuilds", "Sum"),
            threshold=0,
            period_seconds=300,
            periods=1,
            severity="warning",
            topics=topics,
        )
        return [alarm]

    @property
    def widgets(self) -> list[Widget]:
        """How builds end, and how long they take."""
        shown = [("SucceededBuilds", "Sum"), ("FailedBuilds", "Sum"), ("Duration", "Average")]
        return [self._graph("Builds (CodeBuild)", self._metric(*one)) for one in shown]

    def _metric(self, name: str, statistic: str) -> Metric:
        return Metric(namespace="AWS/CodeBuild", name=name, dimensions={"ProjectName": self.name}, statistic=statistic)

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
                auth=aws.codebuild.ProjectSourceAuthArgs(type="CODECONNECTIONS", resource=args.connection),
                buildspec=self._spec,
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
                    for key, value in sorted(self._environment.items())
                ],
            ),
            artifacts=aws.codebuild.ProjectArtifactsArgs(
                type="S3",
                location=self._bucket.name,
                path=FOLDER,
                # The specification names the commit.
                override_artifact_name=True,
                packaging="NONE",
                encryption_disabled=False,
            ),
            encryption_key=self._key.arn if self._key is not None else None,
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
        return service_role(
            self._prefix,
            self._account,
            self._child,
            service="codebuild.amazonaws.com",
            source_arn=self._account.arn("codebuild", f"project/{self._prefix}"),
            description=f"With it {self._prefix} reads the repository and keeps what it builds.",
            statements=self._statements(log_group),
        )

    def _statements(self, log_group: aws.cloudwatch.LogGroup) -> Sequence[Statement]:
        connection, bucket_arn = self._args.connection, self._bucket.arn
        service = connection.split(":")[2]
        statements = [
            write_log("WriteTheLog", log_group.arn),
            statement(
                "ReadTheRepository",
                actions=[f"{service}:GetConnection", f"{service}:GetConnectionToken"],
                resources=connection,
            ),
            # CodeBuild makes sure that the bucket is the account's own.
            statement("FindTheBucket", actions=["s3:GetBucketAcl", "s3:GetBucketLocation"], resources=bucket_arn),
            statement(
                "KeepTheResults",
                actions="s3:PutObject",
                resources=pulumi.Output.concat(bucket_arn, f"/{FOLDER}/*"),
            ),
        ]
        if self._key is not None:
            through = pulumi.Output.concat("s3.", self._account.region, ".amazonaws.com")
            statements.append(
                statement(
                    "EncryptTheResults",
                    # Decrypt, because the parts of a large upload are read back when they are put together.
                    actions=sorted({*ENCRYPT_ACTIONS, *DECRYPT_ACTIONS}),
                    resources=self._key.arn,
                    condition={"StringEquals": {"kms:ViaService": through}},
                )
            )
        return statements


def spec_mistakes(spec: str, *, keeps: bool = True) -> Iterator[Mistake]:
    """What CodeBuild would refuse of a specification only when the first commit comes; `keeps` where what is built must
    be kept."""
    try:
        found: Any = yaml.safe_load(spec)
    except yaml.YAMLError as error:
        yield Mistake("spec", "the specification", f"is no YAML: {str(error).splitlines()[0]}")
        return
    if not isinstance(found, dict) or found.get("version") != 0.2:
        yield Mistake("spec", "the specification", "must begin with `version: 0.2`")
        return
    phases = found.get("phases")
    if not isinstance(phases, dict) or not any((phases.get(phase) or {}).get("commands") for phase in _PHASES):
        yield Mistake("spec", "the specification", "has no commands; give one of the phases some")
    for phase in phases if isinstance(phases, dict) else ():
        if phase not in _PHASES:
            yield Mistake("spec", f"phases.{phase}", f"is not known; use {', '.join(_PHASES)}")
    if keeps and not (found.get("artifacts") or {}).get("files"):
        yield Mistake("spec", "artifacts.files", "is missing: nothing would be kept; name the files")
