"""The data lake: what arrives, what is clean, what is ready, the jobs that bring it from one to the next, and SQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pulumi

from architecture.refusals import says, yaml_key
from components.analytics.data_lake import DataLake, DataLakeArgs, LakeTable
from components.analytics.job_code import JobCode, JobCodeArgs
from components.analytics.lake_formation import LakeFormation, LakeFormationArgs
from components.analytics.log_export import LogExport, LogExportArgs
from components.analytics.spark_job import DatabaseConnection, DatabaseConnectionArgs, JobSize, SparkJob, SparkJobArgs
from components.analytics.table_export import FOLDER as EXPORTS
from components.analytics.table_export import TableExport, TableExportArgs
from components.analytics.workgroup import Results
from components.data.bucket import Bucket, BucketArgs
from components.data.database import CERTIFICATE_AUTHORITY
from components.data.lifecycle import LifecycleRule
from components.messaging.schedule import Schedule, ScheduleArgs
from components.messaging.workflow import Workflow, WorkflowArgs
from components.refusal import Refusal
from workloads.jobs.tables import AUTHORITY, DATABASE, LANDED, TABLES

if TYPE_CHECKING:
    from architecture.data import Data
    from architecture.platform import Platform
    from architecture.storage import Storage
    from components.alarms import AlarmTopics
    from components.data.database import Database
    from components.network.network import Network
    from components.retention import Retention
    from settings import Settings
    from settings.lake import LakeFormationSettings, LakeSettings

WORKLOADS: Final = Path(__file__).resolve().parent.parent / "workloads"
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


def build_lake(
    settings: Settings,
    platform: Platform,
    network: Network | None,
    storage: Storage,
    data: Data,
    topics: AlarmTopics | None,
) -> Lake | None:
    """The lake of the stack's YAML; none without its section."""
    wanted = settings.lake
    if wanted is None or storage.log_archive is None or data.database is None or network is None:
        return None
    key_arn = storage.data_key.arn if storage.data_key else None
    log_key_arn = storage.logs_key.arn if storage.logs_key else None
    access_logs = storage.log_archive.log_target_name

    def bucket(name: str, args: BucketArgs) -> Bucket:
        return Bucket(platform.name(f"lake-{name}"), args, platform.options())

    ground = {"key_arn": key_arn, "access_log_bucket": access_logs}
    zones = {zone: bucket(zone, args) for zone, args in zone_args(wanted, settings.retention, **ground).items()}
    results = bucket("results", results_args(wanted, settings.retention, **ground))
    code_bucket = bucket("code", BucketArgs(retention=settings.retention, **ground))
    scripts = [f"{job}.py" for job in JOBS]
    code = JobCode(
        platform.name("lake-code-files"),
        JobCodeArgs(
            folder=WORKLOADS / "jobs",
            scripts=scripts,
            files={AUTHORITY: authority(settings.region)},
            bucket=code_bucket,
            key_arn=key_arn,
        ),
        platform.options(),
    )
    formation = None
    if wanted.lake_formation is not None:
        formation = LakeFormation(
            platform.name("lake-formation"),
            formation_args(wanted.lake_formation, with_tables(wanted, zones)),
            platform.options(),
        )
    lake = DataLake(
        platform.name("lake"),
        lake_args(
            wanted,
            settings,
            zones=zones,
            formation=formation,
            results=Results(bucket=results.name, bucket_arn=results.arn, key_arn=key_arn),
            key_arn=key_arn,
            log_key_arn=log_key_arn,
        ),
        platform.options(),
    )
    connection = DatabaseConnection(
        platform.name("lake-database"),
        DatabaseConnectionArgs(database=data.database, network=network),
        platform.options(),
    )
    jobs = _jobs(wanted, platform, lake, code, connection, data.database, storage.log_archive, zones)
    workflow = Workflow(
        platform.name("lake-night"),
        workflow_args(settings, {name: job.name for name, job in jobs.items()}, log_key_arn),
        platform.options(),
    )
    for job in jobs.values():
        job.grant_run(workflow.role)
    schedule = Schedule(
        platform.name("lake-night-schedule"), schedule_args(wanted, workflow.target), platform.options()
    )
    log_export = None
    if wanted.export_logs:
        groups = {**data.database.log_group_names, "night": workflow.log_group_name}
        log_export = LogExport(
            platform.name("lake-log-export"),
            log_export_args(settings, groups, zones["raw"], key_arn, log_key_arn),
            platform.options(),
        )
    watched = [workflow, schedule, log_export]
    exports = None
    if wanted.export_tables:
        exports, export_schedule = _exports(wanted, settings, platform, data, zones["raw"], key_arn, log_key_arn)
        watched += [exports, export_schedule]
    for part in watched:
        if topics is not None and part is not None:
            part.alarms(topics)
    return Lake(lake, zones, jobs, workflow, exports, log_export)


