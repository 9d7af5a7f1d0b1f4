"""What can be stopped outside office hours, and what must not start then."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from components.args import as_far_as_known
from components.data.postgres import minutes_of_window
from components.operations.timetable import DAYS, starts_outside
from settings.messaging import queue_placeholder

if TYPE_CHECKING:
    from components.operations.office_hours import OfficeHoursArgs
    from settings import Settings


def combinations(settings: Settings) -> Iterator[tuple[str, str]]:
    """What cannot work together: key and why."""
    hours = settings.office_hours
    if hours is None:
        return
    if settings.environment == "prod":
        yield "officeHours", "would stop production every night; remove it, or set environment to another"
    if not (settings.services or settings.database or settings.host):
        yield "officeHours", "has nothing to stop: services, database or host are missing; add one, or remove it"
    if settings.host is not None and settings.host.retention == "protected":
        yield "officeHours", "cannot stop a protected host, which AWS refuses; set retention to ephemeral"
    if settings.database is not None and settings.backup is not None:
        yield (
            "officeHours",
            "stops the database, which AWS Backup cannot copy then; remove backup: database.backupDays keeps RDS's own",
        )
    yield from as_far_as_known(_starts(settings, hours))
    yield from as_far_as_known(_backups(settings, hours))


def _starts(settings: Settings, hours: OfficeHoursArgs) -> Iterator[tuple[str, str]]:
    """What starts while that is stopped on which it depends."""
    office = f'officeHours ("{hours.from_}" to "{hours.to}" on {", ".join(hours.days)})'
    for key, expression, timezone, needed in _schedules(settings):
        outside = starts_outside(
            expression, timezone, days=hours.days, start=hours.start, stop=hours.stop, office=hours.timezone
        )
        if outside is not None:
            yield key, f"{expression} starts {outside}, outside {office}, when {needed} stopped; choose a time within"


def _schedules(settings: Settings) -> Iterator[tuple[str, str, str, str]]:
    """Key, expression, time zone, and what of it is stopped outside the hours."""
    worked = {service.queue: name for name, service in settings.services.items() if service.queue is not None}
    for name, workflow in settings.workflows.items():
        workers = [worked[queue] for queue in worked if queue_placeholder(queue) in workflow.placeholders()]
        when = workflow.schedule
        if when is not None and when.enabled and workers:
            key = f"workflows.{name}.schedule.expression"
            yield key, when.expression, when.timezone, f"services.{workers[0]} is"
    if settings.database is None:
        return
    for name, function in settings.functions.items():
        when = function.schedule
        if when is not None and when.enabled and function.database:
            yield f"functions.{name}.schedule.expression", when.expression, when.timezone, "the database is"
    copy, lake = settings.database_copy, settings.lake
    if copy is not None and copy.enabled:
        yield "databaseCopy.expression", copy.expression, copy.timezone, "the database is"
    if lake is not None and lake.enabled:
        yield "lake.schedule", lake.schedule, lake.timezone, "the database is"


def _backups(settings: Settings, hours: OfficeHoursArgs) -> Iterator[tuple[str, str]]:
    """RDS backs up only what runs: on a day without work there is nothing new, on every other there must be a backup.
    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_WorkingWithAutomatedBackups.html"""
    if settings.database is None or settings.database.engine != "rds":
        return
    window = settings.database.backup_window
    for moment in minutes_of_window(window):
        expression = f"cron({moment % 60} {moment // 60 % 24} ? * * *)"
        # The end of the hours is late enough for the end of the window.
        found = starts_outside(
            expression, "UTC", days=DAYS, start=hours.start, stop=hours.stop + 1, office=hours.timezone
        )
        if found is not None:
            why = f"RDS makes its backups while the database is stopped ({found.partition(' ')[2]} in {hours.timezone})"
            yield "database.backupWindow", f"{window} UTC: {why}; choose a window within officeHours"
            return
