"""The curated zone on a real Spark: sums agree with what they sum, whatever comes late; and the gate before it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytest.importorskip("pyspark")

from jobs import activity, extract, history, lake, quality
from jobs.tables import TABLES

from tests.workloads.jobs.test_history import COLUMNS
from tests.workloads.jobs.test_logs import Zones, record

FRIDAY, SATURDAY, SUNDAY = date(2026, 11, 20), date(2026, 11, 21), date(2026, 11, 22)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


class System(Zones):
    """Both sources, all zones."""

    def say(self, *rows: tuple, now: datetime, columns: str = COLUMNS) -> None:
        source = f"{self.folder}/source-{now:%m%d%H}"
        self.spark.createDataFrame(rows, columns).write.parquet(source)
        # Beside the logs, which have a bucket of their own.
        extract.land(self.spark, extract.Files(self.spark, source), f"{self.folder}/landed", now=now)
        history.bring(self.spark, f"{self.folder}/landed", f"{self.folder}/clean", now=now)

    def check(self, window: lake.Window, most_rejected: float = 0.01) -> None:
        quality.check(self.spark, f"{self.folder}/clean", window, most_rejected)

    def work_out(self, window: lake.Window) -> None:
        activity.work_out(self.spark, f"{self.folder}/clean", f"{self.folder}/curated", window)

    def curated(self, table: str) -> list[dict[str, Any]]:
        return [row.asDict() for row in self.spark.read.parquet(f"{self.folder}/curated/{table}").collect()]

    def users(self) -> dict[tuple[str, str], tuple[int, int, int]]:
        return {
            (row["user_id"], f"{row['day']:%a}"): (row["messages"], row["requests"], row["failures"])
            for row in self.curated("users")
        }


@pytest.fixture
def system(spark: SparkSession, tmp_path: Path) -> System:
    return System(spark, tmp_path)


def only(day: date) -> lake.Window:
    return lake.Window(first=day, last=day)


def message(number: int, user: str, at: datetime, content: str = "hello") -> tuple:
    return (number, "c1", "s1", user, "user", content, at, at)


@pytest.mark.covers("B14")
def test_a_day_of_a_user_and_of_a_session_is_summed(system: System) -> None:
    system.say(message(1, "u1", NOON), message(2, "u1", NOON), message(3, "u2", NOON), now=NOON + timedelta(hours=1))
    system.arrive("a", [record(1, status=500, session_id="s1"), record(2, user_id="u3", session_id="s1")])
    system.prepare()
    system.check(only(FRIDAY))
    system.work_out(only(FRIDAY))
    assert system.users() == {("u1", "Fri"): (2, 1, 1), ("u2", "Fri"): (1, 0, 0), ("u3", "Fri"): (0, 1, 0)}
    (session,) = system.curated("sessions")
    assert (session["messages"], session["requests"]) == (3, 2)
    assert session["began"] == datetime(2026, 11, 20, 5, 10, 1, 1000)
    assert session["ended"] == NOON.replace(tzinfo=None)


def test_records_that_arrive_a_day_late_are_added_to_their_own_day(system: System) -> None:
    system.arrive("a", [record(1)])
    system.prepare()
    system.work_out(only(FRIDAY))
    system.arrive("b", [record(2), record(3, time="2026-11-21T05:00:00Z")], day=SATURDAY)
    system.prepare(only(SATURDAY))
    for _ in range(2):
        system.work_out(only(SATURDAY))
        assert system.users() == {("u1", "Fri"): (0, 2, 0), ("u1", "Sat"): (0, 1, 0)}
    # As late as is believed, and nothing else that day.
    system.arrive("c", [record(4)], day=SUNDAY)
    system.prepare(only(SUNDAY))
    system.work_out(only(SUNDAY))
    assert system.users() == {("u1", "Fri"): (0, 3, 0), ("u1", "Sat"): (0, 1, 0)}


def test_an_old_message_that_changes_does_not_take_its_days_requests_away(system: System) -> None:
    system.say(message(1, "u1", NOON), now=NOON)
    system.arrive("a", [record(1)])
    system.prepare()
    system.work_out(only(FRIDAY))
    later = NOON + timedelta(days=30)
    edited = (*message(1, "u1", NOON)[:5], "edited", NOON, later)
    system.say(edited, now=later)
    system.work_out(only(later.date()))
    assert system.users() == {("u1", "Fri"): (1, 1, 0)}
    (prepared,) = system.curated("prepared_messages")
    assert prepared["text"] == "edited"


def test_nothing_at_all_is_no_error(system: System) -> None:
    system.check(only(FRIDAY))
    system.work_out(only(FRIDAY))


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("  two\n\tlines\u00a0here ", "two lines here"),
        ("\ufb01ne \uff37ide \u2460", "fine Wide 1"),
        ("bell\u0007 zero\u200bwidth", "bell zero width"),
        ("write to 山田.taro+x@example.co.jp now", "write to <email> now"),
        ("card 4111 1111 1111 1111, ok", "card <card>, ok"),
        ("call 090-1234-5678 or +81 90 1234 5678", "call <phone> or <phone>"),
        ("order 12345 of 2026-11-20 costs 1,000", "order 12345 of 2026-11-20 costs 1,000"),
        ("", ""),
        (None, None),
    ],
)
def test_text_is_cleaned(text: str | None, cleaned: str | None) -> None:
    assert activity.clean_text(text) == cleaned


def test_the_gate_sees_rows_that_went_missing(system: System) -> None:
    system.arrive("a", [record(number) for number in range(5)])
    system.prepare()
    counts = system.spark.createDataFrame([(9, 9, 0, 0, "api", FRIDAY)], TABLES["log_counts"].ddl)
    lake.replace(counts, f"{system.folder}/clean", "log_counts")
    with pytest.raises(lake.JobError, match=r"logs of api on 2026-11-20: 9 lines were read, .* 5 rows were kept"):
        system.check(only(FRIDAY))


def test_the_gate_sees_too_much_garbage(system: System) -> None:
    system.arrive("a", [record(1), "garbage"])
    system.prepare()
    system.check(only(FRIDAY), most_rejected=0.5)
    with pytest.raises(lake.JobError, match="logs of api: 1 of 2 lines were set aside"):
        system.check(only(FRIDAY), most_rejected=0.49)


def test_the_gate_sees_a_message_that_is_there_twice(system: System) -> None:
    system.say(message(1, "u1", NOON), now=NOON)
    rows = lake.read(system.spark, f"{system.folder}/clean", "messages")
    rows.unionByName(rows).write.mode("append").partitionBy("day").parquet(f"{system.folder}/clean/messages")
    with pytest.raises(lake.JobError, match="messages of 2026-11-20: 1 ids are there more than once"):
        system.check(only(FRIDAY))


def test_the_gate_sees_messages_that_have_no_place(system: System) -> None:
    columns = COLUMNS.replace("id bigint", "id string", 1)
    system.say(("x", *message(1, "u1", NOON)[1:]), now=NOON, columns=columns)
    with pytest.raises(lake.JobError, match="1 rows have no id, or no moment"):
        system.check(only(FRIDAY))
