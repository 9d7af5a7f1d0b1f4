"""Alarms, made by the components that they watch, so that none is forgotten and none outlives what it watches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Required, TypedDict, Unpack

import pulumi
import pulumi_aws as aws

from .errors import ArgumentError

Severity = Literal["critical", "warning"]
Comparison = Literal[
    "GreaterThanThreshold", "GreaterThanOrEqualToThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold"
]


@dataclass(frozen=True, kw_only=True)
class AlarmTopics:
    """Where alarms go: the ARNs of two SNS topics."""

    critical: pulumi.Input[str]
    """Somebody must act now."""

    warning: pulumi.Input[str]
    """Somebody should look tomorrow."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One CloudWatch metric and how it is summed up."""

    namespace: str
    name: str
    dimensions: Mapping[str, pulumi.Input[str]]
    statistic: str
    """Average, Maximum, Minimum, Sum, SampleCount or a percentile such as p95."""


Expression = tuple[str, Mapping[str, Metric]]
"""What is reckoned from several metrics: `("errors / requests * 100", {"errors": …})`."""


class AlarmOptions(TypedDict, total=False):
    """When an alarm goes off, and whom it tells."""

    metric: Metric
    """What is watched; or `expression`."""

    expression: Expression

    comparison: Comparison
    """Left out: GreaterThanThreshold."""

    threshold: Required[float]
    period_seconds: int
    """Left out: 60."""

    periods: int
    """How many are looked at. Left out: 5."""

    breaching_periods: int
    """How many of those must be beyond the threshold. Left out: all."""

    severity: Required[Severity]
    """Which of the topics is told, when it starts and when it ends."""

    topics: Required[AlarmTopics]
    missing: Literal["notBreaching", "breaching", "ignore", "missing"]
    """What no data means. Left out: that nothing happens."""

    region: str | None
    """For metrics that AWS keeps elsewhere; the topic must be there, too."""


def metric_alarm(
    name: str, *, description: str, opts: pulumi.ResourceOptions, **how: Unpack[AlarmOptions]
) -> aws.cloudwatch.MetricAlarm:
    """An alarm on one metric, or on an expression over several.

    `description` is what the person who is woken reads: what is wrong and what to look at first.
    """
    metric, expression = how.get("metric"), how.get("expression")
    period_seconds, periods = how.get("period_seconds", 60), how.get("periods", 5)
    if (metric is None) == (expression is None):
        raise ArgumentError("metric", metric, "and expression: give one of the two")
    watched: dict[str, object] = {}
    if metric is not None:
        watched = {
            "namespace": metric.namespace,
            "metric_name": metric.name,
            "dimensions": dict(metric.dimensions),
            "period": period_seconds,
            **(
                {"extended_statistic": metric.statistic}
                if metric.statistic.startswith("p")
                else {"statistic": metric.statistic}
            ),
        }
    elif expression is not None:
        watched = {"metric_queries": _queries(expression[0], expression[1], period_seconds)}
    topic = how["topics"].critical if how["severity"] == "critical" else how["topics"].warning
    return aws.cloudwatch.MetricAlarm(
        name,
        # Operators look alarms up by name, and nothing is lost when one is replaced.
        name=name,
        alarm_description=description,
        comparison_operator=how.get("comparison", "GreaterThanThreshold"),
        threshold=how["threshold"],
        evaluation_periods=periods,
        datapoints_to_alarm=how.get("breaching_periods", periods),
        treat_missing_data=how.get("missing", "notBreaching"),
        region=how.get("region"),
        alarm_actions=[topic],
        ok_actions=[topic],
        opts=opts,
        **watched,  # pyright: ignore[reportArgumentType] one of two sets of arguments
    )


def _queries(
    expression: str, metrics: Mapping[str, Metric], period_seconds: int
) -> Sequence[aws.cloudwatch.MetricAlarmMetricQueryArgs]:
    return [
        aws.cloudwatch.MetricAlarmMetricQueryArgs(id="result", expression=expression, label="result", return_data=True),
        *(
            aws.cloudwatch.MetricAlarmMetricQueryArgs(
                id=key,
                metric=aws.cloudwatch.MetricAlarmMetricQueryMetricArgs(
                    namespace=metric.namespace,
                    metric_name=metric.name,
                    dimensions=dict(metric.dimensions),
                    stat=metric.statistic,
                    period=period_seconds,
                ),
            )
            for key, metric in sorted(metrics.items())
        ),
    ]
