"""A Fargate cluster: no hosts to care for, with Container Insights.

Use: cluster = Cluster("wiki-dev-cluster", ClusterArgs(spot_weight=1))
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from components.children import Children, Transform
from components.refusal import Refusal


@dataclass(frozen=True, kw_only=True)
class ClusterArgs:
    """What the caller decides about a cluster. A cluster costs nothing; its tasks and metrics do."""

    fargate_weight: int = 1
    """Share of the tasks that run on Fargate, against `spot_weight`."""

    fargate_base: int = 0
    """Tasks of each service that run on Fargate before the weights count."""

    spot_weight: int = 0
    """Share of the tasks that run on Fargate Spot: about 70 % cheaper, ended with two minutes' notice."""

    enhanced_insights: bool = False
    """Container Insights for each task and container too; more metrics, about twice the price."""

    transform: Transform = field(default_factory=dict)
    """Changes to the properties of named children, for what this component does not offer."""

    def __post_init__(self) -> None:
        for name in ("fargate_weight", "spot_weight"):
            if not 0 <= getattr(self, name) <= 1000:
                raise Refusal(name, getattr(self, name), "is not allowed; use 0 to 1000")
        if not 0 <= self.fargate_base <= 100_000:
            raise Refusal("fargate_base", self.fargate_base, "is not allowed; use 0 to 100000")
        if self.fargate_weight + self.spot_weight == 0:
            raise Refusal("fargate_weight", 0, "and spot_weight 0 leave nowhere to run; give one of them a weight")


class Cluster(pulumi.ComponentResource):
    """A cluster whose services run on Fargate, on Fargate Spot, or on both."""

    CHILDREN = ("cluster", "capacity")

    name: pulumi.Output[str]
    """The name, known only once services can be placed."""
    arn: pulumi.Output[str]
    """The ARN, known only once services can be placed."""

    def __init__(self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kumiki:compute:Cluster", name, None, opts)
        child = Children(self, args.transform, self.CHILDREN)
        cluster = aws.ecs.Cluster(
            f"{name}-cluster",
            # Operators look services up by the cluster's name.
            name=name,
            settings=[
                aws.ecs.ClusterSettingArgs(
                    name="containerInsights", value="enhanced" if args.enhanced_insights else "enabled"
                )
            ],
            opts=child("cluster"),
        )
        weights = [("FARGATE", args.fargate_weight, args.fargate_base), ("FARGATE_SPOT", args.spot_weight, 0)]
        capacity = aws.ecs.ClusterCapacityProviders(
            f"{name}-capacity",
            cluster_name=cluster.name,
            capacity_providers=["FARGATE", "FARGATE_SPOT"],
            default_capacity_provider_strategies=[
                aws.ecs.ClusterCapacityProvidersDefaultCapacityProviderStrategyArgs(
                    capacity_provider=provider, weight=weight, base=base or None
                )
                for provider, weight, base in weights
                if weight or base
            ],
            opts=child("capacity"),
        )
        # A service that comes before the capacity providers finds no place for its tasks.
        self.name = pulumi.Output.all(cluster.name, capacity.id).apply(lambda known: known[0])
        self.arn = pulumi.Output.all(cluster.arn, capacity.id).apply(lambda known: known[0])
        self.register_outputs({"name": self.name})
