"""The resources of the rehearsal's report, as a bill counts them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

FREE_DASHBOARD_METRICS: Final = 50
"""In each of the three dashboards that are free. https://aws.amazon.com/cloudwatch/pricing/"""


class Resources:
    """What is made, and how much is expected to pass through it."""

    def __init__(self, made: Iterable[Mapping[str, Any]], expected: Mapping[str, Any], region: str = "") -> None:
        self.made = list(made)
        self.region = region
        self._expected = {key: Decimal(str(value)) for key, value in expected.items()}

    def of(self, type_: str) -> list[Mapping[str, Any]]:
        """The inputs of each resource of a type, such as `s3/bucket:Bucket`."""
        return [one["inputs"] for one in self.made if one["type"] == f"aws:{type_}"]

    def count(self, type_: str) -> Decimal:
        return Decimal(len(self.of(type_)))

    def expects(self, key: str, type_: str | None = None) -> Decimal:
        """What is expected, for a type: to pass through its resources, nothing where there are none."""
        return self._expected.get(key, Decimal(0)) if type_ is None or self.of(type_) else Decimal(0)

    def alarms(self) -> Decimal:
        """An alarm on an expression counts once for each metric in it."""
        return Decimal(
            sum(
                1 if "metricName" in one else sum("metric" in query for query in one.get("metricQueries") or [])
                for one in self.of("cloudwatch/metricAlarm:MetricAlarm")
            )
        )

    def dashboards(self) -> tuple[Decimal, Decimal]:
        """Those of as many metrics as a free one may have, and those of more."""
        every = self.of("cloudwatch/dashboard:Dashboard")
        large = sum(self._shown(one) > FREE_DASHBOARD_METRICS for one in every)
        return Decimal(len(every) - large), Decimal(large)

    def _shown(self, dashboard: Mapping[str, Any]) -> Decimal:
        """Each metric once, in however many graphs it is. Of a search nobody knows what it finds: all of one's own."""
        lines = [
            line
            for widget in json.loads(dashboard.get("dashboardBody") or "{}").get("widgets", [])
            for line in widget["properties"].get("metrics", [])
        ]
        named = {json.dumps([part for part in line if not isinstance(part, dict)]) for line in lines}
        searches = any("SEARCH(" in str(line[0].get("expression")) for line in lines if isinstance(line[0], dict))
        return Decimal(len(named - {"[]"})) + (self.expects("metrics") if searches else 0)

    def metrics(self) -> Decimal:
        """Those of one's own: filters that count into the same metric are one."""
        changes = [
            one.get("metricTransformation") or {} for one in self.of("cloudwatch/logMetricFilter:LogMetricFilter")
        ]
        counted = {(change.get("namespace"), change.get("name")) for change in changes}
        return Decimal(len(counted)) + self.expects("metrics")
