"""Where SQL is asked: an Athena workgroup that nobody can leave, with a limit on what a query may read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from components.identity.key import DECRYPT_ACTIONS, ENCRYPT_ACTIONS
from components.policy import Statement, statement
from components.refusal import Refusal

LEAST_SCAN_MIB: Final = 10
"""Athena takes no lower limit, and bills no less for a query."""

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

    bucket: pulumi.Input[str]
    """Its name."""

    bucket_arn: pulumi.Input[str]

    key_arn: pulumi.Input[str] | None = None
    """The KMS key that encrypts the answers. Without one, the key of S3."""


def check_scan_limit(mib: int) -> None:
    """Refuse a limit that Athena would."""
    if mib < LEAST_SCAN_MIB:
        raise Refusal("scan_limit_mib", mib, f"is less than Athena accepts; use {LEAST_SCAN_MIB} MiB or more")


def make_workgroup(
    name: str, *, description: str, results: Results, scan_limit_mib: int, opts: pulumi.ResourceOptions
) -> aws.athena.Workgroup:
    """The workgroup called `name`: what the client asks for cannot change where and how results are kept."""
    own_key = results.key_arn is not None
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
                output_location=pulumi.Output.concat("s3://", results.bucket, "/"),
                encryption_configuration=(
                    aws.athena.WorkgroupConfigurationResultConfigurationEncryptionConfigurationArgs(
                        encryption_option="SSE_KMS" if own_key else "SSE_S3", kms_key_arn=results.key_arn
                    )
                ),
            ),
        ),
        opts=opts,
    )


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
        statement("FindTheResults", actions=["s3:GetBucketLocation", "s3:ListBucket"], resources=results.bucket_arn),
        statement(
            "KeepTheResults",
            actions=["s3:AbortMultipartUpload", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject"],
            resources=pulumi.Output.concat(results.bucket_arn, "/*"),
        ),
    ]
    if results.key_arn is not None:
        actions = sorted({*DECRYPT_ACTIONS, *ENCRYPT_ACTIONS})
        statements.append(statement("UseTheKeyOfTheResults", actions=actions, resources=results.key_arn))
    return statements


def description_of(sql: str) -> str:
    """What a query is for: its first line of comment."""
    first = next((line for line in sql.splitlines() if line.startswith("--")), "")
    return first.removeprefix("--").strip()
