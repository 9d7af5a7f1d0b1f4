"""Builds of each commit of the repository, and where what is made of them is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pulumi

from components.data.bucket import Bucket, BucketArgs
from components.data.lifecycle import LifecycleRule
from components.delivery.build import Build
from components.widgets import widgets_of

if TYPE_CHECKING:
    from architecture.context import Context
    from components.widgets import Widget


@dataclass(frozen=True)
class CommitBuilds:
    """What builds, and the bucket that keeps what came of it."""

    build: Build
    bucket: Bucket

    @property
    def widgets(self) -> list[Widget]:
        """What a dashboard shows of them."""
        return widgets_of(self.build)

    @property
    def outputs(self) -> dict[str, Any]:
        """What builds into what."""
        return {"buildName": self.build.name, "buildBucket": self.bucket.name}


def build_commit_builds(ctx: Context) -> CommitBuilds | None:
    """The build of the stack's YAML; none where it has no such section."""
    args = ctx.settings.build
    if args is None:
        return None
    # Everything in it can be made again.
    results = BucketArgs(
        noncurrent_days=7,
        lifecycle=[LifecycleRule(delete_after_days=args.keep_days)],
        retention=ctx.settings.retention,
    )
    bucket = Bucket(ctx.name("builds"), results, key=ctx.keys.data, access_logs=ctx.log_archive, opts=ctx.opts)
    build = Build(
        ctx.name("build"),
        args,
        spec=args.commands,
        bucket=bucket,
        key=ctx.keys.data,
        environment={"STACK": pulumi.get_stack()},
        logs_key=ctx.keys.logs,
        opts=ctx.opts,
    )
    if ctx.topics is not None:
        build.alarms(ctx.topics)
    return CommitBuilds(build=build, bucket=bucket)
