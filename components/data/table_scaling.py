"""Capacity of a provisioned DynamoDB table that follows its use, for the table and for each of its indexes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import pulumi
import pulumi_aws as aws
from pydantic import Field

from ..args import Args
from ..children import Children
from ..errors import Mistake

CHILDREN = ("scaling_target", "scaling_policy")

# Of a table, until AWS gives an account more, and of either kind of capacity.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
MOST_UNITS = 40_000


Units = Annotated[int, Field(ge=1, le=MOST_UNITS)]


class CapacityRange(Args):
    """Between which numbers of units a second the capacity moves: 4 KB for a read, 1 KB for a write."""

    minimum: Units
    maximum: Units

    def mistakes(self) -> Iterator[Mistake]:
        if self.minimum > self.maximum:
            yield Mistake("maximum", self.maximum, f"is less than minimum, {self.minimum}; use at least as much")


class Provisioned(Args):
    """Capacity that is there beforehand. Used in full it costs a third of requests on demand, and unused no less."""

    read: CapacityRange
    """What is read."""

    write: CapacityRange
    """What is written."""

    utilisation_percent: Annotated[int, Field(ge=20, le=90)] = 70
    """How much of the capacity should be in use. The rest is for peaks, to which scaling is minutes late."""


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
