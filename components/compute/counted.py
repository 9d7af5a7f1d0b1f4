"""Alarms on what a program counts by itself: lines of its log in CloudWatch's embedded metric format, under the
namespace of METRICS_NAMESPACE and the dimension Service.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from pydantic import Field

from ..alarms import Metric
from ..args import Args
from ..values import text

NAMESPACE: Final = "METRICS_NAMESPACE"
"""The environment variable by which programs are told under which namespace to count; without it they count nothing."""

DIMENSION: Final = "Service"
"""By which programs of one namespace are told apart: each says as what it logs."""

MetricName = Annotated[
    str, text(r"[A-Z][A-Za-z0-9]{0,99}", "write a metric's name as the program counts it, such as JobTime")
]


class CountedAlarm(Args):
    """When somebody is told, tomorrow is early enough, of what the program counts. $0.10 a month."""

    above: Annotated[float, Field(ge=0, le=1e12)]
    """What is too much, in the metric's own unit: seconds of what took time."""

    statistic: Literal["Average", "Maximum", "Sum", "p50", "p90", "p95", "p99"] = "p95"
    """Of all that was counted meanwhile; p95: above it is a twentieth."""

    minutes: Annotated[int, Field(ge=1, le=1440)] = 15
    """For how long is counted before it is judged. Nothing counted is nothing too much."""


def kebab(metric: str) -> str:
    """JobTime → job-time."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", metric).lower()


def counted(namespace: str, service: str, name: str, statistic: str = "Sum") -> Metric:
    """What the program that logs as `service` counts as `name`."""
    return Metric(namespace=namespace, name=name, dimensions={DIMENSION: service}, statistic=statistic)
