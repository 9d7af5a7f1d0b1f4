"""A WebSocket API: connections that stay open, and functions that hear of them and may speak to them.

Use: chat = WebSocketApi(
         "talk-dev-chat",
         WebSocketApiArgs(
             routes={"$connect": Route(function="connect"), "sendMessage": Route(function="message")},
             authorizer=FunctionAuthorizer(function="authorize"),
         ),
         functions={"connect": connect, "message": message, "authorize": authorize},
     )
     chat.grant_manage_connections(message.role)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

import pulumi
import pulumi_aws as aws
from pydantic import Field

from ..alarms import AlarmTopics, metric_alarm
from ..args import Args
from ..errors import Mistake
from ..identity.key import AnyKey
from ..policy import statement
from ..values import Name
from ..widgets import Widget
from .api import WEB_SOCKET_LOG, WEB_SOCKET_QUERIES, Api, log_format
from .api_args import ApiArgs
from .api_log_role import ApiLogRole
from .certificate import Certificate
from .routes import Invocable, Route

_STAGE = "live"
_OWN = ("$connect", "$disconnect", "$default")
_ROUTE = re.compile(r"[A-Za-z0-9_-]{1,128}")


class FunctionAuthorizer(Args):
    """Lets in whom a function lets in, by the token in the query string (`?token=…`: browsers can send no headers)."""

    function: Name
    """The function that decides who may connect."""


class WebSocketApiArgs(ApiArgs):
    """A WebSocket API. $1.26 for a million messages of up to 32 KB in ap-northeast-1, and $0.315 for a million minutes
    of connections: 1,000 people the month round are $13.60. AWS ends each connection after two hours, and after ten
    minutes of silence. No web firewall can stand before it."""

    routes: dict[str, Route]
    """$connect, $disconnect, $default (what no other route takes), or the value of a message's field `action` → the
    function that hears of it. Who may connect is asked at $connect alone."""

    authorizer: FunctionAuthorizer | None = None
    """Who may connect. Left out, the API must say that it is public."""

    timeout_seconds: Annotated[float, Field(ge=0.05, le=29)] = 29
    """How long it waits for a function."""

    @property
    def called(self) -> dict[tuple[str | int, ...], str]:
        """The functions that it calls, by where they are named."""
        judge = {("authorizer", "function"): self.authorizer.function} if self.authorizer is not None else {}
        return {**super().called, **judge}

    def mistakes(self) -> Iterator[Mistake]:
        if "$connect" not in self.routes:
            why = "lack $connect, at which it is decided who may come in; add it"
            yield Mistake("routes", sorted(self.routes), why)
        seen: dict[str, str] = {}
        for route in self.routes:
            if route not in _OWN and not _ROUTE.fullmatch(route):
                why = f"is no route; use {', '.join(_OWN)}, or an action of letters, digits, - and _"
                yield Mistake("routes", route, why)
            # Resources are named by their routes, and AWS tells names by more than we can.
            other = seen.setdefault(_part(route), route)
            if other != route:
                yield Mistake("routes", route, f"and {other!r} are told apart by capitals or signs only; rename one")
        if self.authorizer is None and not self.public:
            yield Mistake("authorizer", None, "is missing: name a function that decides, or write public: true")
        if self.authorizer is not None and self.public:
            yield Mistake("public", True, "makes no sense with an authorizer; leave one of them out")


class WebSocketApi(Api[WebSocketApiArgs]):
    """An API for open connections, the functions behind its routes, and the record of what was said when, not what."""

    CHILDREN = (
        "api",
        "authorizer",
        "integration",
        "route",
        "log_group",
        "stage",
        "domain",
        "mapping",
        "grant",
        "query",
        "alarm",
    )

    management_endpoint: pulumi.Output[str]
    """Where functions speak to connections: https://…"""

    def __init__(
        self,
        name: str,
        args: WebSocketApiArgs,
        *,
        functions: Mapping[str, Invocable],
        certificate: Certificate | None = None,
        log_key: AnyKey | None = None,
        log_role: ApiLogRole | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param functions: What answers and who judges, by the names that the arguments use.
        :param certificate: Of a name of its own, the certificate's first, in the API's own region. The address that AWS
            gives stays open: by it functions speak to connections.
        :param log_key: The key of the record of what is said when; its policy must admit the log group.
        :param log_role: The region's setting by which API Gateway may write logs; the stage waits for it.
        """
        super().__init__(name, args, opts, functions=functions, certificate=certificate, log_key=log_key)
        self._api = aws.apigatewayv2.Api(
            f"{name}-api",
            name=name,
            protocol_type="WEBSOCKET",
            route_selection_expression="$request.body.action",
            description=f"The WebSocket API {name}",
            tags={"Name": f"{name}-api"},
            opts=self._child("api"),
        )
        stage = self._stage(self._routes(self._authorizer()), log_role)
        self.api_id = self._api.id
        self.named = self._give_name(stage.id)
        host = self._api.api_endpoint.apply(lambda url: url.removeprefix("wss://"))
        self.management_endpoint = pulumi.Output.concat("https://", host, f"/{_STAGE}")
        self._reached("wss", host, f"/{_STAGE}")

    @property
    def dimensions(self) -> dict[str, pulumi.Input[str]]:
        """By which CloudWatch knows it."""
        return {"ApiId": self.api_id, "Stage": _STAGE}

    def grant_manage_connections(self, role: aws.iam.Role) -> aws.iam.RolePolicy:
        """Let `role` speak to connections, ask about them and end them: those of this stage, and nothing more."""
        connections = [
            pulumi.Output.concat(self._api.execution_arn, f"/{_STAGE}/{method}/@connections/*")
            for method in ("DELETE", "GET", "POST")
        ]
        return self._allow(
            role,
            "connections",
            statement("SpeakToConnections", actions="execute-api:ManageConnections", resources=connections),
        )

    def alarms(self, topics: AlarmTopics) -> list[aws.cloudwatch.MetricAlarm]:
        """Alarms on messages that fail and on functions that are slow."""
        args, opts = self._args, self._child("alarm")
        return [
            metric_alarm(
                f"{self._prefix}-error-rate",
                description=(
                    f"More than {args.error_percent:g} % of what was sent to {self._prefix} failed behind it. "
                    f"Logs Insights, saved queries {self._prefix}/…: begin with failed-messages, then the "
                    "functions' logs."
                ),
                expression=(
                    "100 * (FILL(functions, 0) + FILL(gateway, 0)) / (FILL(connects, 0) + FILL(messages, 0))",
                    {
                        "connects": self._metric("ConnectCount"),
                        "functions": self._metric("IntegrationError"),
                        "gateway": self._metric("ExecutionError"),
                        "messages": self._metric("MessageCount"),
                    },
                ),
                threshold=args.error_percent,
                periods=5,
                breaching_periods=3,
                severity="critical",
                topics=topics,
                opts=opts,
            ),
            metric_alarm(
                f"{self._prefix}-latency",
                description=f"Functions behind {self._prefix} take longer than {args.latency_ms:g} ms on average.",
                metric=self._metric("IntegrationLatency", "Average"),
                threshold=args.latency_ms,
                periods=5,
                breaching_periods=3,
                severity="warning",
                topics=topics,
                opts=opts,
            ),
        ]

    @property
    def widgets(self) -> list[Widget]:
        """How many connect, what they send, what of it fails, and how long functions take."""
        section, errors = "WebSockets (API Gateway)", ("ClientError", "ExecutionError", "IntegrationError")
        return [
            *(self._graph(section, self._metric(name)) for name in ("ConnectCount", "MessageCount")),
            self._graph(section, {name: self._metric(name) for name in errors}),
            self._graph(section, self._metric("IntegrationLatency", "Average")),
        ]

    def _authorizer(self) -> aws.apigatewayv2.Authorizer | None:
        if self._args.authorizer is None:
            return None
        function = self._functions[self._args.authorizer.function]
        authorizer = aws.apigatewayv2.Authorizer(
            f"{self._prefix}-authorizer",
            api_id=self._api.id,
            name=f"{self._prefix}-authorizer",
            authorizer_type="REQUEST",
            authorizer_uri=function.invoke_arn,
            # Without a token AWS answers 401 itself.
            identity_sources=["route.request.querystring.token"],
            opts=self._child("authorizer"),
        )
        function.allow_invocation(
            f"{self._prefix}-authorizer",
            principal="apigateway.amazonaws.com",
            source_arn=pulumi.Output.concat(self._api.execution_arn, "/authorizers/", authorizer.id),
        )
        return authorizer

    def _routes(self, authorizer: aws.apigatewayv2.Authorizer | None) -> list[aws.apigatewayv2.Route]:
        called = {text: route.function for text, route in sorted(self._args.routes.items())}
        integrations = {function: self._integration(function) for function in sorted(set(called.values()))}
        routes = []
        for route, function in called.items():
            # Who is in has been asked; only the door asks.
            guarded = authorizer is not None and route == "$connect"
            routes.append(
                aws.apigatewayv2.Route(
                    f"{self._prefix}-{_part(route)}-route",
                    api_id=self._api.id,
                    route_key=route,
                    target=pulumi.Output.concat("integrations/", integrations[function].id),
                    authorization_type="CUSTOM" if guarded else "NONE",
                    authorizer_id=authorizer.id if authorizer is not None and guarded else None,
                    operation_name="Public" if route == "$connect" and not guarded else None,
                    opts=self._child("route"),
                )
            )
        return routes

    def _integration(self, function: str) -> aws.apigatewayv2.Integration:
        self._may_call(function, self._api.execution_arn, _STAGE)
        return aws.apigatewayv2.Integration(
            f"{self._prefix}-{function}-integration",
            api_id=self._api.id,
            integration_type="AWS_PROXY",
            integration_method="POST",
            integration_uri=self._functions[function].invoke_arn,
            timeout_milliseconds=round(self._args.timeout_seconds * 1000),
            opts=self._child("integration"),
        )

    def _stage(self, routes: Sequence[aws.apigatewayv2.Route], log_role: ApiLogRole | None) -> aws.apigatewayv2.Stage:
        args = self._args
        group = self._access_log(WEB_SOCKET_QUERIES)
        return aws.apigatewayv2.Stage(
            f"{self._prefix}-stage",
            api_id=self._api.id,
            name=_STAGE,
            auto_deploy=True,
            default_route_settings=aws.apigatewayv2.StageDefaultRouteSettingsArgs(
                throttling_rate_limit=args.throttle.rate_per_second,
                throttling_burst_limit=args.throttle.burst,
                # An execution log would hold what people say to each other.
                logging_level="OFF",
                data_trace_enabled=False,
            ),
            access_log_settings=aws.apigatewayv2.StageAccessLogSettingsArgs(
                destination_arn=group.arn, format=log_format(WEB_SOCKET_LOG)
            ),
            tags={"Name": f"{self._prefix}-stage"},
            # AWS deploys by itself, so that the id of the deployment changes without us.
            opts=self._child(
                "stage",
                depends_on=[*routes, *([log_role.setting] if log_role is not None else [])],
                ignore_changes=["deployment_id"],
            ),
        )


def _part(route: str) -> str:
    """The route in the name of a resource."""
    return re.sub(r"[^a-z0-9]+", "-", route.lower()).strip("-")
