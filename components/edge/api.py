"""What APIs of every kind have: limits, origins, a log of each request, a name of their own, alarms, saved queries."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.alarms import AlarmTopics, Metric, raise_alarm
from components.children import Children
from components.edge.dns import check_domain
from components.refusal import Refusal

LOG_GROUP_PREFIX = "/aws/vendedlogs/apis/"
"""Under this prefix AWS grows no resource policy (10 a region, 5,120 characters each)."""

_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?")

# Our names → API Gateway's variables. Latencies are in milliseconds. Nothing of headers, queries and bodies: they hold
# tokens and people's data.
HTTP_LOG: Mapping[str, str] = {
    "request_id": "$context.requestId",
    "time": "$context.requestTimeEpoch",
    "method": "$context.httpMethod",
    "route": "$context.routeKey",
    "path": "$context.path",
    "status": "$context.status",
    "latency": "$context.responseLatency",
    "integration_latency": "$context.integrationLatency",
    "integration_error": "$context.integrationErrorMessage",
    "authorizer_error": "$context.authorizer.error",
    "error": "$context.error.message",
    "ip": "$context.identity.sourceIp",
    "user_agent": "$context.identity.userAgent",
    "bytes": "$context.responseLength",
}
REST_LOG: Mapping[str, str] = {
    **{key: value for key, value in HTTP_LOG.items() if key not in ("route", "integration_error")},
    "route": "$context.resourcePath",
    "integration_error": "$context.integration.error",
    "trace_id": "$context.xrayTraceId",
}
WEB_SOCKET_LOG: Mapping[str, str] = {
    "request_id": "$context.requestId",
    "time": "$context.requestTimeEpoch",
    "event": "$context.eventType",
    "route": "$context.routeKey",
    "connection": "$context.connectionId",
    "connected_at": "$context.connectedAt",
    "status": "$context.status",
    "latency": "$context.integrationLatency",
    "integration_error": "$context.integrationErrorMessage",
    "error": "$context.error.message",
    "ip": "$context.identity.sourceIp",
}

REQUEST_QUERIES: Mapping[str, str] = {
    "failed-requests": """fields @timestamp, method, path, status, error, integration_error, authorizer_error
| filter status >= 400
| sort @timestamp desc
| limit 100""",
    "slowest-routes": """filter ispresent(latency)
| stats count(*) as requests, avg(latency) as mean, pct(latency, 95) as p95, max(latency) as slowest by method, route
| sort p95 desc
| limit 50""",
    "errors-by-route": """filter status >= 500
| stats count(*) as failed by method, route, status, bin(5m)
| sort failed desc""",
    "refused-by-address": """filter status in [401, 403, 429]
| stats count(*) as refused by ip, status
| sort refused desc
| limit 50""",
}
"""Saved Logs Insights queries: $0.0076 for each GB that one reads."""

WEB_SOCKET_QUERIES: Mapping[str, str] = {
    "connections": """filter event in ["CONNECT", "DISCONNECT"]
| stats count(*) as times by event, bin(5m)""",
    "failed-messages": """fields @timestamp, route, connection, status, error, integration_error
| filter status >= 400
| sort @timestamp desc
| limit 100""",
    "busiest-connections": """filter event = "MESSAGE"
| stats count(*) as messages by connection
| sort messages desc
| limit 50""",
}


@dataclass(frozen=True, kw_only=True)
class Throttle:
    """How much an API takes; above it, callers get 429. Both limits are always set: one that is missing beside the
    other is 0 to AWS, which refuses everybody."""

    rate_per_second: float = 100
    """Requests in a second, over time. An account has 10,000 a second for all its APIs in a region."""

    burst: int = 200
    """Requests at the same moment."""

    def __post_init__(self) -> None:
        for name, value in (("rate_per_second", self.rate_per_second), ("burst", self.burst)):
            if value <= 0:
                raise Refusal(f"throttle.{name}", value, "would refuse every request; use 1 or more, such as 100")
        if self.rate_per_second > 10_000:
            raise Refusal("throttle.rate_per_second", self.rate_per_second, "is more than AWS gives; use up to 10000")
        if self.burst > 5_000:
            raise Refusal("throttle.burst", self.burst, "is more than AWS gives an account; use 1 to 5000")


@dataclass(frozen=True, kw_only=True)
class Cors:
    """Which web pages may call the API from a browser."""

    origins: Sequence[str]
    """Scheme and host, such as https://app.example.com; `*` lets every page in, and then not with credentials."""

    headers: Sequence[str] = ("authorization", "content-type")
    """What pages may send beside the headers that browsers always send."""

    methods: Sequence[str] = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")
    """What pages may do."""

    expose: Sequence[str] = ("location", "x-request-id")
    """The headers of answers that pages may read."""

    credentials: bool = False
    """Whether browsers send cookies. Tokens in the header `authorization` do not need it."""

    max_age_seconds: int = 3600
    """How long a browser need not ask again."""

    def __post_init__(self) -> None:
        if not self.origins:
            raise Refusal("cors.origins", [], "lets no page in; list origins such as https://app.example.com")
        if "*" in self.origins:
            if self.credentials:
                raise Refusal(
                    "cors.origins", "*", "cannot be used with credentials; list the origins, or give no cookies"
                )
            if len(self.origins) > 1:
                raise Refusal("cors.origins", list(self.origins), "names * and others; write either")
        for index, origin in enumerate(self.origins):
            if origin != "*" and not _ORIGIN.fullmatch(origin):
                raise Refusal(
                    f"cors.origins[{index}]",
                    origin,
                    "is not an origin; write scheme and host without a path, such as https://app.example.com",
                )
        if not 0 <= self.max_age_seconds <= 86_400:
            raise Refusal("cors.max_age_seconds", self.max_age_seconds, "is not allowed; use 0 to 86400")


