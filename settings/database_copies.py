"""Settings of copies of the database in S3."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from components.args import Args
from components.messaging.expressions import ScheduleExpression, Timezone

if TYPE_CHECKING:
    from settings import Settings


class DatabaseCopySettings(Args):
    """A copy of the database in S3, every week. RDS's own backups stay beside it, and are what one restores first."""

    expression: ScheduleExpression = "cron(0 4 ? * SUN *)"
    """When: cron(minutes hours day-of-month month day-of-week year) or rate(7 days)."""

    timezone: Timezone = "Asia/Tokyo"
    enabled: bool = True

    keep_days: Annotated[int, Field(ge=31, le=3650)] = 365
    """Days until a copy is deleted. After 30 it moves to Infrequent Access, at half the price."""


def combinations(settings: Settings) -> Iterator[tuple[str, str]]:
    """What cannot work together: key and why."""
    if settings.database_copy is None:
        return
    database = settings.database
    if database is None or database.engine != "rds":
        yield "databaseCopy", "copies a database on RDS, which is missing; add database with engine: rds"
    by_host = settings.host is not None and settings.host.database
    if not by_host and not settings.own_keys:
        why = "needs a host that dumps the database, or a KMS key with which RDS exports it ($1 a month)"
        yield "databaseCopy", f"{why}; add host with database: true, or set keys.own to true"
