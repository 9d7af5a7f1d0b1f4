"""The AWS services that a VPC reaches privately, and the endpoints that lead to them.

Names are those of the endpoint service without `com.amazonaws.<region>.`, for ap-northeast-1. Only services whose
endpoints take a policy are listed, because an endpoint without one lets anybody's credentials out of the VPC.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pulumi
import pulumi_aws as aws

from ..account import Account
from ..children import Children
from ..errors import Mistake, nearest
from ..policy import document
from ..security_rules import allow_ingress, closed_group
from .endpoint_policies import dynamodb_gateway_policy, interface_policy, s3_gateway_policy

CHILDREN = ("gateway_endpoint", "endpoint_security_group", "endpoint_ingress_rule", "interface_endpoint")

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


def expand_endpoints(names: Sequence[str]) -> tuple[str, ...]:
    """The services that `names` (bundles and services) stand for: each once, in a fixed order."""
    return tuple(sorted({service for name in names for service in BUNDLES.get(name, (name,))}))


def endpoint_mistakes(names: Sequence[str]) -> Iterator[Mistake]:
    """Names that stand for nothing, or for what is there anyway."""
    known = {*BUNDLES, *INTERFACE_SERVICES}
    for number, name in enumerate(names):
        if name in {"s3", "dynamodb"}:
            reason = "is there already: every VPC has free gateway endpoints for S3 and DynamoDB"
            yield Mistake(("endpoints", number), name, reason)
        elif name not in known:
            yield Mistake(
                ("endpoints", number),
                name,
                f"is not an endpoint; {nearest(name, known)}use a bundle ({', '.join(sorted(BUNDLES))}) "
                "or the name of a service such as ecr.api",
            )


def gateway_endpoints(
    prefix: str,
    vpc_id: pulumi.Output[str],
    tables: Sequence[aws.ec2.RouteTable],
    account: Account,
    child: Children,
) -> dict[str, aws.ec2.VpcEndpoint]:
    """S3 and DynamoDB without NAT and without cost. Fargate fetches its image layers this way."""
    policies = {"s3": s3_gateway_policy(account), "dynamodb": dynamodb_gateway_policy(account)}
    return {
        service: aws.ec2.VpcEndpoint(
            f"{prefix}-{service}-endpoint",
            vpc_id=vpc_id,
            vpc_endpoint_type="Gateway",
            service_name=_service_name(service, account),
            route_table_ids=[table.id for table in tables],
            policy=document(*statements),
            tags={"Name": f"{prefix}-{service}-endpoint"},
            opts=child("gateway_endpoint"),
        )
        for service, statements in policies.items()
    }


def interface_endpoints(
    prefix: str,
    names: Sequence[str],
    vpc_id: pulumi.Output[str],
    vpc_cidr: str,
    subnets: Sequence[aws.ec2.Subnet],
    account: Account,
    child: Children,
) -> tuple[aws.ec2.SecurityGroup | None, Mapping[str, aws.ec2.VpcEndpoint]]:
    """For each service an endpoint in every one of the subnets, and the security group of all of them, if there are
    any."""
    services = expand_endpoints(names)
    if not services:
        return None, {}
    # No egress rule: an endpoint only answers.
    name, opts = f"{prefix}-endpoint-security-group", child("endpoint_security_group")
    group = closed_group(name, vpc_id, f"Interface endpoints of {prefix}", opts)
    rule, opts = f"{prefix}-endpoint-ingress-rule", child("endpoint_ingress_rule")
    allow_ingress(rule, group.id, 443, "HTTPS from this VPC", opts, cidr=vpc_cidr)
    endpoints = {}
    for service in services:
        name = f"{prefix}-{service.replace('.', '-')}-endpoint"
        endpoints[service] = aws.ec2.VpcEndpoint(
            name,
            vpc_id=vpc_id,
            vpc_endpoint_type="Interface",
            service_name=_service_name(service, account),
            subnet_ids=[subnet.id for subnet in subnets],
            security_group_ids=[group.id],
            # The service's usual name then leads to the endpoint: callers change nothing. One for each service.
            private_dns_enabled=True,
            policy=document(*interface_policy(service, account)),
            tags={"Name": name},
            opts=child("interface_endpoint"),
        )
    return group, endpoints


def _service_name(service: str, account: Account) -> pulumi.Output[str]:
    return pulumi.Output.concat("com.amazonaws.", account.region, f".{service}")
