"""How long AWS lets names be. The provider only finds out in the middle of a deployment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.refusal import Refusal

_PULUMI_SUFFIX = len("-1234567")

# Type → the property that holds the name, and the most characters that AWS takes.
LIMITS: dict[str, tuple[str, int]] = {
    "aws:appautoscaling/policy:Policy": ("name", 256),
    "aws:cloudwatch/logGroup:LogGroup": ("name", 512),
    "aws:ec2/securityGroup:SecurityGroup": ("name", 255),
    "aws:ecr/repository:Repository": ("name", 256),
    "aws:ecs/cluster:Cluster": ("name", 255),
    "aws:ecs/service:Service": ("name", 255),
    "aws:ecs/taskDefinition:TaskDefinition": ("family", 255),
    "aws:iam/role:Role": ("name", 64),
    "aws:iam/rolePolicy:RolePolicy": ("name", 128),
    "aws:kms/alias:Alias": ("name", 256),
    "aws:lb/targetGroup:TargetGroup": ("name", 32),
    "aws:rds/subnetGroup:SubnetGroup": ("name", 255),
    "aws:s3/bucket:Bucket": ("bucket", 63),
}


def check_name(type_: str, name: str, props: Mapping[str, Any]) -> None:
    """Refuse a resource whose name in AWS (given, or made by Pulumi from `name` and a suffix) would be too long."""
    if type_ not in LIMITS:
        return
    field, limit = LIMITS[type_]
    given = props.get(field)
    if given is not None and not isinstance(given, str):
        return  # an output: its length is known to nobody yet
    final = given if given is not None else f"{name}-{'x' * (_PULUMI_SUFFIX - 1)}"
    if len(final) > limit:
        kind = type_.rsplit(":", 1)[-1]
        raise Refusal(
            f"the name of {kind} {name}",
            final,
            f"would be {len(final)} characters long, and AWS allows {limit}; "
            f"shorten the product or the service by {len(final) - limit}",
        )
