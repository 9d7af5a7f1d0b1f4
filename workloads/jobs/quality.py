"""The gate between the clean and the curated zone: what does not add up ends the run, and nothing is built on it.

    quality.py --clean s3://clean [--from-day … --to-day …] [--most-rejected 0.01]

Checks for the days of the window that every line of the logs was kept or set aside, that no message is there twice, and
that no more than a share of the records was rejected or did not fit. Leaves what it found in `_quality/` as JSON.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import reduce

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from jobs import history, lake

SHOWN = 20
"""How many failures a message names; the rest are in the zone."""


def main(words: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="quality.py", description="Check the clean zone.")
    parser.add_argument("--clean", type=lake.zone, required=True)
    parser.add_argument("--most-rejected", type=float, default=0.01, help="the share of records that may be rejected")
    lake.add_window(parser)
    told = lake.arguments(parser, words)
    check(lake.start("quality"), told.clean, lake.Window(first=told.from_day, last=told.to_day), told.most_rejected)


def check(spark: SparkSession, clean: str, window: lake.Window, most_rejected: float) -> None:
    """Raise `JobError` with what does not add up in the days of `window`."""
    findings = [
        _lines_add_up(spark, clean, window),
        _few_rejected(spark, clean, window, most_rejected),
        _readable(spark, clean, window),
        *_messages(spark, clean, window, most_rejected),
    ]
    found = reduce(DataFrame.unionByName, findings).persist()
    found.withColumn("checked", F.current_timestamp()).write.mode("append").json(f"{clean}/_quality")
    failures = found.limit(SHOWN).toLocalIterator()
    told = [f"{row.subject}: {row.finding}" for row in failures]
    if told:
        raise lake.JobError("The clean zone does not add up; nothing is built on it.\n  " + "\n  ".join(told))


def _table(spark: SparkSession, clean: str, name: str, window: lake.Window) -> DataFrame:
    return lake.read(spark, clean, name).where(F.col("day").between(F.lit(window.first), F.lit(window.last)))


def _lines_add_up(spark: SparkSession, clean: str, window: lake.Window) -> DataFrame:
    """Days whose kept and rejected rows are not the lines that were read."""
    keys = ["service", "day"]
    counts = _table(spark, clean, "log_counts", window)
    kept = _table(spark, clean, "app_logs", window).groupBy(*keys).agg(F.count("*").alias("found"))
    aside = _table(spark, clean, "rejected_logs", window).groupBy(*keys)
    aside = aside.agg(F.count("*").alias("aside"))
    both = counts.join(kept, keys, "full").join(aside, keys, "full")
    both = both.na.fill(0, ["read", "copies", "found", "aside"])
    return both.where("read - copies <> found + aside").select(
        F.format_string("logs of %s on %s", "service", F.col("day").cast("string")).alias("subject"),
        F.format_string(
            "%d lines were read, %d of them in copies of files, but %d rows were kept and %d set aside",
            *("read", "copies", "found", "aside"),
        ).alias("finding"),
    )


def _few_rejected(spark: SparkSession, clean: str, window: lake.Window, most: float) -> DataFrame:
    """Services whose share of lines that were set aside is above `most`."""
    counts = _table(spark, clean, "log_counts", window)
    sums = counts.groupBy("service").agg(F.sum("rejected").alias("rejected"), F.sum("read").alias("read"))
    return sums.where(F.col("rejected") > most * F.col("read")).select(
        F.format_string("logs of %s", "service").alias("subject"),
        F.format_string("%d of %d lines were set aside", "rejected", "read").alias("finding"),
    )


def _readable(spark: SparkSession, clean: str, window: lake.Window) -> DataFrame:
    """Days on which a file of CloudWatch's logs could not be read to its end."""
    aside = _table(spark, clean, "rejected_service_logs", window)
    return (
        aside.groupBy("day")
        .agg(F.count("*").alias("files"))
        .select(
            F.format_string("logs of CloudWatch on %s", F.col("day").cast("string")).alias("subject"),
            F.format_string("%d files cannot be read to their end", "files").alias("finding"),
        )
    )


def _messages(spark: SparkSession, clean: str, window: lake.Window, most: float) -> list[DataFrame]:
    messages = lake.read(spark, clean, "messages")
    changed = history.changed_days(spark, clean)
    changed = changed.where(F.col("run_day").between(F.lit(window.first), F.lit(window.last))).select("day").distinct()
    messages = messages.join(F.broadcast(changed), "day", "left_semi")
    twice = messages.groupBy("day", "id").count().where("count > 1")
    twice = twice.groupBy("day").agg(F.count("*").alias("ids"))
    unfit = messages.groupBy("day").agg(
        F.count("*").alias("rows"), F.count(F.when(F.size("unfit") > 0, 1)).alias("unfit")
    )
    aside = _table(spark, clean, "rejected_messages", window)
    aside = aside.groupBy("run").agg(F.count("*").alias("rows"))
    subject = F.format_string("messages of %s", F.col("day").cast("string")).alias("subject")
    return [
        twice.select(subject, F.format_string("%d ids are there more than once", "ids").alias("finding")),
        unfit.where(F.col("unfit") > most * F.col("rows")).select(
            subject,
            F.format_string("%d of %d rows hold a value of another type than agreed", "unfit", "rows").alias("finding"),
        ),
        aside.select(
            F.format_string("messages of the run %s", "run").alias("subject"),
            F.format_string("%d rows have no id, or no moment", "rows").alias("finding"),
        ),
    ]


if __name__ == "__main__":
    main(sys.argv[1:])
