"""What APIs of every kind have: functions behind them, a log of each request, a name of their own, alarms, queries."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

import pulumi
import pulumi_aws as aws

from ..alarms import AlarmTopics, Metric, metric_alarm
from ..component import Component
from ..errors import ArgumentError
from ..identity.key import AnyKey
from ..identity.user_pool import UserPool
from ..log_group import make_log_group
from ..widgets import Widget
from .api_args import ApiArgs, RequestApiArgs
from .certificate import Certificate
from .routes import Invocable, mistaken_functions

_Args = TypeVar("_Args", bound=ApiArgs)
_RequestArgs = TypeVar("_RequestArgs", bound=RequestApiArgs)

LOG_GROUP_PREFIX = "/aws/vendedlogs/apis/"
"""Under this prefix AWS grows no resource policy (10 a region, 5,120 characters each)."""

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
class NamedApi:
    """Where the DNS record of an API's own name must point."""

    target: pulumi.Output[str]
    zone_id: pulumi.Output[str]


class Api(Component, Generic[_Args]):
    """What APIs of every kind have."""

    api_id: pulumi.Output[str]
    endpoint: pulumi.Output[str]
    """Where it is called, without a slash at its end."""
    origin_domain: pulumi.Output[str]
    """The host, for a CloudFront origin."""
    origin_path: str
    """What a CloudFront origin puts before paths."""
    named: NamedApi | None
    """Where the DNS record of its own name must point."""

    def __init__(
        self,
        name: str,
        args: _Args,
        opts: pulumi.ResourceOptions | None,
        *,
        functions: Mapping[str, Invocable],
        certificate: Certificate | None,
        log_key: AnyKey | None,
    ) -> None:
        super().__init__(name, args, opts)
        if unknown := list(mistaken_functions(args.called, functions)):
            raise ArgumentError.of(unknown)
        self._args, self._functions, self._certificate, self._log_key = args, functions, certificate, log_key
        self._domain = certificate.domains[0] if certificate is not None else None

    @property
    def dimensions(self) -> dict[str, pulumi.Input[str]]:
        """By which CloudWatch knows it."""
        raise NotImplementedError

    def _metric(self, name: str, statistic: str = "Sum") -> Metric:
        return Metric(namespace="AWS/ApiGateway", name=name, dimensions=self.dimensions, statistic=statistic)

    def _reached(self, scheme: str, host: pulumi.Output[str], path: str = "") -> None:
        """Under a name of its own the stage is the mapping's matter."""
        self.origin_path = "" if self._domain else path
        self.origin_domain = pulumi.Output.from_input(self._domain) if self._domain else host
        self.endpoint = pulumi.Output.concat(f"{scheme}://", self.origin_domain, self.origin_path)
        self.register_outputs({"endpoint": self.endpoint})

    def _may_call(self, function: str, execution_arn: pulumi.Output[str], stage: str) -> None:
        self._functions[function].allow_invocation(
            self._prefix,
            principal="apigateway.amazonaws.com",
            source_arn=pulumi.Output.concat(execution_arn, f"/{stage}/*"),
        )

    def _access_log(self, queries: Mapping[str, str]) -> aws.cloudwatch.LogGroup:
        """The group of the records of requests, made before anything can write into it, and the questions that somebody
        asks of it when an alarm rings."""
        group = make_log_group(
            f"{self._prefix}-access-log",
            f"{LOG_GROUP_PREFIX}{self._prefix}",
            self._args.log_retention_days,
            self._log_key,
            self._child("log_group"),
        )
        self.log_group_name = group.name
        for title, text in sorted(queries.items()):
            aws.cloudwatch.QueryDefinition(
                f"{self._prefix}-{title}-query",
                # The console shows what stands before a slash as a folder.
                name=f"{self._prefix}/{title}",
                log_group_names=[group.name],
                query_string=text,
                opts=self._child("query"),
            )
        return group

    def _give_name(self, stage: pulumi.Input[str]) -> NamedApi | None:
        """An HTTP or WebSocket API under a name of its own, by TLS 1.2 or better."""
        if self._certificate is None:
            return None
        named = aws.apigatewayv2.DomainName(
            f"{self._prefix}-domain",
            domain_name=self._certificate.domains[0],
            domain_name_configuration=aws.apigatewayv2.DomainNameDomainNameConfigurationArgs(
                certificate_arn=self._certificate.arn, endpoint_type="REGIONAL", security_policy="TLS_1_2"
            ),
            tags={"Name": f"{self._prefix}-domain"},
            opts=self._child("domain"),
        )
        aws.apigatewayv2.ApiMapping(
            f"{self._prefix}-mapping",
            api_id=self.api_id,
            domain_name=named.id,
            stage=stage,
            opts=self._child("mapping"),
        )
        # The provider fills these in; where they are missing, nothing can be said.
        known = named.domain_name_configuration
        return NamedApi(
            target=known.apply(lambda one: one.target_domain_name or ""),
            zone_id=known.apply(lambda one: one.hosted_zone_id or ""),
        )


