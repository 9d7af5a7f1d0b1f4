"""Conversation history on a real Spark, from PostgreSQL through raw to clean: incremental, repeatable, nothing lost."""

from __future__ import annotations

import itertools
import shutil
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

from jobs import extract, history, lake
from jobs.tables import MESSAGE

from tests.conftest import ROOT
from tests.workloads.conftest import until
from tests.workloads.network import relay
from tests.workloads.postgres import PASSWORD, Postgres

LOGIN = {"user": "app", "password": PASSWORD}

STEPS = ["replace", "replace", "note", "replace", "replace", "note", "note", "remove"]
"""What one merge does to the zone, in order."""

COLUMNS = ", ".join(f"{column} {kind}" for column, kind in MESSAGE.items())
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
DAY = timedelta(days=1)


def message(number: int, *, created: datetime = NOON, updated: datetime | None = None, content: str = "hello") -> tuple:
    return (number, f"c{number % 3}", f"s{number % 2}", "u1", "user", content, created, updated or created)


@dataclass
class Lake:
    """A table that stands for PostgreSQL's, and the zones that the jobs fill from it."""

    spark: SparkSession
    folder: Path
    names: Any = field(default_factory=itertools.count)

    def extract(self, *rows: tuple, now: datetime | None = None, columns: str = COLUMNS) -> None:
        """Let the table hold `rows`, and what has changed land at `now`."""
        number = next(self.names)
        source, at = f"{self.folder}/source{number}", now or NOON + HOUR + number * MINUTE
        self.spark.createDataFrame(rows, columns).write.parquet(source)
        extract.land(self.spark, extract.Files(self.spark, source), f"{self.folder}/raw", now=at)

    def merge(self, now: datetime = NOON + HOUR) -> None:
        history.bring(self.spark, f"{self.folder}/raw", f"{self.folder}/clean", now=now)

    def run(self, *rows: tuple, now: datetime | None = None, columns: str = COLUMNS) -> None:
        """Both jobs, one after the other."""
        self.extract(*rows, now=now, columns=columns)
        self.merge(now or NOON + HOUR)

    def messages(self) -> dict[int, str]:
        rows = lake.read(self.spark, f"{self.folder}/clean", "messages").collect()
        assert len({row["id"] for row in rows}) == len(rows), "no message is there twice"
        return {row["id"]: row["content"] for row in rows}

    def landings(self) -> list[Path]:
        """The folder of each run in the raw zone, the first one first."""
        return sorted(self.folder.glob("raw/database/messages/day=*/run=*"))

    def landed(self, run: int) -> set[int]:
        return {row["id"] for row in self.spark.read.parquet(str(self.landings()[run])).collect()}


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


@pytest.mark.covers("B14")
def test_only_what_has_changed_lands_and_what_has_landed_is_never_touched(zone: Lake) -> None:
    old = [message(number, created=NOON - 5 * DAY) for number in (1, 2)]
    zone.run(*old, message(3))
    (first,) = zone.landings()
    before = {path.name: path.read_bytes() for path in first.iterdir()}
    edited = message(2, created=NOON - 5 * DAY, updated=NOON + 2 * HOUR, content="edited")
    zone.run(old[0], edited, message(3), message(4, created=NOON + 2 * HOUR), now=NOON + 12 * HOUR)
    assert zone.landed(0) == {1, 2, 3}
    assert zone.landed(1) == {2, 3, 4}, "3 lies in the overlap"
    assert [path.parent.name for path in zone.landings()] == ["day=2026-11-20", "day=2026-11-21"]
    assert {path.name: path.read_bytes() for path in first.iterdir()} == before
    assert zone.messages() == {1: "hello", 2: "edited", 3: "hello", 4: "hello"}


def test_a_night_reads_only_what_has_newly_landed(zone: Lake) -> None:
    zone.run(message(1, created=NOON - 5 * DAY))
    for path in zone.landings()[0].glob("*.parquet"):
        path.write_text("after 90 days in Glacier nobody could read it either")
    zone.run(message(2, created=NOON + HOUR), now=NOON + 3 * HOUR)
    assert set(zone.messages()) == {1, 2}
    zone.merge(NOON + 4 * HOUR)
    assert set(zone.messages()) == {1, 2}


def test_nights_without_history_are_caught_up(zone: Lake) -> None:
    for night in range(3):
        at = NOON + night * DAY
        zone.extract(message(night, created=at), message(9, updated=at, content=f"night {night}"), now=at)
    zone.merge(NOON + 3 * DAY)
    assert zone.messages() == {0: "hello", 1: "hello", 2: "hello", 9: "night 2"}


def test_of_two_states_of_a_moment_the_later_landing_counts(zone: Lake) -> None:
    zone.extract(message(1, content="first"))
    zone.extract(message(1, content="second"))
    zone.merge()
    assert zone.messages() == {1: "second"}


