"""Alarms and dashboards."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.creation import Call, Spec


def _alarm(inputs: dict[str, Any]) -> dict[str, Any]:
    """Dimensions are a map for the provider and a list of pairs for AWS."""
    shaped = {key: value for key, value in inputs.items() if key not in ("dimensions", "metricQueries")}
    if "dimensions" in inputs:
        shaped["dimensions"] = _pairs(inputs["dimensions"])
    if "metricQueries" in inputs:
        shaped["metrics"] = [_query(query) for query in inputs["metricQueries"]]
    return shaped


def _query(query: dict[str, Any]) -> dict[str, Any]:
    if "metric" not in query:
        return query
    metric = query["metric"]
    stat = {
        "metric": {
            "namespace": metric.get("namespace"),
            "metricName": metric["metricName"],
            "dimensions": _pairs(metric.get("dimensions", {})),
        },
        **{key: metric[key] for key in ("period", "stat", "unit") if key in metric},
    }
    return {**{key: value for key, value in query.items() if key != "metric"}, "metricStat": stat}


def _pairs(dimensions: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in sorted(dimensions.items())]


SPECS: Final[dict[str, Spec]] = {
    "aws:cloudwatch/metricAlarm:MetricAlarm": Spec(
        service="cloudwatch",
        create=Call(
            operation="PutMetricAlarm",
            takes={
                "name": "AlarmName",
                "evaluateLowSampleCountPercentiles": "EvaluateLowSampleCountPercentile",
                "insufficientDataActions": "InsufficientDataActions",
                "okActions": "OKActions",
            },
            reshape=_alarm,
        ),
        id="{name}",
        autoname="name",
        outputs={"arn": "arn:{partition}:cloudwatch:{region}:{account}:alarm:{name}"},
    ),
    "aws:cloudwatch/dashboard:Dashboard": Spec(
        service="cloudwatch",
        create=Call(operation="PutDashboard"),
        id="{dashboardName}",
        autoname="dashboardName",
        outputs={"dashboardArn": "arn:{partition}:cloudwatch::{account}:dashboard/{id}"},
    ),
}
