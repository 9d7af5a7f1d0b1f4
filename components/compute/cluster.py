"""A Fargate cluster: no hosts to care for, with Container Insights.

Use: cluster = Cluster("wiki-dev-cluster", ClusterArgs(spot_weight=1))
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import pulumi
import pulumi_aws as aws
from pydantic import Field

from ..args import ComponentArgs
from ..component import Component
from ..errors import Mistake
from .fargate import Capacity, Weight, capacities, weight_mistakes


class ClusterArgs(ComponentArgs):
    """A Fargate cluster. It costs nothing; its tasks and metrics do."""

    fargate_weight: Weight = 1
    """Share of the tasks that run on Fargate, against `spot_weight`."""

    fargate_base: Annotated[int, Field(ge=0, le=100_000)] = 0
    """Tasks of each service that run on Fargate before the weights count."""

    spot_weight: Weight = 0
    """Share of the tasks that run on Fargate Spot: about 70 % cheaper, ended with two minutes' notice."""

    enhanced_insights: bool = False
    """Container Insights for each task and container too; more metrics, about twice the price."""

    service_role: Literal["adopt", "create"] = "adopt"
    """The role with which ECS manages tasks, one for the whole account (AWSServiceRoleForECS). create: in an account
    that has never had a cluster. AWS makes it with the first cluster too, but returns before it is there, and the
    capacity providers that follow are refused: "Unable to assume the service linked role". adopt: it is there."""

    def mistakes(self) -> Iterator[Mistake]:
        yield from weight_mistakes(self.fargate_weight, self.spot_weight)

    @property
    def capacities(self) -> list[Capacity]:
        """Where tasks run that say nothing of it themselves."""
        return capacities(
            fargate_weight=self.fargate_weight, fargate_base=self.fargate_base, spot_weight=self.spot_weight
        )


class Cluster(Component):
    """A cluster whose services run on Fargate, on Fargate Spot, or on both."""

    CHILDREN = ("service_role", "cluster", "capacity")

    args: ClusterArgs
    name: pulumi.Output[str]
    """The name, known only once services can be placed."""
    arn: pulumi.Output[str]
    """The ARN, known only once services can be placed."""

    def __init__(self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        self.args = args
        first: list[pulumi.Resource] = []
        if args.service_role == "create":
            role = aws.iam.ServiceLinkedRole(
                f"{name}-service-role",
                aws_service_name="ecs.amazonaws.com",
                # Others' clusters in the account work with it.
                opts=self._child("service_role", retain_on_delete=True),
            )
            first.append(role)
        cluster = aws.ecs.Cluster(
            f"{name}-cluster",
            # Operators look services up by the cluster's name.
            name=name,
            settings=[
                aws.ecs.ClusterSettingArgs(
                    name="containerInsights", value="enhanced" if args.enhanced_insights else "enabled"
                )
            ],
            opts=self._child("cluster", depends_on=first),
        )
        capacity = aws.ecs.ClusterCapacityProviders(
            f"{name}-capacity",
            cluster_name=cluster.name,
            capacity_providers=["FARGATE", "FARGATE_SPOT"],
            default_capacity_provider_strategies=[
                aws.ecs.ClusterCapacityProvidersDefaultCapacityProviderStrategyArgs(
                    capacity_provider=each.provider, weight=each.weight, base=each.base
                )
                for each in args.capacities
            ],
            opts=self._child("capacity"),
        )
        # A service that comes before the capacity providers finds no place for its tasks.
        self.name = pulumi.Output.all(cluster.name, capacity.id).apply(lambda known: known[0])
        self.arn = pulumi.Output.all(cluster.arn, capacity.id).apply(lambda known: known[0])
        self.register_outputs({"name": self.name})
