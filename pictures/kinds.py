"""What a resource of AWS is in a picture: which tier it belongs to, and how much it speaks for what it is part of."""

from __future__ import annotations

from typing import Final, Literal

Tier = Literal["edge", "programs", "messaging", "data", "network", "operations"]

TIERS: Final[dict[Tier, str]] = {
    "edge": "Edge",
    "programs": "Programs",
    "messaging": "Messages and events",
    "data": "Data",
    "network": "Network",
    "operations": "Operations",
}
"""In the order of a request's way, with their headings."""

# The parts of AWS by tier, those first that speak for a component in which several stand: a service with a queue of
# its own is a program.
_PARTS: Final[dict[Tier, tuple[str, ...]]] = {
    "programs": (
        "apprunner/service:",
        "autoscaling/group:",
        "batch/jobDefinition:",
        "ec2/instance:",
        "ecs/expressGatewayService:",
        "ecs/service:",
        "eks/cluster:",
        "eks/nodeGroup:",
        "emrserverless/",
        "glue/job:",
        "lambda/function:",
    ),
    "edge": (
        "alb/loadBalancer:",
        "apigateway/restApi:",
        "apigatewayv2/api:",
        "apigatewayv2/vpcLink:",
        "appsync/",
        "cloudfront/distribution:",
        "cognito/userPool:",
        "elb/loadBalancer:",
        "globalaccelerator/",
        "lb/loadBalancer:",
        "acm/certificate:",
        "route53/zone:",
        "wafv2/webAcl:",
    ),
    "data": (
        "athena/workgroup:",
        "bedrock/",
        "cloudsearch/",
        "docdb/cluster:",
        "dynamodb/table:",
        "efs/fileSystem:",
        "elasticache/cluster:",
        "elasticache/replicationGroup:",
        "elasticache/serverlessCache:",
        "fsx/",
        "glue/catalogDatabase:",
        "kinesis/firehoseDeliveryStream:",
        "kinesis/stream:",
        "neptune/cluster:",
        "opensearch/domain:",
        "opensearch/serverlessCollection:",
        "rds/cluster:",
        "rds/instance:",
        "redshift/cluster:",
        "s3/bucket:",
        "s3/bucketV2:",
        "secretsmanager/secret:",
        "ssm/parameter:",
    ),
    "messaging": (
        "cloudwatch/eventBus:",
        "cloudwatch/eventRule:",
        "mq/broker:",
        "pipes/pipe:",
        "scheduler/schedule:",
        "sfn/stateMachine:",
        "sns/topic:",
        "sqs/queue:",
    ),
    "network": (
        "ec2/vpc:",
        "ec2/natGateway:",
        "ec2/vpcEndpoint:",
        "ec2/subnet:",
        "ec2/securityGroup:",
        "ec2transitgateway/",
    ),
}
_ORDER: Final = tuple(f"aws:{part}" for parts in _PARTS.values() for part in parts)
_TIER: Final[dict[str, Tier]] = {f"aws:{part}": tier for tier, parts in _PARTS.items() for part in parts}

# What something else needs to work, and no request goes through: arrows to it would hide those that tell the way.
_SUPPORTS: Final = (
    "aws:acm/certificate:",
    "aws:route53/zone:",
    "aws:secretsmanager/secret:",
    "aws:ssm/parameter:",
    "aws:wafv2/webAcl:",
)

# What our own groups of components are for, where their resources alone would say something else.
_GROUPS: Final[dict[str, Tier]] = {
    "analytics": "data",
    "delivery": "operations",
    "identity": "operations",
    "messaging": "messaging",
    "network": "network",
    "operations": "operations",
}
_OURS: Final = "kumiki"
_PEOPLE: Final = "kumiki:identity:UserPool"


def rank(type_: str) -> int:
    """How much a resource of this type speaks for the component that it is part of; the lower the more."""
    return next((index for index, part in enumerate(_ORDER) if type_.startswith(part)), len(_ORDER))


def speaks(type_: str) -> bool:
    """Whether a resource of this type is something by itself, and no setting or right of another."""
    return rank(type_) < len(_ORDER)


def supports(type_: str) -> bool:
    """Whether what a resource of this type speaks for only supports others, as a certificate does."""
    return type_.startswith(_SUPPORTS)


def tier(component: str, main: str) -> Tier:
    """The tier of what has the type `component` and, as its main resource, one of type `main`."""
    found = _tier_of(main)
    package, _, rest = component.partition(":")
    if package != _OURS or component == _PEOPLE:
        return found
    group = rest.partition(":")[0]
    if group == "compute" and found != "programs":
        # What programs are made from: images, their configuration.
        return "operations"
    return _GROUPS.get(group, found)


def _tier_of(type_: str) -> Tier:
    for part in _ORDER:
        if type_.startswith(part):
            return _TIER[part]
    return "operations"
