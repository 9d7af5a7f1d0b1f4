"""The lake's saved queries, asked: Athena's SQL, translated to DuckDB's, over what the jobs themselves have written."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
import sqlglot
from sqlglot import exp

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

from jobs import lake, logs
from jobs.tables import TABLES

from tests.conftest import ROOT
from tests.workloads.jobs.test_activity import System, message
from tests.workloads.jobs.test_logs import record

QUERIES = {path.stem: path.read_text() for path in (ROOT / "workloads" / "lake-queries").glob("*.sql")}
Ask = Callable[[str], list[dict[str, Any]]]
FIRST, SECOND = date(2026, 1, 2), date(2026, 1, 3)
WEEK_LATER = date(2026, 1, 9)


def at(day: date, hour: int = 5) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def asked(number: int, day: date = FIRST, **changes: Any) -> str:
    return record(number, time=f"{at(day):%Y-%m-%dT%H}:{number % 60:02d}:00.000Z", **changes)


@pytest.fixture(scope="module")
def ask(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """A small week, brought through every job once, and a way to put a saved query to it."""
    system = System(spark, tmp_path_factory.mktemp("lake"))
    system.arrive(
        "a",
        [
            asked(n, duration_ms=float(n), user_id="ann", session_id="s1", status=503 if n > 98 else 200)
            for n in range(1, 101)
        ]
        + [asked(1, path="/report", method="POST", status=404, user_id="bob", session_id="s2", duration_ms=900)]
        + [
            asked(n, level="ERROR", message=f"timeout after {n} s", method=None, path=None, duration_ms=None)
            for n in (7, 8, 9)
        ]
        + [asked(1, level="ERROR", message="no such table", method=None, path=None, duration_ms=None)],
        day=FIRST,
    )
    # Of the first day, and a day late.
    system.arrive("b", [asked(30, duration_ms=1.0, user_id="ann", session_id="s1")], day=SECOND)
    system.arrive("c", [asked(1, WEEK_LATER, user_id="ann", session_id="s9")], day=WEEK_LATER)
    system.say(
        message(1, "ann", at(FIRST)), message(2, "ann", at(SECOND)), message(3, "cho", at(SECOND)), now=at(WEEK_LATER)
    )
    window = lake.Window(first=FIRST, last=WEEK_LATER)
    system.prepare(window)
    system.check(window, most_rejected=0)
    system.work_out(window)
    database = duckdb.connect()
    database.execute("SET TimeZone = 'UTC'")
    for name, table in TABLES.items():
        files = system.folder / table.zone / name
        if any(files.rglob("*.parquet")):
            database.execute(
                f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{files}/**/*.parquet', hive_partitioning = true)"  # noqa: S608
            )

    def answer(title: str) -> list[dict[str, Any]]:
        [sql] = sqlglot.transpile(QUERIES[title], read="athena", write="duckdb")
        found = database.execute(f"SELECT to_json(answer) FROM ({sql}) AS answer").fetchall()  # noqa: S608 our own
        return [json.loads(row) for (row,) in found]

    return answer


@pytest.mark.parametrize("title", sorted(QUERIES))
def test_each_query_is_athenas_sql_over_the_lakes_tables_and_names_its_days(title: str) -> None:
    [tree] = sqlglot.parse(QUERIES[title], read="athena")
    assert tree is not None
    made = {one.alias for one in tree.find_all(exp.Alias)}
    tables = {table.name for table in tree.find_all(exp.Table)} - {one.alias for one in tree.find_all(exp.CTE)}
    assert tables <= set(TABLES)
    known = {column for table in tables for column in (*TABLES[table].columns, *TABLES[table].partitions)}
    assert {column.name for column in tree.find_all(exp.Column)} <= known | made
    for reading in tree.find_all(exp.Select):
        if reading.args["from_"].this.name in tables:
            assert "day" in {column.name for column in reading.args["where"].find_all(exp.Column)}


@pytest.mark.parametrize("title", sorted(title for title, text in QUERIES.items() if "FROM app_logs" in text))
def test_a_record_is_looked_for_in_each_folder_in_which_it_may_lie(title: str) -> None:
    [tree] = sqlglot.parse(QUERIES[title], read="athena")
    assert tree is not None
    [folders] = [each for each in tree.find_all(exp.Between) if each.this.name == "day"]
    begin, end = re.findall(r"TIMESTAMP '([0-9-]+) 00:00:00'", QUERIES[title])
    first, last = (date.fromisoformat(folders.args[part].this.name) for part in ("low", "high"))
    # A file may have been begun the evening before, and is believed to be late by so many days.
    assert first == date.fromisoformat(begin) - timedelta(days=1)
    assert last == date.fromisoformat(end) - timedelta(days=1) + timedelta(days=logs.LATENESS_DAYS)


@pytest.mark.covers("B15")
def test_the_access_pattern_counts_by_hour_late_records_too(ask: Ask) -> None:
    rows = [
        (row["hour_utc"], row["path"], row["requests"], row["users"], row["refused"], row["failed"])
        for row in ask("access-pattern")
    ]
    assert rows == [(5, "/items", 101, 1, 0, 2), (5, "/report", 1, 1, 1, 0)]


@pytest.mark.covers("B15")
def test_performance_gives_each_paths_percentiles(ask: Ask) -> None:
    report, items = ask("performance")
    assert (report["path"], report["p95_ms"]) == ("/report", 900.0)
    assert items["requests"] == 101
    assert items["p95_ms"] == pytest.approx(95, abs=1.5)
    assert items["failed_percent"] == pytest.approx(1.98)


@pytest.mark.covers("B15")
def test_user_behaviour_joins_what_users_said_and_asked(ask: Ask) -> None:
    rows = {row["user_id"]: row for row in ask("user-behaviour")}
    assert list(rows) == ["ann", "cho", "bob"]
    assert (rows["ann"]["active_days"], rows["ann"]["messages"], rows["ann"]["requests"]) == (2, 2, 101)
    assert (rows["bob"]["sessions"], rows["bob"]["messages"], rows["bob"]["requests"]) == (1, 0, 1)
    assert rows["cho"]["requests"] == 0


@pytest.mark.covers("B15")
def test_the_error_search_brings_equal_errors_together(ask: Ask) -> None:
    [found] = ask("error-search")
    assert (found["service"], found["what"], found["times"]) == ("api", "timeout after # s", 3)
    assert found["last_request"] == "r9"


@pytest.mark.covers("B15")
def test_the_weekly_report_counts_those_who_came_back(ask: Ask) -> None:
    first, second = ask("weekly-report")
    assert (first["users"], first["came_back"], first["messages"]) == (3, 0, 3)
    assert (second["users"], second["came_back"], second["messages"]) == (1, 1, 0)
    assert first["failed_percent"] == pytest.approx(1.96)
