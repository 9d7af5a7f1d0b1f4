"""Alarms, made by the components that they watch, so that none is forgotten and none outlives what it watches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws

from components.refusal import Refusal

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


def raise_alarm(
    name: str,
    *,
    means: str,
    metric: Metric | None = None,
    expression: tuple[str, Mapping[str, Metric]] | None = None,
    comparison: Comparison = "GreaterThanThreshold",
    threshold: float,
    period_seconds: int = 60,
    periods: int = 5,
    breaching_periods: int | None = None,
    severity: Severity,
    topics: AlarmTopics,
    missing: Literal["notBreaching", "breaching", "ignore", "missing"] = "notBreaching",
    region: str | None = None,
    opts: pulumi.ResourceOptions,
) -> aws.cloudwatch.MetricAlarm:
    """An alarm on one metric, or on an expression over several (`("errors / requests * 100", {"errors": …})`).

    `means` is what the person who is woken reads: what is wrong and what to look at first. It goes to one topic by
    `severity`, when it starts and when it ends. `missing` is what no data means; mostly that nothing happens.
    `region` is for metrics that AWS keeps elsewhere; the topic must be there, too.
    """
    if (metric is None) == (expression is None):
        raise Refusal("metric", metric, "and expression: give one of the two")
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
    topic = topics.critical if severity == "critical" else topics.warning
    return aws.cloudwatch.MetricAlarm(
        name,
        # Operators look alarms up by name, and nothing is lost when one is replaced.
        name=name,
        alarm_description=means,
        comparison_operator=comparison,
        threshold=threshold,
        evaluation_periods=periods,
        datapoints_to_alarm=breaching_periods or periods,
        treat_missing_data=missing,
        region=region,
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
