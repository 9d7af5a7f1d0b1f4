"""An alarm on the errors that a program logs, and the questions to ask when it rings.

Use: ErrorLogAlarm("wiki-dev-api-errors", ErrorLogAlarmArgs(),
                   log_group=service.error_log_group_name, topics=topics)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

import pulumi
import pulumi_aws as aws
from pydantic import Field

from ..alarms import AlarmTopics, Metric, Severity, metric_alarm
from ..args import ComponentArgs
from ..component import Component
from ..errors import Mistake
from ..widgets import Widget

ERROR_LEVELS = ("ERROR", "CRITICAL", "FATAL", "ALERT", "EMERGENCY", "PANIC")
"""ERROR and everything above it, as the libraries and the log router spell it."""

QUERIES = {
    "latest-errors": """fields @timestamp, level, message, request_id, method, path, status, @logStream
| filter level in {levels}
| sort @timestamp desc
| limit 100""",
    "errors-by-message": """filter level in {levels}
| stats count(*) as times, min(@timestamp) as first, max(@timestamp) as last by message
| sort times desc
| limit 50""",
    "errors-by-path": """filter level in {levels} and ispresent(path)
| stats count(*) as times by method, path, status, bin(5m)
| sort times desc""",
}
"""Saved Logs Insights queries: $0.0076 for each GB that one reads."""


class ErrorLogAlarmArgs(ComponentArgs):
    """An alarm on logged errors. About $0.40 a month."""

    threshold: Annotated[int, Field(ge=1)] = 1
    """Errors within one period that are too many."""

    period_seconds: int = 60
    """Seconds over which errors are counted: 10, 30, or a multiple of 60. Below 60 it costs three times as much."""

    severity: Severity = "critical"
    """Whether somebody gets up for it."""

    levels: list[str] = [*ERROR_LEVELS]
    """The values of the records' field `level` that count as errors."""

    def mistakes(self) -> Iterator[Mistake]:
        if self.period_seconds not in (10, 30) and (self.period_seconds < 60 or self.period_seconds % 60):
            yield Mistake("period_seconds", self.period_seconds, "is not allowed; use 10, 30, or a multiple of 60")
        if not self.levels:
            yield Mistake("levels", [], f"would count nothing; use some of {', '.join(ERROR_LEVELS)}")


class ErrorLogAlarm(Component):
    """A count of error records in a log group, an alarm on it, and saved queries over the group."""

    CHILDREN = ("metric_filter", "alarm", "query")

    metric_namespace: str
    metric_name: str
    """Errors by minute, 0 where there were none."""
    alarm: aws.cloudwatch.MetricAlarm

    def __init__(
        self,
        name: str,
        args: ErrorLogAlarmArgs,
        *,
        log_group: pulumi.Input[str],
        topics: AlarmTopics,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param log_group: The log group's name. It must be of the class STANDARD: groups for infrequent access have no
            metric filters.
        :param topics: Where the alarm goes.
        """
        super().__init__(name, args, opts)
        child = self._child
        self.metric_namespace, self.metric_name = "Kumiki/Logs", name
        aws.cloudwatch.LogMetricFilter(
            f"{name}-metric-filter",
            name=name,
            log_group_name=log_group,
            pattern=pattern(args.levels),
            metric_transformation=aws.cloudwatch.LogMetricFilterMetricTransformationArgs(
                namespace=self.metric_namespace, name=self.metric_name, value="1", default_value="0", unit="Count"
            ),
            opts=child("metric_filter"),
        )
        self.alarm = metric_alarm(
            f"{name}-alarm",
            description=f"Errors were logged ({name}). Logs Insights, saved queries {name}/…: begin with "
            "latest-errors.",
            metric=self._errors,
            comparison="GreaterThanOrEqualToThreshold",
            threshold=args.threshold,
            period_seconds=args.period_seconds,
            periods=1,
            severity=args.severity,
            topics=topics,
            opts=child("alarm"),
        )
        levels = "[" + ", ".join(f'"{level}"' for level in args.levels) + "]"
        for title, text in QUERIES.items():
            aws.cloudwatch.QueryDefinition(
                f"{name}-{title}-query",
                # The console shows what stands before a slash as a folder.
                name=f"{name}/{title}",
                log_group_names=[log_group],
                query_string=text.replace("{levels}", levels),
                opts=child("query"),
            )
        self.register_outputs({"metricName": self.metric_name})

    @property
    def widgets(self) -> list[Widget]:
        """Errors by minute, 0 where there were none."""
        return [self._graph("Errors in logs", {"": self._errors}, name="ERROR and above")]

    @property
    def _errors(self) -> Metric:
        return Metric(namespace=self.metric_namespace, name=self.metric_name, dimensions={}, statistic="Sum")


def pattern(levels: Sequence[str]) -> str:
    """The metric filter's pattern for JSON records of these levels."""
    return "{ " + " || ".join(f'($.level = "{level}")' for level in levels) + " }"
