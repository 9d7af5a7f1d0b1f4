"""Copies of the database in S3: made every week by a workflow, by the host where there is one, else by RDS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from architecture.context import require
from components.data.bucket import Bucket, BucketArgs
from components.data.lifecycle import LifecycleRule
from components.data.postgres import Postgres
from components.messaging.schedule import Schedule, ScheduleArgs
from components.messaging.workflow import Workflow, WorkflowArgs
from components.operations.database_copy import (
    DatabaseDump,
    DatabaseDumpArgs,
    SnapshotExport,
    SnapshotExportArgs,
)
from components.widgets import widgets_of
from settings.workloads import definitions

if TYPE_CHECKING:
    from architecture.context import Context
    from architecture.data import Data
    from components.compute.free_tier_host import FreeTierHost
    from components.widgets import Widget


@dataclass(frozen=True)
class DatabaseCopies:
    """Where the copies are, and what makes them."""

    bucket: Bucket
    workflow: Workflow
    schedule: Schedule

    @property
    def widgets(self) -> list[Widget]:
        """What a dashboard shows of them."""
        return widgets_of(self.workflow, self.schedule)

    @property
    def outputs(self) -> dict[str, Any]:
        """Where the copies of the database are, and what to start for one now."""
        return {"databaseCopiesBucket": self.bucket.name, "databaseCopyWorkflowArn": self.workflow.arn}


def build_database_copies(ctx: Context, data: Data, host: FreeTierHost | None) -> DatabaseCopies | None:
    """The bucket, the workflow and its schedule; none where the stack's YAML has no such section."""
    copy = ctx.settings.database_copy
    if copy is None:
        return None
    key = ctx.keys.data
    args = BucketArgs(
        noncurrent_days=7,
        # Cheaper storage after a month, and an end.
        lifecycle=[LifecycleRule(transitions={"STANDARD_IA": 30}, delete_after_days=copy.keep_days)],
        retention=ctx.settings.retention,
    )
    bucket = Bucket(ctx.name("database-copies"), args, key=key, access_logs=ctx.log_archive, opts=ctx.opts)
    name = ctx.name("database-copy")
    way: DatabaseDump | SnapshotExport
    if host is not None and ctx.settings.host is not None and ctx.settings.host.database:
        definition = "dump-copy"
        way = DatabaseDump(name, DatabaseDumpArgs(), bucket=bucket, host=host, opts=ctx.opts)
    else:
        definition = "snapshot-copy"
        database = data.database
        assert isinstance(database, Postgres), "the settings refuse a copy of another database"
        way = SnapshotExport(
            name,
            SnapshotExportArgs(),
            bucket=bucket,
            database=database,
            key=require(key, "keys.own"),
            opts=ctx.opts,
        )
    workflow = Workflow(
        name,
        WorkflowArgs(log_retention_days=ctx.settings.logs.retention_days),
        definition=definitions()[definition].read_text(encoding="utf-8"),
        substitutions=way.substitutions,
        log_key=ctx.keys.logs,
        opts=ctx.opts,
    )
    way.grant_run(workflow.role)
    when = ScheduleArgs(expression=copy.expression, timezone=copy.timezone, enabled=copy.enabled)
    schedule = Schedule(ctx.name("database-copy-schedule"), when, target=workflow.target, opts=ctx.opts)
    if ctx.topics is not None:
        # The definitions let every fault end in a failure; more alarms would only say the same.
        workflow.alarms(ctx.topics, kinds=("failed",))
    return DatabaseCopies(bucket=bucket, workflow=workflow, schedule=schedule)
