"""What may pass through each endpoint of a VPC: our principals, to our resources."""

from __future__ import annotations

import pulumi

from ..account import Account
from ..policy import Statement, statement

# Amazon serves these from resources of its own (foundation models, public parameters and documents), so a rule that
# the resource must be ours would refuse them. The caller must still be ours.
_SERVES_AMAZON_RESOURCES = frozenset({"bedrock", "bedrock-runtime", "bedrock-agent-runtime", "ssm", "ec2"})

_FLUENT_BIT_ACCOUNT = "906394416424"
"""The account from which Amazon serves `aws-for-fluent-bit` in every region's ECR."""


def interface_policy(service: str, account: Account) -> list[Statement]:
    """Our principals, on our resources. Stolen data and foreign credentials do not pass."""
    condition: dict[str, dict[str, object]] = {"StringEquals": {"aws:PrincipalAccount": account.id}}
    if service not in _SERVES_AMAZON_RESOURCES:
        # "IfExists" because calls without a resource (a login token, a list) do not carry the key.
        condition["StringEqualsIfExists"] = {"aws:ResourceAccount": account.id}
    statements = [
        statement("OurPrincipals", principal="*", actions="*", resources="*", condition=condition),
    ]
    if service in {"ecr.api", "ecr.dkr"}:
        statements.append(
            statement(
                "ImagesThatAmazonServes",
                principal="*",
                actions=["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
                resources=pulumi.Output.format(
                    "arn:{}:ecr:{}:{}:repository/aws-for-fluent-bit",
                    account.partition,
                    account.region,
                    _FLUENT_BIT_ACCOUNT,
                ),
                condition={"StringEquals": {"aws:PrincipalAccount": account.id}},
            )
        )
    return statements


def s3_gateway_policy(account: Account) -> list[Statement]:
    """Our principals on our buckets, and reading from the few buckets of Amazon's that hosts and tasks need."""
    return [
        statement(
            "OurPrincipalsOnOurBuckets",
            principal="*",
            actions="s3:*",
            resources="*",
            condition={"StringEquals": {"aws:PrincipalAccount": account.id, "aws:ResourceAccount": account.id}},
        ),
        statement(
            # ECR hands out signed links, so the caller is Amazon's principal and no account can be asked for.
            "ImageLayersAndPackagesThatAmazonServes",
            principal="*",
            actions="s3:GetObject",
            resources=pulumi.Output.all(account.partition, account.region).apply(lambda at: amazon_objects(*at)),
        ),
    ]


def amazon_objects(partition: str, region: str) -> list[str]:
    """The objects of Amazon's own that private hosts and tasks read through the S3 endpoint."""
    buckets = [
        f"al2023-repos-{region}-de612dc2",  # packages of Amazon Linux 2023
        f"amazonlinux-2-repos-{region}",
        f"amazon-ssm-{region}",  # the agent behind Session Manager, its updates and patches
        f"aws-ssm-{region}",
        f"patch-baseline-snapshot-{region}",
        f"prod-{region}-starport-layer-bucket",  # the layers of every image in ECR
    ]
    return [f"arn:{partition}:s3:::{bucket}/*" for bucket in sorted(buckets)]


def dynamodb_gateway_policy(account: Account) -> list[Statement]:
    """Our principals on our tables."""
    return [
        statement(
            "OurPrincipalsOnOurTables",
            principal="*",
            actions="dynamodb:*",
            resources="*",
            condition={
                "StringEquals": {"aws:PrincipalAccount": account.id},
                "StringEqualsIfExists": {"aws:ResourceAccount": account.id},
            },
        )
    ]
