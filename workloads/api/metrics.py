"""What the application counts of its own business: a line of the log that CloudWatch turns into metrics.

CloudWatch's embedded metric format: no call, no permission, nothing to wait for; $0.30 a month for each metric.
"""

from __future__ import annotations

import json
import sys
import time

from api.logs import OUTPUT


class Metrics:
    """Counts under a namespace; without one nothing is counted."""

    def __init__(self, namespace: str | None, service: str) -> None:
        self._namespace = namespace
        self._service = service

    def count(self, name: str, value: int = 1) -> None:
        """Add `value` to the metric."""
        self._write(name, value, "Count")

    def took(self, name: str, seconds: float) -> None:
        """Note how long something took."""
        self._write(name, round(seconds, 3), "Seconds")

    def _write(self, name: str, value: float, unit: str) -> None:
        if self._namespace is None:
            return
        described = {
            "Namespace": self._namespace,
            "Dimensions": [["Service"]],
            "Metrics": [{"Name": name, "Unit": unit}],
        }
        line = {
            "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [described]},
            "Service": self._service,
            name: value,
        }
        with OUTPUT:
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()
