"""A plain pulumi_aws program of any size, to see how a rehearsal grows. It is copied to a folder of its own.

It declares `size` resources in cells of 26: a key, a log group, a network with its rules and flow log, and a bucket
with what a bucket needs. They keep to the policies, so that work is measured and not the reporting of mistakes. What
remains is a warning per bucket, whose access nobody logs, and what the last cell lacks where the size cuts it short.
"""

from __future__ import annotations

import json
from itertools import count, islice
from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_aws as aws

if TYPE_CHECKING:
    from collections.abc import Iterator

config = pulumi.Config()
PREFIX = f"{config.require('product')}-{config.require('environment')}"
REGION = config.require("region")
TAGS = {"Project": config.require("product"), "Environment": config.require("environment"), "Owner": "benchmark"}

provider = aws.Provider("aws", region=REGION, default_tags={"tags": TAGS})


def resources() -> Iterator[pulumi.Resource]:
    """Resources without end, each made only when it is asked for."""
    for number in count():
        name = f"{PREFIX}-cell{number:04}"
        options = pulumi.ResourceOptions(provider=provider)
        tags = {**TAGS, "Component": f"cell{number:04}", "Name": name}
        key = aws.kms.Key(f"{name}-key", enable_key_rotation=True, deletion_window_in_days=30, tags=tags, opts=options)
        yield key
        yield aws.kms.Alias(f"{name}-key-alias", name=f"alias/{name}", target_key_id=key.id, opts=options)
        logs = aws.cloudwatch.LogGroup(
            f"{name}-log-group", name=f"/{name}/flow", retention_in_days=7, kms_key_id=key.arn, tags=tags, opts=options
        )
        yield logs
        yield from network(name, number, logs, tags, options)
        yield from storage(name, key, tags, options)


def network(
    name: str, number: int, logs: aws.cloudwatch.LogGroup, tags: dict[str, str], options: pulumi.ResourceOptions
) -> Iterator[pulumi.Resource]:
    prefix = f"10.{number % 256}"
    role = aws.iam.Role(
        f"{name}-flow-log-role",
        assume_role_policy=allow(
            "sts:AssumeRole",
            Principal={"Service": "vpc-flow-logs.amazonaws.com"},
            Condition={"StringEquals": {"aws:SourceAccount": "123456789012"}},
        ),
        tags=tags,
        opts=options,
    )
    yield role
    yield aws.iam.RolePolicy(
        f"{name}-flow-log-role-policy",
        role=role.id,
        policy=logs.arn.apply(lambda arn: allow("logs:PutLogEvents", Resource=f"{arn}:*")),
        opts=options,
    )
    vpc = aws.ec2.Vpc(f"{name}-vpc", cidr_block=f"{prefix}.0.0/16", tags=tags, opts=options)
    yield vpc
    yield aws.ec2.FlowLog(
        f"{name}-flow-log",
        vpc_id=vpc.id,
        traffic_type="ALL",
        log_destination=logs.arn,
        iam_role_arn=role.arn,
        tags=tags,
        opts=options,
    )
    yield aws.ec2.DefaultSecurityGroup(f"{name}-default-security-group", vpc_id=vpc.id, tags=tags, opts=options)
    table = aws.ec2.RouteTable(f"{name}-route-table", vpc_id=vpc.id, tags=tags, opts=options)
    yield table
    for index, zone in enumerate("ac"):
        subnet = aws.ec2.Subnet(
            f"{name}-subnet-{zone}",
            vpc_id=vpc.id,
            cidr_block=f"{prefix}.{index}.0/24",
            availability_zone=f"{REGION}{zone}",
            tags=tags,
            opts=options,
        )
        yield subnet
        yield aws.ec2.RouteTableAssociation(
            f"{name}-route-table-association-{zone}", subnet_id=subnet.id, route_table_id=table.id, opts=options
        )
    for role in ("service", "database"):
        group = aws.ec2.SecurityGroup(
            f"{name}-{role}-security-group",
            vpc_id=vpc.id,
            description=f"{role} of {name}",
            tags=tags,
            opts=options,
        )
        yield group
        yield aws.vpc.SecurityGroupIngressRule(
            f"{name}-{role}-ingress-rule",
            security_group_id=group.id,
            description="Inside the network",
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            cidr_ipv4=f"{prefix}.0.0/16",
            tags=tags,
            opts=options,
        )
        yield aws.vpc.SecurityGroupEgressRule(
            f"{name}-{role}-egress-rule",
            security_group_id=group.id,
            description="Inside the network",
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            cidr_ipv4=f"{prefix}.0.0/16",
            tags=tags,
            opts=options,
        )


def storage(
    name: str, key: aws.kms.Key, tags: dict[str, str], options: pulumi.ResourceOptions
) -> Iterator[pulumi.Resource]:
    bucket = aws.s3.Bucket(f"{name}-bucket", tags=tags, opts=options)
    yield bucket
    yield aws.s3.BucketPublicAccessBlock(
        f"{name}-bucket-public-access-block",
        bucket=bucket.id,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        opts=options,
    )
    yield aws.s3.BucketOwnershipControls(
        f"{name}-bucket-ownership-controls",
        bucket=bucket.id,
        rule=aws.s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
        opts=options,
    )
    yield aws.s3.BucketServerSideEncryptionConfiguration(
        f"{name}-bucket-encryption",
        bucket=bucket.id,
        rules=[
            aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
                apply_server_side_encryption_by_default=aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                    sse_algorithm="aws:kms", kms_master_key_id=key.arn
                ),
                bucket_key_enabled=True,
            )
        ],
        opts=options,
    )
    yield aws.s3.BucketVersioning(
        f"{name}-bucket-versioning",
        bucket=bucket.id,
        versioning_configuration=aws.s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
        opts=options,
    )
    yield aws.s3.BucketPolicy(
        f"{name}-bucket-policy",
        bucket=bucket.id,
        policy=bucket.arn.apply(tls_only),
        opts=options,
    )
    yield aws.s3.BucketLifecycleConfiguration(
        f"{name}-bucket-lifecycle",
        bucket=bucket.id,
        rules=[
            aws.s3.BucketLifecycleConfigurationRuleArgs(
                id="expire",
                status="Enabled",
                filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
                noncurrent_version_expiration=aws.s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
                    noncurrent_days=30
                ),
                abort_incomplete_multipart_upload=aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
                    days_after_initiation=7
                ),
            )
        ],
        opts=options,
    )


def tls_only(bucket_arn: str) -> str:
    return document(
        Effect="Deny",
        Principal="*",
        Action="s3:*",
        Resource=[bucket_arn, f"{bucket_arn}/*"],
        Condition={"Bool": {"aws:SecureTransport": "false"}},
    )


def allow(action: str, **elements: Any) -> str:
    return document(Effect="Allow", Action=action, **elements)


def document(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


made = sum(1 for _ in islice(resources(), config.require_int("size")))
pulumi.export("resources", made)
