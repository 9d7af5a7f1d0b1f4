"""A data lake's catalogue: the tables over its zones, where SQL is asked, and who may read or write which zone.

Use: lake = DataLake("chat-dev-lake", DataLakeArgs(zones={"clean": Zone(…), "curated": Zone(…)}, tables=…, results=…))
     lake.grant_read("curated", analyst)        # a role
     lake.grant_query(analyst)
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from components.account import Account
from components.analytics.lake_formation import LakeFormation
from components.analytics.workgroup import Results, check_scan_limit, make_workgroup, may_ask, save_queries
from components.children import Children, Transform
from components.data.bucket import Bucket
from components.policy import document, statement, trust
from components.refusal import Refusal, nearest

_PARQUET = "org.apache.hadoop.hive.ql.io.parquet"
# Glue knows no ARN of a security configuration.
READ_SECURITY = statement("ReadItsSecurity", actions="glue:GetSecurityConfiguration", resources="*")
# What DynamoDB leaves beside an export's data.
_NO_DATA = ["**/manifest-*", "**/_started"]
_LOG_VERBS = ("AssociateKmsKey", "CreateLogGroup", "CreateLogStream", "PutLogEvents")
_CATALOGUE_ACTIONS = ("glue:GetDatabase", "glue:GetPartitions", "glue:GetTable", "glue:GetTables")


@dataclass(frozen=True, kw_only=True)
class LakeTable:
    """A table of Parquet files in a zone, under a folder of the table's name."""

    zone: str
    """The zone that it lies in."""

    description: str

    columns: Mapping[str, str]
    """Name → type, as Athena spells it."""

    partitions: Mapping[str, str]
    """The folders below, from the outside in. `day` is a date; each other one is a text from `partition_values`."""


@dataclass(frozen=True, kw_only=True)
class DataLakeArgs:
    """What the caller decides about a lake. The catalogue is free; a query costs $5 for each TB it reads."""

    zones: Mapping[str, Bucket]
    """Name → bucket, from what arrives to what is ready: raw, clean, curated."""

    tables: Mapping[str, LakeTable]
    """Tables whose columns are known. Athena works out their partitions by itself; nothing has to crawl them."""

    partition_values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The values that a text partition may have, such as the names of the services."""

    first_day: str = "2025-01-01"
    """The first day that the tables show, as 2025-01-01; Athena looks for every day from then to now."""

    results: Results
    """Where answers are kept."""

    scan_limit_mib: int = 10_240
    """The most that one query may read, in MiB, 10 or more; it is stopped there. 10 GiB cost $0.05."""

    queries: Mapping[str, str] = field(default_factory=dict)
    """Title → SQL of queries to keep in the console. The first line of comment becomes the description."""

    crawled: Sequence[str] = ()
    """Folders of the zone `raw` whose columns nobody knows beforehand, such as exports: crawled on `crawl_schedule`.
    A crawler costs $0.44 for an hour of one DPU and at least 10 minutes of it: about $0.15 a run."""

    crawl_schedule: str = "cron(0 4 * * ? *)"
    """When, in Glue's six fields and UTC."""

    formation: LakeFormation | None = None
    """What decides who may ask which table. Left out, IAM alone does."""

    key_arn: pulumi.Input[str] | None = None
    """The KMS key of the zones, with which jobs and crawlers encrypt what they write and note."""

    log_key_arn: pulumi.Input[str] | None = None
    """The KMS key that encrypts the jobs' logs."""

    log_retention_days: int = 30
    """Days until a record of the jobs' logs is deleted."""

    transform: Transform = field(default_factory=dict)
    """Changes to the properties of named children, for what this component does not offer."""

    def __post_init__(self) -> None:
        check_scan_limit(self.scan_limit_mib)
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", self.first_day):
            raise Refusal("first_day", self.first_day, "is not a day such as 2025-01-01")
        for name, table in self.tables.items():
            if table.zone not in self.zones:
                known = sorted(self.zones)
                raise Refusal(
                    f"tables.{name}.zone",
                    table.zone,
                    f"is not a zone; {nearest(table.zone, known)}use {', '.join(known)}",
                )
            twice = set(table.columns) & set(table.partitions)
            if twice:
                raise Refusal(
                    f"tables.{name}.columns",
                    min(twice),
                    "is a partition too, and Athena refuses such a table; keep one",
                )
            for partition, kind in table.partitions.items():
                if kind != "date" and not self.partition_values.get(partition):
                    raise Refusal(
                        f"tables.{name}.partitions", partition, "has no values; give them in partition_values"
                    )
        self._check_zones()
        if self.crawled and "raw" not in self.zones:
            raise Refusal("crawled", list(self.crawled), "are folders of the zone raw, which is missing; add it")
        for folder in self.crawled:
            if not re.fullmatch(r"[a-z0-9][a-z0-9/_-]*", folder) or folder.endswith("/"):
                raise Refusal("crawled", folder, "is not a folder such as 'exports/sessions'; leave the bucket out")
            for other in self.crawled:
                if folder != other and folder.startswith(f"{other}/"):
                    raise Refusal("crawled", folder, f"lies in '{other}', and would be described twice; keep one")
        if len(set(self.crawled)) != len(self.crawled):
            raise Refusal("crawled", list(self.crawled), "names a folder twice; keep one")
        if self.crawled and not re.fullmatch(r"cron\(\S+( \S+){5}\)", self.crawl_schedule):
            raise Refusal("crawl_schedule", self.crawl_schedule, "is not cron(minutes hours day month weekday year)")

    def _check_zones(self) -> None:
        """What arrives, what is clean and what is ready never share a bucket: grants are given by bucket."""
        seen: dict[int, str] = {}
        for zone, bucket in self.zones.items():
            other = seen.setdefault(id(bucket), zone)
            if bucket is not None and other != zone:
                raise Refusal(f"zones.{zone}", zone, f"overlaps with {other}: both are one bucket; give each its own")
            if bucket is not None and self.results.bucket is bucket.name:
                raise Refusal("results", zone, "is a zone too, and its files would expire; give results their own")


