"""Settings of the data lake: its zones, its jobs, and the questions that may be asked of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from components.analytics.data_lake import DataLakeArgs
from components.analytics.lake_formation import LakeFormationArgs
from components.analytics.spark_job import JobSize
from components.args import as_far_as_known
from components.messaging.expressions import ScheduleExpression, Timezone
from components.values import Days, Name
from settings.authorities import missing

if TYPE_CHECKING:
    from settings import Settings

ZONES = ("raw", "clean", "curated")


class LakeSettings(DataLakeArgs, JobSize):
    """A lake over the applications' logs and the conversations in the database, and the jobs that fill it."""

    keep_results_days: Days = 30
    """Days for which the results of queries are kept."""

    raw_glacier_after_days: Days = 90
    """Days after which what arrived moves to Glacier; it has long been worked on by then."""

    schedule: ScheduleExpression = "cron(0 3 * * ? *)"
    """When the jobs run, one after another."""

    export_schedule: ScheduleExpression = "cron(0 2 * * ? *)"
    """When the tables are copied; before the jobs."""

    timezone: Timezone = "Asia/Tokyo"
    """Of both schedules."""

    enabled: bool = True
    """Whether they run."""

    export_logs: bool = False
    """Whether the logs of the database and of the jobs' workflow flow to the zone raw, $0.036 for each GB."""

    export_tables: list[Name] = []
    """Tables in DynamoDB that are copied to the zone raw every night, $0.114 for each GB."""

    lake_formation: LakeFormationArgs | None = None
    """Lake Formation, left out by default: it takes over a whole account."""


def combinations(settings: Settings) -> Iterator[tuple[str, str]]:
    """What cannot work together: key and why."""
    if settings.lake is None:
        return
    if settings.log_archive is None:
        yield "lake", "reads the applications' logs from the log archive, which is missing; add logArchive: {}"
    if settings.database is None or settings.network is None:
        yield "lake", "reads history from the database, which is missing; add the sections network and database"
    if not settings.services:
        yield "lake", "shows the logs of the stack's services, and there is none; add the section services"
    if settings.free_tier:
        yield "lake", "runs jobs on Glue, which are not free, and freeTier is true; remove it"
    yield from missing(settings.region, "the lake's jobs")
    yield from as_far_as_known(_exports(settings.lake, settings))
    for zone in ZONES:
        if f"lake-{zone}" in settings.buckets:
            yield f"buckets.lake-{zone}", "is the name of a zone of the lake; choose another"
    network = settings.network
    if network is not None and (lacking := network.lacks("glue", "logs", "secretsmanager", "kms")):
        yield "network.endpoints", f"lacks {', '.join(lacking)}, which the lake's jobs need without NAT; add them"


def _exports(lake: LakeSettings, settings: Settings) -> Iterator[tuple[str, str]]:
    for place, name in enumerate(lake.export_tables):
        key = f"lake.exportTables[{place}]"
        if name not in settings.tables:
            known = ", ".join(sorted(settings.tables)) or "none"
            yield key, f"{name!r} is not a table of this stack; it has {known}"
        elif settings.tables[name].recovery_days == 0:
            yield key, f"{name!r} has recoveryDays: 0, and DynamoDB exports from its backups only; give it 1 or more"
        if name in lake.export_tables[:place]:
            yield key, f"{name!r} is there twice; keep one"
