"""Conversation history: what has newly landed in the raw zone is merged into the clean one, each message once.

    history.py --raw s3://raw --clean s3://clean

Reads the runs of extract.py that it has not merged yet, and leaves

- `messages/day=…`: one row for each message, by the day on which it was written, as it was last seen;
- `rejected_messages/day=…`: rows without an id or a moment, which the quality gate sees;
- `_changed_days/job=history`: the days that a run has touched, for the jobs that follow;
- `_runs/job=history`: the runs of extract.py that are merged.

A message that PostgreSQL has forgotten stays in the lake. To put a day in another's place is no single step, neither on
S3 nor on a disk, and what the day held before may be nowhere else. So the new days are written whole beside the old
ones first, in `_stage`; if a run is cut off while it puts them in place, the next one does that again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import reduce

from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F  # noqa: N812

from jobs import extract, lake
from jobs.tables import MESSAGE

CHANGED = "_changed_days/job=history"
"""Where a run leaves the days that it touched (day, run_day), for the jobs that follow."""

RUNS = "_runs/job=history"
"""Where a run leaves which runs of extract.py it has merged."""

STAGE = "_stage/job=history"
"""Where the days of an attempt are made ready."""

STAGED = "_staged/job=history"
"""Where an attempt leaves that its days are whole, and which runs of extract.py they hold."""

WRITTEN = ("messages", "rejected_messages")


def main(words: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="history.py", description="Merge what has landed into the clean zone.")
    parser.add_argument("--raw", type=lake.zone, required=True)
    parser.add_argument("--clean", type=lake.zone, required=True)
    told = lake.arguments(parser, words)
    bring(lake.start("history"), told.raw, told.clean, now=datetime.now(UTC))


def bring(spark: SparkSession, raw: str, clean: str, *, now: datetime) -> None:
    """Merge the runs that have landed since the last time into `messages`; `now` is the moment of this run."""
    _put_in_place(spark, clean, now)
    arrived = extract.runs(spark, raw).join(_merged(spark, clean), "run", "left_anti")
    # A line for each run, which is one a night.
    runs = [(row.day, row.run) for row in arrived.orderBy("run").toLocalIterator()]
    if not runs:
        return
    # Each by itself: a column may have become another type from one run to the next.
    parts = [
        lake.conform(spark.read.parquet(extract.landed(raw, day, run)), MESSAGE).withColumn("run", F.lit(run))
        for day, run in runs
    ]
    landed = reduce(DataFrame.unionByName, parts).persist()
    # Without an id, or a day to put it, a row has no place: it is set aside whole, and the quality gate sees it.
    has_place = F.col("id").isNotNull() & F.col("created_at").isNotNull() & F.col("updated_at").isNotNull()
    rejected = landed.where(~has_place).withColumn("day", F.lit(now.date()))
    ready = {
        "messages": _newest(spark, clean, landed.where(has_place).withColumn("day", F.to_date("created_at"))),
        "rejected_messages": rejected.unionByName(
            lake.read(spark, clean, "rejected_messages").where(F.col("day") == F.lit(now.date()))
        ),
    }
    attempt = f"{now:%Y-%m-%dT%H%M%S.%fZ}"
    for name, rows in ready.items():
        lake.replace(rows, _stage(clean, attempt), name)
    landed.unpersist()
    notes = spark.createDataFrame([(attempt, run) for _, run in runs], "attempt string, run string")
    lake.note(notes, f"{clean}/{STAGED}")
    _put_in_place(spark, clean, now)


def changed_days(spark: SparkSession, clean: str) -> DataFrame:
    """The days that runs have touched: `day` and `run_day`."""
    return lake.notes(spark, f"{clean}/{CHANGED}", "day date, run_day date")


def _newest(spark: SparkSession, clean: str, fresh: DataFrame) -> DataFrame:
    """All rows of the days of `fresh`: each message as it was last seen, at the same moment as it landed last."""
    days = F.broadcast(fresh.select("day").distinct())
    known = lake.read(spark, clean, "messages").join(days, "day", "left_semi").withColumn("run", F.lit(""))
    order = Window.partitionBy("day", "id").orderBy(F.col("updated_at").desc(), F.col("run").desc())
    return fresh.unionByName(known).withColumn("number", F.row_number().over(order)).where("number = 1")


def _put_in_place(spark: SparkSession, clean: str, now: datetime) -> None:
    """Replace the days that an attempt has made ready, if one has; done again, it changes nothing."""
    staged = lake.notes(spark, f"{clean}/{STAGED}", "attempt string, run string")
    waiting = staged.join(_merged(spark, clean), "run", "left_anti")
    for row in waiting.select("attempt").distinct().toLocalIterator():
        stage = _stage(clean, row.attempt)
        for name in WRITTEN:
            lake.replace(lake.read(spark, stage, name), clean, name)
        days = lake.read(spark, stage, "messages").select("day").distinct()
        lake.note(days.withColumn("run_day", F.lit(now.date())), f"{clean}/{CHANGED}")
        lake.note(staged.where(F.col("attempt") == row.attempt).select("run"), f"{clean}/{RUNS}")
        # With what an earlier attempt may have left that was cut off just here.
        lake.remove(spark, f"{clean}/{STAGE}")


def _merged(spark: SparkSession, clean: str) -> DataFrame:
    return lake.notes(spark, f"{clean}/{RUNS}", "run string").distinct()


def _stage(clean: str, attempt: str) -> str:
    return f"{clean}/{STAGE}/attempt={attempt}"


if __name__ == "__main__":
    main(sys.argv[1:])