class DataLake(pulumi.ComponentResource):
    """A Glue database with the tables of each zone, a workgroup, and a crawler for what has no fixed columns."""

    CHILDREN = (
        "database",
        "table",
        "workgroup",
        "query",
        "security_configuration",
        "crawler",
        "crawler_role",
        "crawler_policy",
        "grant",
        "permissions",
    )

    database_name: pulumi.Output[str]
    workgroup_name: pulumi.Output[str]
    security_configuration_name: pulumi.Output[str] | None
    """What jobs and crawlers encrypt with; none where the lake has no key of its own."""
    log_key_arn: pulumi.Input[str] | None
    log_retention_days: int

    def __init__(self, name: str, args: DataLakeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kumiki:analytics:DataLake", name, None, opts)
        self._prefix = name
        self._args = args
        self._child = Children(self, args.transform, self.CHILDREN)
        self._account = Account.of(self)
        database = aws.glue.CatalogDatabase(
            f"{name}-database",
            # Hyphens would have to be quoted in every query.
            name=name.replace("-", "_"),
            description="The data lake: clean and curated tables.",
            # Before Lake Formation is in charge, AWS would open it to all whom IAM lets in.
            opts=self._child("database", depends_on=[args.formation] if args.formation else []),
        )
        self.database_name = database.name
        self._tables = {title: self._table(title, table) for title, table in sorted(args.tables.items())}
        workgroup = make_workgroup(
            name,
            description="Questions to the data lake.",
            results=args.results,
            scan_limit_mib=args.scan_limit_mib,
            opts=self._child("workgroup"),
        )
        self.workgroup_name = workgroup.name
        save_queries(name, args.queries, database, workgroup, self._child("query", depends_on=[*self._tables.values()]))
        self.security_configuration_name = self._security()
        self.log_key_arn, self.log_retention_days = args.log_key_arn, args.log_retention_days
        if args.crawled:
            self._crawler()
        self.register_outputs({"databaseName": self.database_name, "workgroupName": self.workgroup_name})

    def zone_url(self, zone: str) -> pulumi.Output[str]:
        """Where a zone lies, as Spark spells it: `s3://bucket`."""
        return pulumi.Output.concat("s3://", self._zone(zone).name)

    def grant_read(self, zone: str, role: aws.iam.Role) -> None:
        """Let `role` list and read what a zone holds, and nothing more.

        With Lake Formation: let it ask the zone's tables, and not read the files, which would be a way around it.
        """
        bucket = self._zone(zone)
        if self._args.formation is None:
            bucket.grant_read(role)
            return
        titles = [title for title, table in self._args.tables.items() if table.zone == zone]
        if not titles:
            raise Refusal("zone", zone, "has no tables of its own; grant what a crawler finds in Lake Formation")
        for title in titles:
            self._permit(title, role, ["DESCRIBE", "SELECT"], table=self._tables[title])

    def grant_write(self, zone: str, role: aws.iam.Role) -> None:
        """Let `role` list, write and delete in a zone, and nothing more: by files, whoever decides about tables."""
        self._zone(zone).grant_write(role)

    def grant_query(self, role: aws.iam.Role) -> None:
        """Let `role` look the tables up, ask in the workgroup and read the answers (data: `grant_read`)."""
        arn, formed = self._account.arn, self._args.formation is not None
        aws.iam.RolePolicy(
            f"{self._prefix}-query-for-{role.pulumi_resource_name}",
            role=role.id,
            policy=document(
                *may_ask(pulumi.Output.concat(arn("athena", "workgroup/"), self.workgroup_name), self._args.results),
                statement("LookTheTablesUp", actions=_CATALOGUE_ACTIONS, resources=self._catalogue()),
                # It knows no resources; what is lent is decided by its own grants.
                *([statement("BorrowAccess", actions="lakeformation:GetDataAccess", resources="*")] if formed else []),
            ),
            opts=self._child("grant"),
        )
        if formed:
            self._permit("database", role, ["DESCRIBE"])

    def _permit(
        self, what: str, role: aws.iam.Role, permissions: Sequence[str], table: aws.glue.CatalogTable | None = None
    ) -> aws.lakeformation.Permissions:
        """Lake Formation's own grant, of the database or of a table."""
        lf = aws.lakeformation
        return lf.Permissions(
            f"{self._prefix}-{what.replace('_', '-')}-for-{role.pulumi_resource_name}",
            principal=role.arn,
            permissions=sorted(permissions),
            database=lf.PermissionsDatabaseArgs(name=self.database_name) if table is None else None,
            table=None if table is None else lf.PermissionsTableArgs(database_name=self.database_name, name=table.name),
            opts=self._child("permissions", depends_on=[self._args.formation] if self._args.formation else []),
        )

    def _zone(self, zone: str) -> Bucket:
        known = sorted(self._args.zones)
        if zone not in known:
            raise Refusal("zone", zone, f"is not a zone of this lake; {nearest(zone, known)}use {', '.join(known)}")
        return self._args.zones[zone]

    def _catalogue(self) -> list[pulumi.Output[str]]:
        arn = self._account.arn
        return [
            arn("glue", "catalog"),
            pulumi.Output.concat(arn("glue", "database/"), self.database_name),
            pulumi.Output.concat(arn("glue", "table/"), self.database_name, "/*"),
        ]

    def _table(self, title: str, table: LakeTable) -> aws.glue.CatalogTable:
        location = pulumi.Output.concat(self.zone_url(table.zone), f"/{title}/")
        return aws.glue.CatalogTable(
            f"{self._prefix}-{title.replace('_', '-')}-table",
            name=title,
            database_name=self.database_name,
            description=table.description,
            table_type="EXTERNAL_TABLE",
            parameters={
                "EXTERNAL": "TRUE",
                "classification": "parquet",
                **_projection(table, self._args),
                "storage.location.template": location.apply(
                    lambda prefix: prefix + "".join(f"{name}=${{{name}}}/" for name in table.partitions)
                ),
            },
            partition_keys=[
                aws.glue.CatalogTablePartitionKeyArgs(name=name, type=kind) for name, kind in table.partitions.items()
            ],
            storage_descriptor=aws.glue.CatalogTableStorageDescriptorArgs(
                location=location,
                columns=[
                    aws.glue.CatalogTableStorageDescriptorColumnArgs(name=name, type=kind)
                    for name, kind in table.columns.items()
                ],
                ser_de_info=aws.glue.CatalogTableStorageDescriptorSerDeInfoArgs(
                    name="parquet", serialization_library=f"{_PARQUET}.serde.ParquetHiveSerDe"
                ),
                input_format=f"{_PARQUET}.MapredParquetInputFormat",
                output_format=f"{_PARQUET}.MapredParquetOutputFormat",
            ),
            opts=self._child("table"),
        )

    def _security(self) -> pulumi.Output[str] | None:
        key = self._args.key_arn
        if key is None:
            return None
        log_key = key if self._args.log_key_arn is None else self._args.log_key_arn
        encryption = aws.glue.SecurityConfigurationEncryptionConfigurationArgs(
            cloudwatch_encryption=aws.glue.SecurityConfigurationEncryptionConfigurationCloudwatchEncryptionArgs(
                cloudwatch_encryption_mode="SSE-KMS", kms_key_arn=log_key
            ),
            job_bookmarks_encryption=aws.glue.SecurityConfigurationEncryptionConfigurationJobBookmarksEncryptionArgs(
                job_bookmarks_encryption_mode="CSE-KMS", kms_key_arn=key
            ),
            s3_encryption=aws.glue.SecurityConfigurationEncryptionConfigurationS3EncryptionArgs(
                s3_encryption_mode="SSE-KMS", kms_key_arn=key
            ),
        )
        return aws.glue.SecurityConfiguration(
            f"{self._prefix}-security-configuration",
            encryption_configuration=encryption,
            opts=self._child("security_configuration"),
        ).name

    def _crawler(self) -> None:
        args, name = self._args, self._prefix
        raw = args.zones["raw"]
        role = aws.iam.Role(
            f"{name}-crawler-role",
            description=f"The crawler of {name}: reads what was exported and describes it.",
            assume_role_policy=trust(
                "glue.amazonaws.com",
                source_account=self._account.id,
                source_arn=self._account.arn("glue", "*"),
            ),
            opts=self._child("crawler_role"),
        )
        describing = ("glue:BatchCreatePartition", "glue:BatchGetPartition", "glue:CreateTable", "glue:UpdatePartition")
        log_groups = self._account.arn("logs", "log-group:/aws-glue/crawlers*")
        policy = aws.iam.RolePolicy(
            f"{name}-crawler-policy",
            role=role.id,
            policy=document(
                statement(
                    "DescribeTables",
                    actions=[*_CATALOGUE_ACTIONS, *describing, "glue:UpdateTable"],
                    resources=self._catalogue(),
                ),
                statement(
                    "WriteTheLog",
                    # Glue makes its crawlers' group itself; there is only one in an account.
                    actions=[f"logs:{verb}" for verb in _LOG_VERBS],
                    resources=[log_groups, pulumi.Output.concat(log_groups, ":log-stream:*")],
                ),
                *([READ_SECURITY] if args.key_arn is not None else []),
            ),
            opts=self._child("crawler_policy"),
        )
        raw.grant_read(role)
        allowed: list[pulumi.Resource] = [policy]
        if args.formation is not None:
            allowed += [
                self._permit("database", role, ["CREATE_TABLE", "DESCRIBE"]),
                aws.lakeformation.Permissions(
                    f"{name}-raw-for-{role.pulumi_resource_name}",
                    principal=role.arn,
                    permissions=["DATA_LOCATION_ACCESS"],
                    data_location=aws.lakeformation.PermissionsDataLocationArgs(arn=raw.arn),
                    opts=self._child("permissions", depends_on=[args.formation]),
                ),
            ]
        aws.glue.Crawler(
            f"{name}-crawler",
            name=f"{name}-exports",
            description="Describes the exports in the raw zone, whose columns nobody knows beforehand.",
            database_name=self.database_name,
            role=role.arn,
            schedule=args.crawl_schedule,
            s3_targets=[
                aws.glue.CrawlerS3TargetArgs(
                    path=pulumi.Output.concat("s3://", raw.name, f"/{folder}/"), exclusions=_NO_DATA
                )
                for folder in args.crawled
            ],
            table_prefix="raw_",
            # What has gone from S3 stays in the catalogue, marked; nothing is dropped by a machine.
            schema_change_policy=aws.glue.CrawlerSchemaChangePolicyArgs(
                update_behavior="UPDATE_IN_DATABASE", delete_behavior="DEPRECATE_IN_DATABASE"
            ),
            recrawl_policy=aws.glue.CrawlerRecrawlPolicyArgs(recrawl_behavior="CRAWL_EVERYTHING"),
            security_configuration=self.security_configuration_name,
            opts=self._child("crawler", depends_on=allowed),
        )


def _projection(table: LakeTable, args: DataLakeArgs) -> dict[str, str]:
    """How Athena works out which folders exist, so that nobody has to register one every day."""
    found = {"projection.enabled": "true"}
    for name, kind in table.partitions.items():
        prefix = f"projection.{name}"
        if kind == "date":
            found |= {
                f"{prefix}.type": "date",
                f"{prefix}.format": "yyyy-MM-dd",
                f"{prefix}.range": f"{args.first_day},NOW+2DAYS",
            }
        else:
            found |= {f"{prefix}.type": "enum", f"{prefix}.values": ",".join(sorted(args.partition_values[name]))}
    return found
