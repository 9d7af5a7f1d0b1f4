"""Where things are kept: the archive of logs, and the stack's further buckets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from architecture.log_kinds import archive_lifecycle
from components.data.bucket import Bucket, BucketArgs
from components.widgets import widgets_of

if TYPE_CHECKING:
    import pulumi
    import pulumi_aws as aws

    from architecture.context import Context
    from components.widgets import Widget
    from settings.application import BucketUse


@dataclass(frozen=True)
class Storage:
    """The stack's further buckets, by their names in its YAML."""

    buckets: Mapping[str, Bucket]

    @property
    def widgets(self) -> list[Widget]:
        """What a dashboard shows of them."""
        return widgets_of(*self.buckets.values())

    @property
    def outputs(self) -> dict[str, Any]:
        """The names of the buckets, by service."""
        return {"buckets": {service: bucket.name for service, bucket in self.buckets.items()}}

    def bucket_names(self, uses: Mapping[str, BucketUse]) -> dict[str, pulumi.Input[str]]:
        """What a program is told that uses them: the name of `content` as BUCKET_CONTENT."""
        return {f"BUCKET_{name.replace('-', '_').upper()}": self.buckets[name].name for name in uses}

    def grant_buckets(self, uses: Mapping[str, BucketUse], role: aws.iam.Role) -> None:
        """Let a program with `role` do with each bucket what its settings say, and nothing more."""
        for name, use in sorted(uses.items()):
            if use != "write":
                self.buckets[name].grant_read(role)
            if use != "read":
                self.buckets[name].grant_write(role)


def build_storage(ctx: Context) -> Storage:
    """Each bucket of the stack's YAML."""
    return Storage({name: _bucket(ctx, name, args) for name, args in sorted(ctx.settings.buckets.items())})


def build_log_archive(ctx: Context) -> Bucket | None:
    """The bucket to which AWS services write their logs; none where the stack's YAML has no such section."""
    archive = ctx.settings.log_archive
    if archive is None:
        return None
    args = BucketArgs(
        encryption="s3",
        receives_logs_from=["cloudfront", "config", "elb", "s3", "vpc-flow-logs"],
        noncurrent_days=archive.noncurrent_days,
        lifecycle=archive_lifecycle(ctx.settings, archive),
        retention=ctx.settings.retention,
    )
    return Bucket(ctx.name("log-archive"), args, opts=ctx.opts)


def _bucket(ctx: Context, name: str, args: BucketArgs) -> Bucket:
    own = args.encryption == "kms"
    bucket = Bucket(
        ctx.name(name),
        args,
        key=ctx.keys.data if own else None,
        replica_key=ctx.keys.replicas[args.replicate_to] if args.replicate_to and own else None,
        access_logs=ctx.log_archive,
        opts=ctx.opts,
    )
    if ctx.topics is not None and ctx.replica_topics is not None:
        bucket.alarms(ctx.topics, ctx.replica_topics)
    return bucket
