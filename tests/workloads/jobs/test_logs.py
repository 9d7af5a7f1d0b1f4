"""Log preparation on a real Spark: whatever the files hold, nothing is lost and nothing counts twice."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

from jobs import lake, logs, quality

DAY = date(2026, 11, 20)
WINDOW = lake.Window(first=DAY, last=DAY)


def record(number: int, **changes: Any) -> str:
    """A line as the log router writes it."""
    fields = {
        "time": f"2026-11-20T05:10:{number % 60:02d}.{number % 1000:03d}Z",
        "level": "INFO",
        "service": "api",
        "message": "request",
        "request_id": f"r{number}",
        "method": "GET",
        "path": "/items",
        "status": 200,
        "duration_ms": 12.5,
        "user_id": "u1",
        **changes,
    }
    return json.dumps({name: value for name, value in fields.items() if value is not None})


@dataclass
class Zones:
    """A raw and a clean zone on the disk."""

    spark: SparkSession
    folder: Path

    def arrive(self, name: str, content: Iterable[str] | bytes, *, day: date = DAY, service: str = "api") -> Path:
        """Put a file where the log router would have put it in the hour from 05:00."""
        folder = self.folder / f"raw/service={service}/year={day:%Y}/month={day:%m}/day={day:%d}/hour=05"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.json.gz"
        path.write_bytes(content if isinstance(content, bytes) else packed(*content))
        return path

    def prepare(self, window: lake.Window = WINDOW) -> None:
        logs.prepare(self.spark, f"{self.folder}/raw", f"{self.folder}/clean", window)

    def rows(self, table: str) -> list[dict[str, Any]]:
        found = lake.read(self.spark, f"{self.folder}/clean", table)
        return [row.asDict() for row in found.collect()]

    def counts(self) -> tuple[int, int, int, int]:
        (row,) = self.rows("log_counts")
        return row["read"], row["kept"], row["rejected"], row["copies"]


def packed(*lines: str) -> bytes:
    return gzip.compress("".join(f"{line}\n" for line in lines).encode(), mtime=0)


@pytest.fixture
def zones(spark: SparkSession, tmp_path: Path) -> Zones:
    return Zones(spark, tmp_path)


@pytest.mark.covers("B14")
def test_records_become_typed_rows_of_their_service_and_day(zones: Zones) -> None:
    zones.arrive("a", [record(1), record(2, status=503, trace="abc")])
    zones.arrive("b", [record(3)], service="worker")
    zones.prepare()
    rows = {row["request_id"]: row for row in zones.rows("app_logs")}
    assert {key: (row["service"], row["day"], row["status"]) for key, row in rows.items()} == {
        "r1": ("api", DAY, 200),
        "r2": ("api", DAY, 503),
        "r3": ("worker", DAY, 200),
    }
    assert rows["r1"]["duration_ms"] == 12.5
    assert rows["r2"]["further"] == {"trace": "abc"}, "a field that nobody foresaw is kept"
    assert rows["r1"]["time"].isoformat() == "2026-11-20T05:10:01.001000"


def test_lines_that_are_no_records_are_set_aside_and_counted(zones: Zones) -> None:
    garbage = ["not json", "[1, 2]", '"text"', "{broken", "42", "null", "}{"]
    zones.arrive("a", [record(1), *garbage, "", record(2)])
    zones.prepare()
    assert sorted(row["line"] for row in zones.rows("rejected_logs")) == sorted(garbage)
    assert zones.counts() == (9, 2, 7, 0)


def test_a_truncated_file_gives_what_it_holds_and_is_named(zones: Zones) -> None:
    lines = [record(number, message=f"{number * 7919:x}" * 20) for number in range(3000)]
    whole = packed(*lines)
    path = zones.arrive("a", whole[: len(whole) // 2])
    zones.prepare()
    kept = {row["request_id"] for row in zones.rows("app_logs")}
    assert 1000 < len(kept) < 2000
    assert kept == {f"r{number}" for number in range(len(kept))}, "every whole line before the cut"
    (rest,) = zones.rows("rejected_logs")
    assert rest["reason"] == "the gzip file ends too early"
    assert rest["file"].endswith(str(path))
    assert lines[len(kept)].startswith(rest["line"]), "the line that was cut is kept as far as it goes"


def test_a_file_that_has_been_mended_leaves_nothing_set_aside(zones: Zones) -> None:
    whole = packed(record(1), record(2))
    zones.arrive("a", whole[:-12])
    before = DAY - timedelta(days=1)
    zones.arrive("b", ["garbage"], day=before)
    zones.prepare(lake.Window(first=before, last=DAY))
    assert len(zones.rows("rejected_logs")) == 2
    zones.arrive("a", whole)
    zones.prepare()
    assert [row["line"] for row in zones.rows("rejected_logs")] == ["garbage"]
    assert {row["request_id"] for row in zones.rows("app_logs")} == {"r1", "r2"}
    quality.check(zones.spark, f"{zones.folder}/clean", WINDOW, 1)


def test_what_has_become_garbage_leaves_no_row_of_an_earlier_run(zones: Zones) -> None:
    zones.arrive("a", [record(1), record(2)])
    zones.arrive("b", [record(3)], service="worker")
    zones.prepare()
    zones.arrive("a", ["garbage", "more of it"])
    zones.prepare()
    assert [row["request_id"] for row in zones.rows("app_logs")] == ["r3"]
    quality.check(zones.spark, f"{zones.folder}/clean", WINDOW, 1)


def test_a_file_is_unpacked_by_looking_at_each_byte_once() -> None:
    class Content(bytes):
        looked = 0

        def __getitem__(self, part: Any) -> Any:
            found = bytes.__getitem__(self, part)
            self.looked += len(found)
            return found

    line = b"x" * 200 + b"\n"
    for content in (
        Content(gzip.compress(line * 20_000, compresslevel=0)),
        Content(gzip.compress(line * 10, mtime=0) * 2_000),
    ):
        unpacked = logs.Unpacked(content)
        assert b"".join(unpacked) == line * 20_000
        assert unpacked.damage is None
        assert content.looked < 2 * len(content) + 2_000 * 16 * 1024


def test_a_large_partition_is_written_by_several_tasks_and_a_small_one_into_one_file(zones: Zones) -> None:
    for number in range(6):
        zones.arrive(f"a{number}", [record(n, message=f"{number}{n * 7919:x}" * 40) for n in range(2000)])
    zones.arrive("b", [record(1)], service="worker")
    settings = {
        "spark.sql.adaptive.advisoryPartitionSizeInBytes": "100k",
        # A task for each file, as where files are large.
        "spark.sql.files.maxPartitionBytes": "1k",
        "spark.sql.files.openCostInBytes": "1",
    }
    before = {name: str(zones.spark.conf.get(name)) for name in settings}
    for name, value in settings.items():
        zones.spark.conf.set(name, value)
    try:
        zones.prepare()
    finally:
        for name, value in before.items():
            zones.spark.conf.set(name, value)
    files = {
        service: len(list((zones.folder / f"clean/app_logs/service={service}").rglob("*.parquet")))
        for service in ("api", "worker")
    }
    assert files["worker"] == 1
    assert files["api"] > 2


def test_a_damaged_file_stops_no_other(zones: Zones) -> None:
    zones.arrive("a", b"this was never gzip")
    zones.arrive("b", [record(1)])
    zones.prepare()
    assert zones.counts() == (2, 1, 1, 0)
    assert [row["reason"] for row in zones.rows("rejected_logs")] == ["the file is not gzip, or is damaged"]


def test_a_file_of_several_gzip_members_is_read_to_its_end(zones: Zones) -> None:
    zones.arrive("a", packed(record(1)) + packed(record(2), record(3)))
    zones.prepare()
    assert zones.counts() == (3, 3, 0, 0)


def test_a_field_of_another_type_loses_neither_row_nor_value(zones: Zones) -> None:
    zones.arrive("a", [record(1, status="200"), record(2, status="two hundred", duration_ms={"ms": 3})])
    zones.prepare()
    rows = {row["request_id"]: row for row in zones.rows("app_logs")}
    assert (rows["r1"]["status"], rows["r1"]["unfit"]) == (200, {})
    assert rows["r2"]["status"] is None
    assert rows["r2"]["unfit"] == {"status": "two hundred", "duration_ms": '{"ms":3}'}


def test_a_batch_that_was_sent_twice_counts_once(zones: Zones) -> None:
    zones.arrive("a", [record(1), record(2)])
    zones.arrive("b", [record(1), record(2)])
    zones.arrive("c", [record(1), record(3)])
    zones.prepare()
    assert sorted(row["request_id"] for row in zones.rows("app_logs")) == ["r1", "r1", "r2", "r3"], (
        "equal lines in different files are not one record"
    )
    assert zones.counts() == (6, 4, 0, 2)


def test_a_job_that_runs_twice_changes_nothing_and_takes_what_came_late(zones: Zones) -> None:
    zones.arrive("a", [record(1), "garbage"])
    zones.prepare()
    before = [zones.rows(table) for table in ("app_logs", "rejected_logs", "log_counts")]
    zones.prepare()
    assert [zones.rows(table) for table in ("app_logs", "rejected_logs", "log_counts")] == before
    zones.arrive("z", [record(2)])
    zones.prepare()
    assert zones.counts() == (3, 2, 1, 0)


def test_other_days_stay_as_they_are(zones: Zones) -> None:
    earlier = date(2026, 11, 19)
    zones.arrive("a", [record(1, time="2026-11-19T05:00:00Z")], day=earlier)
    zones.prepare(lake.Window(first=earlier, last=earlier))
    zones.arrive("b", [record(2)])
    zones.prepare()
    assert sorted((row["request_id"], row["day"]) for row in zones.rows("app_logs")) == [("r1", earlier), ("r2", DAY)]


def test_an_empty_day_is_no_error_and_no_row(zones: Zones) -> None:
    zones.prepare()
    assert zones.rows("app_logs") == []
    zones.arrive("a", packed())
    zones.prepare()
    assert zones.rows("app_logs") == []


@pytest.mark.parametrize(
    ("given", "believed"),
    [
        ("2026-11-20T05:59:59Z", True),
        ("2026-11-20T06:30:00Z", True),
        ("2026-11-18T06:00:00Z", True),
        ("2026-11-20T08:00:00Z", False),
        ("2030-01-01T00:00:00Z", False),
        ("2026-11-10T00:00:00Z", False),
        ("yesterday", False),
        (None, False),
    ],
)
def test_a_clock_that_is_wrong_moves_no_record_to_another_day(zones: Zones, given: str | None, believed: bool) -> None:
    zones.arrive("a", [record(1, time=given)])
    zones.prepare()
    (row,) = zones.rows("app_logs")
    if believed:
        assert row["time_given"] is None
        assert f"{row['time'].isoformat()}Z" == given
    else:
        assert row["time_given"] == given
        assert row["time"].isoformat() == "2026-11-20T05:00:00", "the hour of its arrival"
