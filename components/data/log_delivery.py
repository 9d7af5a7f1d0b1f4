"""The statements by which a bucket admits the logs of AWS services, and those of no other account."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import pulumi

from ..account import Account
from ..policy import Statement, statement

LogSource = Literal["s3", "vpc-flow-logs", "elb", "config", "cloudfront"]
"""Each writes under its own prefix: s3-access-logs/, vpc-flow-logs/, load-balancer-logs/, config/, cloudfront-logs/."""

CLOUDFRONT_PREFIX = "cloudfront-logs"
"""Where the requests to distributions are recorded."""

# In regions that opened before August 2022 load balancers write as an account of Amazon's.
_BALANCER_ACCOUNTS = {
    "ap-northeast-1": "582318560864",
    "ap-northeast-3": "383597477331",
    "us-east-1": "127311923021",
}


def admit(sources: Sequence[LogSource], bucket_arn: pulumi.Output[str], account: Account) -> list[Statement]:
    """Statements for a bucket's policy that let these services write, for this account only."""
    statements: list[Statement] = []
    if "elb" in sources:
        statements += _load_balancers(bucket_arn, account)
    if "s3" in sources:
        statements.append(
            statement(
                "AccessLogsOfBuckets",
                principal={"Service": "logging.s3.amazonaws.com"},
                actions="s3:PutObject",
                resources=pulumi.Output.concat(bucket_arn, "/s3-access-logs/*"),
                condition={"StringEquals": {"aws:SourceAccount": account.id}},
            )
        )
    if "vpc-flow-logs" in sources:
        statements += _flow_logs(bucket_arn, account)
    if "config" in sources:
        statements += _configuration(bucket_arn, account)
    if "cloudfront" in sources:
        statements += _distributions(bucket_arn, account)
    return statements


def _flow_logs(bucket_arn: pulumi.Output[str], account: Account) -> list[Statement]:
    principal = {"Service": "delivery.logs.amazonaws.com"}
    only_ours = {
        "StringEquals": {"aws:SourceAccount": account.id},
        "ArnLike": {"aws:SourceArn": account.arn("logs", "*")},
    }
    return [
        statement(
            "FlowLogs",
            principal=principal,
            actions="s3:PutObject",
            resources=pulumi.Output.concat(bucket_arn, "/vpc-flow-logs/*"),
            condition={
                **only_ours,
                "StringEquals": {**only_ours["StringEquals"], "s3:x-amz-acl": "bucket-owner-full-control"},
            },
        ),
        statement(
            "FlowLogsLookFirst",
            principal=principal,
            actions=["s3:GetBucketAcl", "s3:ListBucket"],
            resources=bucket_arn,
            condition=only_ours,
        ),
    ]


def _configuration(bucket_arn: pulumi.Output[str], account: Account) -> list[Statement]:
    principal = {"Service": "config.amazonaws.com"}
    ours = {"aws:SourceAccount": account.id}
    return [
        statement(
            "RecordOfConfiguration",
            principal=principal,
            actions="s3:PutObject",
            resources=pulumi.Output.concat(bucket_arn, "/config/AWSLogs/", account.id, "/Config/*"),
            condition={"StringEquals": {**ours, "s3:x-amz-acl": "bucket-owner-full-control"}},
        ),
        statement(
            "RecordOfConfigurationLooksFirst",
            principal=principal,
            actions=["s3:GetBucketAcl", "s3:ListBucket"],
            resources=bucket_arn,
            condition={"StringEquals": ours},
        ),
    ]


def _distributions(bucket_arn: pulumi.Output[str], account: Account) -> list[Statement]:
    principal = {"Service": "delivery.logs.amazonaws.com"}
    # What delivers CloudFront's logs is in us-east-1, wherever the bucket is.
    source = pulumi.Output.concat("arn:", account.partition, ":logs:us-east-1:", account.id, ":delivery-source:*")
    ours = {"StringEquals": {"aws:SourceAccount": account.id}, "ArnLike": {"aws:SourceArn": source}}
    return [
        statement(
            "RequestsToDistributions",
            principal=principal,
            actions="s3:PutObject",
            resources=pulumi.Output.concat(bucket_arn, f"/{CLOUDFRONT_PREFIX}/*"),
            condition={**ours, "StringEquals": {**ours["StringEquals"], "s3:x-amz-acl": "bucket-owner-full-control"}},
        ),
        statement(
            "RequestsToDistributionsLookFirst",
            principal=principal,
            actions=["s3:GetBucketAcl", "s3:ListBucket"],
            resources=bucket_arn,
            condition=ours,
        ),
    ]


def _load_balancers(bucket_arn: pulumi.Output[str], account: Account) -> list[Statement]:
    def principal(where: list[str]) -> dict[str, Any]:
        partition, region = where
        owner = _BALANCER_ACCOUNTS.get(region)
        if owner is None:
            return {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"}
        return {"AWS": f"arn:{partition}:iam::{owner}:root"}

    return [
        statement(
            "AccessLogsOfLoadBalancers",
            principal=pulumi.Output.all(account.partition, account.region).apply(principal),
            actions="s3:PutObject",
            resources=pulumi.Output.concat(bucket_arn, "/load-balancer-logs/AWSLogs/", account.id, "/*"),
        )
    ]
