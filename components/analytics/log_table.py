"""The applications' logs as a table: SQL by Athena over what the log router writes to S3.

Use: logs = LogTable("wiki-dev-app-logs", LogTableArgs(log_bucket=archive.name, services=["api"], results_bucket=…))
     logs.grant_query(role)
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from components.account import Account
from components.analytics.workgroup import Results, check_scan_limit, make_workgroup, may_ask, save_queries
from components.children import Children, Transform
from components.policy import document, statement
from components.refusal import Refusal

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


@dataclass(frozen=True, kw_only=True)
class LogTableArgs:
    """What the caller decides about the table. It costs nothing; a query costs $5 for each TB (1,024 GB) it reads."""

    log_bucket: pulumi.Input[str]
    """The name of the bucket into which the log routers write. Athena passes over what has moved to Glacier."""

    log_bucket_arn: pulumi.Input[str]
    """Its ARN."""

    services: Sequence[str]
    """The services whose logs it shows: the values of the folder `service=`."""

    results_bucket: pulumi.Input[str]
    """The name of the bucket for the results of queries, from which they expire."""

    results_bucket_arn: pulumi.Input[str]
    """Its ARN."""

    results_key_arn: pulumi.Input[str] | None = None
    """The KMS key that encrypts the results. Without one, the key of S3."""

    years: tuple[int, int] = (2025, 2035)
    """The first and the last year that it shows: it invents a folder for every hour of them that a query allows."""

    scan_limit_mib: int = 10_240
    """The most that one query may read, in MiB, 10 or more; it is stopped there. 10 GiB cost $0.05."""

    queries: Mapping[str, str] = field(default_factory=dict)
    """Title → SQL of queries to keep in the console. The first line of comment becomes the description."""

    transform: Transform = field(default_factory=dict)
    """Changes to the properties of named children, for what this component does not offer."""

    def __post_init__(self) -> None:
        if not self.services:
            raise Refusal("services", list(self.services), "would show nothing; name one service or more")
        for service in self.services:
            if not re.fullmatch(r"[a-z]([a-z0-9-]*[a-z0-9])?", service):
                raise Refusal(
                    "services", service, "is not the name of a service; use lower-case letters, digits, hyphens"
                )
        if len(set(self.services)) != len(self.services):
            raise Refusal("services", list(self.services), "names a service twice; keep one")
        first, last = self.years
        if not 2000 <= first <= last <= 2100:
            raise Refusal("years", self.years, "is not a first and a last year, such as (2025, 2035)")
        check_scan_limit(self.scan_limit_mib)


class LogTable(pulumi.ComponentResource):
    """A Glue database with one table, whose partitions Athena works out for itself, and a workgroup to ask it in."""

    CHILDREN = ("database", "table", "workgroup", "query", "grant")

    database_name: pulumi.Output[str]
    table_name: pulumi.Output[str]
    workgroup_name: pulumi.Output[str]

    def __init__(self, name: str, args: LogTableArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kumiki:analytics:LogTable", name, None, opts)
        self._prefix = name
        self._args = args
        self._child = Children(self, args.transform, self.CHILDREN)
        self._account = Account.of(self)
        database = aws.glue.CatalogDatabase(
            f"{name}-database",
            # Hyphens would have to be quoted in every query.
            name=name.replace("-", "_"),
            description="Logs of the applications.",
            opts=self._child("database"),
        )
        table = self._table(database)
        self._results = Results(
            bucket=args.results_bucket, bucket_arn=args.results_bucket_arn, key_arn=args.results_key_arn
        )
        workgroup = make_workgroup(
            name,
            description="Questions about the logs of the applications.",
            results=self._results,
            scan_limit_mib=args.scan_limit_mib,
            opts=self._child("workgroup"),
        )
        save_queries(name, args.queries, database, workgroup, self._child("query", depends_on=[table]))
        self.database_name, self.table_name, self.workgroup_name = database.name, table.name, workgroup.name
        self.register_outputs({"databaseName": self.database_name, "workgroupName": self.workgroup_name})

    def grant_query(self, role: aws.iam.Role) -> None:
        """Let `role` ask this table in this workgroup and read the answers, and nothing more."""
        args, arn = self._args, self._account.arn
        database, table = self.database_name, self.table_name
        statements = [
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
                resources=pulumi.Output.concat(args.log_bucket_arn, f"/{PREFIX}/*"),
            ),
            statement(
                "FindTheLogs",
                actions="s3:ListBucket",
                resources=args.log_bucket_arn,
                condition={"StringLike": {"s3:prefix": f"{PREFIX}/*"}},
            ),
        ]
        aws.iam.RolePolicy(
            f"{self._prefix}-query-for-{role.pulumi_resource_name}",
            role=role.id,
            policy=document(*statements),
            opts=self._child("grant"),
        )

    def _table(self, database: aws.glue.CatalogDatabase) -> aws.glue.CatalogTable:
        location = pulumi.Output.concat("s3://", self._args.log_bucket, f"/{PREFIX}/")
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
                **projection(self._args.services, self._args.years),
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
                        "case.insensitive": "true",
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
