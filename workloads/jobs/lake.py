"""What the jobs share: how a run is told what to do, how data comes in and goes out, and what a run leaves behind.

The zones are folders, in S3 (`s3://…`) or on a disk. Each job replaces whole partitions (days) of its output, worked
out anew from its input: a run that is repeated, or that was cut off in the middle, ends with the same rows. Nothing
whose size grows with the data is brought to the driver.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - PySpark's own convention

from jobs.tables import TABLES


class JobError(Exception):
    """Why a run cannot go on, in words for who reads the job's log."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """The days, both included, whose arrivals a run works on."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.first > self.last:
            raise JobError(f"--from-day {self.first} is after --to-day {self.last}; exchange them")

    def days(self) -> list[date]:
        return [self.first + timedelta(days=days) for days in range((self.last - self.first).days + 1)]


def arguments(parser: argparse.ArgumentParser, words: Sequence[str]) -> argparse.Namespace:
    """What the job was told; Glue's own words (`--JOB_ID` and the like) are left alone."""
    known, _ = parser.parse_known_args(words)
    return known


def add_window(parser: argparse.ArgumentParser) -> None:
    """`--from-day` and `--to-day`; without them, yesterday and today (UTC)."""
    today = datetime.now(UTC).date()
    parser.add_argument("--from-day", type=_day, default=today - timedelta(days=1))
    parser.add_argument("--to-day", type=_day, default=today)


def zone(text: str) -> str:
    """A folder, without a slash at its end."""
    if not re.match(r"(s3|file)://[^/]*/?|/", text):
        raise argparse.ArgumentTypeError(f"{text!r} is neither s3://bucket/prefix nor an absolute path")
    return text.rstrip("/")


def start(name: str) -> SparkSession:
    """Spark, told to keep time in UTC and to replace only the partitions that it writes."""
    builder: Any = SparkSession.builder
    return (
        builder.appName(name)
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.sources.partitionOverwriteMode", "dynamic")
        # A time that is none becomes null, which the jobs look for; it does not end them.
        .config("spark.sql.ansi.enabled", "false")
        .config("spark.sql.parquet.compression.codec", "zstd")
        # What a task writes, as far as a partition has so much; before compression.
        .config("spark.sql.adaptive.advisoryPartitionSizeInBytes", "256m")
        .getOrCreate()
    )


def exists(spark: SparkSession, pattern: str) -> bool:
    """Whether any file or folder fits `pattern`."""
    return bool(paths(spark, pattern))


def paths(spark: SparkSession, pattern: str) -> list[str]:
    """The files and folders that fit `pattern`."""
    files, path = _hadoop(spark, pattern)
    return [found.getPath().toString() for found in files.globStatus(path) or ()]


def remove(spark: SparkSession, folder: str) -> None:
    """Delete a folder with all that it holds."""
    files, path = _hadoop(spark, folder)
    files.delete(path, True)


def read(spark: SparkSession, root: str, name: str) -> DataFrame:
    """The table `name` of `tables.py` in the zone at `root`; no rows where nothing has been written yet."""
    table = TABLES[name]
    if not exists(spark, f"{root}/{name}/*"):
        return spark.createDataFrame([], table.ddl)
    return spark.read.schema(table.ddl).parquet(f"{root}/{name}")


def replace(rows: DataFrame, root: str, name: str, *, without_rows: Collection[str] = ()) -> None:
    """Put `rows` into the table `name`, in place of what the partitions that they touch held; other partitions stay.

    `without_rows`: partitions, as `day=2026-11-20`, of which this run has no row: what an earlier one left there goes.
    """
    table = TABLES[name]
    # A few files in each partition: thousands of tiny ones are what makes Athena slow. A large partition is written by
    # several tasks, which one alone would take hours for.
    chosen = rows.select(*table.columns, *table.partitions)
    # The hint of a frame takes no columns.
    balanced = rows.sparkSession.sql(
        f"SELECT /*+ REBALANCE({', '.join(table.partitions)}) */ * FROM {{chosen}}",  # noqa: S608 our own names
        chosen=chosen,
    )
    balanced.write.mode("overwrite").partitionBy(*table.partitions).parquet(f"{root}/{name}")
    for partition in without_rows:
        remove(rows.sparkSession, f"{root}/{name}/{partition}")


def notes(spark: SparkSession, folder: str, schema: str) -> DataFrame:
    """What runs have noted in `folder`; no rows where none has yet."""
    if not exists(spark, f"{folder}/*.json"):
        return spark.createDataFrame([], schema)
    return spark.read.schema(schema).json(folder)


def note(rows: DataFrame, folder: str) -> None:
    """Add `rows`, a few, to what is noted in `folder`: all of them, or none if the run is cut off."""
    rows.coalesce(1).write.mode("append").json(folder)


def conform(rows: DataFrame, contract: Mapping[str, str]) -> DataFrame:
    """`rows` with exactly the columns of `contract` (name and SQL type), and `unfit` with what would not fit.

    A column that has become another type, or that is missing, fails no run: a value that cannot be taken over is null
    in its column and kept as text in the map `unfit`.
    """
    present = {column.lower(): column for column in rows.columns}
    fitted, unfit = [], []
    for column, kind in contract.items():
        if column not in present:
            fitted.append(F.lit(None).cast(kind).alias(column))
            continue
        source = F.col(f"`{present[column]}`")
        value = F.expr(f"try_cast(`{present[column]}` AS {kind})")
        fitted.append(value.alias(column))
        missed = source.isNotNull() & value.isNull()
        unfit.append(F.when(missed, F.struct(F.lit(column).alias("key"), source.cast("string").alias("value"))))
    kept = F.filter(F.array(*unfit), lambda entry: entry.isNotNull()) if unfit else F.lit(None)
    return rows.select(*fitted, F.map_from_entries(kept).alias("unfit"))


def _hadoop(spark: SparkSession, name: str) -> tuple[Any, Any]:
    """The file system of a path, and the path: both Hadoop's own."""
    context: Any = spark.sparkContext
    path = context._jvm.org.apache.hadoop.fs.Path(name)  # noqa: SLF001 - the only way to Hadoop's file systems
    return path.getFileSystem(context._jsc.hadoopConfiguration()), path  # noqa: SLF001


def _day(text: str) -> date:
    # A schedule hands over a moment, a person a day.
    try:
        return datetime.fromisoformat(text).date()
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day such as 2026-11-21") from error
