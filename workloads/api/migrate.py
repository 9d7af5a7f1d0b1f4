"""Bring the database's tables to what this image needs: `python -m api.migrate`, before the image serves.

Every step only ever adds (a table, a column that may be empty, an index), so that the image of before goes on working
with what it finds: going back to it needs no step back.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from api import tables
from api.locks import MIGRATIONS
from api.postgres import connection_options
from api.settings import Database, Settings, SettingsError

STEPS = Path(__file__).resolve().parent / "migrations"
STATEMENT_SECONDS = 900
"""A step may look at every row."""


def migrate(database: Database, to: str = "head") -> tuple[str | None, str | None]:
    """All steps up to `to` in one transaction, so that a step that fails leaves nothing behind; before and after."""

    def connect() -> psycopg.Connection:
        return psycopg.connect(**connection_options(database, name="migrate", statement_seconds=STATEMENT_SECONDS))  # pyright: ignore[reportArgumentType]

    engine = create_engine("postgresql+psycopg://", creator=connect, poolclass=NullPool)
    with engine.begin() as connection:
        # Two that begin together go one after the other.
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATIONS})
        # A step that waits for a table keeps all later requests waiting behind it.
        connection.execute(text("SET LOCAL lock_timeout = '10s'"))
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(STEPS))
        before = MigrationContext.configure(connection).get_current_revision()
        command.upgrade(config, to)
        if connection.execute(text("SELECT to_regclass('messages')")).scalar_one() is not None:
            # Each time: pgvector may have come since the step that made the table.
            for statement in tables.VECTORS:
                connection.execute(text(statement))
        return before, MigrationContext.configure(connection).get_current_revision()


def main(environment: Mapping[str, str]) -> int:
    """What the shell sees: 0, 1 if the database refuses, 2 if the settings make no sense."""
    try:
        database = Settings.read(environment).database
    except SettingsError as error:
        print(f"migrate: {error}", file=sys.stderr)
        return 2
    if database is None:
        print("migrate: DATABASE_HOST and DATABASE_SECRET are missing; there is nothing to migrate", file=sys.stderr)
        return 2
    try:
        before, after = migrate(database)
    except Exception as error:  # noqa: BLE001 every failure ends the deployment, and none may show the password
        print(f"migrate: {type(error).__name__}: {str(error).splitlines()[0]}", file=sys.stderr)
        return 1
    print(f"migrate: from {before or 'nothing'} to {after}")
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ))
