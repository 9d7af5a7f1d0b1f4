"""Alarms by which a deployment of a service goes back: the circuit breaker sees tasks that do not start, and not those
that start, answer their health check and fail at what they are for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final

import pulumi
import pulumi_aws as aws
from pydantic import Field

from ..alarms import Metric
from ..args import Args
from ..children import Children
from ..errors import Mistake
from ..values import text
from .load_balancer_target import TargetGroups

CHILDREN: Final = ("rollback_alarm",)

_AlarmName = Annotated[str, text(r"[^*?]{1,255}", "write the whole name of one alarm, without wildcards")]


class RollBack(Args):
    """What ECS watches during a deployment, and for a time after it that it reckons from the alarms; in alarm, the last
    version comes back (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html). The
    own alarms cost $0.20 and $0.10 a month."""

    failed_percent: Annotated[int, Field(ge=1, le=99)] | None = None
    """Share of answers that are 5xx, of ten or more in a minute, in two of three minutes; behind a load balancer."""

    memory_percent: Annotated[int, Field(ge=1, le=99)] | None = None
    """Mean memory of the tasks, for two minutes: what a version needs that no longer fits."""

    alarms: list[_AlarmName] = []
    """Alarms of others by their whole names. They must be there before the service is."""

    def mistakes(self) -> Iterator[Mistake]:
        if self.failed_percent is None and self.memory_percent is None and not self.alarms:
            why = "leaves nothing to watch; give failed_percent, memory_percent or alarms"
            yield Mistake("failed_percent", None, why)
        for name in sorted({one for one in self.alarms if self.alarms.count(one) > 1}):
            yield Mistake("alarms", name, "is there twice; name each alarm once")


def alarms_of(
    prefix: str, args: RollBack, cluster_name: pulumi.Input[str], targets: TargetGroups | None, child: Children
) -> aws.ecs.ServiceAlarmsArgs:
    """The alarms, made before the service is, and what it is told of them."""
    own: list[aws.cloudwatch.MetricAlarm] = []
    if args.failed_percent is not None and targets is not None:
        failed, asked = (targets.metric(name, "Sum") for name in ("HTTPCode_Target_5XX_Count", "RequestCount"))
        own.append(
            aws.cloudwatch.MetricAlarm(
                f"{prefix}-failed-rollback-alarm",
                name=f"{prefix}-failed-rollback-alarm",
                alarm_description=f"Requests to {prefix} fail. A deployment that is under way goes back.",
                comparison_operator="GreaterThanThreshold",
                threshold=args.failed_percent,
                evaluation_periods=3,
                datapoints_to_alarm=2,
                treat_missing_data="notBreaching",
                metric_queries=[
                    aws.cloudwatch.MetricAlarmMetricQueryArgs(
                        id="result",
                        expression="IF(asked >= 10, 100 * failed / asked, 0)",
                        label="5xx in percent",
                        return_data=True,
                    ),
                    *(_query(name, metric) for name, metric in (("asked", asked), ("failed", failed))),
                ],
                opts=child("rollback_alarm"),
            )
        )
    if args.memory_percent is not None:
        own.append(
            aws.cloudwatch.MetricAlarm(
                f"{prefix}-memory-rollback-alarm",
                name=f"{prefix}-memory-rollback-alarm",
                alarm_description=f"Tasks of {prefix} need too much memory. A deployment that is under way goes back.",
                namespace="AWS/ECS",
                metric_name="MemoryUtilization",
                # By its name, since the service is made after the alarm.
                dimensions={"ClusterName": cluster_name, "ServiceName": prefix},
                statistic="Average",
                period=60,
                comparison_operator="GreaterThanThreshold",
                threshold=args.memory_percent,
                evaluation_periods=2,
                datapoints_to_alarm=2,
                treat_missing_data="notBreaching",
                opts=child("rollback_alarm"),
            )
        )
    return aws.ecs.ServiceAlarmsArgs(alarm_names=[*(one.name for one in own), *args.alarms], enable=True, rollback=True)


def _query(name: str, metric: Metric) -> aws.cloudwatch.MetricAlarmMetricQueryArgs:
    return aws.cloudwatch.MetricAlarmMetricQueryArgs(
        id=name,
        return_data=False,
        metric=aws.cloudwatch.MetricAlarmMetricQueryMetricArgs(
            namespace=metric.namespace,
            metric_name=metric.name,
            dimensions=dict(metric.dimensions),
            stat=metric.statistic,
            period=60,
        ),
    )
