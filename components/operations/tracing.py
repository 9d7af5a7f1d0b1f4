"""How many requests are traced, and which traces are set apart: those with faults, and the slow ones.

Use: tracing = Tracing("wiki-dev-tracing", TracingArgs(), services=["wiki-dev-api"], sampled="wiki-dev-*")
     tracing.alarms(topics)

X-Ray keeps a trace for 30 days, which nobody can change. Which requests are traced is decided where they begin, before
anybody knows how they end: of failures, too, X-Ray has the share that is sampled, and the logs have all. Functions that
nobody else's decision reaches trace one request a second and 5 % of the others, whatever is said here
(https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Final

import pulumi
import pulumi_aws as aws
from pydantic import Field

from ..alarms import AlarmTopics, Metric
from ..args import ComponentArgs
from ..component import Component
from ..errors import ArgumentError, Mistake
from ..short_names import shortened
from ..widgets import Widget

RETENTION_DAYS: Final = 30
"""For which X-Ray keeps traces (https://docs.aws.amazon.com/general/latest/gr/xray.html)."""

_NAME: Final = 32
"""Characters of the name of a group or a rule."""
_SERVICE: Final = re.compile(r"[\w .:/%&#=+\\@-]{1,200}")
"""What X-Ray takes as the name of a service; a quotation mark would end it within an expression."""


class TracingArgs(ComponentArgs):
    """Sampling and groups of X-Ray: $5 for a million traces that are kept, $0.50 for a million that are looked through,
    30 days for each."""

    sample_percent: Annotated[float, Field(ge=0, le=100)] = 10
    """Share of the requests that are traced, beyond the first ones of each second."""

    reservoir_per_second: Annotated[int, Field(ge=0, le=1000)] = 1
    """Requests of each second that are traced in any case, all programs together."""

    priority: Annotated[int, Field(ge=1, le=9999)] = 1000
    """Of several rules that fit a request, the one with the lowest number decides."""

    slow_seconds: Annotated[float, Field(gt=0, le=900)] = 5
    """From here on a request is slow."""

    insights: bool = True
    """Whether X-Ray looks for unusual rates of faults by itself; free beyond what the traces cost."""

    alarm_faults: Annotated[int, Field(ge=0, le=1_000_000)] = 5
    """Traces with faults within five minutes that nobody need hear of. At 10 % each stands for about ten requests."""

    alarm_slow: Annotated[int, Field(ge=0, le=1_000_000)] = 20
    """Slow traces within five minutes that nobody need hear of."""

    def mistakes(self) -> Iterator[Mistake]:
        if self.sample_percent == 0 and self.reservoir_per_second == 0:
            yield Mistake("sample_percent", 0, "and reservoir_per_second 0 trace nothing; raise one of them")


class Tracing(Component):
    """A sampling rule and two groups of traces."""

    CHILDREN = ("group", "rule", "alarm")

    faults_group: pulumi.Output[str]
    """The name of the group of traces in which something failed on the server's side."""
    slow_group: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: TracingArgs,
        *,
        services: Sequence[str],
        sampled: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param services: What the programs are called in their traces; the groups have what goes through any of them.
        :param sampled: Which programs take the sampling rule: a name, `*` stands for any characters.
        """
        super().__init__(name, args, opts)
        self._args = args
        self._check(services, sampled)
        faults = " OR ".join(f'service("{service}") {{ fault = true }}' for service in sorted(services))
        through = " OR ".join(f'service("{service}")' for service in sorted(services))
        self.faults_group = self._group("faults", faults)
        self.slow_group = self._group("slow", f"responsetime > {args.slow_seconds:g} AND ({through})")
        aws.xray.SamplingRule(
            f"{name}-sampling-rule",
            rule_name=shortened(name, _NAME),
            priority=args.priority,
            version=1,
            reservoir_size=args.reservoir_per_second,
            fixed_rate=round(args.sample_percent / 100, 6),
            service_name=sampled,
            service_type="*",
            host="*",
            http_method="*",
            url_path="*",
            # The only one that X-Ray supports.
            resource_arn="*",
            opts=self._child("rule"),
        )
        self.register_outputs({"faultsGroup": self.faults_group, "slowGroup": self.slow_group})

    def alarms(self, topics: AlarmTopics) -> list[aws.cloudwatch.MetricAlarm]:
        """Tell somebody when many traces have faults or are slow."""
        return [
            self._alarm_on(
                "faults",
                self.faults_group,
                self._args.alarm_faults,
                "traces have faults. Open the group in CloudWatch (X-Ray traces) and look where they begin.",
                topics,
            ),
            self._alarm_on(
                "slow",
                self.slow_group,
                self._args.alarm_slow,
                f"traces took longer than {self._args.slow_seconds:g} seconds. Open the group in CloudWatch (X-Ray "
                "traces) and look where the time goes.",
                topics,
            ),
        ]

    @property
    def widgets(self) -> list[Widget]:
        """How many traces have faults or are slow."""
        lines = {"faults": self._counted(self.faults_group), "slow": self._counted(self.slow_group)}
        return [
            self._graph(
                "Traces (X-Ray)", lines, name="ApproximateTraceCount: sampled, with faults or slow", period_seconds=300
            )
        ]

    def _counted(self, group: pulumi.Output[str]) -> Metric:
        # The one metric of a group
        # (https://docs.aws.amazon.com/xray/latest/devguide/xray-console-groups.html#xray-console-group-cloudwatch).
        return Metric(
            namespace="AWS/X-Ray", name="ApproximateTraceCount", dimensions={"GroupName": group}, statistic="Sum"
        )

    def _check(self, services: Sequence[str], sampled: str) -> None:
        if not services:
            raise ArgumentError("services", services, "names nobody who sends traces; name at least one")
        for service in services:
            if not _SERVICE.fullmatch(service):
                why = "is no name that X-Ray takes; use up to 200 letters, digits, spaces and _.:/%&#=+\\-@"
                raise ArgumentError("services", service, why)
        if not sampled or len(sampled) > 64:
            raise ArgumentError("sampled", sampled, "is empty or longer than 64 characters; use a shorter pattern")

    def _group(self, what: str, expression: str) -> pulumi.Output[str]:
        group = aws.xray.Group(
            f"{self._prefix}-{what}-group",
            group_name=shortened(self._prefix, _NAME, ending=f"-{what}"),
            filter_expression=expression,
            insights_configuration=aws.xray.GroupInsightsConfigurationArgs(
                # X-Ray looks for unusual rates of faults, and has none to compare among slow requests.
                insights_enabled=self._args.insights and what == "faults",
                notifications_enabled=False,
            ),
            opts=self._child("group"),
        )
        return group.group_name

    def _alarm_on(
        self, what: str, group: pulumi.Output[str], most: int, says: str, topics: AlarmTopics
    ) -> aws.cloudwatch.MetricAlarm:
        return self._alarm(
            what,
            description=f"more than {most} of the sampled {says}",
            metric=self._counted(group),
            threshold=most,
            period_seconds=300,
            periods=1,
            severity="warning",
            topics=topics,
        )
