"""The lake's tables, in one place: the jobs write them, the catalogue declares them, the queries ask them.

Types are those that Spark and Athena share. Nothing is imported here, so that the program can read it without Spark.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """A folder of Parquet files in a zone, with a folder for each value of its partitions."""

    zone: str
    description: str
    columns: Mapping[str, str]
    partitions: tuple[str, ...] = ("day",)

    @property
    def partition_columns(self) -> dict[str, str]:
        return {name: "date" if name == "day" else "string" for name in self.partitions}

    @property
    def ddl(self) -> str:
        """The columns and then the partitions, as Spark reads a schema."""
        return ", ".join(f"{name} {kind}" for name, kind in (dict(self.columns) | self.partition_columns).items())


AUTHORITY = "authority.pem"
"""The file beside the jobs with the certificate of the authority that signs the database's."""

DATABASE = "database"
"""Where extract writes in the zone raw."""

LANDED = f"{DATABASE}/messages"
"""Where the rows land that have changed in PostgreSQL, as they came, by day and run."""

RECORD = {
    "level": "string",
    "message": "string",
    "request_id": "string",
    "method": "string",
    "path": "string",
    "status": "int",
    "duration_ms": "double",
    "user_id": "string",
    "session_id": "string",
    "logger": "string",
    "exception": "string",
}
"""What a log record may hold, besides `time`; anything else goes to the map `further`."""

MESSAGE = {
    "id": "bigint",
    "conversation_id": "string",
    "session_id": "string",
    "user_id": "string",
    "role": "string",
    "content": "string",
    "created_at": "timestamp",
    "updated_at": "timestamp",
}
"""What history takes of a message, of all that extract has read from PostgreSQL (source.sql)."""

UNFIT = {"unfit": "map<string,string>"}
"""Values of another type than agreed, by the column that is null instead."""

TABLES = {
    "app_logs": Table(
        "clean",
        "What the applications logged; day is the day of arrival",
        {
            "time": "timestamp",
            "time_given": "string",
            **RECORD,
            **UNFIT,
            "further": "map<string,string>",
            "file": "string",
        },
        ("service", "day"),
    ),
    "rejected_logs": Table(
        "clean",
        "Lines that are no records, and the cut ends of damaged files",
        {"line": "string", "reason": "string", "file": "string"},
        ("service", "day"),
    ),
    "log_counts": Table(
        "clean",
        "How many lines arrived, and where each went",
        {"read": "bigint", "kept": "bigint", "rejected": "bigint", "copies": "bigint"},
        ("service", "day"),
    ),
    "service_logs": Table(
        "clean",
        "Each event of the log groups that flow into the lake; day is when it arrived",
        {
            "id": "string",
            "at": "timestamp",
            "log_group": "string",
            "log_stream": "string",
            "message": "string",
            "file": "string",
        },
    ),
    "rejected_service_logs": Table(
        "clean",
        "What could not be read of a file of CloudWatch's logs",
        {"rest": "string", "reason": "string", "file": "string"},
    ),
    "messages": Table("clean", "Each message as it was last seen; day is when it was written", MESSAGE | UNFIT),
    "rejected_messages": Table(
        "clean", "Messages without an id or a moment; day is the run's", MESSAGE | UNFIT | {"run": "string"}
    ),
    "prepared_messages": Table(
        "curated",
        "Each message with its text cleaned and masked",
        {
            "id": "bigint",
            "conversation_id": "string",
            "session_id": "string",
            "user_id": "string",
            "role": "string",
            "created_at": "timestamp",
            "text": "string",
            "characters": "int",
        },
    ),
    "sessions": Table(
        "curated",
        "What happened in each session on a day",
        {
            "session_id": "string",
            "user_id": "string",
            "began": "timestamp",
            "ended": "timestamp",
            "seconds": "double",
            "messages": "bigint",
            "requests": "bigint",
        },
    ),
    "users": Table(
        "curated",
        "What each user did on a day",
        {
            "user_id": "string",
            "messages": "bigint",
            "conversations": "bigint",
            "requests": "bigint",
            "failures": "bigint",
            "p95_ms": "double",
        },
    ),
}
