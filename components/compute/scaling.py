"""How many tasks a service has: on CPU, memory, requests or queued messages, whichever asks for most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws

from components.refusal import Refusal

if TYPE_CHECKING:
    from components.children import Children

CHILDREN = ("scaling_target", "scaling_policy")


@dataclass(frozen=True, kw_only=True)
class QueueDepth:
    """A queue that the service works off."""

    queue_name: pulumi.Input[str]
    """Its name in SQS."""

    messages_per_task: int = 10
    """Waiting messages that one task may have before it seeks help."""

    def __post_init__(self) -> None:
        if self.messages_per_task < 1:
            raise Refusal("scaling.queue.messages_per_task", self.messages_per_task, "is not allowed; use 1 or more")


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """Between which numbers of tasks, and what each task should be busy with. None switches a measure off."""

    minimum: int
    """Tasks that always run."""

    maximum: int
    """Tasks that never become more: the most that it can cost."""

    cpu_percent: int | None = 60
    """Mean CPU that is aimed at."""

    memory_percent: int | None = 70
    """Mean memory that is aimed at."""

    requests_per_task: int | None = None
    """Requests in a minute that each task should have; only behind a load balancer."""

    queue: QueueDepth | None = None
    """The queue of a worker."""

    out_seconds: int = 60
    """Seconds until tasks are added again."""

    in_seconds: int = 300
    """Seconds until tasks are removed again: slowly, because the next rush is seldom far."""

    def __post_init__(self) -> None:
        if self.minimum < 0:
            raise Refusal("scaling.minimum", self.minimum, "is not allowed; use 0 or more")
        if self.maximum < max(self.minimum, 1):
            raise Refusal("scaling.maximum", self.maximum, f"is less than {max(self.minimum, 1)}; use that or more")
        for name in ("cpu_percent", "memory_percent"):
            value = getattr(self, name)
            if value is not None and not 1 <= value <= 100:
                raise Refusal(f"scaling.{name}", value, "is not a percentage; use 1 to 100")
        if self.requests_per_task is not None and self.requests_per_task < 1:
            raise Refusal("scaling.requests_per_task", self.requests_per_task, "is not allowed; use 1 or more")
        if not any((self.cpu_percent, self.memory_percent, self.requests_per_task, self.queue)):
            raise Refusal("scaling.cpu_percent", None, "leaves nothing to scale on; give one measure")


def scale(
    name: str,
    scaling: Scaling,
    service: aws.ecs.Service,
    cluster_name: pulumi.Input[str],
    requests_label: pulumi.Output[str] | None,
    child: Children,
) -> None:
    """The range of tasks, and a policy for each measure."""
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
    if scaling.queue is not None:
        track(
            "queue",
            target_value=scaling.queue.messages_per_task,
            customized_metric_specification=_messages_per_task(scaling.queue, service.name, cluster_name),
        )


def _messages_per_task(
    queue: QueueDepth, service_name: pulumi.Input[str], cluster_name: pulumi.Input[str]
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
                        dimensions=[dimension(name="QueueName", value=queue.queue_name)],
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
