"""A crawler: describes exports, whose columns nobody knows beforehand, as tables of a data lake."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from ..account import Account
from ..children import Children
from ..data.bucket import Bucket
from ..policy import Statement, statement
from ..service_role import service_role

CHILDREN = ("crawler", "crawler_role", "crawler_policy")

# What DynamoDB leaves beside an export's data.
_NO_DATA = ["**/manifest-*", "**/_started"]
_LOG_VERBS = ("AssociateKmsKey", "CreateLogGroup", "CreateLogStream", "PutLogEvents")


def crawler_role(
    prefix: str, statements: Sequence[Statement], account: Account, child: Children
) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
    """The role of a crawler, which writes its log; `statements` say what it may do in the catalogue."""
    log_groups = account.arn("logs", "log-group:/aws-glue/crawlers*")
    return service_role(
        prefix,
        account,
        child,
        kind="crawler",
        service="glue.amazonaws.com",
        source_arn=account.arn("glue", "*"),
        says_for_whom=False,
        description=f"The crawler of {prefix}: reads what was exported and describes it.",
        statements=[
            *statements,
            statement(
                "WriteTheLog",
                # Glue makes its crawlers' group itself; there is only one in an account.
                actions=[f"logs:{verb}" for verb in _LOG_VERBS],
                resources=[log_groups, pulumi.Output.concat(log_groups, ":log-stream:*")],
            ),
        ],
    )


def make_crawler(
    prefix: str,
    folders: Sequence[str],
    schedule: str,
    *,
    database_name: pulumi.Output[str],
    bucket: Bucket,
    role: aws.iam.Role,
    security: pulumi.Output[str] | None,
    opts: pulumi.ResourceOptions,
) -> aws.glue.Crawler:
    """Describe these folders of the bucket, each as a table whose name begins with `raw_`."""
    return aws.glue.Crawler(
        f"{prefix}-crawler",
        name=f"{prefix}-exports",
        description="Describes the exports in the raw zone, whose columns nobody knows beforehand.",
        database_name=database_name,
        role=role.arn,
        schedule=schedule,
        s3_targets=[
            aws.glue.CrawlerS3TargetArgs(
                path=pulumi.Output.concat("s3://", bucket.name, f"/{folder}/"), exclusions=_NO_DATA
            )
            for folder in folders
        ],
        table_prefix="raw_",
        # What has gone from S3 stays in the catalogue, marked; nothing is dropped by a machine.
        schema_change_policy=aws.glue.CrawlerSchemaChangePolicyArgs(
            update_behavior="UPDATE_IN_DATABASE", delete_behavior="DEPRECATE_IN_DATABASE"
        ),
        recrawl_policy=aws.glue.CrawlerRecrawlPolicyArgs(recrawl_behavior="CRAWL_EVERYTHING"),
        security_configuration=security,
        opts=opts,
    )
