"""A data lake's catalogue: the tables over its zones, where SQL is asked, and who may read or write which zone.

Use: lake = DataLake("chat-dev-lake", DataLakeArgs(), catalogue=Catalogue(zones=…, tables=…), results=…)
     lake.grant_read("curated", analyst)        # a role
     lake.grant_query(analyst)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

import pulumi
import pulumi_aws as aws

from ..account import Account
from ..args import ComponentArgs
from ..component import Component
from ..data.bucket import Bucket
from ..errors import ArgumentError, Mistake, nearest
from ..identity.key import AnyKey
from ..policy import statement
from ..values import LogRetentionDays, text
from ..widgets import Widget
from . import crawler
from .catalogue import Catalogue, LakeTable, make_table
from .lake_formation import LakeFormation
from .workgroup import (
    SECTION,
    Results,
    ScanLimitMib,
    make_workgroup,
    may_ask,
    metrics_of,
    save_queries,
)

__all__ = ["READ_SECURITY", "Catalogue", "DataLake", "DataLakeArgs", "LakeTable"]

# Glue knows no ARN of a security configuration.
READ_SECURITY = statement("ReadItsSecurity", actions="glue:GetSecurityConfiguration", resources="*")
_CATALOGUE_ACTIONS = ("glue:GetDatabase", "glue:GetPartitions", "glue:GetTable", "glue:GetTables")
_DESCRIBE_ACTIONS = (
    *("glue:BatchCreatePartition", "glue:BatchGetPartition", "glue:CreateTable", "glue:UpdatePartition"),
    "glue:UpdateTable",
)


class DataLakeArgs(ComponentArgs):
    """A lake. The catalogue is free; a query costs $5 for each TB it reads."""

    first_day: Annotated[str, text(r"\d{4}-\d{2}-\d{2}", "use a day such as 2025-01-01")] = "2025-01-01"
    """The first day that the tables show; Athena looks for every day from then to now."""

    scan_limit_mib: ScanLimitMib = 10_240
    """The most that one query may read; it is stopped there. 10 GiB cost $0.05."""

    crawled: list[str] = []
    """Folders of the zone `raw` whose columns nobody knows beforehand, such as exports: crawled on `crawl_schedule`.
    A crawler costs $0.44 for an hour of one DPU and at least 10 minutes of it: about $0.15 a run."""

    crawl_schedule: Annotated[str, text(r"cron\(\S+( \S+){5}\)", "use cron(minutes hours day month weekday year)")] = (
        "cron(0 4 * * ? *)"
    )
    """When, in Glue's six fields and UTC."""

    log_retention_days: LogRetentionDays = 30
    """Days until a record of the jobs' logs is deleted."""

    def mistakes(self) -> Iterator[Mistake]:
        for folder in self.crawled:
            if not re.fullmatch(r"[a-z0-9][a-z0-9/_-]*", folder) or folder.endswith("/"):
                yield Mistake("crawled", folder, "is not a folder such as 'exports/sessions'; leave the bucket out")
            for other in self.crawled:
                if folder != other and folder.startswith(f"{other}/"):
                    yield Mistake("crawled", folder, f"lies in '{other}', and would be described twice; keep one")
        if len(set(self.crawled)) != len(self.crawled):
            yield Mistake("crawled", self.crawled, "names a folder twice; keep one")


