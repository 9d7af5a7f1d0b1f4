"""The pipeline to this stack: what each of its stages does, and with which rights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import pulumi

from components.account import Account
from components.compute.repository import PUSH_ACTIONS
from components.data.bucket import Bucket, BucketArgs
from components.data.lifecycle import LifecycleRule
from components.delivery.deploy_role import KEEP_ACTIONS, ask_for_known_faults, deploy_statements
from components.delivery.deployed import Deployed
from components.delivery.pipeline import Pipeline
from components.delivery.pipeline_work import Platform, Work, WorkName
from components.policy import Statement, statement

if TYPE_CHECKING:
    from architecture.application import Application
    from architecture.context import Context
    from settings.delivery import PipelineSettings, StagingSettings

SPECS: Final = Path(__file__).resolve().parent.parent / "workloads" / "builds" / "pipeline"


def build_pipeline(ctx: Context, args: PipelineSettings, application: Application, deployed: Deployed) -> Pipeline:
    """The pipeline of the stack's YAML, with an alarm and notices where there are topics."""
    # Whatever is in it can be made again.
    store = BucketArgs(
        noncurrent_days=7,
        lifecycle=[LifecycleRule(delete_after_days=args.keep_days)],
        retention=ctx.settings.retention,
    )
    bucket = Bucket(ctx.name("pipeline-store"), store, key=ctx.keys.data, access_logs=ctx.log_archive, opts=ctx.opts)
    topics = next(iter(ctx.alerts), None)
    pipeline = Pipeline(
        ctx.name("pipeline"),
        args,
        work=dict(_work(ctx, args, application, deployed)),
        bucket=bucket,
        released=f"{ctx.path}/pipeline/released",
        key=ctx.keys.data,
        logs_key=ctx.keys.logs,
        told=topics.reminder if topics is not None else None,
        opts=ctx.opts,
    )
    if topics is not None:
        pipeline.tell(topics.warning_arn)
        pipeline.alarms(topics.alarm_topics)
    return pipeline


def _work(
    ctx: Context, args: PipelineSettings, application: Application, deployed: Deployed
) -> Iterator[tuple[WorkName, Work]]:
    account = Account.of(ctx.provider)
    yield "test", Work(spec=_spec("test"), statements=[ask_for_known_faults()])
    yield "build", _build(ctx, args, application, account)
    if args.staging is not None:
        yield from _staging(ctx, args.staging, account)
    yield (
        "plan",
        Work(
            spec=_spec("plan"),
            environment={
                "STACK": pulumi.get_stack(),
                "BACKEND": args.backend,
                "PLAN_ROLE": args.plan_role,
            },
            statements=[_takes(args.plan_role)],
        ),
    )
    yield (
        "production",
        Work(
            spec=_spec("production"),
            environment={
                "STACK": pulumi.get_stack(),
                "BACKEND": args.backend,
                "INFRASTRUCTURE_ROLE": args.infrastructure_role,
            },
            # Images are pushed by the stage before; here they are kept.
            statements=[
                _takes(args.infrastructure_role),
                *deploy_statements(deployed, account, image_actions=KEEP_ACTIONS),
            ],
        ),
    )


def _build(ctx: Context, args: PipelineSettings, application: Application, account: Account) -> Work:
    images = [image for _, image in sorted(application.images.items())]
    pairs = _copies(ctx, args.staging, list(application.images))
    statements: list[Statement] = []
    if images:
        staging = [account.arn("ecr", f"repository/{to}") for _, to in pairs]
        statements = [
            # A token for the registry; the action knows no resource.
            statement("LogInToTheRegistry", actions="ecr:GetAuthorizationToken", resources="*"),
            statement(
                "PushImagesAndJudgeThem",
                actions=[*PUSH_ACTIONS, "ecr:DescribeImageScanFindings"],
                resources=[*(image.repository.arn for image in images), *staging],
            ),
        ]
    named = [
        pulumi.Output.concat(image.repository.name, f",{image.source},{image.platform},{image.parameter}")
        for image in images
    ]
    # In the words of .github/scripts/images.sh.
    told = {
        "IMAGES": pulumi.Output.all(*named).apply(" ".join) if named else None,
        "COPIES": " ".join(f"{of}={to}" for of, to in pairs) or None,
    }
    return Work(
        spec=_spec("build"),
        environment={name: value for name, value in told.items() if value is not None},
        statements=statements,
        # The settings have seen to it that there is one.
        platform=cast("Platform", images[0].platform) if images else "linux/arm64",
        docker=bool(images),
    )


def _copies(ctx: Context, staging: StagingSettings | None, services: list[str]) -> list[tuple[str, str]]:
    """Which repository of staging's gets the images of which of ours: both are called as their services."""
    if staging is None:
        return []
    return [(ctx.name(name), f"{ctx.settings.product}-{staging.environment}-{name}") for name in sorted(services)]


def _staging(ctx: Context, staging: StagingSettings, account: Account) -> Iterator[tuple[WorkName, Work]]:
    # Of staging's deploy role, Pulumi has chosen the last letters; it trusts this stage's role by its name.
    deploy = account.global_arn("iam", f"role/{ctx.settings.product}-{staging.environment}-delivery-role-*")
    yield (
        "staging",
        Work(
            spec=_spec("staging"),
            environment={
                "STACK": staging.stack,
                "BACKEND": staging.backend,
                "INFRASTRUCTURE_ROLE": staging.infrastructure_role,
            },
            statements=[_takes(staging.infrastructure_role, deploy)],
        ),
    )
    if staging.answers is not None:
        address, checks = staging.answers
        yield "answers", Work(spec=_spec("answers"), environment={"ADDRESS": address, "CHECKS": checks})


def _takes(*roles: pulumi.Input[str]) -> Statement:
    return statement("TakeTheRolesOfTheEnvironment", actions="sts:AssumeRole", resources=list(roles))


def _spec(name: str) -> str:
    return (SPECS / f"{name}.yml").read_text(encoding="utf-8")
