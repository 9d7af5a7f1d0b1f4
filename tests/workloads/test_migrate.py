"""The steps to the database's tables, on a real PostgreSQL where the machine has one."""

from __future__ import annotations

import ast
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from api.items import ItemsInPostgres, NewItem
from api.migrate import STEPS, main, migrate

from tests.workloads.postgres import PASSWORD, Postgres
from tests.workloads.test_api import database

COLUMNS = (
    "SELECT column_name, data_type, is_nullable, column_default FROM information_schema.columns "
    "WHERE table_name = 'items' ORDER BY 1"
)


@pytest.fixture
def empty(postgres: Postgres) -> Postgres:
    postgres.execute("DROP TABLE IF EXISTS items, messages, conversations, alembic_version")
    return postgres


def ask(server: Postgres, statement: str) -> list[Any]:
    with psycopg.connect(host=str(server.folder), port=server.port, user="app", dbname="postgres") as connection:
        return connection.execute(statement.encode()).fetchall()


@pytest.mark.covers("E10")
def test_an_empty_database_gets_the_tables_that_the_application_would_make(empty: Postgres) -> None:
    assert migrate(database(empty)) == (None, "0002")
    migrated = ask(empty, COLUMNS)
    empty.execute("DROP TABLE items, messages, conversations, alembic_version")
    store = ItemsInPostgres(database(empty))
    store.open()
    store.ready()
    store.close()
    assert migrated == ask(empty, COLUMNS)
    assert len(migrated) == 4


@pytest.mark.covers("E10")
def test_what_is_there_already_is_kept_and_a_second_run_changes_nothing(empty: Postgres) -> None:
    store = ItemsInPostgres(database(empty))
    store.open()
    store.create(NewItem(name="kept"))
    assert migrate(database(empty)) == (None, "0002")
    assert migrate(database(empty)) == ("0002", "0002")
    assert [item.name for item in store.list(10, None)] == ["kept"]
    store.close()


def test_two_that_begin_together_both_succeed(empty: Postgres) -> None:
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: migrate(database(empty))[1], range(4)))
    assert done == ["0002"] * 4


@pytest.mark.covers("E10")
def test_a_database_that_refuses_ends_the_deployment_and_the_password_is_nowhere(
    empty: Postgres, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = json.dumps({"username": "app", "password": "s3cret-of-yesterday"})
    environment = {"DATABASE_HOST": "localhost", "DATABASE_PORT": str(empty.port), "DATABASE_NAME": "postgres",
                   "DATABASE_SECRET": secret, "DATABASE_CERTIFICATES": str(empty.certificate)}  # fmt: skip
    assert main(environment) == 1
    said = capsys.readouterr()
    assert "password authentication failed" in said.err
    assert "s3cret" not in said.out + said.err
    right = {**environment, "DATABASE_SECRET": json.dumps({"username": "app", "password": PASSWORD})}
    assert main(right) == 0
    assert "migrate: from nothing to 0002" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("environment", "words"),
    [({}, "there is nothing to migrate"), ({"DATABASE_HOST": "db"}, "DATABASE_SECRET is missing")],
)
def test_settings_that_name_no_database_are_a_mistake(
    environment: dict[str, str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(environment) == 2
    assert words in capsys.readouterr().err


@pytest.mark.covers("E10")
def test_no_step_takes_anything_away() -> None:
    """The image of before must work with the tables of after: going back is starting it again."""
    steps = sorted(path for path in (STEPS / "versions").glob("*.py") if path.name != "__init__.py")
    assert steps
    for path in steps:
        texts = [node.value.upper() for node in ast.walk(ast.parse(path.read_text()))
                 if isinstance(node, ast.Constant) and isinstance(node.value, str)]  # fmt: skip
        called = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
        assert not [word for text in texts for word in ("DROP ", "RENAME ", "TRUNCATE ") if word in text], path.name
        assert not called & {"drop_table", "drop_column", "rename_table", "alter_column"}, path.name
