"""How many tasks a service has: on CPU, memory, requests or queued messages, whichever asks for most."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Protocol

import pulumi
import pulumi_aws as aws
from pydantic import Field

from ..args import Args
from ..children import Children
from ..errors import Mistake

CHILDREN = ("scaling_target", "scaling_policy")

# Of a service. https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html
MOST_TASKS = 5000

Percent = Annotated[int, Field(ge=1, le=100)]
# These upper bounds are no limits of AWS's: what is more has been mistyped.
PerTask = Annotated[int, Field(ge=1, le=1_000_000)]
Cooldown = Annotated[int, Field(ge=0, le=86_400)]


class Scaling(Args):
    """Between which numbers of tasks, and what each task should be busy with. None, in YAML null, switches a measure
    off."""

    minimum: Annotated[int, Field(ge=0, le=MOST_TASKS)]
    """Tasks that always run."""

    maximum: Annotated[int, Field(ge=1, le=MOST_TASKS)]
    """Tasks that never become more: the most that it can cost."""

    cpu_percent: Percent | None = 60
    """Mean CPU that is aimed at."""

    memory_percent: Percent | None = 70
    """Mean memory that is aimed at."""

    requests_per_task: PerTask | None = None
    """Requests in a minute that each task should have; only behind a load balancer."""

    messages_per_task: PerTask | None = None
    """For a worker: waiting messages of its queue that one task may have before it seeks help."""

    out_seconds: Cooldown = 60
    """Seconds until tasks are added again."""

    in_seconds: Cooldown = 300
    """Seconds until tasks are removed again: slowly, because the next rush is seldom far."""

    def mistakes(self) -> Iterator[Mistake]:
        if self.maximum < self.minimum:
            yield Mistake("maximum", self.maximum, f"is not allowed; use {self.minimum} to {MOST_TASKS}")
        if not any((self.cpu_percent, self.memory_percent, self.requests_per_task, self.messages_per_task)):
            yield Mistake("cpu_percent", None, "leaves nothing to scale on; give one measure")


class CountedQueue(Protocol):
    """A queue whose messages are counted."""

    @property
    def queue_name(self) -> pulumi.Output[str]: ...


def scale(
    name: str,
    scaling: Scaling,
    service: aws.ecs.Service,
    cluster_name: pulumi.Input[str],
    requests_label: pulumi.Output[str] | None,
    queue: CountedQueue | None,
    child: Children,
) -> aws.appautoscaling.Target:
    """The range of tasks, which is returned, and a policy for each measure."""
    target = aws.appautoscaling.Target(
        f"{name}-scaling-target",
        service_namespace="ecs",
        scalable_dimension="ecs:service:DesiredCount",
        resource_id=pulumi.Output.concat("service/", cluster_name, "/", service.name),
        min_capacity=scaling.minimum,
        max_capacity=scaling.maximum,
        opts=child("scaling_target"),
    )

    def track(measure: str, **aim: object) -> None:
        aws.appautoscaling.Policy(
            f"{name}-{measure}-scaling-policy",
            name=f"{name}-{measure}",
            policy_type="TargetTrackingScaling",
            service_namespace=target.service_namespace,
            scalable_dimension=target.scalable_dimension,
            resource_id=target.resource_id,
            target_tracking_scaling_policy_configuration=aws.appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationArgs(
                scale_out_cooldown=scaling.out_seconds,
                scale_in_cooldown=scaling.in_seconds,
                **aim,  # pyright: ignore[reportArgumentType] the target and what is measured
            ),
            opts=child("scaling_policy"),
        )

    def predefined(metric: str, label: pulumi.Output[str] | None = None) -> object:
        return aws.appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationPredefinedMetricSpecificationArgs(
            predefined_metric_type=metric, resource_label=label
        )

    if scaling.cpu_percent is not None:
        track(
            "cpu",
            target_value=scaling.cpu_percent,
            predefined_metric_specification=predefined("ECSServiceAverageCPUUtilization"),
        )
    if scaling.memory_percent is not None:
        track(
            "memory",
            target_value=scaling.memory_percent,
            predefined_metric_specification=predefined("ECSServiceAverageMemoryUtilization"),
        )
    if scaling.requests_per_task is not None and requests_label is not None:
        track(
            "requests",
            target_value=scaling.requests_per_task,
            predefined_metric_specification=predefined("ALBRequestCountPerTarget", requests_label),
        )
    if scaling.messages_per_task is not None and queue is not None:
        track(
            "queue",
            target_value=scaling.messages_per_task,
            customized_metric_specification=_messages_per_task(queue.queue_name, service.name, cluster_name),
        )
    return target


def _messages_per_task(
    queue_name: pulumi.Input[str], service_name: pulumi.Input[str], cluster_name: pulumi.Input[str]
) -> aws.appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationCustomizedMetricSpecificationArgs:
    spec = aws.appautoscaling
    prefix = "PolicyTargetTrackingScalingPolicyConfigurationCustomizedMetricSpecification"
    metric_args = getattr(spec, f"{prefix}MetricArgs")
    stat_args = getattr(spec, f"{prefix}MetricMetricStatArgs")
    of_args = getattr(spec, f"{prefix}MetricMetricStatMetricArgs")
    dimension = getattr(spec, f"{prefix}MetricMetricStatMetricDimensionArgs")
    return spec.PolicyTargetTrackingScalingPolicyConfigurationCustomizedMetricSpecificationArgs(
        metrics=[
            metric_args(
                id="waiting",
                return_data=False,
                metric_stat=stat_args(
                    stat="Average",
                    metric=of_args(
                        namespace="AWS/SQS",
                        metric_name="ApproximateNumberOfMessagesVisible",
                        dimensions=[dimension(name="QueueName", value=queue_name)],
                    ),
                ),
            ),
            metric_args(
                id="tasks",
                return_data=False,
                metric_stat=stat_args(
                    stat="Average",
                    metric=of_args(
                        namespace="ECS/ContainerInsights",
                        metric_name="RunningTaskCount",
                        dimensions=[
                            dimension(name="ClusterName", value=cluster_name),
                            dimension(name="ServiceName", value=service_name),
                        ],
                    ),
                ),
            ),
            # With no task yet every message counts as one task's.
            metric_args(
                id="each", expression="waiting / IF(tasks > 0, tasks, 1)", label="Messages per task", return_data=True
            ),
        ]
    )
