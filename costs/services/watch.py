"""Logs, metrics, alarms, dashboards and traces."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from costs.model import CostComponent, Resource, by_use, fixed, free, not_priced
from costs.services.registry import number, prices
from costs.stack import Stack

FREE_DASHBOARD_METRICS: Final = 50
"""In each of the three dashboards that are free. https://aws.amazon.com/cloudwatch/pricing/"""

_COMPRESSED: Final = Decimal("0.15")
"""Of what was taken in is what is kept, by the example on AWS's page. https://aws.amazon.com/cloudwatch/pricing/"""
_DAYS: Final = 30
_FOREVER_DAYS: Final = 365
"""Logs that never end are counted as those of the first year."""
_FAST_SECONDS: Final = 30
_BAND_METRICS: Final = 2
"""That an alarm on a band counts beside its metric. https://aws.amazon.com/cloudwatch/pricing/"""
_VENDED: Final = ("/aws/vendedlogs/", "/aws/vpc-flow-logs", "/aws/lambda/", "aws-waf-logs-")
"""How groups are called that AWS's services write to, for which it asks less above 10 TB."""
_DISTRIBUTION_METRICS: Final = 8
"""https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/viewing-cloudfront-metrics.html"""
_MASKING: Final = "cloudwatch/logDataProtectionPolicy:LogDataProtectionPolicy"

_LOGS: Final = "cloudwatch/logGroup:LogGroup"
_FILTER: Final = "cloudwatch/logMetricFilter:LogMetricFilter"


