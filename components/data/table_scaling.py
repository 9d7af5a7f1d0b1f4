"""Capacity of a provisioned DynamoDB table that follows its use, for the table and for each of its indexes."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.children import Children
from components.refusal import Refusal

CHILDREN = ("scaling_target", "scaling_policy")


@dataclass(frozen=True, kw_only=True)
class CapacityRange:
    """Between which numbers of units a second the capacity moves: 4 KB for a read, 1 KB for a write."""

    minimum: int
    maximum: int


@dataclass(frozen=True, kw_only=True)
class Provisioned:
    """Capacity that is there beforehand. Used in full it costs a third of requests on demand, and unused no less."""

    read: CapacityRange
    write: CapacityRange
    utilisation_percent: int = 70
    """How much of the capacity should be in use, 20 to 90. The rest is for peaks, to which scaling is minutes late."""

    def __post_init__(self) -> None:
        for what, units in (("read", self.read), ("write", self.write)):
            if not 1 <= units.minimum <= units.maximum <= 40_000:
                raise Refusal(
                    f"provisioned.{what}",
                    f"{units.minimum} to {units.maximum}",
                    "is not a range; use a minimum of at least 1 and a maximum from there to 40000",
                )
        if not 20 <= self.utilisation_percent <= 90:
            raise Refusal("provisioned.utilisation_percent", self.utilisation_percent, "is not allowed; use 20 to 90")


def scale(name: str, table: aws.dynamodb.Table, indexes: list[str], provisioned: Provisioned, child: Children) -> None:
    """A range and an aim for reads and for writes, of the table and of each index."""
    for index in (None, *indexes):
        resource = pulumi.Output.concat("table/", table.name, f"/index/{index}" if index else "")
        for what, units in (("Read", provisioned.read), ("Write", provisioned.write)):
            part = f"{name}-{index}-{what.lower()}" if index else f"{name}-{what.lower()}"
            target = aws.appautoscaling.Target(
                f"{part}-scaling-target",
                service_namespace="dynamodb",
                scalable_dimension=f"dynamodb:{'index' if index else 'table'}:{what}CapacityUnits",
                resource_id=resource,
                min_capacity=units.minimum,
                max_capacity=units.maximum,
                opts=child("scaling_target"),
            )
            specification = (
                aws.appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationPredefinedMetricSpecificationArgs(
                    predefined_metric_type=f"DynamoDB{what}CapacityUtilization"
                )
            )
            aws.appautoscaling.Policy(
                f"{part}-scaling-policy",
                name=part,
                policy_type="TargetTrackingScaling",
                service_namespace=target.service_namespace,
                scalable_dimension=target.scalable_dimension,
                resource_id=target.resource_id,
                target_tracking_scaling_policy_configuration=aws.appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationArgs(
                    target_value=provisioned.utilisation_percent, predefined_metric_specification=specification
                ),
                opts=child("scaling_policy"),
            )
