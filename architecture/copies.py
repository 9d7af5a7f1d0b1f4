"""Copies of the database in S3: made every week by a workflow, by the host where there is one, else by RDS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from architecture.messaging import WORKFLOWS
from architecture.refusals import says
from components.data.bucket import Bucket, BucketArgs
from components.data.lifecycle import LifecycleRule
from components.messaging.schedule import Schedule, ScheduleArgs
from components.messaging.workflow import Workflow, WorkflowArgs
from components.operations.database_copy import (
    DatabaseDump,
    DatabaseDumpArgs,
    SnapshotExport,
    SnapshotExportArgs,
)

if TYPE_CHECKING:
    import pulumi

    from architecture.data import Data
    from architecture.platform import Platform
    from architecture.storage import Storage
    from components.alarms import AlarmTopics
    from components.compute.free_tier_host import FreeTierHost
    from components.messaging.target import Target
    from components.retention import Retention
    from settings import Settings
    from settings.copies import DatabaseCopySettings


@dataclass(frozen=True)
class Copies:
    """Where the copies are, and what makes them."""

    bucket: Bucket
    workflow: Workflow
    schedule: Schedule


def build_copies(
    settings: Settings,
    platform: Platform,
    storage: Storage,
    data: Data,
    host: FreeTierHost | None,
    topics: AlarmTopics | None,
) -> Copies | None:
    """The bucket, the workflow and its schedule; none where the stack's YAML has no such section."""
    copy, database = settings.database_copy, data.database
    if copy is None or database is None:
        return None
    key = storage.data_key
    args = copies_bucket_args(
        copy,
        settings.retention,
        key_arn=key.arn if key else None,
        access_log_bucket=storage.log_archive.log_target_name if storage.log_archive else None,
    )
    bucket = Bucket(platform.name("database-copies"), args, platform.options())
    name = platform.name("database-copy")
    way: DatabaseDump | SnapshotExport
    if host is not None and settings.host is not None and settings.host.database:
        definition = "dump-copy"
        dump = DatabaseDumpArgs(
            bucket_name=bucket.name, bucket_arn=bucket.arn, instance_id=host.instance_id, host_role=host.role
        )
        way = DatabaseDump(name, dump, platform.options())
    else:
        definition = "snapshot-copy"
        assert key is not None  # the settings refuse a copy by RDS without a key
        instance: Any = database
        export = SnapshotExportArgs(
            bucket_name=bucket.name,
            bucket_arn=bucket.arn,
            key_arn=key.arn,
            database_identifier=instance.identifier,
            database_arn=instance.arn,
        )
        way = SnapshotExport(name, export, platform.options())
    workflow = Workflow(
        name,
        WorkflowArgs(
            definition=(WORKFLOWS / f"{definition}.asl.json").read_text(encoding="utf-8"),
            substitutions=way.substitutions,
            log_retention_days=settings.logs.retention_days,
            log_key_arn=storage.logs_key.arn if storage.logs_key else None,
        ),
        platform.options(),
    )
    way.grant_run(workflow.role)
    schedule = Schedule(
        platform.name("database-copy-schedule"), copy_schedule_args(copy, workflow.target), platform.options()
    )
    if topics is not None:
        # The definitions let every fault end in a failure; more alarms would only say the same.
        workflow.alarms(topics, kinds=("failed",))
    return Copies(bucket=bucket, workflow=workflow, schedule=schedule)


def copies_bucket_args(
    copy: DatabaseCopySettings,
    retention: Retention,
    *,
    key_arn: pulumi.Input[str] | None,
    access_log_bucket: pulumi.Input[str] | None,
) -> BucketArgs:
    """The bucket: cheaper storage after a month, and an end."""
    with says("database_copy"):
        return BucketArgs(
            key_arn=key_arn,
            noncurrent_days=7,
            lifecycle=[LifecycleRule(transitions={"STANDARD_IA": 30}, delete_after_days=copy.keep_days)],
            access_log_bucket=access_log_bucket,
            retention=retention,
        )


def copy_schedule_args(copy: DatabaseCopySettings, target: Target) -> ScheduleArgs:
    """What the stack's YAML says of when."""
    with says("database_copy"):
        return ScheduleArgs(expression=copy.expression, timezone=copy.timezone, enabled=copy.enabled, target=target)