@prices(_LOGS)
def logs(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """What is written, and what is kept: as long as the group that keeps longest says, compressed. The steps of what
    AWS's services write, and the class for infrequent access, count only where no other group is there: whose logs
    they are, nobody says."""
    cheap = all(each.inputs.get("logGroupClass") == "INFREQUENT_ACCESS" for each in stack.of(_LOGS))
    written = stack.use("logsGb", one)
    yield by_use(
        "written to all groups" + (", infrequent access" if cheap else ""),
        "cloudwatch.logs.ia_ingest_gb" if cheap else f"cloudwatch.logs.{'vended' if _vended(stack) else 'ingest'}_gb",
        written,
    )
    yield by_use("read by queries", "cloudwatch.logs.insights_gb", stack.use("searchedLogsGb", one))
    days = max(number(each.inputs, "retentionInDays") or Decimal(_FOREVER_DAYS) for each in stack.of(_LOGS))
    yield by_use("kept, at most", "cloudwatch.logs.storage_gb_month", written * days / _DAYS * _COMPRESSED)


def _vended(stack: Stack) -> bool:
    return all(str(each.inputs.get("name") or "").startswith(_VENDED) for each in stack.of(_LOGS))


@prices(_MASKING, "cloudwatch/logAccountPolicy:LogAccountPolicy")
def masking(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """Searching logs for personal data, by the GB that is written; other policies of an account cost nothing."""
    if one.type == _MASKING or one.inputs.get("policyType") == "DATA_PROTECTION_POLICY":
        yield by_use("logs searched for personal data", "cloudwatch.logs.data_protection_gb", stack.use("logsGb", one))
    else:
        yield free("logs, metrics and alarms are paid")


@prices("cloudwatch/metricAlarm:MetricAlarm")
def alarm(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """By each metric: an alarm on an expression counts once for each metric in it, one on a band for its two
    edges, too. What a query finds, nobody knows before."""
    del stack
    queries = one.inputs.get("metricQueries") or []
    count = 1 if "metricName" in one.inputs else sum("metric" in query for query in queries)
    told = [str(query.get("expression") or "") for query in queries]
    count += _BAND_METRICS * any("ANOMALY_DETECTION_BAND" in each for each in told)
    if any(each.lstrip().upper().startswith("SELECT") for each in told):
        yield not_priced("metrics that a query finds", "how many it finds is not known before")
    periods = [number(one.inputs, "period", 60), *(number(each.get("metric") or {}, "period", 60) for each in queries)]
    fast = min(periods) < _FAST_SECONDS
    yield fixed("metrics of an alarm", f"cloudwatch.alarm.{'high_resolution' if fast else 'standard'}_month", count)


@prices("cloudwatch/compositeAlarm:CompositeAlarm")
def composite(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """An alarm on alarms."""
    del one, stack
    yield fixed("composite alarm", "cloudwatch.alarm.composite_month", 1)


@prices(_FILTER)
def metric(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """A metric of one's own; filters that count into the same one are one."""
    same = [each for each in stack.of(_FILTER) if _counted(each) == _counted(one)]
    yield fixed("metric of one's own", "cloudwatch.metrics.month", 1 if same[0] is one else 0)


def _counted(one: Resource) -> tuple[Any, Any]:
    change = one.inputs.get("metricTransformation") or {}
    return change.get("namespace"), change.get("name")


@prices("cloudwatch/dashboard:Dashboard")
def dashboard(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """Three of up to 50 metrics are free in an account; a larger one is paid from the first. Metrics that programs
    publish are counted here, once: nothing else of them is a resource."""
    large = _shown(one, stack) > FREE_DASHBOARD_METRICS
    words = f"dashboard of more than {FREE_DASHBOARD_METRICS} metrics" if large else "dashboard"
    yield CostComponent(name=words, quantity=Decimal(1), price_key="cloudwatch.dashboard_month", allowed=not large)
    yield by_use("metrics that programs publish", "cloudwatch.metrics.month", stack.use("metrics", one))


def _shown(one: Resource, stack: Stack) -> Decimal:
    """Each metric once, in however many graphs it is. Of a search nobody knows what it finds: all of one's own."""
    body = one.inputs.get("dashboardBody", "{}")
    said = json.loads(body) if isinstance(body, str) else body
    lines = [line for each in said.get("widgets", []) for line in (each.get("properties") or {}).get("metrics", [])]
    named = {json.dumps([part for part in line if not isinstance(part, dict)]) for line in lines}
    searches = any("SEARCH(" in str(line[0].get("expression")) for line in lines if isinstance(line[0], dict))
    return Decimal(len(named - {"[]"})) + (stack.expects("metrics") if searches else 0)


@prices("xray/samplingRule:SamplingRule", "xray/group:Group")
def traces(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """Traces that are recorded: what a rule lets through."""
    others = tuple({"xray/samplingRule:SamplingRule", "xray/group:Group"} - {one.type})
    groups = [each for each in stack.of("xray/group:Group") if _analysed(each)]
    if stack.of(*others) and one.type == "xray/group:Group":
        if groups[:1] != [one]:
            yield free("groups cost nothing; the rule's traces are counted")
    else:
        yield by_use("traces recorded", "xray.traces_recorded", stack.use("traces", one))
        yield by_use("traces read", "xray.traces_retrieved", stack.use("tracesRead", one))
    if groups[:1] == [one]:
        yield by_use("traces that Insights analyses", "xray.insights_traces", stack.expects("traces"))


def _analysed(group: Resource) -> bool:
    return bool((group.inputs.get("insightsConfiguration") or {}).get("insightsEnabled"))


@prices("cloudfront/monitoringSubscription:MonitoringSubscription")
def more_metrics(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """More metrics of a distribution, each paid as one's own."""
    del stack
    config = (one.inputs.get("monitoringSubscription") or {}).get("realtimeMetricsSubscriptionConfig") or {}
    if config.get("realtimeMetricsSubscriptionStatus") == "Disabled":
        yield free("it is off")
    else:
        yield fixed("more metrics of a distribution", "cloudwatch.metrics.month", _DISTRIBUTION_METRICS)


@prices("synthetics/canary:Canary")
def canary(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """By the run: `rate(5 minutes)`. What its function and its files cost is small beside it."""
    said = str((one.inputs.get("schedule") or {}).get("expression") or "")
    every = re.fullmatch(r"rate\((\d+) (minute|hour)s?\)", said)
    if every is None or not int(every[1]):
        yield not_priced("runs", f"how often {said or 'nothing'} is, is not read here")
        return
    minutes = int(every[1]) * (60 if every[2] == "hour" else 1)
    yield fixed("runs", "cloudwatch.canary_runs", stack.hours * 60 / minutes)
