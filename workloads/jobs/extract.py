"""Extraction: what has changed in PostgreSQL since the last run lands in the raw zone, as it came.

    extract.py --source jdbc:postgresql://host:5432/app --secret <ARN> --raw s3://raw
    extract.py --source /folder/of/parquet --raw /raw

Reads the table or view `lake_messages` (source.sql says which columns) and leaves

- `database/messages/day=…/run=…`: the rows that have changed, under the day of the run; no later run touches them;
- `database/_runs/job=extract`: a note for each run that has landed whole, with how far it has read.

Only what has changed lands, so a night costs what the day brought, whatever the table holds; history merges it by id.
A row may land more than once: each run begins an overlap before the end of the one before, because a transaction may
commit after one that began later. What a run that was cut off has left has no note, and nobody reads it: the next run
begins where that one did.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from jobs import lake
from jobs.tables import AUTHORITY, DATABASE, LANDED

TABLE = "lake_messages"
OVERLAP = timedelta(hours=1)
"""How long a transaction may be open before its rows are missed."""

RUNS = f"{DATABASE}/_runs/job=extract"
"""Where a run that is whole leaves its day, its name and how far it has read."""

SILENCE_SECONDS = 900
"""How long the database may say nothing: by itself Java waits for ever for one that has vanished
(jdbc.postgresql.org/documentation/use, socketTimeout)."""

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
PARALLEL_READS = 8
"""Connections that read at once; each reads some hours of every day."""


def main(words: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="extract.py", description="Land changed messages in the raw zone.")
    parser.add_argument("--source", required=True, help="jdbc:postgresql://… or a folder of Parquet files")
    parser.add_argument("--secret", help="ARN of the secret with username and password")
    parser.add_argument("--raw", type=lake.zone, required=True)
    told = lake.arguments(parser, words)
    spark = lake.start("extract")
    source = (
        Database(spark, told.source, _credentials(told.secret), authority())
        if told.source.startswith("jdbc:")
        else Files(spark, told.source)
    )
    land(spark, source, told.raw, now=datetime.now(UTC))


def land(spark: SparkSession, source: Database | Files, raw: str, *, now: datetime) -> None:
    """Put what has changed since the last run into a folder of its own; `now` is the moment at which the run began."""
    run = f"{now:%Y-%m-%dT%H%M%S.%fZ}"
    day = f"{now:%Y-%m-%d}"
    place = landed(raw, day, run)
    source.changed_since(_read_until(spark, raw) - OVERLAP).write.parquet(place)
    newest = F.max(F.expr("try_cast(updated_at AS timestamp)"))
    # A row whose clock is ahead must not make the next run skip what comes before it.
    reached = F.when(newest.isNotNull(), F.least(newest, F.lit(now)))
    note = spark.read.parquet(place).agg(reached.alias("until"))
    lake.note(note.select(F.lit(day).alias("day"), F.lit(run).alias("run"), "until"), f"{raw}/{RUNS}")


def landed(raw: str, day: str, run: str) -> str:
    """The folder of a run's rows."""
    return f"{raw}/{LANDED}/day={day}/run={run}"


def runs(spark: SparkSession, raw: str) -> DataFrame:
    """The runs that have landed whole: `day`, `run`, and `until`, how far each has read."""
    return lake.notes(spark, f"{raw}/{RUNS}", "day string, run string, until timestamp")


class Database:
    """The table in PostgreSQL, read by several connections at once.

    The server must prove that it has the name in `url`, by a certificate that `authority` has signed. That is a text,
    because each of Spark's workers connects by itself, and none has a file of it. Java does not know RDS's authorities.
    """

    def __init__(self, spark: SparkSession, url: str, credentials: dict[str, str], authority: str) -> None:
        if "?" in url:
            raise lake.JobError(f"--source {url} has options, which would come before the job's own; leave them out")
        self._reader = spark.read.format("jdbc").options(
            url=url,
            driver="org.postgresql.Driver",
            sslmode="verify-full",
            sslfactory="org.postgresql.ssl.SingleCertValidatingFactory",
            sslfactoryarg=authority,
            tcpKeepAlive="true",
            socketTimeout=str(SILENCE_SECONDS),
            fetchsize="10000",
            **credentials,
        )

    def changed_since(self, since: datetime) -> DataFrame:
        """The rows that have changed, which PostgreSQL finds by its index, and those without a moment."""
        # The hour in which a row was written never changes: no row moves from one connection's share to another's.
        query = f"""
            (SELECT m.*, EXTRACT(HOUR FROM m.created_at AT TIME ZONE 'UTC')::int AS lake_hour
             FROM {TABLE} m
             WHERE m.updated_at >= '{since.isoformat()}' OR m.updated_at IS NULL) AS changed
        """  # noqa: S608 - the moment is of our own making
        return (
            self._reader.options(
                dbtable=query,
                partitionColumn="lake_hour",
                lowerBound="0",
                upperBound="24",
                numPartitions=PARALLEL_READS,
            )
            .load()
            .drop("lake_hour")
        )


class Files:
    """The same table as Parquet files in a folder: an export, or a test."""

    def __init__(self, spark: SparkSession, folder: str) -> None:
        if not lake.exists(spark, f"{folder}/*"):
            raise lake.JobError(
                f"--source {folder} holds no files; name a folder of Parquet files or jdbc:postgresql://…"
            )
        self._rows = spark.read.option("mergeSchema", "true").parquet(folder)

    def changed_since(self, since: datetime) -> DataFrame:
        """The rows that have changed, and those without a moment."""
        updated = F.expr("try_cast(updated_at AS timestamp)")
        return self._rows.where(updated.isNull() | (updated >= F.lit(since)))


def _read_until(spark: SparkSession, raw: str) -> datetime:
    """How far earlier runs have read: one value, whatever the size of the data."""
    row = runs(spark, raw).agg(F.unix_micros(F.max("until"))).first()
    micros = row[0] if row is not None and row[0] is not None else 0
    return max(BEGINNING + timedelta(microseconds=micros), BEGINNING + OVERLAP)


def authority() -> str:
    """The certificate of the authority that signs the database's: a deployment puts it beside the jobs."""
    file = resources.files("jobs").joinpath(AUTHORITY)
    if not file.is_file():
        raise lake.JobError(f"jobs/{AUTHORITY} is missing: the certificate of the authority that signs the database's")
    return file.read_text(encoding="utf-8")


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
