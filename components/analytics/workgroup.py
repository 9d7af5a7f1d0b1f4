"""Where SQL is asked: an Athena workgroup that nobody can leave, with a limit on what a query may read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

import pulumi
import pulumi_aws as aws
from pydantic import Field

from ..alarms import Metric
from ..identity.key import DECRYPT_ACTIONS, ENCRYPT_ACTIONS
from ..policy import Statement, statement

if TYPE_CHECKING:
    from ..data.bucket import Bucket
    from ..identity.key import AnyKey

# Athena takes no lower limit, and bills no less for a query; the upper one is 7 EB.
# https://docs.aws.amazon.com/athena/latest/ug/workgroups-setting-control-limits-cloudwatch.html
ScanLimitMib = Annotated[int, Field(ge=10, le=7 * 1024**4)]

SECTION: Final = "Queries (Athena)"

ASK_ACTIONS: Final = (
    "athena:GetQueryExecution",
    "athena:GetQueryResults",
    "athena:GetWorkGroup",
    "athena:StartQueryExecution",
    "athena:StopQueryExecution",
)


@dataclass(frozen=True, kw_only=True)
class Results:
    """The bucket in which the answers are kept for a while."""

    bucket: Bucket

    key: AnyKey | None = None
    """What encrypts the answers. Without one, the key of S3."""


def make_workgroup(
    name: str, *, description: str, results: Results, scan_limit_mib: int, opts: pulumi.ResourceOptions
) -> aws.athena.Workgroup:
    """The workgroup called `name`: what the client asks for cannot change where and how results are kept."""
    key_arn = results.key.arn if results.key else None
    return aws.athena.Workgroup(
        f"{name}-workgroup",
        name=name,
        description=description,
        # The history of queries and the saved ones go with it; the data does not.
        force_destroy=True,
        configuration=aws.athena.WorkgroupConfigurationArgs(
            # A client can neither write its results elsewhere nor leave them in clear.
            enforce_workgroup_configuration=True,
            publish_cloudwatch_metrics_enabled=True,
            bytes_scanned_cutoff_per_query=scan_limit_mib * 1024 * 1024,
            engine_version=aws.athena.WorkgroupConfigurationEngineVersionArgs(
                selected_engine_version="Athena engine version 3"
            ),
            result_configuration=aws.athena.WorkgroupConfigurationResultConfigurationArgs(
                output_location=pulumi.Output.concat("s3://", results.bucket.name, "/"),
                encryption_configuration=(
                    aws.athena.WorkgroupConfigurationResultConfigurationEncryptionConfigurationArgs(
                        encryption_option="SSE_KMS" if key_arn is not None else "SSE_S3", kms_key_arn=key_arn
                    )
                ),
            ),
        ),
        opts=opts,
    )


def metrics_of(workgroup: pulumi.Input[str]) -> tuple[Metric, dict[str, Metric]]:
    """What queries in a workgroup read, for which Athena is paid, and how long they take, by how they end."""
    read = Metric(namespace="AWS/Athena", name="ProcessedBytes", dimensions={"WorkGroup": workgroup}, statistic="Sum")
    times = {
        end: Metric(
            namespace="AWS/Athena",
            name="TotalExecutionTime",
            dimensions={"QueryState": end.upper(), "QueryType": "DML", "WorkGroup": workgroup},
            statistic="Average",
        )
        for end in ("succeeded", "failed")
    }
    return read, times


def save_queries(
    name: str,
    queries: Mapping[str, str],
    database: aws.glue.CatalogDatabase,
    workgroup: aws.athena.Workgroup,
    opts: pulumi.ResourceOptions,
) -> None:
    """Queries, by their titles, that whoever asks in the workgroup finds there."""
    for title, sql in sorted(queries.items()):
        aws.athena.NamedQuery(
            f"{name}-{title}-query",
            name=f"{name}-{title}",
            description=description_of(sql),
            database=database.name,
            workgroup=workgroup.name,
            query=sql,
            opts=opts,
        )


def may_ask(workgroup_arn: pulumi.Input[str], results: Results) -> list[Statement]:
    """What a role needs to ask in the workgroup and to read the answers; the tables are another matter."""
    statements = [
        statement("AskInTheWorkgroup", actions=ASK_ACTIONS, resources=workgroup_arn),
        statement("FindTheResults", actions=["s3:GetBucketLocation", "s3:ListBucket"], resources=results.bucket.arn),
        statement(
            "KeepTheResults",
            actions=["s3:AbortMultipartUpload", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject"],
            resources=pulumi.Output.concat(results.bucket.arn, "/*"),
        ),
    ]
    if results.key is not None:
        actions = sorted({*DECRYPT_ACTIONS, *ENCRYPT_ACTIONS})
        statements.append(statement("UseTheKeyOfTheResults", actions=actions, resources=results.key.arn))
    return statements


def description_of(sql: str) -> str:
    """What a query is for: its first line of comment."""
    first = next((line for line in sql.splitlines() if line.startswith("--")), "")
    return first.removeprefix("--").strip()
