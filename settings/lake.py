"""Settings of the data lake: its zones, its jobs, and the questions that may be asked of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from settings.section import Days, Name, Section, text

if TYPE_CHECKING:
    from settings import Settings

ZONES = ("raw", "clean", "curated")


class LakeFormationSettings(Section):
    """Lake Formation in charge of who may ask which table, for the whole account in the stack's region.

    Only for an account of which this lake is the purpose: what anybody makes in its catalogue from then on is closed
    until Lake Formation opens it, in spite of what IAM allows.
    """

    administrators: list[str]
    """ARNs of the roles and users that may grant everything; whoever deploys must be one. Others lose that."""


class LakeSettings(Section):
    """A lake over the applications' logs and the conversations in the database."""

    scan_limit_mib: int = 10_240
    """The most that one query may read, in MiB."""

    keep_results_days: Days = 30
    """Days for which the results of queries are kept."""

    first_day: Annotated[str, text(r"\d{4}-\d{2}-\d{2}", "use a day such as 2025-01-01")] = "2025-01-01"
    """The first day that the tables show."""

    raw_glacier_after_days: Days = 90
    """Days after which what arrived moves to Glacier; it has long been worked on by then."""

    worker_type: str = "G.1X"
    max_workers: int = 2
    """The most workers of one job."""

    timeout_minutes: int = 60
    """Minutes after which a run of a job is stopped."""

    schedule: str = "cron(0 3 * * ? *)"
    """When the jobs run, one after another."""

    timezone: str = "Asia/Tokyo"
    enabled: bool = True

    crawled: list[str] = []
    """Folders of the zone raw whose columns nobody knows beforehand; that of the exported tables is one by itself."""

    export_logs: bool = False
    """Whether the logs of the database and of the jobs' workflow flow to the zone raw, $0.036 for each GB."""

    export_tables: list[Name] = []
    """Tables in DynamoDB that are copied to the zone raw every night, $0.114 for each GB."""

    lake_formation: LakeFormationSettings | None = None

    export_schedule: str = "cron(0 2 * * ? *)"
    """When the tables are copied; before the jobs."""


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
    yield from _exports(settings.lake, settings)
    for zone in ZONES:
        if f"lake-{zone}" in settings.buckets:
            yield f"buckets.lake-{zone}", "is the name of a zone of the lake; choose another"
    network = settings.network
    if network is not None and not network.existing and not network.stack and network.nat == "none":
        missing = {"glue", "logs", "secretsmanager", "kms"} - set(network.endpoints)
        if "ecsPrivate" in network.endpoints:
            missing -= {"logs", "secretsmanager"}
        if missing:
            yield (
                "network.endpoints",
                f"lacks {', '.join(sorted(missing))}, which the lake's jobs need without NAT; add them",
            )


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