def authority(region: str) -> str:
    """The certificate of the authority that signs those of the databases in `region`, of all that RDS has."""
    kind = CERTIFICATE_AUTHORITY.removeprefix("rds-ca-").replace("-", " ").upper()
    bundle = (WORKLOADS / "extensions" / "rds.pem").read_text(encoding="utf-8")
    _, found, rest = bundle.partition(f"# Amazon RDS {region} Root CA {kind}\n")
    if not found:
        raise Refusal(
            yaml_key("region"),
            region,
            "has no authority in workloads/extensions/rds.pem, so the lake's jobs could not tell the database from "
            "another server; add it, or leave the section lake out",
        )
    return rest.partition("\n#")[0]


def log_export_args(
    settings: Settings,
    groups: Mapping[str, pulumi.Input[str]],
    raw: Bucket,
    key_arn: pulumi.Input[str] | None,
    log_key_arn: pulumi.Input[str] | None,
) -> LogExportArgs:
    """What flows from CloudWatch into the zone raw."""
    return LogExportArgs(
        log_groups=groups,
        bucket=raw,
        folder=FLOWING,
        key_arn=key_arn,
        log_retention_days=settings.logs.retention_days,
        log_key_arn=log_key_arn,
    )


def _exports(
    wanted: LakeSettings,
    settings: Settings,
    platform: Platform,
    data: Data,
    raw: Bucket,
    key_arn: pulumi.Input[str] | None,
    log_key_arn: pulumi.Input[str] | None,
) -> tuple[Workflow, Schedule]:
    """The workflow that copies tables, and what starts it."""
    export = TableExport(
        platform.name("lake-table-export"),
        TableExportArgs(
            table_arns=[data.tables[name].arn for name in sorted(wanted.export_tables)], bucket=raw, key_arn=key_arn
        ),
        platform.options(),
    )
    workflow = Workflow(
        platform.name("lake-exports"),
        WorkflowArgs(
            definition=(WORKLOADS / "workflows" / "table-exports.asl.json").read_text(encoding="utf-8"),
            substitutions=export.substitutions,
            log_retention_days=settings.logs.retention_days,
            log_key_arn=log_key_arn,
        ),
        platform.options(),
    )
    export.grant_run(workflow.role)
    schedule = Schedule(
        platform.name("lake-exports-schedule"), export_schedule_args(wanted, workflow.target), platform.options()
    )
    return workflow, schedule


def export_schedule_args(lake: LakeSettings, target: Any) -> ScheduleArgs:
    """When tables are copied."""
    with says("lake", {"expression": "exportSchedule"}):
        return ScheduleArgs(
            expression=lake.export_schedule, timezone=lake.timezone, enabled=lake.enabled, target=target
        )


def zone_args(
    lake: LakeSettings,
    retention: Retention,
    *,
    key_arn: pulumi.Input[str] | None,
    access_log_bucket: pulumi.Input[str] | None,
) -> dict[str, BucketArgs]:
    """The three zones. What is read now and then moves by its use; what has been worked on goes to Glacier.

    The classes that Intelligent-Tiering begins with answer at once. Its archive tiers, of which a job or a query could
    read nothing for hours, are asked for by a configuration of the bucket, which no zone has.
    """

    def zone(**changes: Any) -> BucketArgs:
        return BucketArgs(
            key_arn=key_arn, access_log_bucket=access_log_bucket, retention=retention, noncurrent_days=7, **changes
        )

    def rested(prefix: str) -> LifecycleRule:
        return LifecycleRule(prefix=prefix, transitions={"GLACIER": lake.raw_glacier_after_days})

    with says("lake"):
        # By folder: extract's notes of how far it has read must stay readable.
        arrived = sorted({f"{folder}/" for folder in (LANDED, FLOWING, EXPORTS, *lake.crawled)})
        by_use = [LifecycleRule(transitions={"INTELLIGENT_TIERING": 0})]
        return {
            "raw": zone(lifecycle=[rested(prefix) for prefix in arrived]),
            "clean": zone(lifecycle=by_use),
            "curated": zone(lifecycle=by_use),
        }


