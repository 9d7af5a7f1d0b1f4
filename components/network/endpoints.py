"""The AWS services that a VPC can reach privately, and what may pass through each endpoint.

Names are those of the endpoint service without `com.amazonaws.<region>.`, for ap-northeast-1. Only services whose
endpoints take a policy are listed, because an endpoint without one lets anybody's credentials out of the VPC.
"""

from __future__ import annotations

from collections.abc import Sequence

import pulumi

from components.account import Account
from components.policy import Statement, statement
from components.refusal import Refusal, nearest

INTERFACE_SERVICES: frozenset[str] = frozenset(
    {
        "access-analyzer", "acm-pca", "airflow.api", "aoss", "appconfig", "appconfigdata", "application-autoscaling",
        "athena", "autoscaling", "autoscaling-plans", "backup", "batch", "bedrock", "bedrock-agent",
        "bedrock-agent-runtime", "bedrock-runtime", "cloudformation", "cloudtrail", "codeartifact.api",
        "codeartifact.repositories", "codebuild", "codecommit", "codedeploy", "codedeploy-commands-secure",
        "codepipeline", "cognito-idp", "comprehend", "config", "databrew", "datasync", "dms", "dynamodb-streams", "ebs",
        "ec2", "ec2messages", "ecr.api", "ecr.dkr", "ecs", "ecs-agent", "ecs-telemetry", "eks", "elasticache",
        "elasticfilesystem", "elasticloadbalancing", "elasticmapreduce", "email", "emr-containers", "emr-serverless",
        "events", "execute-api", "fis", "git-codecommit", "glue", "guardduty-data", "imagebuilder", "inspector2",
        "kinesis-firehose", "kinesis-streams", "kms", "lakeformation", "lambda", "logs", "monitoring", "pipes", "polly",
        "rds", "rds-data", "redshift", "redshift-data", "rekognition", "resource-groups", "sagemaker.api",
        "sagemaker.featurestore-runtime", "sagemaker.runtime", "scheduler", "secretsmanager", "securityhub",
        "servicecatalog", "servicediscovery", "sns", "sqs", "ssm", "ssm-contacts", "ssm-incidents", "ssmmessages",
        "states", "sts", "sync-states", "textract", "transcribe", "transcribestreaming", "translate",
        "verifiedpermissions", "xray",
    }
)  # fmt: skip

BUNDLES: dict[str, tuple[str, ...]] = {
    # What a Fargate task needs to start without NAT: its image, its log stream, its secrets (and S3 for image layers,
    # by the gateway endpoint that every VPC has).
    "ecsPrivate": ("ecr.api", "ecr.dkr", "logs", "secretsmanager"),
    # A shell on a host in a private subnet, without an open port.
    "ssmSession": ("ssm", "ssmmessages", "ec2messages"),
    # Models, knowledge bases and agents.
    "bedrock": ("bedrock", "bedrock-runtime", "bedrock-agent", "bedrock-agent-runtime"),
    # `aws ecs execute-command` in a private task.
    "ecsExec": ("ssmmessages",),
}

# Amazon serves these from resources of its own (foundation models, public parameters and documents), so a rule that
# the resource must be ours would refuse them. The caller must still be ours.
_SERVES_AMAZON_RESOURCES = frozenset({"bedrock", "bedrock-runtime", "bedrock-agent-runtime", "ssm", "ec2"})

_FLUENT_BIT_ACCOUNT = "906394416424"
"""The account from which Amazon serves `aws-for-fluent-bit` in every region's ECR."""


def expand_endpoints(names: Sequence[str]) -> tuple[str, ...]:
    """The services that `names` (bundles and services) stand for: each once, in a fixed order."""
    services: set[str] = set()
    for index, name in enumerate(names):
        if name in BUNDLES:
            services.update(BUNDLES[name])
        elif name in INTERFACE_SERVICES:
            services.add(name)
        elif name in {"s3", "dynamodb"}:
            raise Refusal(
                f"endpoints[{index}]",
                name,
                "is there already: every VPC has free gateway endpoints for S3 and DynamoDB",
            )
        else:
            known = {*BUNDLES, *INTERFACE_SERVICES}
            raise Refusal(
                f"endpoints[{index}]",
                name,
                f"is not an endpoint; {nearest(name, known)}use a bundle ({', '.join(sorted(BUNDLES))}) "
                "or the name of a service such as ecr.api",
            )
    return tuple(sorted(services))


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
