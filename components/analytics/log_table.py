"""The applications' logs as a table: SQL by Athena over what the log router writes to S3.

Use: logs = LogTable("wiki-dev-app-logs", LogTableArgs(services=["api"]), logs=archive, results=results)
     logs.grant_query(role)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

import pulumi
import pulumi_aws as aws
from pydantic import Field

from ..account import Account
from ..args import ComponentArgs
from ..component import Component
from ..data.bucket import Bucket
from ..errors import ArgumentError, Mistake
from ..policy import statement
from ..values import Name
from ..widgets import Widget
from .workgroup import (
    SECTION,
    Results,
    ScanLimitMib,
    make_workgroup,
    may_ask,
    metrics_of,
    save_queries,
)

TABLE = "app_logs"
PREFIX = "app-logs"
PARTITIONS = ("service", "year", "month", "day", "hour")
"""The folders of the archive, from the outside in: `app-logs/service=api/year=2026/month=01/day=31/hour=23/`."""

COLUMNS = {
    "time": ("string", "When, ISO 8601 in UTC: from_iso8601_timestamp(time)"),
    "level": ("string", "DEBUG, INFO, WARNING, ERROR or CRITICAL"),
    "message": ("string", "What"),
    "request_id": ("string", "Which request it belongs to"),
    "method": ("string", "The request's method"),
    "path": ("string", "The request's path; null in records that are of no request"),
    "status": ("int", "The answer's status"),
    "duration_ms": ("double", "How long the request took, in milliseconds"),
    "user_id": ("string", "Who asked"),
}
"""The fields of a record. `service` is one too, but its folder says it already, and a table has each name once."""


Year = Annotated[int, Field(ge=2000, le=2100)]


class LogTableArgs(ComponentArgs):
    """SQL over the applications' logs in the log archive, by Athena. The table costs nothing; a query costs $5 for each
    TB (1,024 GB) it reads. Athena passes over what has moved to Glacier."""

    services: list[Name] | None = None
    """The services whose logs are shown. Left out: those of the stack. A list may also name such as ran before."""

    first_year: Year = 2025
    """The first year that the table shows: a folder is invented for every hour that a query allows."""

    last_year: Year = 2035
    """The last one."""

    scan_limit_mib: ScanLimitMib = 10_240
    """The most that one query may read; it is stopped there. 10 GiB cost $0.05."""

    def mistakes(self) -> Iterator[Mistake]:
        if self.services is not None and not self.services:
            yield Mistake("services", [], "would show nothing; name one service or more")
        if self.services is not None and len(set(self.services)) != len(self.services):
            yield Mistake("services", self.services, "names a service twice; keep one")
        if self.first_year > self.last_year:
            yield Mistake("last_year", self.last_year, f"is before first_year, {self.first_year}; use a later one")


class LogTable(Component):
    """A Glue database with one table, whose partitions Athena works out for itself, and a workgroup to ask it in."""

    CHILDREN = ("database", "table", "workgroup", "query", "grant")

    database_name: pulumi.Output[str]
    table_name: pulumi.Output[str]
    workgroup_name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: LogTableArgs,
        *,
        logs: Bucket,
        results: Results,
        services: Sequence[str] = (),
        queries: Mapping[str, str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param logs: The bucket into which the log routers write.
        :param results: Where the answers are kept for a while.
        :param services: Whose logs there are, where the arguments do not say it.
        :param queries: Title → SQL to keep in the console; the first line of comment becomes the description.
        """
        super().__init__(name, args, opts)
        self._args, self._logs, self._results = args, logs, results
        self._services = sorted(services if args.services is None else args.services)
        if not self._services:
            raise ArgumentError("services", [], "would show nothing; name one service or more")
        self._account = Account.of(self)
        database = aws.glue.CatalogDatabase(
            f"{name}-database",
            # Hyphens would have to be quoted in every query.
            name=name.replace("-", "_"),
            description="Logs of the applications.",
            opts=self._child("database"),
        )
        table = self._table(database)
        workgroup = make_workgroup(
            name,
            description="Questions about the logs of the applications.",
            results=results,
            scan_limit_mib=args.scan_limit_mib,
            opts=self._child("workgroup"),
        )
        save_queries(name, queries or {}, database, workgroup, self._child("query", depends_on=[table]))
        self.database_name, self.table_name, self.workgroup_name = database.name, table.name, workgroup.name
        self.register_outputs({"databaseName": self.database_name, "workgroupName": self.workgroup_name})

    @property
    def widgets(self) -> list[Widget]:
        """What queries read, and how long they take."""
        return [self._graph(SECTION, one, period_seconds=300) for one in metrics_of(self.workgroup_name)]

    def grant_query(self, role: aws.iam.Role) -> aws.iam.RolePolicy:
        """Let `role` ask this table in this workgroup and read the answers, and nothing more."""
        arn = self._account.arn
        database, table = self.database_name, self.table_name
        return self._allow(
            role,
            "query",
            *may_ask(pulumi.Output.concat(arn("athena", "workgroup/"), self.workgroup_name), self._results),
            statement(
                "LookUpTheTable",
                actions=["glue:GetDatabase", "glue:GetPartitions", "glue:GetTable"],
                resources=[
                    arn("glue", "catalog"),
                    pulumi.Output.concat(arn("glue", "database/"), database),
                    pulumi.Output.concat(arn("glue", "table/"), database, "/", table),
                ],
            ),
            statement(
                "ReadTheLogs",
                actions="s3:GetObject",
                resources=pulumi.Output.concat(self._logs.arn, f"/{PREFIX}/*"),
            ),
            statement(
                "FindTheLogs",
                actions="s3:ListBucket",
                resources=self._logs.arn,
                condition={"StringLike": {"s3:prefix": f"{PREFIX}/*"}},
            ),
        )

    def _table(self, database: aws.glue.CatalogDatabase) -> aws.glue.CatalogTable:
        location = pulumi.Output.concat("s3://", self._logs.name, f"/{PREFIX}/")
        return aws.glue.CatalogTable(
            f"{self._prefix}-table",
            name=TABLE,
            database_name=database.name,
            description="What the applications logged, a record in each line.",
            table_type="EXTERNAL_TABLE",
            parameters={
                "EXTERNAL": "TRUE",
                "classification": "json",
                "compressionType": "gzip",
                **projection(self._services, (self._args.first_year, self._args.last_year)),
                "storage.location.template": location.apply(lambda prefix: prefix + folders()),
            },
            partition_keys=[
                aws.glue.CatalogTablePartitionKeyArgs(name=partition, type="string") for partition in PARTITIONS
            ],
            storage_descriptor=aws.glue.CatalogTableStorageDescriptorArgs(
                location=location,
                input_format="org.apache.hadoop.mapred.TextInputFormat",
                output_format="org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
                compressed=True,
                columns=[
                    aws.glue.CatalogTableStorageDescriptorColumnArgs(name=column, type=type_, comment=comment)
                    for column, (type_, comment) in COLUMNS.items()
                ],
                ser_de_info=aws.glue.CatalogTableStorageDescriptorSerDeInfoArgs(
                    name="json",
                    serialization_library="org.openx.data.jsonserde.JsonSerDe",
                    parameters={
                        # One broken line must not fail the query: its columns are null.
                        "ignore.malformed.json": "true",
                        # The log router writes these names in lower case; of `Level` beside `level`, told apart by
                        # nobody, the row would be null.
                        "case.insensitive": "false",
                        "paths": ",".join(COLUMNS),
                    },
                ),
            ),
            opts=self._child("table"),
        )


def projection(services: Sequence[str], years: tuple[int, int]) -> dict[str, str]:
    """How Athena works out which folders exist, so that nobody has to register one every hour."""
    return {
        "projection.enabled": "true",
        "projection.service.type": "enum",
        "projection.service.values": ",".join(sorted(services)),
        "projection.year.type": "integer",
        "projection.year.range": f"{years[0]},{years[1]}",
        "projection.year.digits": "4",
        **{
            f"projection.{partition}.{key}": value
            for partition, span in (("month", "1,12"), ("day", "1,31"), ("hour", "0,23"))
            for key, value in (("type", "integer"), ("range", span), ("digits", "2"))
        },
    }


def folders() -> str:
    """The folders under the prefix, with Athena's placeholders: `service=${service}/year=${year}/…/`."""
    return "".join(f"{partition}=${{{partition}}}/" for partition in PARTITIONS)