def test_a_landing_that_was_cut_off_is_not_read_and_lands_again(zone: Lake) -> None:
    zone.extract(message(1), message(2))
    for path in (zone.folder / "raw/database/_runs/job=extract").iterdir():
        path.unlink()
    (cut,) = zone.landings()
    next(cut.glob("*.parquet")).write_text("half a fi")
    zone.merge()
    assert zone.messages() == {}
    zone.run(message(1), message(2), message(3))
    assert set(zone.messages()) == {1, 2, 3}


def test_a_merge_loses_nothing_wherever_it_is_cut_off(zone: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []

    def cut(name: str) -> None:
        done = getattr(lake, name)

        def step(*args: Any) -> None:
            steps.append(name)
            if len(steps) == cut_at:
                if name == "replace":
                    # The worst moment: what was there is gone, and nothing has come in its place.
                    shutil.rmtree(Path(args[1]) / args[2], ignore_errors=True)
                raise InterruptedError
            done(*args)

        monkeypatch.setattr(lake, name, step)

    for name in ("replace", "note", "remove"):
        cut(name)
    expected: dict[int, str] = {}
    minutes = itertools.count(1)
    for number in itertools.count(1):
        # PostgreSQL has forgotten all earlier ones: what history loses is lost.
        cut_at = 0
        zone.extract(message(number), message(0, updated=NOON + number * MINUTE, content=f"edit {number}"))
        expected |= {number: "hello", 0: f"edit {number}"}
        steps.clear()
        cut_at = number
        if number > len(STEPS):
            zone.merge(NOON + HOUR + next(minutes) * MINUTE)
            break
        with pytest.raises(InterruptedError):
            zone.merge(NOON + HOUR + next(minutes) * MINUTE)
        cut_at = 0
        zone.merge(NOON + HOUR + next(minutes) * MINUTE)
        assert zone.messages() == expected, f"cut off at {STEPS[number - 1]}"
    assert steps == STEPS
    assert zone.messages() == expected
    assert not list(zone.folder.glob("clean/_stage/job=history/attempt=*")), "what is in its place is not kept twice"


def test_an_empty_table_and_an_empty_day_are_no_error(zone: Lake) -> None:
    zone.run()
    zone.merge()
    zone.run(message(1))
    zone.run(now=NOON + DAY)
    zone.run(message(2, created=NOON + 12 * HOUR), now=NOON + 2 * DAY)
    assert set(zone.messages()) == {1, 2}, "a day on which nothing came hides nothing of the next"


def test_a_column_of_another_type_sets_its_rows_aside(zone: Lake) -> None:
    columns = COLUMNS.replace("id bigint", "id string", 1)
    zone.run(("1", *message(1)[1:]), ("f7a0", *message(2)[1:]), columns=columns)
    assert set(zone.messages()) == {1}
    (aside,) = zone.spark.read.parquet(f"{zone.folder}/clean/rejected_messages").collect()
    assert aside["unfit"] == {"id": "f7a0"}
    assert aside["content"] == "hello"


def test_a_column_that_changes_its_type_between_two_landings_loses_nothing(zone: Lake) -> None:
    zone.extract(message(1), message(2))
    columns = COLUMNS.replace("id bigint", "id string", 1).replace("updated_at timestamp", "updated_at string")
    later = f"{NOON + 2 * HOUR:%Y-%m-%dT%H:%M:%SZ}"
    edited = ("2", *message(2, content="edited")[1:7], later)
    zone.extract(edited, ("f7a0", *message(3)[1:7], later), columns=columns, now=NOON + 3 * HOUR)
    zone.merge()
    assert zone.messages() == {1: "hello", 2: "edited"}
    (aside,) = zone.spark.read.parquet(f"{zone.folder}/clean/rejected_messages").collect()
    assert aside["unfit"] == {"id": "f7a0"}


def test_rows_that_two_merges_of_a_day_set_aside_are_all_kept(zone: Lake) -> None:
    columns = COLUMNS.replace("id bigint", "id string", 1)
    for name in ("f7a0", "f7a1"):
        moment = NOON + HOUR if name == "f7a1" else NOON
        zone.run((name, *message(1, updated=moment)[1:]), columns=columns, now=moment + MINUTE)
    aside = zone.spark.read.parquet(f"{zone.folder}/clean/rejected_messages").collect()
    assert {row["unfit"]["id"]: row["run"][:13] for row in aside} == {"f7a0": "2026-11-20T12", "f7a1": "2026-11-20T13"}


def test_a_column_that_is_missing_is_null(zone: Lake) -> None:
    columns = COLUMNS.replace("session_id string, ", "")
    row = message(1)
    zone.run((*row[:2], *row[3:]), columns=columns)
    assert set(zone.messages()) == {1}


@pytest.mark.covers("B14")
@pytest.mark.usefixtures("jdbc_driver")
def test_postgresql_itself_is_read_incrementally_over_tls(postgres: Postgres, zone: Lake) -> None:
    _fill(postgres, 100)
    url, authority = f"jdbc:postgresql://localhost:{postgres.port}/postgres", postgres.certificate.read_text()

    def bring(now: datetime) -> dict[int, str]:
        source = extract.Database(zone.spark, url, LOGIN, authority)
        extract.land(zone.spark, source, f"{zone.folder}/raw", now=now)
        zone.merge(now)
        return zone.messages()

    assert bring(NOON + HOUR) == dict.fromkeys(range(1, 101), "hello")
    first_day = [*(zone.folder / "clean/messages/day=2026-11-16").iterdir()]
    later = f"timestamptz '{NOON + HOUR}'"
    postgres.execute(f"UPDATE lake_messages SET content = 'edited', updated_at = {later} WHERE id = 30")  # noqa: S608
    postgres.execute("DELETE FROM lake_messages WHERE id = 31")
    assert bring(NOON + 2 * HOUR) == dict.fromkeys(range(1, 101), "hello") | {30: "edited"}
    assert [*(zone.folder / "clean/messages/day=2026-11-16").iterdir()] == first_day, "its day has not changed"
    assert zone.landed(1) == {1, 2, 30}, "what has changed, and the overlap's hour before the newest"


@pytest.mark.covers("B14")
@pytest.mark.usefixtures("jdbc_driver")
@pytest.mark.parametrize(
    ("host", "authority", "why"),
    [
        ("localhost", "another.crt", "unable to find valid certification path|Path does not chain|Signature does not"),
        ("127.0.0.1", "root.crt", "The hostname 127.0.0.1 could not be verified"),
    ],
)
def test_a_server_that_does_not_prove_its_name_is_not_told_the_password(
    postgres: Postgres, spark: SparkSession, host: str, authority: str, why: str
) -> None:
    _fill(postgres, 1)
    url, text = f"jdbc:postgresql://{host}:{postgres.port}/postgres", (postgres.folder / authority).read_text()
    with pytest.raises(Exception, match=why):
        extract.Database(spark, url, LOGIN, text).changed_since(NOON - DAY)


@pytest.mark.usefixtures("jdbc_driver")
def test_a_database_that_falls_silent_ends_the_run(
    postgres: Postgres, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extract, "SILENCE_SECONDS", 2, raising=False)
    _fill(postgres, 10)
    with relay(postgres.port) as way:
        url, authority = f"jdbc:postgresql://localhost:{way.port}/postgres", postgres.certificate.read_text()
        source = extract.Database(spark, url, LOGIN, authority)
        assert source.changed_since(NOON - DAY).count() == 10
        problems: list[str] = []

        def read() -> None:
            try:
                source.changed_since(NOON - DAY).count()
            except Exception as error:  # noqa: BLE001 it is told below
                problems.append(str(error))

        with psycopg.connect(host=str(postgres.folder), port=postgres.port, user="app", dbname="postgres") as other:
            # The question has come, and waits; before the answer there is silence. (A new connection has a limit
            # of its own in Java.)
            other.execute("LOCK TABLE lake_messages IN ACCESS EXCLUSIVE MODE")
            reads = threading.Thread(target=read, daemon=True)
            reads.start()
            waits = b"SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            until(lambda: problems or other.execute(waits).fetchone() is not None)
            with way.silent():
                reads.join(60)
                assert ["PSQLException" in problem for problem in problems] == [True]


def test_an_address_with_options_of_its_own_is_refused(spark: SparkSession) -> None:
    with pytest.raises(lake.JobError, match="sslmode=disable has options, which would come before the job's own"):
        extract.Database(spark, "jdbc:postgresql://localhost/app?sslmode=disable", LOGIN, "")


def test_a_deployment_without_the_authority_is_told_so() -> None:
    with pytest.raises(lake.JobError, match=r"jobs/authority.pem is missing"):
        extract.authority()


def _fill(postgres: Postgres, messages: int) -> None:
    postgres.execute("DROP TABLE IF EXISTS lake_messages")
    postgres.execute((ROOT / "workloads/jobs/source.sql").read_text())
    moment = f"timestamptz '{NOON}' - n * interval '1 hour'"
    row = f"n, 'c', 's', 'u', 'user', 'hello', {moment}, {moment}"
    postgres.execute(f"INSERT INTO lake_messages SELECT {row} FROM generate_series(1, {messages}) AS n")  # noqa: S608


def test_a_source_without_files_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(lake.JobError, match="holds no files"):
        extract.Files(spark, str(tmp_path / "nothing"))
