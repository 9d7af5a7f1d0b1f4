"""The saved queries, asked: Athena's SQL, translated to DuckDB's, over records as the log router writes them."""

from __future__ import annotations

import gzip
import json
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from components.analytics.log_table import COLUMNS, PARTITIONS, PREFIX, TABLE, folders, projection
from components.analytics.workgroup import description_of
from tests.conftest import ROOT

QUERIES = {path.stem: path.read_text() for path in (ROOT / "workloads" / "log-queries").glob("*.sql")}
START = datetime(2026, 1, 1, tzinfo=UTC)
Ask = Callable[[str], list[dict[str, Any]]]
_DUCK = {"string": "VARCHAR", "int": "INTEGER", "double": "DOUBLE"}


def record(at: datetime, **fields: Any) -> dict[str, Any]:
    return {"time": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"), "level": "INFO", "service": "api",
            "message": "answered", "request_id": str(uuid.UUID(int=0)), **fields}  # fmt: skip


def request(at: datetime, path: str = "/items", duration_ms: float | None = 10.0, **fields: Any) -> dict[str, Any]:
    return record(
        at, **{"method": "GET", "path": path, "status": 200, "duration_ms": duration_ms, "user_id": "ann", **fields}
    )


def write(archive: Path, records: Iterable[Mapping[str, Any]], begun: timedelta = timedelta()) -> None:
    """As the log router does: by service and the hour in which a file was `begun`, before the record or after it; one
    JSON object in each line, compressed."""
    for number, one in enumerate(records):
        at = datetime.fromisoformat(one["time"]) + begun
        folder = archive / PREFIX / f"service={one['service']}" / at.strftime("year=%Y/month=%m/day=%d/hour=%H")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{at:%M%S}-{number}.json.gz").write_bytes(gzip.compress((json.dumps(one) + "\n").encode()))


def _time(value: Any) -> Any:
    return datetime.fromisoformat(value) if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\d ", value) else value


@pytest.fixture
def ask(tmp_path: Path) -> Callable[[Iterable[Mapping[str, Any]]], Ask]:
    """A table over records, with the component's columns and partitions, and a way to put a saved query to it."""

    def over(records: Iterable[Mapping[str, Any]], begun: timedelta = timedelta()) -> Ask:
        write(tmp_path, records, begun)
        database = duckdb.connect()
        database.execute("SET TimeZone = 'UTC'")
        shape = ", ".join(f"{name}: '{_DUCK[type_]}'" for name, (type_, _) in COLUMNS.items())
        types = ", ".join(f"{partition}: VARCHAR" for partition in PARTITIONS)
        database.execute(
            f"CREATE VIEW {TABLE} AS SELECT * FROM read_json('{tmp_path}/{PREFIX}/**/*.json.gz', "  # noqa: S608 our own
            f"format = 'newline_delimited', columns = {{{shape}}}, hive_partitioning = true, hive_types = {{{types}}})"
        )

        def answer(title: str) -> list[dict[str, Any]]:
            [sql] = sqlglot.transpile(QUERIES[title], read="athena", write="duckdb")
            found = database.execute(f"SELECT to_json(answer) FROM ({sql}) AS answer").fetchall()  # noqa: S608 our own
            return [{name: _time(value) for name, value in json.loads(row).items()} for (row,) in found]

        return answer

    return over


@pytest.mark.parametrize("title", sorted(QUERIES))
def test_each_query_is_athenas_sql_over_the_tables_columns(title: str) -> None:
    [tree] = sqlglot.parse(QUERIES[title], read="athena")
    assert tree is not None
    made = {one.alias for one in tree.find_all(exp.Alias)} | {one.alias for one in tree.find_all(exp.CTE)}
    used = {column.name for column in tree.find_all(exp.Column)}
    assert used <= {*COLUMNS, *PARTITIONS, *made}
    assert TABLE in {table.name for table in tree.find_all(exp.Table)}


@pytest.mark.parametrize("title", sorted(QUERIES))
def test_each_query_names_its_partitions_so_that_athena_reads_no_more_than_the_period(title: str) -> None:
    [tree] = sqlglot.parse(QUERIES[title], read="athena")
    assert tree is not None
    (reading,) = [one for one in tree.find_all(exp.Select) if one.args["from_"].this.name == TABLE]
    named = {column.name for column in reading.args["where"].find_all(exp.Column)}
    assert {"service", "year", "month", "day"} <= named
    assert description_of(QUERIES[title])


def test_there_is_a_query_for_each_question() -> None:
    assert set(QUERIES) == {"access-pattern", "performance", "user-behaviour"}


