"""Builds of the repository: what is made of each commit, and where it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pulumi

from architecture.refusals import says
from components.data.bucket import Bucket, BucketArgs
from components.data.lifecycle import LifecycleRule
from components.delivery.build import Build, BuildArgs
from components.refusal import Refusal, nearest

if TYPE_CHECKING:
    from architecture.platform import Platform
    from architecture.storage import Storage
    from components.alarms import AlarmTopics
    from components.retention import Retention
    from settings import Settings
    from settings.delivery import BuildSettings

SPECS = Path(__file__).resolve().parent.parent / "workloads" / "builds"


@dataclass(frozen=True)
class Builds:
    """What builds, and the bucket that keeps what came of it."""

    build: Build
    bucket: Bucket


def build_builds(settings: Settings, platform: Platform, storage: Storage, topics: AlarmTopics | None) -> Builds | None:
    """The build of the stack's YAML; none where it has no such section."""
    chosen = settings.build
    if chosen is None:
        return None
    key, archive = storage.data_key, storage.log_archive
    bucket_args = build_bucket_args(
        chosen,
        settings.retention,
        key_arn=key.arn if key else None,
        access_log_bucket=archive.log_target_name if archive else None,
    )
    bucket = Bucket(platform.name("builds"), bucket_args, platform.options())
    build = Build(
        platform.name("build"),
        build_args(
            chosen,
            settings,
            bucket_name=bucket.name,
            bucket_arn=bucket.arn,
            key_arn=key.arn if key else None,
            logs_key_arn=storage.logs_key.arn if storage.logs_key else None,
        ),
        platform.options(),
    )
    if topics is not None:
        build.alarms(topics)
    return Builds(build=build, bucket=bucket)


def build_args(
    build: BuildSettings,
    settings: Settings,
    *,
    bucket_name: pulumi.Input[str],
    bucket_arn: pulumi.Input[str],
    key_arn: pulumi.Input[str] | None = None,
    logs_key_arn: pulumi.Input[str] | None = None,
) -> BuildArgs:
    """What the stack's YAML says of builds."""
    with says("build", {"connection_arn": "connection"}):
        return BuildArgs(
            repository=build.repository,
            branch=build.branch,
            connection_arn=build.connection,
            spec=_spec(build.spec),
            environment={"STACK": pulumi.get_stack()},
            bucket_name=bucket_name,
            bucket_arn=bucket_arn,
            key_arn=key_arn,
            minutes=build.minutes,
            on_push=build.on_push,
            log_retention_days=settings.logs.retention_days,
            logs_key_arn=logs_key_arn,
        )


def _spec(name: str) -> str:
    known = sorted(path.stem for path in SPECS.glob("*.yml"))
    if name not in known:
        raise Refusal("spec", name, f"is no file of workloads/builds; {nearest(name, known)}there are: {known}")
    return (SPECS / f"{name}.yml").read_text(encoding="utf-8")


def build_bucket_args(
    build: BuildSettings,
    retention: Retention,
    *,
    key_arn: pulumi.Input[str] | None,
    access_log_bucket: pulumi.Input[str] | None,
) -> BucketArgs:
    """The bucket of the results: everything in it can be made again."""
    with says("build"):
        return BucketArgs(
            key_arn=key_arn,
            noncurrent_days=7,
            lifecycle=[LifecycleRule(delete_after_days=build.keep_days)],
            access_log_bucket=access_log_bucket,
            retention=retention,
        )
