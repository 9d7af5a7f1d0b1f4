"""Log preparation: gzip files of JSON lines become Parquet, a folder for each service and day of arrival.

    logs.py --source s3://archive/app-logs --clean s3://clean [--from-day 2026-11-20 --to-day 2026-11-21]

Reads what the log router writes (`service=…/year=…/month=…/day=…/hour=…/*.json.gz`) and leaves in the clean zone

- `app_logs/service=…/day=…`: one row for each record;
- `rejected_logs/service=…/day=…`: each line that is no record, and the lost end of each damaged file, with the reason;
- `log_counts/service=…/day=…`: how many lines there were, and where each went.

Every line of a day's files is in exactly one of the first two, but for files that are the copy of another: a batch that
was sent twice counts once.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
import zlib
from collections.abc import Iterator, Sequence

from pyspark import StorageLevel
from pyspark.sql import DataFrame, Row, SparkSession, Window
from pyspark.sql import functions as F  # noqa: N812

from jobs import lake
from jobs.tables import RECORD, TABLES

LATENESS_DAYS = 2
"""A record whose own time is further before its arrival, or at all after the end of its hour, has a wrong clock."""

_PIECE = 16 * 1024
_MOST = 1024 * 1024
"""The most bytes that a piece may become at once: one of many equal letters becomes a thousand times as many."""
_LINES = "path string, digest string, line string, damage string"
_PLACE = r"service=([^/]+)/year=(\d{4})/month=(\d{2})/day=(\d{2})/hour=(\d{2})/"


def main(words: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="logs.py", description="Prepare the applications' logs for queries.")
    parser.add_argument("--source", type=lake.zone, required=True)
    parser.add_argument("--clean", type=lake.zone, required=True)
    lake.add_window(parser)
    told = lake.arguments(parser, words)
    window = lake.Window(first=told.from_day, last=told.to_day)
    prepare(lake.start("logs"), told.source, told.clean, window)


def prepare(spark: SparkSession, source: str, clean: str, window: lake.Window) -> None:
    """Bring the files that arrived in `window` into the clean zone; the days' earlier rows are replaced."""
    lines = _lines(spark, source, window)
    if lines is None:
        return  # empty days: nothing arrived, nothing to replace
    # Used by four outputs, and the files are read and unpacked only once.
    lines = lines.persist(StorageLevel.MEMORY_AND_DISK)
    copies = _copies(lines)
    single = lines.join(F.broadcast(copies), "path", "left_anti")
    parsed = _parsed(single.where("damage IS NULL"))
    counts = _counts(lines, copies, parsed).persist()
    places = _places(spark, source, window)
    lake.replace(_records(parsed), clean, "app_logs", without_rows=places - _with(counts, "kept"))
    lake.replace(_rejected(parsed, single), clean, "rejected_logs", without_rows=places - _with(counts, "rejected"))
    lake.replace(counts, clean, "log_counts")
    counts.unpersist()
    lines.unpersist()


def _with(counts: DataFrame, column: str) -> set[str]:
    """The partitions that have such rows; there are only a few partitions in a window."""
    found = counts.where(F.col(column) > 0).select("service", "day").collect()
    return {f"service={row.service}/day={row.day}" for row in found}


def _places(spark: SparkSession, source: str, window: lake.Window) -> set[str]:
    """The partitions of what has arrived: `service=…/day=…`."""
    return {
        f"{service}/day={day}"
        for day in window.days()
        for path in lake.paths(spark, f"{source}/service=*/year={day:%Y}/month={day:%m}/day={day:%d}")
        for service in re.findall(r"service=[^/]+", path)
    }


def _lines(spark: SparkSession, source: str, window: lake.Window) -> DataFrame | None:
    """Each line of each file with the file's path and digest; a damaged file ends with a row that says so."""
    folders = [f"{source}/service=*/year={day:%Y}/month={day:%m}/day={day:%d}/hour=*" for day in window.days()]
    folders = [folder for folder in folders if lake.exists(spark, f"{folder}/*.json.gz")]
    if not folders:
        return None
    files = (
        spark.read.format("binaryFile").option("pathGlobFilter", "*.json.gz").load(folders).select("path", "content")
    )
    unpacked = spark.createDataFrame(files.rdd.flatMap(_lines_of), _LINES, verifySchema=False)
    place = [F.regexp_extract("path", _PLACE, group) for group in range(1, 6)]
    hour = F.concat_ws("-", *place[1:])
    return unpacked.select(
        "*",
        # Spark's writer escapes what a folder's name may not hold; the log router's names hold none of it.
        place[0].alias("service"),
        F.to_timestamp(hour, "yyyy-MM-dd-HH").alias("arrived"),
    ).withColumn("day", F.to_date("arrived"))