@pytest.mark.covers("A16")
def test_the_access_pattern_counts_by_hour_and_only_in_the_period(ask: Any) -> None:
    at = START + timedelta(hours=9, minutes=5)
    rows = ask([
        request(at), request(at, user_id="bob"), request(at, status=404), request(at, status=503),
        request(at + timedelta(hours=1)),
        request(at, path="/health", user_id=None),
        record(at), record(at, level="ERROR"),                           # of no request
        request(START - timedelta(milliseconds=1)),                      # the year before
        request(START + timedelta(days=7)),                              # the end does not count
        request(START + timedelta(days=7) - timedelta(milliseconds=1)),  # the last moment does
        request(at, service="worker"),
    ])("access-pattern")  # fmt: skip
    hours = [
        (row["hour_utc"], row["path"], row["requests"], row["users"], row["refused"], row["failed"]) for row in rows
    ]
    nine = START + timedelta(hours=9)
    assert hours == [
        (nine, "/items", 4, 2, 1, 1),
        (nine, "/health", 1, 0, 0, 0),
        (nine + timedelta(hours=1), "/items", 1, 1, 0, 0),
        (START + timedelta(days=6, hours=23), "/items", 1, 1, 0, 0),
    ]


@pytest.mark.covers("A16")
@pytest.mark.parametrize("title", sorted(QUERIES))
@pytest.mark.parametrize("begun", [timedelta(minutes=-1), timedelta(minutes=1)])
def test_a_record_counts_whose_file_was_begun_on_another_day(ask: Any, title: str, begun: timedelta) -> None:
    edges = [START + timedelta(seconds=5), START + timedelta(days=7, seconds=-5)]
    rows = ask([request(at) for at in edges], begun)(title)
    assert sum(row["requests"] for row in rows) == 2


@pytest.mark.covers("A16")
def test_performance_gives_the_percentiles_of_each_path_the_slowest_first(ask: Any) -> None:
    at = START + timedelta(days=1)
    hundred = [
        request(at + timedelta(seconds=n), duration_ms=float(n), status=500 if n > 95 else 200) for n in range(1, 101)
    ]
    slow = [request(at, path="/report", duration_ms=900.0, method="POST")]
    not_timed = [request(at, duration_ms=None), record(at)]
    report, items = ask([*hundred, *slow, *not_timed])("performance")
    assert (report["method"], report["path"], report["p95_ms"], report["requests"]) == ("POST", "/report", 900.0, 1)
    assert items["requests"] == 100
    assert items["average_ms"] == 50.5
    assert items["p50_ms"] == pytest.approx(50.5, abs=1)
    assert items["p95_ms"] == pytest.approx(95.5, abs=1)
    assert items["p99_ms"] == pytest.approx(99.5, abs=1)
    assert items["slowest_ms"] == 100.0
    assert items["failed_percent"] == 5.0


@pytest.mark.covers("A16")
def test_user_behaviour_tells_each_users_days_and_favourite(ask: Any) -> None:
    at = START + timedelta(hours=12)
    rows = ask([
        *[request(at + timedelta(days=day)) for day in range(3)],
        request(at, path="/search", status=400),
        request(at, path="/search", user_id="bob"), request(at, path="/items", user_id="bob"),
        request(at, user_id=None), request(START + timedelta(days=9), user_id="late"),
    ])("user-behaviour")  # fmt: skip
    assert [row["user_id"] for row in rows] == ["ann", "bob"]
    ann, bob = rows
    assert (ann["requests"], ann["paths"], ann["active_days"]) == (4, 2, 3)
    assert (ann["favourite_path"], ann["favourite_times"], ann["refused_or_failed"]) == ("/items", 3, 1)
    assert (ann["first_seen"], ann["last_seen"]) == (at, at + timedelta(days=2))
    assert (bob["favourite_path"], bob["favourite_times"]) == ("/items", 1), "of equals the first by name"


def test_the_projection_has_every_folder_of_the_prefix_with_its_digits(tmp_path: Path) -> None:
    write(tmp_path, [request(datetime(2026, 3, 4, 5, tzinfo=UTC))])
    [path] = tmp_path.rglob("*.gz")
    written = path.relative_to(tmp_path / PREFIX).parent.as_posix() + "/"
    properties = projection(["worker", "api"], (2025, 2030))
    shown = folders()
    for partition, value in zip(PARTITIONS, ("api", 2026, 3, 4, 5), strict=True):
        kind = properties[f"projection.{partition}.type"]
        if kind == "enum":
            assert value in properties[f"projection.{partition}.values"].split(",")
            text = str(value)
        else:
            first, last = map(int, properties[f"projection.{partition}.range"].split(","))
            assert first <= int(value) <= last
            text = str(value).zfill(int(properties[f"projection.{partition}.digits"]))
        shown = shown.replace(f"${{{partition}}}", text)
    assert shown == written
