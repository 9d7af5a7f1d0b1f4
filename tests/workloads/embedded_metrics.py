"""What CloudWatch makes of a log event in its embedded metric format, and of what nothing.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3

DAYS = 24 * 3600 * 1000
UNITS = set(
    boto3.client("cloudwatch", region_name="ap-northeast-1").meta.service_model.shape_for("StandardUnit").enum  # pyright: ignore[reportAttributeAccessIssue]
)


@dataclass(frozen=True, kw_only=True)
class Counted:
    """One value of one metric."""

    namespace: str
    name: str
    value: float
    unit: str
    dimensions: tuple[tuple[str, str], ...]


def extracted(message: str, arrival_ms: float) -> list[Counted]:
    """The values in a log event's message; none where CloudWatch would see none.

    The event must be one JSON object with nothing around it, `_aws` and what it points to at its top, and of the time
    of PutMetricData: two weeks back to two hours ahead.
    """
    try:
        root = json.loads(message)
    except ValueError:
        return []
    if not isinstance(root, dict) or not isinstance(told := root.get("_aws"), dict):
        return []
    when = told.get("Timestamp")
    if type(when) is not int or not arrival_ms - 14 * DAYS < when < arrival_ms + DAYS / 12:
        return []
    return [one for directive in told.get("CloudWatchMetrics", []) for one in _of(root, directive)]


def _of(root: dict[str, Any], directive: dict[str, Any]) -> Iterator[Counted]:
    namespace = directive["Namespace"]
    assert isinstance(namespace, str)
    assert 1 <= len(namespace) <= 255
    assert not namespace.startswith("AWS/")
    assert len(directive["Metrics"]) <= 100
    for names in directive["Dimensions"]:
        assert len(names) <= 30
        # A target that is not at the top makes the directive worth nothing.
        if not all(isinstance(root.get(name), str) and root[name] for name in names):
            continue
        for metric in directive["Metrics"]:
            assert set(metric) <= {"Name", "Unit", "StorageResolution"}
            value = root.get(metric["Name"])
            if isinstance(value, int | float) and not isinstance(value, bool):
                unit = metric.get("Unit", "None")
                assert unit in UNITS
                dimensions = tuple((name, root[name]) for name in names)
                yield Counted(namespace=namespace, name=metric["Name"], value=value, unit=unit, dimensions=dimensions)