def results_args(
    lake: LakeSettings,
    retention: Retention,
    *,
    key_arn: pulumi.Input[str] | None,
    access_log_bucket: pulumi.Input[str] | None,
) -> BucketArgs:
    """The answers of queries, in which nothing stays for long: all of it can be asked for again."""
    with says("lake"):
        return BucketArgs(
            key_arn=key_arn,
            noncurrent_days=1,
            lifecycle=[LifecycleRule(delete_after_days=lake.keep_results_days)],
            access_log_bucket=access_log_bucket,
            retention=retention,
        )


def lake_args(
    lake: LakeSettings,
    settings: Settings,
    *,
    zones: Mapping[str, Bucket],
    formation: LakeFormation | None,
    results: Results,
    key_arn: pulumi.Input[str] | None,
    log_key_arn: pulumi.Input[str] | None,
) -> DataLakeArgs:
    """What the stack's YAML says of the lake, and the jobs of their tables."""
    tables = {
        name: LakeTable(
            zone=table.zone,
            description=table.description,
            columns=table.columns,
            partitions=table.partition_columns,
        )
        for name, table in TABLES.items()
    }
    with says("lake"):
        return DataLakeArgs(
            zones=zones,
            formation=formation,
            tables=tables,
            partition_values={"service": sorted(settings.services)},
            first_day=lake.first_day,
            results=results,
            scan_limit_mib=lake.scan_limit_mib,
            queries={path.stem: path.read_text(encoding="utf-8") for path in _files("lake-queries", "*.sql")},
            crawled=[*lake.crawled, *([EXPORTS] if lake.export_tables else [])],
            key_arn=key_arn,
            log_key_arn=log_key_arn,
            log_retention_days=settings.logs.retention_days,
        )


def with_tables(lake: LakeSettings, zones: Mapping[str, Bucket]) -> dict[str, Bucket]:
    """The zones of which the catalogue knows tables: those of the jobs, and raw where it is crawled."""
    crawled = {"raw"} if lake.crawled or lake.export_tables else set()
    wanted = crawled | {table.zone for table in TABLES.values()}
    return {zone: bucket for zone, bucket in zones.items() if zone in wanted}


def formation_args(formation: LakeFormationSettings, zones: Mapping[str, Bucket]) -> LakeFormationArgs:
    """Who decides about the tables, of the stack's YAML."""
    with says("lake.lake_formation"):
        return LakeFormationArgs(administrators=formation.administrators, zones=zones)


def job_size(lake: LakeSettings) -> JobSize:
    """What the stack's YAML says of every job."""
    with says("lake"):
        return JobSize(worker_type=lake.worker_type, max_workers=lake.max_workers, timeout_minutes=lake.timeout_minutes)


def workflow_args(
    settings: Settings, job_names: Mapping[str, pulumi.Input[str]], log_key_arn: pulumi.Input[str] | None
) -> WorkflowArgs:
    """The order of the jobs, from workloads/workflows/lake.asl.json."""
    return WorkflowArgs(
        definition=(WORKLOADS / "workflows" / "lake.asl.json").read_text(encoding="utf-8"),
        substitutions={f"{name}JobName": job for name, job in job_names.items()},
        log_retention_days=settings.logs.retention_days,
        log_key_arn=log_key_arn,
    )


def schedule_args(lake: LakeSettings, target: Any) -> ScheduleArgs:
    """When the jobs run."""
    with says("lake", {"expression": "schedule"}):
        return ScheduleArgs(
            expression=lake.schedule,
            timezone=lake.timezone,
            enabled=lake.enabled,
            input={"arguments": {}},
            target=target,
        )


def _files(folder: str, pattern: str) -> list[Path]:
    return sorted((WORKLOADS / folder).glob(pattern))


def _jobs(
    lake_settings: LakeSettings,
    platform: Platform,
    lake: DataLake,
    code: JobCode,
    connection: DatabaseConnection,
    database: Database,
    archive: Bucket,
    zones: Mapping[str, Bucket],
) -> dict[str, SparkJob]:
    """Each job with the files that it reads and writes, and nothing more."""
    raw, clean, curated = (lake.zone_url(zone) for zone in ("raw", "clean", "curated"))
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
            platform.name(f"lake-{name}"),
            SparkJobArgs(
                size=job_size(lake_settings),
                lake=lake,
                code=code,
                script=f"{name}.py",
                arguments=told,
                connection=connection if name == "extract" else None,
            ),
            platform.options(),
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
