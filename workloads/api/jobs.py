"""What a worker can be asked to do. Each job may run twice or be broken off: a second run finds less to do, or nothing.

A job gets its surroundings and answers with a small object, which the workflow keeps in its history.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg

from api.locks import USAGE_TABLE
from api.postgres import connection_options

if TYPE_CHECKING:
    from api.settings import Database


class JobError(Exception):
    """The job cannot be done, now or later; `error` is its name in the workflow."""

    def __init__(self, error: str, message: str) -> None:
        super().__init__(message)
        self.error = error


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What a job works with."""

    database: Database | None
    keep_days: int | None
    """Days after which an item expires; None: never."""
    go_on: Callable[[], None]
    """Called between two steps; raises where the job has to be broken off."""

    def connect(self) -> psycopg.Connection[Any]:
        """A connection of the job's own. Each statement is a transaction, unless the job says where one begins."""
        if self.database is None:
            raise JobError("NoDatabase", "this worker has no database: give its service one, or do not ask for the job")
        options: dict[str, Any] = connection_options(self.database, name="worker", statement_seconds=300)
        return psycopg.connect(**options, autocommit=True)


Job = Callable[[Surroundings], Mapping[str, object]]

_PURGE = """
DELETE FROM items WHERE id IN (
    SELECT id FROM items WHERE created_at < now() - make_interval(days => %s) LIMIT %s FOR UPDATE SKIP LOCKED
)
"""
_BATCH = 1000
"""Items that one statement deletes: the API waits for none of them long."""


def purge_expired_items(around: Surroundings) -> dict[str, object]:
    """Delete the items that are older than they are kept."""
    with around.connect() as connection:
        if around.keep_days is None:
            return {"deleted": 0, "why": "ITEMS_KEEP_DAYS is not set: no item expires"}
        deleted = 0
        while _has_items(connection):
            around.go_on()
            found = connection.execute(_PURGE, (around.keep_days, _BATCH)).rowcount
            deleted += found
            if found < _BATCH:
                break
        return {"deleted": deleted}


_USAGE = """
CREATE TABLE IF NOT EXISTS usage_by_day (day date PRIMARY KEY, items bigint NOT NULL, created bigint NOT NULL)
"""
_SUMMARISE = """
INSERT INTO usage_by_day (day, items, created)
SELECT %(day)s, count(*), count(*) FILTER (WHERE created_at >= %(begin)s) FROM items WHERE created_at < %(end)s
ON CONFLICT (day) DO UPDATE SET items = excluded.items, created = excluded.created
RETURNING items, created
"""


def summarise_usage(around: Surroundings) -> dict[str, object]:
    """Write down how many items there were at the end of yesterday (UTC), and how many yesterday brought."""
    end = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    begin = end - timedelta(days=1)
    day = begin.date()
    with around.connect() as connection:
        if not _has_items(connection):
            return {"day": day.isoformat(), "items": 0, "created": 0}
        with connection.transaction():
            # Two workers must not both create it.
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (USAGE_TABLE,))
            connection.execute(_USAGE)
        row = connection.execute(_SUMMARISE, {"day": day, "begin": begin, "end": end}).fetchone()
    assert row is not None
    return {"day": day.isoformat(), "items": row[0], "created": row[1]}


JOBS: Mapping[str, Job] = {"purge-expired-items": purge_expired_items, "summarise-usage": summarise_usage}


def _has_items(connection: psycopg.Connection[Any]) -> bool:
    """The API makes the table when it first needs it."""
    row = connection.execute("SELECT to_regclass('items')").fetchone()
    return row is not None and row[0] is not None
