"""What a service runs, how many tasks of it, and how they are brought up to date."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from ..errors import Mistake
from .cluster import ClusterArgs
from .counted import NAMESPACE, CountedAlarm, MetricName
from .fargate import Capacity, Weight, capacities, sidecar_mistakes, weight_mistakes
from .load_balancer_target import LoadBalancerTarget
from .log_router import LogRouterArgs
from .roll_back import RollBack
from .scaling import MOST_TASKS, Scaling
from .service_deployment import Strategy
from .task import TaskArgs


class ServiceArgs(TaskArgs):
    """Tasks that run all the time. In ap-northeast-1 each costs about $37 a month for each processor and $4 for each
    GiB (x86, on demand)."""

    traffic: LoadBalancerTarget | None = None
    """Which requests of the load balancer it answers; none for a worker."""

    tasks: Annotated[int, Field(ge=0, le=MOST_TASKS)] = 1
    """Tasks to run; or `scaling`."""

    scaling: Scaling | None = None
    """None: always `tasks`."""

    fargate_weight: Weight | None = None
    """Share of tasks on Fargate, against `spot_weight`. Both left out: the cluster's shares. They are written into the
    service in any case: ECS would copy them there, and the next refresh would find them as a change."""

    spot_weight: Weight | None = None
    """Share of tasks on Fargate Spot: about 70 % cheaper, ended with two minutes' notice."""

    deployment: Strategy = "rolling"
    """rolling: tasks are replaced a few at a time. blueGreen: all at once, the old ones stay for `bake_minutes`; behind
    a load balancer the requests go over together, and of a worker's tasks the old ones and the new ones take work.
    canary: first a tenth of the requests, so it needs a load balancer. The last two pay for twice the tasks
    meanwhile."""

    bake_minutes: Annotated[int, Field(ge=0, le=1440)] = 10
    """Minutes for which the old tasks stay ready after a blueGreen or canary deployment."""

    alarm_use_percent: Annotated[int, Field(ge=1, le=99)] = 85
    """Of its CPU, and of its memory, above which somebody is told after 10 minutes."""

    counted_alarms: dict[MetricName, CountedAlarm] = {}
    """Alarms on what the program counts by itself under the namespace of METRICS_NAMESPACE, by the metric's name."""

    roll_back: RollBack | None = None
    """Alarms by which a deployment goes back, beside tasks that do not start, by which each does; null: none."""

    minimum_healthy_percent: Annotated[int, Field(ge=0, le=100)] = 100
    """Share of the tasks that run at every moment of a rolling deployment."""

    maximum_percent: Annotated[int, Field(ge=100, le=200)] = 200
    """Share of the tasks, old and new together, that may run during a rolling deployment."""

    def mistakes(self) -> Iterator[Mistake]:
        yield from super().mistakes()
        if self.scaling is not None and "tasks" in self.model_fields_set:
            yield Mistake("tasks", self.tasks, "and scaling both say how many tasks there are; keep one of them")
        if self.traffic is not None and self.port is None:
            yield Mistake("port", None, "is needed: the load balancer must know where the application listens")
        if self.traffic is None and self.deployment == "canary":
            # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/blue-green-deployment-implementation.html
            why = "shifts requests step by step, and a worker has none; use rolling or blueGreen"
            yield Mistake("deployment", self.deployment, why)
        requests = self.scaling.requests_per_task if self.scaling is not None else None
        if self.traffic is None and requests is not None:
            yield Mistake(("scaling", "requests_per_task"), requests, "needs traffic, and a worker has none")
        if self.counted_alarms and NAMESPACE not in self.environment:
            why = f"needs {NAMESPACE} in environment, or the program counts nothing"
            yield Mistake("counted_alarms", ", ".join(sorted(self.counted_alarms)), why)
        if self.traffic is not None and self.traffic.signed_in and self.deployment != "rolling":
            # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/alb-resources-for-blue-green.html
            why = "has ECS change the rule that judges tokens, which ECS refuses; use rolling, or judge in the service"
            yield Mistake("deployment", self.deployment, why)
        if self.roll_back is not None and self.roll_back.failed_percent is not None and self.traffic is None:
            why = "needs traffic, and a worker has none; use memoryPercent or alarms"
            yield Mistake(("roll_back", "failed_percent"), self.roll_back.failed_percent, why)
        if self.minimum_healthy_percent == self.maximum_percent:
            why = "and minimum_healthy_percent 100 let no task be replaced; move one of them"
            yield Mistake("maximum_percent", self.maximum_percent, why)
        if self._has_shares:
            yield from weight_mistakes(self.fargate_weight or 0, self.spot_weight or 0)

    def mistakes_with(
        self, cluster: ClusterArgs, log_router: LogRouterArgs | None, *, origin_secret: bool
    ) -> Iterator[Mistake]:
        """What does not go with the cluster, the log router and the load balancer that the service is given."""
        sidecars = {"log_router": log_router, "tracing": self.tracing}
        shares = {name: one.share for name, one in sidecars.items() if one is not None}
        yield from sidecar_mistakes(self.cpu, self.memory, shares)
        if self.deployment == "canary" and all(one.provider != "FARGATE" for one in self.capacities(cluster)):
            yield Mistake("deployment", "canary", "judges by few tasks; do not run all of them on Spot")
        if self.traffic is not None:
            for mistake in self.traffic.mistakes_of_rule(origin_secret=origin_secret):
                yield mistake.at("traffic")

    def capacities(self, cluster: ClusterArgs) -> list[Capacity]:
        """Where the tasks run: the service's own shares of Fargate and Spot, or else the cluster's."""
        if not self._has_shares:
            return cluster.capacities
        return capacities(fargate_weight=self.fargate_weight or 0, fargate_base=0, spot_weight=self.spot_weight or 0)

    @property
    def _has_shares(self) -> bool:
        return self.fargate_weight is not None or self.spot_weight is not None
