"""A pipeline: each push is tested, built once, tried in staging, approved by a person and brought to production.

Use: Pipeline("wiki-prod-pipeline", PipelineArgs(repository="acme/wiki", connection=…), work=work, bucket=bucket)

CodePipeline moves a commit from stage to stage, and CodeBuild does the work of each, by a project and a role of its
own: what a stage may do is what its work says and no more. The pipeline itself may pass no role on.

    Source     the commit, by a connection to GitHub
    Test       unit tests, and whether dependencies are known to be vulnerable
    Build      images and packages, once for all that follow; an image with grave findings ends here
    Staging    the commit in the staging stack, and then what staging's address answers
    Plan       what production would change, written down
    Approval   a person, who has the difference and the plan before him
    Production what was planned, and nothing else

A stage before production that fails is tried once more. When production fails, its services go back by themselves, and
the stage runs again with the last commit that succeeded.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Final, Unpack

import pulumi
import pulumi_aws as aws

from ..account import Account
from ..alarms import AlarmTopics, Metric
from ..component import Component
from ..data.bucket import Bucket
from ..identity.key import DECRYPT_ACTIONS, ENCRYPT_ACTIONS, AnyKey
from ..log_group import make_log_group, write_log
from ..messaging.target import Target
from ..policy import Statement, statement
from ..service_role import service_role
from ..widgets import Widget
from . import pipeline_stages as stages
from .build import IMAGE
from .pipeline_args import PipelineArgs
from .pipeline_work import Platform, Work, WorkName, check_work, role_name

__all__ = ["Pipeline", "PipelineArgs", "Platform", "Work", "WorkName", "role_name"]

# Amazon Linux 2023; that for arm64 is cheaper, and the other one is for images of that platform: neither builds the
# other's without an emulator.
_MACHINES: Final[Mapping[Platform, tuple[str, str]]] = {
    "linux/arm64": ("ARM_CONTAINER", IMAGE),
    "linux/amd64": ("LINUX_CONTAINER", "aws/codebuild/amazonlinux-x86_64-standard:5.0"),
}


class Pipeline(Component):
    """A pipeline from a repository to production, and the work of each of its stages."""

    CHILDREN = (
        "log_group",
        "role",
        "policy",
        "project",
        "pipeline_role",
        "pipeline_policy",
        "pipeline",
        "rule",
        "target",
        "alarm",
        "released",
    )

    name: pulumi.Output[str]
    """By which `aws codepipeline start-pipeline-execution` knows it."""
    arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: PipelineArgs,
        *,
        work: Mapping[WorkName, Work],
        bucket: Bucket,
        released: str,
        key: AnyKey | None = None,
        logs_key: AnyKey | None = None,
        told: Target | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param work: What each stage does. Without `staging` there is no such stage, and `answers` asks what that has
            brought.
        :param bucket: Through which the stages hand on what they made; nothing else is in it.
        :param released: The name of the SSM parameter in which the last commit that got to production is written.
        :param key: What encrypts the bucket. Without one, the AWS-managed key of S3 (free).
        :param logs_key: What encrypts the log groups; its policy must admit `/aws/codebuild/{name}-*`.
        :param told: The topic that hears of a commit that waits for a person.
        """
        super().__init__(name, args, opts)
        check_work(work)
        self._args, self._work, self._bucket, self._key, self._told = args, work, bucket, key, told
        self._account, self._released = Account.of(self), released
        aws.ssm.Parameter(
            f"{name}-released-parameter",
            name=released,
            type="String",
            insecure_value="none",
            description=f"The commit that {name} brought to production; written by it",
            opts=self._child("released", ignore_changes=["insecure_value"]),
        )
        self._projects = {each: self._project(each, one, logs_key) for each, one in work.items()}
        role, policy = service_role(
            name,
            self._account,
            self._child,
            kind="pipeline",
            service="codepipeline.amazonaws.com",
            source_arn=self._account.arn("codepipeline", name),
            description=f"With it {name} fetches commits and starts the work of its stages.",
            statements=self._statements(),
        )
        pipeline = aws.codepipeline.Pipeline(
            f"{name}-pipeline",
            name=name,
            # Filters, conditions of stages and variables are V2's.
            pipeline_type="V2",
            # A newer commit overtakes one that waits for a person: what he approves is the newest.
            execution_mode="SUPERSEDED",
            role_arn=role.arn,
            artifact_stores=[
                aws.codepipeline.PipelineArtifactStoreArgs(
                    type="S3",
                    location=bucket.name,
                    encryption_key=aws.codepipeline.PipelineArtifactStoreEncryptionKeyArgs(type="KMS", id=key.arn)
                    if key is not None
                    else None,
                )
            ],
            stages=list(self._stages()),
            triggers=[stages.trigger(args)],
            tags={"Name": f"{name}-pipeline"},
            opts=self._child("pipeline", depends_on=[policy]),
        )
        self.name, self.arn = pipeline.name, pipeline.arn
        self.register_outputs({"name": self.name})

    def tell(self, topic_arn: pulumi.Input[str]) -> None:
        """Let a topic hear how each execution ends, and of each stage that is rolled back."""
        rule = aws.cloudwatch.EventRule(
            f"{self._prefix}-rule",
            name=f"{self._prefix}-ended",
            description=f"What became of a commit in {self._prefix}",
            event_pattern=json.dumps(
                {
                    "source": ["aws.codepipeline"],
                    "detail-type": ["CodePipeline Pipeline Execution State Change"],
                    "detail": {"pipeline": [self._prefix], "state": ["FAILED", "STOPPED", "SUCCEEDED"]},
                },
                sort_keys=True,
            ),
            opts=self._child("rule"),
        )
        words = f"{self._prefix}: execution <execution> is <state>."
        aws.cloudwatch.EventTarget(
            f"{self._prefix}-target",
            rule=rule.name,
            arn=topic_arn,
            input_transformer=aws.cloudwatch.EventTargetInputTransformerArgs(
                input_paths={"execution": "$.detail.execution-id", "state": "$.detail.state"},
                input_template=json.dumps(words),
            ),
            opts=self._child("target"),
        )

    def alarms(self, topics: AlarmTopics) -> list[aws.cloudwatch.MetricAlarm]:
        """A commit that did not get to production although it was approved."""
        alarm = self._alarm(
            "production-failed",
            description="a deployment to production failed. Its services went back by themselves; the log of the "
            "project says why.",
            metric=self._metric("production", "FailedBuilds", "Sum"),
            threshold=0,
            period_seconds=300,
            periods=1,
            severity="critical",
            topics=topics,
        )
        return [alarm]

    @property
    def widgets(self) -> list[Widget]:
        """How the work of the stages ends, and how long it takes."""
        section = "Pipeline (CodePipeline)"
        return [
            self._graph(
                section,
                {str(each): self._metric(each, name, statistic) for each in self._work},
                name=name,
                period_seconds=300,
            )
            for name, statistic in (("SucceededBuilds", "Sum"), ("FailedBuilds", "Sum"), ("Duration", "Average"))
        ]

    def _metric(self, work: WorkName, name: str, statistic: str) -> Metric:
        dimensions = {"ProjectName": self._projects[work].name}
        return Metric(namespace="AWS/CodeBuild", name=name, dimensions=dimensions, statistic=statistic)

    # --- What is done in the stages ----------------------------------------------------------------------------------

    def _project(self, each: WorkName, work: Work, logs_key: AnyKey | None) -> aws.codebuild.Project:
        name, args = f"{self._prefix}-{each}", self._args
        log_group = make_log_group(
            f"{name}-log-group", f"/aws/codebuild/{name}", args.log_retention_days, logs_key, self._child("log_group")
        )
        role, policy = service_role(
            name,
            self._account,
            self._child,
            name=role_name(self._prefix, each),
            service="codebuild.amazonaws.com",
            source_arn=self._account.arn("codebuild", f"project/{name}"),
            description=f"With it {self._prefix} does the work of its stage {each}.",
            statements=[
                write_log("WriteTheLog", log_group.arn),
                *self._handed_on(),
                *self._own(each),
                *work.statements,
            ],
        )
        machine, image = _MACHINES[work.platform]
        # On the machine of the last build, if it is still there: free, and gone at times.
        caches = ["LOCAL_CUSTOM_CACHE", *(["LOCAL_DOCKER_LAYER_CACHE"] if work.docker else [])]
        variables = {"PIPELINE": self._prefix, "RELEASED": self._released, **work.environment}
        return aws.codebuild.Project(
            f"{name}-project",
            name=name,
            description=f"The stage {each} of {self._prefix}",
            service_role=role.arn,
            source=aws.codebuild.ProjectSourceArgs(type="CODEPIPELINE", buildspec=work.spec),
            artifacts=aws.codebuild.ProjectArtifactsArgs(type="CODEPIPELINE", encryption_disabled=False),
            environment=aws.codebuild.ProjectEnvironmentArgs(
                type=machine,
                compute_type="BUILD_GENERAL1_SMALL",
                image=image,
                privileged_mode=work.docker,
                environment_variables=[
                    aws.codebuild.ProjectEnvironmentEnvironmentVariableArgs(name=key, value=value)
                    for key, value in sorted(variables.items())
                ],
            ),
            encryption_key=self._key.arn if self._key is not None else None,
            cache=aws.codebuild.ProjectCacheArgs(type="LOCAL", modes=caches),
            build_timeout=args.minutes,
            queued_timeout=60,
            logs_config=aws.codebuild.ProjectLogsConfigArgs(
                cloudwatch_logs=aws.codebuild.ProjectLogsConfigCloudwatchLogsArgs(
                    status="ENABLED", group_name=log_group.name
                )
            ),
            tags={"Name": f"{name}-project"},
            # CodeBuild tries the role when the project is made.
            opts=self._child("project", depends_on=[policy]),
        )

    def _own(self, each: WorkName) -> Iterator[Statement]:
        """What the stages that plan and change production ask of the pipeline itself."""
        parameter = self._account.arn("ssm", f"parameter{self._released}")
        if each == "plan":
            yield statement("SeeWhichCommitRuns", actions="ssm:GetParameter", resources=parameter)
        elif each == "production":
            yield statement("SayWhichCommitRuns", actions="ssm:PutParameter", resources=parameter)
            yield statement(
                "SeeWhetherItIsARollBack",
                actions="codepipeline:GetPipelineExecution",
                resources=self._account.arn("codepipeline", self._prefix),
            )

    def _handed_on(self) -> Iterator[Statement]:
        """To read what the stage before made, and to hand on what this one does."""
        yield statement(
            "FindTheBucket", actions=["s3:GetBucketAcl", "s3:GetBucketLocation"], resources=self._bucket.arn
        )
        yield statement(
            "HandOn",
            actions=["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"],
            resources=pulumi.Output.concat(self._bucket.arn, "/*"),
        )
        if self._key is not None:
            through = pulumi.Output.concat("s3.", self._account.region, ".amazonaws.com")
            yield statement(
                "EncryptWhatIsHandedOn",
                actions=sorted({*ENCRYPT_ACTIONS, *DECRYPT_ACTIONS}),
                resources=self._key.arn,
                condition={"StringEquals": {"kms:ViaService": through}},
            )

    # --- The pipeline itself -----------------------------------------------------------------------------------------

    def _statements(self) -> Iterator[Statement]:
        connection = self._args.connection
        yield statement("FetchCommits", actions=f"{connection.split(':')[2]}:UseConnection", resources=connection)
        yield statement("SeeHowTheBucketIs", actions="s3:GetBucketVersioning", resources=self._bucket.arn)
        yield from self._handed_on()
        yield statement(
            "StartTheWork",
            actions=["codebuild:BatchGetBuilds", "codebuild:StartBuild"],
            resources=[self._account.arn("codebuild", f"project/{self._prefix}-{each}") for each in self._work],
        )
        if self._told is not None and self._args.approval:
            yield statement("AskAPerson", actions=self._told.action, resources=self._told.arn)
            if self._told.key is not None:
                yield statement(
                    "EncryptTheQuestion",
                    actions=["kms:Decrypt", "kms:GenerateDataKey"],
                    resources=self._told.key.arn,
                    condition={
                        "StringEquals": {
                            "kms:ViaService": pulumi.Output.concat("sns.", self._account.region, ".amazonaws.com")
                        }
                    },
                )

    def _build(self, each: WorkName, **joined: Unpack[stages.Joined]) -> aws.codepipeline.PipelineStageActionArgs:
        return stages.build(each.capitalize(), self._projects[each].name, tests=each in {"test", "answers"}, **joined)

    def _stages(self) -> Iterator[aws.codepipeline.PipelineStageArgs]:
        yield stages.stage("Source", [stages.source(self._args)], then=None)
        yield stages.stage("Test", [self._build("test", takes=["Source"])])
        yield stages.stage("Build", [self._build("build", takes=["Source"], makes=["Built"])])
        if "staging" in self._work:
            actions = [self._build("staging", takes=["Built"])]
            if "answers" in self._work:
                actions.append(self._build("answers", takes=["Built"], order=2))
            yield stages.stage("Staging", actions)
        yield stages.stage("Plan", [self._build("plan", takes=["Built"], makes=["Planned"], namespace="Plan")])
        if self._args.approval:
            yield stages.stage("Approval", [stages.approval(self._prefix, self._args, self._told)], then=None)
        yield stages.stage("Production", [self._build("production", takes=["Built", "Planned"])], then="ROLLBACK")