class DataLake(Component):
    """A Glue database with the tables of each zone, a workgroup, and a crawler for what has no fixed columns."""

    CHILDREN = (
        *("database", "table", "workgroup", "query", "security_configuration", "grant", "permissions"),
        *crawler.CHILDREN,
    )

    database_name: pulumi.Output[str]
    workgroup_name: pulumi.Output[str]
    security_configuration_name: pulumi.Output[str] | None
    """What jobs and crawlers encrypt with; none where the lake has no key of its own."""
    log_key: AnyKey | None
    log_retention_days: int

    def __init__(
        self,
        name: str,
        args: DataLakeArgs,
        *,
        catalogue: Catalogue,
        results: Results,
        queries: Mapping[str, str] | None = None,
        formation: LakeFormation | None = None,
        key: AnyKey | None = None,
        log_key: AnyKey | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param catalogue: Its zones and tables.
        :param results: Where answers are kept.
        :param queries: Title → SQL to keep in the console; the first line of comment becomes the description.
        :param formation: What decides who may ask which table. Left out, IAM alone does.
        :param key: That of the zones, with which jobs and crawlers encrypt what they write and note.
        :param log_key: What encrypts the jobs' logs.
        """
        super().__init__(name, args, opts)
        if wrong := list(catalogue.mistakes(results)):
            raise ArgumentError.of(wrong)
        if args.crawled and "raw" not in catalogue.zones:
            raise ArgumentError("crawled", args.crawled, "are folders of the zone raw, which is missing; add it")
        self._args, self._made_of, self._results, self._formation, self._key = args, catalogue, results, formation, key
        self._account = Account.of(self)
        database = aws.glue.CatalogDatabase(
            f"{name}-database",
            # Hyphens would have to be quoted in every query.
            name=name.replace("-", "_"),
            description="The data lake: clean and curated tables.",
            # Before Lake Formation is in charge, AWS would open it to all whom IAM lets in.
            opts=self._child("database", depends_on=[formation] if formation else []),
        )
        self.database_name = database.name
        self._tables = {
            title: make_table(name, title, catalogue, args.first_day, self.database_name, self._child("table"))
            for title in sorted(catalogue.tables)
        }
        workgroup = make_workgroup(
            name,
            description="Questions to the data lake.",
            results=results,
            scan_limit_mib=args.scan_limit_mib,
            opts=self._child("workgroup"),
        )
        self.workgroup_name = workgroup.name
        save_queries(
            name, queries or {}, database, workgroup, self._child("query", depends_on=[*self._tables.values()])
        )
        self.log_key, self.log_retention_days = log_key, args.log_retention_days
        self.security_configuration_name = self._security()
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
        if self._formation is None:
            bucket.grant_read(role)
            return
        titles = [title for title, table in self._made_of.tables.items() if table.zone == zone]
        if not titles:
            raise ArgumentError("zone", zone, "has no tables of its own; grant what a crawler finds in Lake Formation")
        for title in titles:
            self._permit(title, role, ["DESCRIBE", "SELECT"], table=self._tables[title])

    def grant_write(self, zone: str, role: aws.iam.Role) -> aws.iam.RolePolicy:
        """Let `role` list, write and delete in a zone, and nothing more: by files, whoever decides about tables."""
        return self._zone(zone).grant_write(role)

    @property
    def widgets(self) -> list[Widget]:
        """What queries read, and how long they take."""
        return [self._graph(SECTION, one, period_seconds=300) for one in metrics_of(self.workgroup_name)]

    def grant_query(self, role: aws.iam.Role) -> aws.iam.RolePolicy:
        """Let `role` look the tables up, ask in the workgroup and read the answers (data: `grant_read`)."""
        arn, formed = self._account.arn, self._formation is not None
        if formed:
            self._permit("database", role, ["DESCRIBE"])
        return self._allow(
            role,
            "query",
            *may_ask(pulumi.Output.concat(arn("athena", "workgroup/"), self.workgroup_name), self._results),
            statement("LookTheTablesUp", actions=_CATALOGUE_ACTIONS, resources=self._catalogue()),
            # It knows no resources; what is lent is decided by its own grants.
            *([statement("BorrowAccess", actions="lakeformation:GetDataAccess", resources="*")] if formed else []),
        )

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
            opts=self._child("permissions", depends_on=[self._formation] if self._formation else []),
        )

    def _zone(self, zone: str) -> Bucket:
        known = sorted(self._made_of.zones)
        if zone not in known:
            raise ArgumentError(
                "zone", zone, f"is not a zone of this lake; {nearest(zone, known)}use {', '.join(known)}"
            )
        return self._made_of.zones[zone]

    def _catalogue(self) -> list[pulumi.Output[str]]:
        arn = self._account.arn
        return [
            arn("glue", "catalog"),
            pulumi.Output.concat(arn("glue", "database/"), self.database_name),
            pulumi.Output.concat(arn("glue", "table/"), self.database_name, "/*"),
        ]

    def _security(self) -> pulumi.Output[str] | None:
        if self._key is None:
            return None
        key = self._key.arn
        log_key = key if self.log_key is None else self.log_key.arn
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
        name, raw = self._prefix, self._made_of.zones["raw"]
        describe = statement(
            "DescribeTables",
            actions=[*_CATALOGUE_ACTIONS, *_DESCRIBE_ACTIONS],
            resources=self._catalogue(),
        )
        secured = [READ_SECURITY] if self._key is not None else []
        role, policy = crawler.crawler_role(name, [describe, *secured], self._account, self._child)
        raw.grant_read(role)
        allowed: list[pulumi.Resource] = [policy]
        if self._formation is not None:
            allowed += [
                self._permit("database", role, ["CREATE_TABLE", "DESCRIBE"]),
                aws.lakeformation.Permissions(
                    f"{name}-raw-for-{role.pulumi_resource_name}",
                    principal=role.arn,
                    permissions=["DATA_LOCATION_ACCESS"],
                    data_location=aws.lakeformation.PermissionsDataLocationArgs(arn=raw.arn),
                    opts=self._child("permissions", depends_on=[self._formation]),
                ),
            ]
        crawler.make_crawler(
            name,
            self._args.crawled,
            self._args.crawl_schedule,
            database_name=self.database_name,
            bucket=raw,
            role=role,
            security=self.security_configuration_name,
            opts=self._child("crawler", depends_on=allowed),
        )
