"""The data lake: what arrives, what is clean, what is ready, the jobs that bring it from one to the next, and SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pulumi

from architecture.analytics import WORKLOADS, queries_in, results_bucket
from architecture.context import Context, require
from components.analytics.data_lake import Catalogue, DataLake, LakeTable
from components.analytics.job_code import JobCode, JobCodeArgs
from components.analytics.lake_formation import LakeFormation
from components.analytics.log_export import LogExport, LogExportArgs
from components.analytics.spark_job import DatabaseConnection, DatabaseConnectionArgs, SparkJob, SparkJobArgs
from components.analytics.table_export import FOLDER as EXPORTS
from components.analytics.table_export import TableExport, TableExportArgs
from components.analytics.workgroup import Results
from components.data.bucket import Bucket, BucketArgs
from components.data.lifecycle import LifecycleRule
from components.messaging.schedule import Schedule, ScheduleArgs
from components.messaging.workflow import Workflow, WorkflowArgs
from components.widgets import widgets_of
from settings.authorities import authority
from settings.lake import ZONES
from workloads.jobs.tables import AUTHORITY, DATABASE, LANDED, TABLES

if TYPE_CHECKING:
    from architecture.data import Data
    from components.data.database import Database
    from components.network.network import Network
    from components.widgets import Widget
    from settings.lake import LakeSettings

JOBS: Final = ("extract", "history", "logs", "cloudwatch", "quality", "activity")
LOGS_FOLDER: Final = "app-logs"
"""Where the log router writes in the log archive."""

FLOWING: Final = "cloudwatch-logs"
"""Where Firehose writes in the zone raw."""


@dataclass(frozen=True)
class Lake:
    """The lake, its zones and what works on it."""

    lake: DataLake
    zones: Mapping[str, Bucket]
    jobs: Mapping[str, SparkJob]
    workflow: Workflow
    exports: Workflow | None
    """Copies tables to the zone raw."""
    log_export: LogExport | None
    schedules: Sequence[Schedule]

    @property
    def widgets(self) -> list[Widget]:
        """What a dashboard shows of them."""
        return widgets_of(*self.jobs.values(), self.workflow, self.exports, *self.schedules, self.log_export, self.lake)

    @property
    def outputs(self) -> dict[str, Any]:
        """Where the lake can be asked, and the workflow that fills a gap."""
        return {
            "lakeWorkgroup": self.lake.workgroup_name,
            "lakeDatabase": self.lake.database_name,
            "lakeZones": {zone: bucket.name for zone, bucket in self.zones.items()},
            "lakeWorkflowArn": self.workflow.arn,
            **({"lakeExportsWorkflowArn": self.exports.arn} if self.exports is not None else {}),
        }


def build_lake(ctx: Context, network: Network | None, data: Data) -> Lake | None:
    """The lake of the stack's file; none without its section."""
    wanted = ctx.settings.lake
    if wanted is None:
        return None
    database = require(data.database, "database")
    zones = _zones(ctx, wanted)
    answers = results_bucket(ctx, "lake-results", wanted.keep_results_days, ctx.keys.data)
    results = Results(bucket=answers, key=ctx.keys.data)
    lake = _catalogue(ctx, wanted, zones, results)
    jobs = _jobs(ctx, wanted, lake, zones, database, require(network, "network"))
    workflow = _workflow(ctx, "lake-night", "lake", {f"{name}JobName": job.name for name, job in jobs.items()})
    for job in jobs.values():
        job.grant_run(workflow.role)
    schedules = [_schedule(ctx, wanted, "lake-night-schedule", wanted.schedule, workflow, {"arguments": {}})]
    log_export = exports = None
    if wanted.export_logs:
        log_export = LogExport(
            ctx.name("lake-log-export"),
            LogExportArgs(folder=FLOWING, log_retention_days=ctx.settings.logs.retention_days),
            log_groups={**database.log_group_names, "night": workflow.log_group_name},
            bucket=zones["raw"],
            key=ctx.keys.data,
            log_key=ctx.keys.logs,
            opts=ctx.opts,
        )
    if wanted.export_tables:
        export = TableExport(
            ctx.name("lake-table-export"),
            TableExportArgs(),
            tables=[data.tables[name] for name in sorted(wanted.export_tables)],
            bucket=zones["raw"],
            key=ctx.keys.data,
            opts=ctx.opts,
        )
        exports = _workflow(ctx, "lake-exports", "table-exports", export.substitutions)
        export.grant_run(exports.role)
        schedules.append(_schedule(ctx, wanted, "lake-exports-schedule", wanted.export_schedule, exports))
    for part in (workflow, exports, log_export, *schedules):
        if ctx.topics is not None and part is not None:
            part.alarms(ctx.topics)
    return Lake(lake, zones, jobs, workflow, exports, log_export, schedules)


def _zones(ctx: Context, wanted: LakeSettings) -> dict[str, Bucket]:
    """The three zones. What is read now and then moves by its use; what has been worked on goes to Glacier.

    The classes that Intelligent-Tiering begins with answer at once. Its archive tiers, of which a job or a query could
    read nothing for hours, are asked for by a configuration of the bucket, which no zone has.
    """
    # By folder: extract's notes of how far it has read must stay readable.
    arrived = sorted({f"{folder}/" for folder in (LANDED, FLOWING, EXPORTS, *wanted.crawled)})
    rested = [
        LifecycleRule(prefix=prefix, transitions={"GLACIER": wanted.raw_glacier_after_days}) for prefix in arrived
    ]
    by_use = [LifecycleRule(transitions={"INTELLIGENT_TIERING": 0})]
    lifecycles = {"raw": rested, "clean": by_use, "curated": by_use}
    return {zone: _bucket(ctx, zone, noncurrent_days=7, lifecycle=lifecycles[zone]) for zone in ZONES}


