"""The audit trail of an account: CloudTrail, in a bucket and, where alarms shall see it, in CloudWatch."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from ..account import Account
from ..children import Children
from ..data.bucket import Bucket
from ..identity.key import AnyKey
from ..log_group import make_log_group
from ..policy import Statement, statement
from ..service_role import service_role

CHILDREN = ("trail", "trail_log_group", "trail_role", "trail_policy")


@dataclass(frozen=True, kw_only=True)
class TrailLogs:
    """Where the trail's copy for alarms goes, and the role with which CloudTrail writes it."""

    group: aws.cloudwatch.LogGroup
    role: aws.iam.Role
    policy: aws.iam.RolePolicy

    @staticmethod
    def of(name: str, retention_days: int, key: AnyKey | None, account: Account, child: Children) -> TrailLogs:
        """For the trail of the baseline called `name`."""
        group = make_log_group(
            f"{name}-trail-log-group", f"/aws/cloudtrail/{name}", retention_days, key, child("trail_log_group")
        )
        streams = pulumi.Output.concat(group.arn, ":log-stream:", account.id, "_CloudTrail_", account.region, "*")
        role, policy = service_role(
            name,
            account,
            child,
            kind="trail",
            service="cloudtrail.amazonaws.com",
            source_arn=trail_arn(name, account),
            says_for_whom=False,
            description=f"With it CloudTrail writes the trail {name} to CloudWatch.",
            statements=[
                statement("WriteTheTrail", actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=streams)
            ],
        )
        return TrailLogs(group=group, role=role, policy=policy)


def keep(name: str, bucket: Bucket, key: AnyKey | None, logs: TrailLogs | None, child: Children) -> None:
    """Record who does what, in all regions."""
    aws.cloudtrail.Trail(
        f"{name}-trail",
        name=name,
        s3_bucket_name=bucket.log_target_name,
        kms_key_id=key.arn if key else None,
        is_multi_region_trail=True,
        include_global_service_events=True,
        # A digest every hour, signed by AWS: what was changed or deleted afterwards shows.
        enable_log_file_validation=True,
        enable_logging=True,
        # CloudTrail wants the ARN with the wildcard of the streams.
        cloud_watch_logs_group_arn=pulumi.Output.concat(logs.group.arn, ":*") if logs else None,
        cloud_watch_logs_role_arn=logs.role.arn if logs else None,
        # It tries whether it may write.
        opts=child("trail", depends_on=[logs.policy] if logs else []),
    )


def trail_arn(name: str, account: Account) -> pulumi.Output[str]:
    """The ARN of the trail of the baseline called `name`: the policies of its bucket and key name it first."""
    return account.arn("cloudtrail", f"trail/{name}")


def audit_statements(name: str, bucket_arn: pulumi.Output[str], account: Account) -> list[Statement]:
    """What the audit bucket's policy must say, so that the trail of the baseline called `name` can write there."""
    principal = {"Service": "cloudtrail.amazonaws.com"}
    ours = {"aws:SourceArn": trail_arn(name, account)}
    return [
        statement(
            "TrailLooksFirst",
            principal=principal,
            actions="s3:GetBucketAcl",
            resources=bucket_arn,
            condition={"StringEquals": ours},
        ),
        statement(
            "TrailWrites",
            principal=principal,
            actions="s3:PutObject",
            resources=pulumi.Output.concat(bucket_arn, "/AWSLogs/", account.id, "/*"),
            condition={"StringEquals": {**ours, "s3:x-amz-acl": "bucket-owner-full-control"}},
        ),
    ]
