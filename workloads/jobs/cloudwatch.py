"""CloudWatch's logs: what Firehose wrote of the log groups becomes Parquet, a folder for each day of arrival.

    cloudwatch.py --source s3://raw/cloudwatch-logs --clean s3://clean [--from-day 2026-11-20 --to-day 2026-11-21]

Reads files of gzip members, each with envelopes of events one after another (`2026/11/20/23/…`), and leaves

- `service_logs/day=…`: one row for each event;
- `rejected_service_logs/day=…`: what follows in a file after the last envelope that can be read, with the reason; the
  quality gate sees it.

Firehose delivers at least once: an event that is there twice on a day counts once, by CloudWatch's id of it.
"""

from __future__ import annotations

import argparse
import codecs
import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from pyspark import StorageLevel
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from jobs import lake, logs

_EVENTS = "path string, id string, at long, log_group string, log_stream string, message string, damage string"
_LATEST = 253_402_300_799_999
"""The end of the year 9999, in milliseconds: further times would end the run."""
_PLACE = r"/(\d{4})/(\d{2})/(\d{2})/\d{2}/[^/]+$"

Event = tuple[str, str | None, int | None, str | None, str | None, str | None, str | None]


def main(words: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="cloudwatch.py", description="Prepare CloudWatch's logs for queries.")
    parser.add_argument("--source", type=lake.zone, required=True)
    parser.add_argument("--clean", type=lake.zone, required=True)
    lake.add_window(parser)
    told = lake.arguments(parser, words)
    window = lake.Window(first=told.from_day, last=told.to_day)
    prepare(lake.start("cloudwatch"), told.source, told.clean, window)


def prepare(spark: SparkSession, source: str, clean: str, window: lake.Window) -> None:
    """Bring the events that arrived in `window` into the clean zone; the days' earlier rows are replaced."""
    folders = {day: f"{source}/{day:%Y/%m/%d}/*" for day in window.days()}
    folders = {day: folder for day, folder in folders.items() if lake.exists(spark, f"{folder}/*")}
    if not folders:
        return  # empty days: nothing arrived, nothing to replace
    files = spark.read.format("binaryFile").load([*folders.values()]).select("path", "content")
    found = spark.createDataFrame(files.rdd.flatMap(_events), _EVENTS, verifySchema=False)
    day = F.to_date(F.concat_ws("-", *(F.regexp_extract("path", _PLACE, group) for group in (1, 2, 3))))
    found = found.withColumn("day", day).withColumnRenamed("path", "file").persist(StorageLevel.MEMORY_AND_DISK)
    for rows, name in ((_kept(found), "service_logs"), (_rejected(found), "rejected_service_logs")):
        days = {row.day for row in rows.select("day").distinct().collect()}
        lake.replace(rows, clean, name, without_rows=[f"day={day}" for day in folders if day not in days])
    found.unpersist()


def _kept(found: DataFrame) -> DataFrame:
    rows = found.where("damage IS NULL").withColumn("at", F.expr("timestamp_millis(at)"))
    return rows.dropDuplicates(["day", "log_group", "log_stream", "id"])


def _rejected(found: DataFrame) -> DataFrame:
    return found.where("damage IS NOT NULL").withColumnsRenamed({"message": "rest", "damage": "reason"})


def _events(file: Row) -> Iterator[Event]:
    """The events of one file, as far as it can be read, with no more of it in memory than an envelope or two: it has
    64 MB at most before it is unpacked, and ten times as many after."""
    pieces, parser = logs.Unpacked(file.content), json.JSONDecoder()
    letters = codecs.iterdecode(pieces, "utf-8", "backslashreplace")
    text, begin, after = "", 0, 0
    while True:
        while text[after : after + 1].isspace():
            after += 1
        begin = after
        try:
            envelope, after = parser.raw_decode(text, begin)
            events = list(_of(envelope, file.path))
        except json.JSONDecodeError:
            # Perhaps it only begins here. As much again: whatever comes, no letter is looked at often.
            more = _more(letters, len(text) - begin)
            if not more:
                break
            text, after = text[begin:] + more, 0
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
            break
        else:
            yield from events
    rest = (text[begin:] + "".join(letters)).rstrip()
    if rest or pieces.damage is not None:
        reason = pieces.damage or "what follows is no envelope of CloudWatch's"
        yield file.path, None, None, None, None, rest, reason


def _more(letters: Iterator[str], least: int) -> str:
    """The next letters, at least so many as far as there are any."""
    found, length = list[str](), 0
    for some in letters:
        found.append(some)
        length += len(some)
        if length > least:
            break
    return "".join(found)


def _of(envelope: Any, path: str) -> Iterator[Event]:
    # CloudWatch tries a new subscription with a message of its own.
    if envelope["messageType"] == "CONTROL_MESSAGE":
        return
    group, stream = envelope["logGroup"], envelope["logStream"]
    for event in envelope["logEvents"]:
        at = int(event["timestamp"])
        if not 0 <= at <= _LATEST:
            raise ValueError(at)
        yield path, str(event["id"]), at, group, stream, str(event["message"]), None


if __name__ == "__main__":
    main(sys.argv[1:])