class RequestApi(Api[_RequestArgs]):
    """What APIs that answer requests have besides: service levels."""

    METRICS: ClassVar[Mapping[str, str]]
    """What CloudWatch calls that which failed or was refused, the requests, and the latency of this kind of API."""

    def _judging(self, user_pool: UserPool | None) -> UserPool:
        """Whose tokens let in, where the arguments say that a user pool's do."""
        if user_pool is None:
            raise ArgumentError("user_pool", None, "is missing, and authorizer.user_pool is true; give the API a pool")
        return user_pool

    def alarms(self, topics: AlarmTopics) -> list[aws.cloudwatch.MetricAlarm]:
        """Alarms on slow answers, on failing requests, and on the hour's availability."""
        name, args, opts = self._prefix, self._args, self._child("alarm")
        parts = {word: self._metric(self.METRICS[word]) for word in ("failed", "requests")}
        return [
            metric_alarm(
                f"{name}-latency",
                description=(
                    f"{name} takes longer than {args.latency_ms:g} ms on average. "
                    f"Logs Insights, saved queries {name}/…: begin with slowest-routes."
                ),
                metric=self._metric(self.METRICS["latency"], "Average"),
                threshold=args.latency_ms,
                periods=5,
                breaching_periods=3,
                severity="warning",
                topics=topics,
                opts=opts,
            ),
            metric_alarm(
                f"{name}-error-rate",
                description=(
                    f"More than {args.error_percent:g} % of the requests to {name} fail with a 5xx status. "
                    f"Logs Insights, saved queries {name}/…: begin with failed-requests, then the functions' logs."
                ),
                # Without requests there is no value, and none is no reason to wake anybody.
                expression=("100 * FILL(failed, 0) / requests", parts),
                threshold=args.error_percent,
                periods=5,
                breaching_periods=3,
                severity="critical",
                topics=topics,
                opts=opts,
            ),
            metric_alarm(
                f"{name}-availability",
                description=(
                    f"{name} answered less than {args.availability_percent:g} % of the last hour's requests. "
                    f"Logs Insights, saved queries {name}/…: errors-by-route tells since when and where."
                ),
                expression=("100 - 100 * FILL(failed, 0) / requests", parts),
                comparison="LessThanThreshold",
                threshold=args.availability_percent,
                period_seconds=3600,
                periods=1,
                severity="warning",
                topics=topics,
                opts=opts,
            ),
        ]

    @property
    def widgets(self) -> list[Widget]:
        """How much is asked, how much of it fails by the API's fault or the caller's, and how long it takes."""
        section = "APIs (API Gateway)"
        times = {statistic: self._metric(self.METRICS["latency"], statistic) for statistic in ("Average", "p95")}
        counted = [self._graph(section, self._metric(self.METRICS[word])) for word in ("requests", "failed", "refused")]
        return [*counted, self._graph(section, times)]


def log_format(fields: Mapping[str, str]) -> str:
    """One JSON object on one line. All values are texts: a latency that there was not is `-`, which as a number would
    be no JSON. Logs Insights reckons with texts that are numbers."""
    return json.dumps(dict(fields), sort_keys=True, separators=(",", ":"))
