"""Conversation history: what changed in PostgreSQL since the last run becomes Parquet in the clean zone.

    history.py --source jdbc:postgresql://host:5432/app?sslmode=verify-full --secret <ARN> --clean s3://clean
    history.py --source /folder/of/parquet --clean /clean

Reads the table or view `lake_messages` (source.sql says which columns) and leaves

- `messages/day=…`: one row for each message, by the day on which it was written, as it was last seen;
- `_changed_days/job=history`: the days that the run touched, for the jobs that follow;
- `_runs/job=history`: how far the run has read. The next one begins an overlap earlier, because a transaction may
  commit after one that began later; what it meets again is the same row, and counts once.

A message that PostgreSQL has forgotten stays in the lake. A day that has changed is read again as a whole, so a run
that was cut off while it wrote leaves nothing that the next one does not mend.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F  # noqa: N812

from jobs import lake
from jobs.tables import MESSAGE

TABLE = "lake_messages"
OVERLAP = timedelta(hours=1)
"""How long a transaction may be open before its rows are missed."""

CHANGED = "_changed_days/job=history"
"""Where a run leaves the days that it touched (day, run_day), for the jobs that follow."""

RUNS = "_runs/job=history"
"""Where a run leaves how far it has read."""

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
PARALLEL_READS = 8
"""Connections that read at once; each reads some hours of every day."""


def main(words: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="history.py", description="Bring changed messages into the lake.")
    parser.add_argument("--source", required=True, help="jdbc:postgresql://… or a folder of Parquet files")
    parser.add_argument("--secret", help="ARN of the secret with username and password")
    parser.add_argument("--clean", type=lake.zone, required=True)
    told = lake.arguments(parser, words)
    spark = lake.start("history")
    source = (
        Database(spark, told.source, _credentials(told.secret))
        if told.source.startswith("jdbc:")
        else Files(spark, told.source)
    )
    bring(spark, source, told.clean, now=datetime.now(UTC))


def bring(spark: SparkSession, source: Database | Files, clean: str, *, now: datetime) -> None:
    """Merge what changed since the last run into `messages`; `now` is the moment at which the run began."""
    since = _read_until(spark, clean) - OVERLAP
    fresh = lake.conform(source.days_changed_since(since), MESSAGE)
    # Without an id, or a day to put it, a row has no place: it is set aside whole, and the quality gate sees it.
    homeless = fresh.where("id IS NULL OR created_at IS NULL OR updated_at IS NULL")
    fresh = fresh.where("id IS NOT NULL AND created_at IS NOT NULL AND updated_at IS NOT NULL")
    fresh = fresh.withColumn("day", F.to_date("created_at")).persist()
    days = fresh.select("day").distinct()
    known = lake.read(spark, clean, "messages").join(F.broadcast(days), "day", "left_semi")
    newest = Window.partitionBy("day", "id").orderBy(F.col("updated_at").desc())
    merged = (
        fresh.unionByName(known).withColumn("number", F.row_number().over(newest)).where("number = 1").drop("number")
    )
    lake.replace(merged, clean, "messages")
    run = f"{now:%Y-%m-%dT%H:%M:%S.%fZ}"
    set_aside = homeless.withColumn("run", F.lit(run)).withColumn("day", F.lit(now.date()))
    lake.replace(set_aside, clean, "rejected_messages")
    changed = days.withColumn("run_day", F.lit(now.date()))
    changed.write.mode("append").parquet(f"{clean}/{CHANGED}")
    # A row whose clock is ahead must not make the next run skip what comes before it.
    reached = fresh.agg(F.least(F.max("updated_at"), F.lit(now)).alias("until"))
    reached.withColumn("run", F.lit(run)).where("until IS NOT NULL").write.mode("append").json(f"{clean}/{RUNS}")
    fresh.unpersist()


class Database:
    """The table in PostgreSQL, read by several connections at once."""

    def __init__(self, spark: SparkSession, url: str, credentials: dict[str, str]) -> None:
        self._reader = spark.read.format("jdbc").options(
            url=url, driver="org.postgresql.Driver", fetchsize="10000", **credentials
        )

    def days_changed_since(self, since: datetime) -> DataFrame:
        """All rows of the days in which a row has changed; PostgreSQL itself works out which these are."""
        query = f"""
            (SELECT m.*, EXTRACT(HOUR FROM m.created_at AT TIME ZONE 'UTC')::int AS lake_hour
             FROM {TABLE} m
             WHERE (m.created_at AT TIME ZONE 'UTC')::date IN (
                 SELECT (created_at AT TIME ZONE 'UTC')::date FROM {TABLE} WHERE updated_at >= '{since.isoformat()}'
             ) OR m.created_at IS NULL OR m.updated_at IS NULL) AS changed
        """  # noqa: S608 - the moment is of our own making
        return self._reader.options(
            dbtable=query, partitionColumn="lake_hour", lowerBound="0", upperBound="24", numPartitions=PARALLEL_READS
        ).load()


class Files:
    """The same table as Parquet files in a folder: an export, or a test."""

    def __init__(self, spark: SparkSession, folder: str) -> None:
        if not lake.exists(spark, f"{folder}/*"):
            raise lake.JobError(
                f"--source {folder} holds no files; name a folder of Parquet files or jdbc:postgresql://…"
            )
        self._rows = spark.read.option("mergeSchema", "true").parquet(folder)

    def days_changed_since(self, since: datetime) -> DataFrame:
        """All rows of the days in which a row has changed."""
        created, updated = (F.expr(f"try_cast({column} AS timestamp)") for column in ("created_at", "updated_at"))
        rows = self._rows.withColumn("lake_day", F.to_date(created)).withColumn("lake_updated", updated)
        changed = rows.where(F.col("lake_updated") >= F.lit(since)).select("lake_day").distinct()
        of_those_days = rows.join(F.broadcast(changed), "lake_day", "left_semi")
        return of_those_days.unionByName(rows.where("lake_day IS NULL OR lake_updated IS NULL"))


def changed_days(spark: SparkSession, clean: str) -> DataFrame:
    """The days that runs have touched: `day` and `run_day`."""
    schema = "day date, run_day date"
    if not lake.exists(spark, f"{clean}/{CHANGED}/*"):
        return spark.createDataFrame([], schema)
    return spark.read.schema(schema).parquet(f"{clean}/{CHANGED}")


def _read_until(spark: SparkSession, clean: str) -> datetime:
    """How far earlier runs have read: one value, whatever the size of the data."""
    folder = f"{clean}/{RUNS}"
    if not lake.exists(spark, f"{folder}/*.json"):
        return BEGINNING + OVERLAP
    row = spark.read.schema("until timestamp").json(folder).agg(F.unix_micros(F.max("until"))).first()
    micros = row[0] if row is not None and row[0] is not None else 0
    return max(BEGINNING + timedelta(microseconds=micros), BEGINNING + OVERLAP)


def _credentials(secret: str | None) -> dict[str, str]:
    """User and password from Secrets Manager; never an argument, because Glue shows those to everybody."""
    if secret is None:
        raise lake.JobError("--secret is missing: the ARN of the secret with the database's username and password")
    import boto3  # noqa: PLC0415 - Glue has it; a run over files does without

    client: Any = boto3.client("secretsmanager")
    value = json.loads(client.get_secret_value(SecretId=secret)["SecretString"])
    return {"user": value["username"], "password": value["password"]}


if __name__ == "__main__":
    main(sys.argv[1:])
