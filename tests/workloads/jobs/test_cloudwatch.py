"""CloudWatch's logs on a real Spark: every event once, and what cannot be read is set aside and stops the gate."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

from jobs import cloudwatch, lake, quality
from pyspark.sql import Row

DAY = date(2026, 11, 20)
WINDOW = lake.Window(first=DAY, last=DAY)
AT = datetime(2026, 11, 20, 5, 10, tzinfo=UTC)


def envelope(*numbers: int, group: str = "/aws/rds/instance/chat-dev-database/postgresql", **changes: Any) -> bytes:
    """What CloudWatch sends to Firehose: one gzip member, with no end of line."""
    at = int(AT.timestamp() * 1000)
    events = [{"id": str(number), "timestamp": at + number, "message": f"line {number}"} for number in numbers]
    told = {"messageType": "DATA_MESSAGE", "owner": "1", "logGroup": group, "logStream": "one",
            "subscriptionFilters": ["x"], "logEvents": events, **changes}  # fmt: skip
    return gzip.compress(json.dumps(told).encode(), mtime=0)


@dataclass
class Zones:
    """A raw and a clean zone on the disk."""

    spark: SparkSession
    folder: Path

    def arrive(self, name: str, content: bytes, day: date = DAY) -> None:
        folder = self.folder / f"raw/{day:%Y/%m/%d}/05"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.gz").write_bytes(content)

    def prepare(self) -> None:
        cloudwatch.prepare(self.spark, f"{self.folder}/raw", f"{self.folder}/clean", WINDOW)

    def rows(self, table: str = "service_logs") -> list[dict[str, Any]]:
        return [row.asDict() for row in lake.read(self.spark, f"{self.folder}/clean", table).orderBy("file").collect()]

    def messages(self) -> list[str]:
        return sorted(row["message"] for row in self.rows())


@pytest.fixture
def zones(spark: SparkSession, tmp_path: Path) -> Zones:
    return Zones(spark, tmp_path)


@pytest.mark.covers("B14")
def test_each_event_becomes_a_row_of_the_day_on_which_it_arrived(zones: Zones) -> None:
    zones.arrive("a", envelope(1, 2) + envelope(3, group="/other"))
    zones.prepare()
    assert zones.messages() == ["line 1", "line 2", "line 3"]
    first = next(row for row in zones.rows() if row["id"] == "1")
    assert (first["day"], first["log_stream"]) == (DAY, "one")
    assert first["at"].replace(tzinfo=UTC) == AT.replace(microsecond=1000)
    assert {row["log_group"] for row in zones.rows() if row["id"] == "3"} == {"/other"}
    assert zones.rows("rejected_service_logs") == []


@pytest.mark.covers("B14")
def test_what_is_delivered_twice_counts_once_and_a_second_run_changes_nothing(zones: Zones) -> None:
    zones.arrive("a", envelope(1, 2))
    zones.arrive("b", envelope(2, 3))
    zones.prepare()
    zones.prepare()
    assert zones.messages() == ["line 1", "line 2", "line 3"]


@pytest.mark.covers("B14")
def test_the_trial_message_of_a_subscription_is_no_row(zones: Zones) -> None:
    zones.arrive("a", envelope(1, messageType="CONTROL_MESSAGE") + envelope(2))
    zones.prepare()
    assert zones.messages() == ["line 2"]


@pytest.mark.covers("B14")
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (envelope(1) + envelope(2)[:-12], "the gzip file ends too early"),
        (envelope(1) + gzip.compress(b"not JSON"), "what follows is no envelope of CloudWatch's"),
        (envelope(1) + gzip.compress(b'{"logEvents": 7}'), "what follows is no envelope of CloudWatch's"),
        (envelope(1) + envelope(2, logEvents=[{"id": "2"}]), "what follows is no envelope of CloudWatch's"),
    ],
)
def test_what_cannot_be_read_is_set_aside_hides_no_other_and_stops_the_gate(
    zones: Zones, content: bytes, reason: str
) -> None:
    zones.arrive("a", content)
    zones.arrive("b", envelope(9))
    zones.prepare()
    assert {"line 1", "line 9"} <= set(zones.messages())
    (aside,) = zones.rows("rejected_service_logs")
    assert aside["reason"] == reason
    assert aside["file"].endswith("/a.gz")
    with pytest.raises(lake.JobError, match="logs of CloudWatch on 2026-11-20: 1 files cannot be read to their end"):
        quality.check(zones.spark, f"{zones.folder}/clean", WINDOW, 0.01)
    zones.arrive("a", envelope(1))
    zones.prepare()
    quality.check(zones.spark, f"{zones.folder}/clean", WINDOW, 0.01)
    assert zones.rows("rejected_service_logs") == [], "of a file that has been mended"


@pytest.mark.covers("B14")
def test_a_day_of_which_nothing_can_be_read_any_more_keeps_no_row_of_an_earlier_run(zones: Zones) -> None:
    zones.arrive("a", envelope(1))
    zones.prepare()
    zones.arrive("a", b"this was never gzip")
    zones.prepare()
    assert zones.messages() == []
    assert len(zones.rows("rejected_service_logs")) == 1


@pytest.mark.parametrize("time", ["Infinity", "NaN", "-1", "1e30", "253402300800000", "null", '"noon"'])
def test_a_time_that_is_none_is_set_aside_and_ends_no_run(time: str) -> None:
    events = f'[{{"id": "7", "timestamp": {time}, "message": "line 7"}}]'
    told = f'{{"messageType": "DATA_MESSAGE", "logGroup": "g", "logStream": "one", "logEvents": {events}}}'
    file = Row(path="a", content=envelope(1) + gzip.compress(told.encode()))
    kept, aside = cloudwatch._events(file)  # noqa: SLF001 a file without Spark around it
    assert (kept[1], kept[6]) == ("1", None)
    assert (aside[5], aside[6]) == (told, "what follows is no envelope of CloudWatch's")


def test_a_large_file_is_never_whole_in_memory() -> None:
    text = "x" * 1000
    events = [{"id": str(number), "timestamp": 1, "message": text} for number in range(100)]
    one = json.dumps({"messageType": "DATA_MESSAGE", "logGroup": "g", "logStream": "s", "logEvents": events}).encode()
    # Members of one envelope each, and one member of all of them.
    for content in (gzip.compress(one) * 300, gzip.compress(one * 300)):
        tracemalloc.start()
        try:
            found = sum(1 for _ in cloudwatch._events(Row(path="p", content=content)))  # noqa: SLF001
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert found == 300 * 100
        assert most < 0.3 * 300 * len(one)


def test_a_file_of_one_endless_envelope_is_looked_at_a_few_times_only(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    decode = json.JSONDecoder.raw_decode

    def counted(decoder: json.JSONDecoder, text: str, at: int = 0) -> Any:
        looked.append(len(text) - at)
        return decode(decoder, text, at)

    monkeypatch.setattr(json.JSONDecoder, "raw_decode", counted)
    endless = gzip.compress(b'{"logEvents": [' + b'"x", ' * 1_000_000, compresslevel=0)
    ((*_, rest, reason),) = cloudwatch._events(Row(path="p", content=endless))  # noqa: SLF001
    assert (len(rest or ""), reason) == (5_000_014, "what follows is no envelope of CloudWatch's")
    assert sum(looked) < 3 * 5_000_000


@pytest.mark.covers("B14")
def test_an_empty_day_is_no_error_and_other_days_stay(zones: Zones) -> None:
    zones.arrive("a", envelope(1), day=date(2026, 11, 19))
    zones.prepare()
    assert zones.messages() == []
