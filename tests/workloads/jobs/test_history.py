"""Conversation history on a real Spark: incremental, the same when repeated, and late rows are not missed."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytest.importorskip("pyspark")

from jobs import history, lake
from jobs.tables import MESSAGE

from tests.conftest import ROOT
from tests.workloads.conftest import PASSWORD, Postgres

COLUMNS = ", ".join(f"{column} {kind}" for column, kind in MESSAGE.items())
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def message(number: int, *, created: datetime = NOON, updated: datetime | None = None, content: str = "hello") -> tuple:
    return (number, f"c{number % 3}", f"s{number % 2}", "u1", "user", content, created, updated or created)


@dataclass
class Lake:
    """A table that stands for PostgreSQL's, and the zone that the job fills from it."""

    spark: SparkSession
    folder: Path
    names: Any = field(default_factory=itertools.count)

    def run(self, *rows: tuple, now: datetime = NOON + HOUR, columns: str = COLUMNS) -> None:
        """Let the table hold `rows`, and the job run at `now`."""
        source = f"{self.folder}/source{next(self.names)}"
        self.spark.createDataFrame(rows, columns).write.parquet(source)
        history.bring(self.spark, history.Files(self.spark, source), f"{self.folder}/clean", now=now)

    def messages(self) -> dict[int, str]:
        rows = lake.read(self.spark, f"{self.folder}/clean", "messages").collect()
        assert len({row["id"] for row in rows}) == len(rows), "no message is there twice"
        return {row["id"]: row["content"] for row in rows}


@pytest.fixture
def zone(spark: SparkSession, tmp_path: Path) -> Lake:
    return Lake(spark, tmp_path)


@pytest.mark.covers("B14")
def test_each_message_is_there_once_by_the_day_on_which_it_was_written(zone: Lake) -> None:
    zone.run(message(1), message(2, created=NOON - DAY))
    assert zone.messages() == {1: "hello", 2: "hello"}
    days = sorted(path.name for path in (zone.folder / "clean/messages").glob("day=*"))
    assert days == ["day=2026-11-19", "day=2026-11-20"]


def test_a_job_that_runs_twice_changes_nothing(zone: Lake) -> None:
    for _ in range(2):
        zone.run(message(1), message(2))
    assert zone.messages() == {1: "hello", 2: "hello"}


def test_an_edited_message_replaces_the_earlier_one(zone: Lake) -> None:
    zone.run(message(1, created=NOON - 9 * DAY), message(2))
    edited = message(1, created=NOON - 9 * DAY, updated=NOON + 2 * HOUR, content="edited")
    zone.run(edited, message(2), now=NOON + 3 * HOUR)
    assert zone.messages() == {1: "edited", 2: "hello"}


def test_what_postgresql_has_forgotten_stays(zone: Lake) -> None:
    zone.run(message(1), message(2))
    zone.run(message(3, created=NOON + 2 * HOUR), now=NOON + 3 * HOUR)
    assert set(zone.messages()) == {1, 2, 3}


def test_a_transaction_that_commits_late_is_not_missed(zone: Lake) -> None:
    zone.run(message(2))
    # It began before message 2 was written, and became visible only after the run.
    zone.run(message(1, created=NOON - timedelta(minutes=50)), message(2), now=NOON + 3 * HOUR)
    assert set(zone.messages()) == {1, 2}


def test_only_days_with_a_change_are_written_again(zone: Lake) -> None:
    zone.run(message(1, created=NOON - 5 * DAY), message(2))
    untouched = [*(zone.folder / "clean/messages/day=2026-11-15").iterdir()]
    zone.run(message(1, created=NOON - 5 * DAY), message(2), message(3, created=NOON + 2 * HOUR), now=NOON + 3 * HOUR)
    assert [*(zone.folder / "clean/messages/day=2026-11-15").iterdir()] == untouched


def test_a_clock_ahead_of_now_hides_nothing_that_comes_later(zone: Lake) -> None:
    ahead = message(1, created=NOON + 30 * DAY)
    zone.run(ahead, now=NOON + HOUR)
    zone.run(ahead, message(2, created=NOON + 2 * HOUR), now=NOON + 3 * HOUR)
    assert set(zone.messages()) == {1, 2}


def test_a_run_that_was_cut_off_before_it_noted_how_far_it_came_is_repeated(zone: Lake) -> None:
    zone.run(message(1), message(2))
    for path in (zone.folder / "clean/_runs/job=history").iterdir():
        path.unlink()
    zone.run(message(1), message(2), message(3))
    assert set(zone.messages()) == {1, 2, 3}


def test_an_empty_table_is_no_error(zone: Lake) -> None:
    zone.run()
    zone.run(message(1))
    assert set(zone.messages()) == {1}


def test_a_column_of_another_type_sets_its_rows_aside(zone: Lake) -> None:
    columns = COLUMNS.replace("id bigint", "id string", 1)
    zone.run(("1", *message(1)[1:]), ("f7a0", *message(2)[1:]), columns=columns)
    assert set(zone.messages()) == {1}
    (aside,) = zone.spark.read.parquet(f"{zone.folder}/clean/rejected_messages").collect()
    assert aside["unfit"] == {"id": "f7a0"}
    assert aside["content"] == "hello"


def test_a_column_that_is_missing_is_null(zone: Lake) -> None:
    columns = COLUMNS.replace("session_id string, ", "")
    row = message(1)
    zone.run((*row[:2], *row[3:]), columns=columns)
    assert set(zone.messages()) == {1}


@pytest.mark.covers("B14")
@pytest.mark.usefixtures("jdbc_driver")
def test_postgresql_itself_is_read_incrementally_over_tls(postgres: Postgres, zone: Lake) -> None:
    postgres.execute("DROP TABLE IF EXISTS lake_messages")
    postgres.execute((ROOT / "workloads/jobs/source.sql").read_text())
    moment = f"timestamptz '{NOON}' - n * interval '1 hour'"
    row = f"n, 'c', 's', 'u', 'user', 'hello', {moment}, {moment}"
    postgres.execute(f"INSERT INTO lake_messages SELECT {row} FROM generate_series(1, 100) AS n")  # noqa: S608
    url = f"jdbc:postgresql://localhost:{postgres.port}/postgres?sslmode=verify-full&sslrootcert={postgres.certificate}"

    def bring(now: datetime) -> dict[int, str]:
        source = history.Database(zone.spark, url, {"user": "app", "password": PASSWORD})
        history.bring(zone.spark, source, f"{zone.folder}/clean", now=now)
        return zone.messages()

    assert bring(NOON + HOUR) == dict.fromkeys(range(1, 101), "hello")
    first_day = [*(zone.folder / "clean/messages/day=2026-11-16").iterdir()]
    later = f"timestamptz '{NOON + HOUR}'"
    postgres.execute(f"UPDATE lake_messages SET content = 'edited', updated_at = {later} WHERE id = 30")  # noqa: S608
    postgres.execute("DELETE FROM lake_messages WHERE id = 31")
    assert bring(NOON + 2 * HOUR) == dict.fromkeys(range(1, 101), "hello") | {30: "edited"}
    assert [*(zone.folder / "clean/messages/day=2026-11-16").iterdir()] == first_day, "its day has not changed"


def test_a_source_without_files_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(lake.JobError, match="holds no files"):
        history.Files(spark, str(tmp_path / "nothing"))
