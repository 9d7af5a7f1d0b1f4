"""The stages of a pipeline as CodePipeline takes them: where a commit comes from, what is run, who approves."""

from __future__ import annotations

import json
from typing import Final, Literal, Required, TypedDict, Unpack

import pulumi
import pulumi_aws as aws

from ..messaging.target import Target
from .pipeline_args import PipelineArgs

_STARTED: Final = ("COMMIT", "#{Source.CommitId}"), ("EXECUTION", "#{codepipeline.PipelineExecutionId}")
"""What each build is told of the execution
(docs.aws.amazon.com/codepipeline/latest/userguide/reference-variables.html)."""


def source(args: PipelineArgs) -> aws.codepipeline.PipelineStageActionArgs:
    return aws.codepipeline.PipelineStageActionArgs(
        name="Source",
        category="Source",
        owner="AWS",
        provider="CodeStarSourceConnection",
        version="1",
        namespace="Source",
        output_artifacts=["Source"],
        configuration={
            "ConnectionArn": args.connection,
            "FullRepositoryId": args.repository,
            "BranchName": args.branches[0],
            "OutputArtifactFormat": "CODE_ZIP",
            # By the trigger, which knows branches and paths; this would be a second one that does not.
            "DetectChanges": "false",
        },
    )


class Joined(TypedDict, total=False):
    """How a build is joined with others: what it takes and makes, what it is called by others, and its turn."""

    takes: Required[list[str]]
    makes: list[str]
    namespace: str
    order: int


def build(
    name: str, project: pulumi.Input[str], *, tests: bool, **joined: Unpack[Joined]
) -> aws.codepipeline.PipelineStageActionArgs:
    """A run of a project, which is told the commit and the execution."""
    variables = [{"name": name, "value": value, "type": "PLAINTEXT"} for name, value in _STARTED]
    takes = joined["takes"]
    return aws.codepipeline.PipelineStageActionArgs(
        name=name,
        category="Test" if tests else "Build",
        owner="AWS",
        provider="CodeBuild",
        version="1",
        namespace=joined.get("namespace"),
        run_order=joined.get("order", 1),
        input_artifacts=takes,
        output_artifacts=joined.get("makes"),
        configuration={
            "ProjectName": project,
            "EnvironmentVariables": json.dumps(variables),
            **({"PrimarySource": takes[0]} if len(takes) > 1 else {}),
        },
    )


def approval(name: str, args: PipelineArgs, told: Target | None) -> aws.codepipeline.PipelineStageActionArgs:
    notified = {"NotificationArn": told.arn} if told is not None else {}
    return aws.codepipeline.PipelineStageActionArgs(
        name="Approval",
        category="Approval",
        owner="AWS",
        provider="Manual",
        version="1",
        timeout_in_minutes=args.approval_days * 24 * 60,
        configuration={
            **notified,
            # The commits since the one that runs; the plan itself is in the log of the stage before.
            "ExternalEntityLink": f"https://github.com/{args.repository}/#{{Plan.DIFF}}",
            "CustomData": f"{name}: bring #{{Source.CommitId}} to production? #{{Plan.SUMMARY}}",
        },
    )


def trigger(args: PipelineArgs) -> aws.codepipeline.PipelineTriggerArgs:
    push = aws.codepipeline.PipelineTriggerGitConfigurationPushArgs
    branches = aws.codepipeline.PipelineTriggerGitConfigurationPushBranchesArgs(
        includes=args.branches, excludes=args.ignore_branches or None
    )
    paths = aws.codepipeline.PipelineTriggerGitConfigurationPushFilePathsArgs(
        includes=args.paths or None, excludes=args.ignore_paths or None
    )
    filtered = push(branches=branches, file_paths=paths if args.paths or args.ignore_paths else None)
    return aws.codepipeline.PipelineTriggerArgs(
        provider_type="CodeStarSourceConnection",
        git_configuration=aws.codepipeline.PipelineTriggerGitConfigurationArgs(
            source_action_name="Source", pushes=[filtered]
        ),
    )


def stage(
    name: str,
    actions: list[aws.codepipeline.PipelineStageActionArgs],
    *,
    then: Literal["RETRY", "ROLLBACK"] | None = "RETRY",
) -> aws.codepipeline.PipelineStageArgs:
    failure = aws.codepipeline.PipelineStageOnFailureArgs
    on_failure = None
    if then == "RETRY":
        again = aws.codepipeline.PipelineStageOnFailureRetryConfigurationArgs(retry_mode="FAILED_ACTIONS")
        on_failure = failure(result=then, retry_configuration=again)
    elif then == "ROLLBACK":
        on_failure = failure(result=then)
    return aws.codepipeline.PipelineStageArgs(name=name, actions=actions, on_failure=on_failure)