def _lines_of(file: Row) -> Iterator[tuple[str, str, str | None, str | None]]:
    """The lines of one gzip file, as far as it can be read, without ever holding more of it than a piece and a line."""
    digest = hashlib.sha256(file.content).hexdigest()
    pieces, begun = Unpacked(file.content), list[bytes]()
    for piece in pieces:
        line, ended, further = piece.partition(b"\n")
        begun.append(line)
        if ended:
            *whole, last = further.split(b"\n")
            for line in (b"".join(begun), *whole):
                if line.strip():
                    yield file.path, digest, line.decode("utf-8", "backslashreplace"), None
            begun = [last]
    last = b"".join(begun)
    if last.strip() or pieces.damage is not None:
        yield file.path, digest, last.decode("utf-8", "backslashreplace"), pieces.damage


class Unpacked:
    """What a gzip file holds, piece by piece and as far as it can be read. At the end `damage` says what is wrong."""

    def __init__(self, content: bytes) -> None:
        self.damage: str | None = None
        self._content = content

    def __iter__(self) -> Iterator[bytes]:
        member, position = zlib.decompressobj(wbits=31), 0
        while position < len(self._content):
            # Piece by piece, because a damaged piece gives nothing at all.
            piece = self._content[position : position + _PIECE]
            position += len(piece)
            try:
                while piece and not member.eof:
                    yield member.decompress(piece, _MOST)
                    piece = member.unconsumed_tail
            except zlib.error:
                self.damage = "the file is not gzip, or is damaged"
                return
            if member.eof:
                # A file may hold several gzip members, one after another.
                position -= len(member.unused_data)
                if position < len(self._content):
                    member = zlib.decompressobj(wbits=31)
        if not member.eof:
            self.damage = "the gzip file ends too early"


def _copies(lines: DataFrame) -> DataFrame:
    """The paths of files that are the copy of another of the same service and day."""
    files = lines.select("service", "day", "digest", "path").distinct()
    order = Window.partitionBy("service", "day", "digest").orderBy("path")
    return files.withColumn("number", F.row_number().over(order)).where("number > 1").select("path")


def _parsed(lines: DataFrame) -> DataFrame:
    """Each line with its record as a map of texts, null where the line is no JSON object."""
    record = F.from_json("line", "map<string,string>")
    # The parser takes an empty map for more than one kind of garbage.
    is_object = F.col("line").rlike(r"^\s*\{") & record.isNotNull()
    return lines.withColumn("record", F.when(is_object, record))


def _records(parsed: DataFrame) -> DataFrame:
    """The rows of `app_logs`."""
    found = parsed.where("record IS NOT NULL")
    columns = [F.col("record")[name].alias(name) for name in RECORD]
    known = F.array(*(F.lit(name) for name in (*RECORD, "time", "service")))
    given = F.col("record")["time"]
    said = F.expr("try_cast(record['time'] AS timestamp)")
    earliest = F.col("arrived") - F.expr(f"INTERVAL {LATENESS_DAYS} DAYS")
    # An hour's files are sent within a minute of its end; another hour is room for a slow sender.
    latest = F.col("arrived") + F.expr("INTERVAL 2 HOURS")
    believed = said.isNotNull() & (said >= earliest) & (said < latest)
    wide = found.select(
        F.when(believed, said).otherwise(F.col("arrived")).alias("time"),
        F.when(~F.coalesce(believed, F.lit(False)), given).alias("time_given"),
        *columns,
        F.map_filter("record", lambda key, _: ~F.array_contains(known, key)).alias("further"),
        F.col("path").alias("file"),
        "service",
        "day",
    )
    table = TABLES["app_logs"]
    agreed = {name: kind for name, kind in table.columns.items() if name != "unfit"}
    return lake.conform(wide, agreed | table.partition_columns)


def _rejected(parsed: DataFrame, lines: DataFrame) -> DataFrame:
    """The rows of `rejected_logs`: lines that are no record, and the ends of damaged files."""
    garbage = parsed.where("record IS NULL").withColumn("reason", F.lit("the line is not a JSON object"))
    damaged = lines.where("damage IS NOT NULL").withColumn("reason", F.col("damage"))
    columns = ["line", "reason", F.col("path").alias("file"), "service", "day"]
    return garbage.select(*columns).unionByName(damaged.select(*columns))


def _counts(lines: DataFrame, copies: DataFrame, parsed: DataFrame) -> DataFrame:
    """The rows of `log_counts`: what each service's day held."""
    keys = ["service", "day"]
    is_copy = F.broadcast(copies.withColumn("copy", F.lit(True)))
    read = (
        lines.join(is_copy, "path", "left")
        .groupBy(*keys)
        .agg(F.count("*").alias("read"), F.count("copy").alias("copies"))
    )
    kept = parsed.groupBy(*keys).agg(F.count("record").alias("kept"))
    both = read.join(kept, keys, "left").na.fill(0, ["kept"])
    return both.select("read", "kept", F.expr("read - copies - kept").alias("rejected"), "copies", *keys)


if __name__ == "__main__":
    main(sys.argv[1:])