@dataclass(frozen=True, kw_only=True)
class ApiDomain:
    """The name by which an API is called."""

    name: str
    """Such as api.example.com."""

    certificate_arn: pulumi.Input[str]
    """Its ACM certificate, in the API's own region."""

    def __post_init__(self) -> None:
        check_domain("domain", self.name)


@dataclass(frozen=True, kw_only=True)
class NamedApi:
    """Where the DNS record of an API's own name must point."""

    target: pulumi.Output[str]
    zone_id: pulumi.Output[str]


def access_log(
    name: str, retention_days: int, key_arn: pulumi.Input[str] | None, child: Children
) -> aws.cloudwatch.LogGroup:
    """The group of the records of requests, made before anything can write into it."""
    return aws.cloudwatch.LogGroup(
        f"{name}-access-log",
        name=f"{LOG_GROUP_PREFIX}{name}",
        retention_in_days=retention_days,
        kms_key_id=key_arn,
        opts=child("log_group"),
    )


def log_format(fields: Mapping[str, str]) -> str:
    """One JSON object on one line. All values are texts: a latency that there was not is `-`, which as a number would
    be no JSON. Logs Insights reckons with texts that are numbers."""
    return json.dumps(dict(fields), sort_keys=True, separators=(",", ":"))


def save_queries(name: str, queries: Mapping[str, str], group: aws.cloudwatch.LogGroup, child: Children) -> None:
    """Questions that somebody asks of the access log when an alarm rings."""
    for title, text in sorted(queries.items()):
        aws.cloudwatch.QueryDefinition(
            f"{name}-{title}-query",
            # The console shows what stands before a slash as a folder.
            name=f"{name}/{title}",
            log_group_names=[group.name],
            query_string=text,
            opts=child("query"),
        )


def give_name(
    name: str,
    domain: ApiDomain,
    api_id: pulumi.Input[str],
    stage: pulumi.Input[str],
    child: Children,
) -> NamedApi:
    """An HTTP or WebSocket API under a name of its own, by TLS 1.2 or better."""
    named = aws.apigatewayv2.DomainName(
        f"{name}-domain",
        domain_name=domain.name,
        domain_name_configuration=aws.apigatewayv2.DomainNameDomainNameConfigurationArgs(
            certificate_arn=domain.certificate_arn, endpoint_type="REGIONAL", security_policy="TLS_1_2"
        ),
        tags={"Name": f"{name}-domain"},
        opts=child("domain"),
    )
    aws.apigatewayv2.ApiMapping(
        f"{name}-mapping", api_id=api_id, domain_name=named.id, stage=stage, opts=child("mapping")
    )
    # The provider fills these in; where they are missing, nothing can be said.
    known = named.domain_name_configuration
    return NamedApi(
        target=known.apply(lambda one: one.target_domain_name or ""),
        zone_id=known.apply(lambda one: one.hosted_zone_id or ""),
    )


def request_alarms(
    name: str,
    metric: Mapping[str, str],
    dimensions: Mapping[str, pulumi.Input[str]],
    topics: AlarmTopics,
    child: Children,
    *,
    latency_ms: float,
    error_percent: float,
    availability_percent: float,
) -> list[aws.cloudwatch.MetricAlarm]:
    """The service levels: how fast, how often wrong, how much of the time there. `metric` translates our words."""

    def of(word: str, statistic: str = "Sum") -> Metric:
        return Metric(namespace="AWS/ApiGateway", name=metric[word], dimensions=dimensions, statistic=statistic)

    parts = {"failed": of("failed"), "requests": of("requests")}
    opts = child("alarm")
    return [
        raise_alarm(
            f"{name}-latency",
            means=(
                f"{name} takes longer than {latency_ms:g} ms on average. "
                f"Logs Insights, saved queries {name}/…: begin with slowest-routes."
            ),
            metric=of("latency", "Average"),
            threshold=latency_ms,
            periods=5,
            breaching_periods=3,
            severity="warning",
            topics=topics,
            opts=opts,
        ),
        raise_alarm(
            f"{name}-error-rate",
            means=(
                f"More than {error_percent:g} % of the requests to {name} fail with a 5xx status. "
                f"Logs Insights, saved queries {name}/…: begin with failed-requests, then the functions' logs."
            ),
            # Without requests there is no value, and none is no reason to wake anybody.
            expression=("100 * FILL(failed, 0) / requests", parts),
            threshold=error_percent,
            periods=5,
            breaching_periods=3,
            severity="critical",
            topics=topics,
            opts=opts,
        ),
        raise_alarm(
            f"{name}-availability",
            means=(
                f"{name} answered less than {availability_percent:g} % of the last hour's requests. "
                f"Logs Insights, saved queries {name}/…: errors-by-route tells since when and where."
            ),
            expression=("100 - 100 * FILL(failed, 0) / requests", parts),
            comparison="LessThanThreshold",
            threshold=availability_percent,
            period_seconds=3600,
            periods=1,
            severity="warning",
            topics=topics,
            opts=opts,
        ),
    ]