def _bucket(ctx: Context, service: str, **args: Any) -> Bucket:
    made = BucketArgs(retention=ctx.settings.retention, **args)
    name = ctx.name(f"lake-{service}")
    return Bucket(name, made, key=ctx.keys.data, access_logs=ctx.log_archive, opts=ctx.opts)


def _catalogue(ctx: Context, wanted: LakeSettings, zones: Mapping[str, Bucket], results: Results) -> DataLake:
    """The tables of the jobs over the zones, and who may ask them."""
    tables = {
        name: LakeTable(
            zone=table.zone,
            description=table.description,
            columns=table.columns,
            partitions=table.partition_columns,
        )
        for name, table in TABLES.items()
    }
    crawled = [*wanted.crawled, *([EXPORTS] if wanted.export_tables else [])]
    formation = None
    if wanted.lake_formation is not None:
        # Those of which the catalogue knows tables: of the jobs, and raw where it is crawled.
        known = {table.zone for table in TABLES.values()} | ({"raw"} if crawled else set())
        formation = LakeFormation(
            ctx.name("lake-formation"),
            wanted.lake_formation,
            zones={zone: bucket for zone, bucket in zones.items() if zone in known},
            opts=ctx.opts,
        )
    return DataLake(
        ctx.name("lake"),
        wanted.model_copy(update={"crawled": crawled}),
        catalogue=Catalogue(zones=zones, tables=tables, partition_values={"service": sorted(ctx.settings.services)}),
        results=results,
        queries=queries_in("lake-queries"),
        formation=formation,
        key=ctx.keys.data,
        log_key=ctx.keys.logs,
        opts=ctx.opts,
    )


def _workflow(ctx: Context, service: str, definition: str, substitutions: Mapping[str, pulumi.Input[str]]) -> Workflow:
    return Workflow(
        ctx.name(service),
        WorkflowArgs(log_retention_days=ctx.settings.logs.retention_days),
        definition=(WORKLOADS / "workflows" / f"{definition}.asl.json").read_text(encoding="utf-8"),
        substitutions=substitutions,
        log_key=ctx.keys.logs,
        opts=ctx.opts,
    )


def _schedule(
    ctx: Context, wanted: LakeSettings, service: str, expression: str, workflow: Workflow, input_: Any = None
) -> Schedule:
    args = ScheduleArgs(
        expression=expression,
        timezone=wanted.timezone,
        enabled=wanted.enabled,
        input=input_ or {},
    )
    return Schedule(ctx.name(service), args, target=workflow.target, opts=ctx.opts)


def _jobs(
    ctx: Context,
    wanted: LakeSettings,
    lake: DataLake,
    zones: Mapping[str, Bucket],
    database: Database,
    network: Network,
) -> dict[str, SparkJob]:
    """Each job with the files that it reads and writes, and nothing more."""
    archive = require(ctx.log_archive, "logArchive")
    code = JobCode(
        ctx.name("lake-code-files"),
        JobCodeArgs(
            folder=WORKLOADS / "jobs",
            scripts=[f"{job}.py" for job in JOBS],
            files={AUTHORITY: require(authority(ctx.settings.region), "region")},
        ),
        bucket=_bucket(ctx, "code"),
        key=ctx.keys.data,
        opts=ctx.opts,
    )
    connection = DatabaseConnection(
        ctx.name("lake-database"), DatabaseConnectionArgs(), database=database, network=network, opts=ctx.opts
    )
    raw, clean, curated = (lake.zone_url(zone) for zone in ZONES)
    arguments: dict[str, dict[str, pulumi.Input[str]]] = {
        "extract": {"--source": connection.url, "--secret": database.secret_arn, "--raw": raw},
        "history": {"--raw": raw, "--clean": clean},
        "logs": {"--source": pulumi.Output.concat("s3://", archive.name, f"/{LOGS_FOLDER}"), "--clean": clean},
        "cloudwatch": {"--source": pulumi.Output.concat(raw, f"/{FLOWING}"), "--clean": clean},
        "quality": {"--clean": clean},
        "activity": {"--clean": clean, "--curated": curated},
    }
    jobs = {
        name: SparkJob(
            ctx.name(f"lake-{name}"),
            SparkJobArgs(script=f"{name}.py", size=wanted),
            lake=lake,
            code=code,
            arguments=told,
            connection=connection if name == "extract" else None,
            opts=ctx.opts,
        )
        for name, told in arguments.items()
    }
    archive.grant_read(jobs["logs"].role, LOGS_FOLDER)
    archive.grant_list(jobs["logs"].role)
    zones["raw"].grant_write(jobs["extract"].role, DATABASE)
    for name, folder in {"extract": DATABASE, "history": DATABASE, "cloudwatch": FLOWING}.items():
        zones["raw"].grant_read(jobs[name].role, folder)
        zones["raw"].grant_list(jobs[name].role)
    for name in ("history", "logs", "cloudwatch", "quality", "activity"):
        zones["clean"].grant_read(jobs[name].role)
    for name in ("history", "logs", "cloudwatch", "quality"):
        zones["clean"].grant_write(jobs[name].role)
    for grant in (zones["curated"].grant_read, zones["curated"].grant_write):
        grant(jobs["activity"].role)
    return jobs
