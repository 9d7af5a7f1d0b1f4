"""A WebSocket API: connections that stay open, and functions that hear of them and may speak to them.

Use: chat = WebSocketApi("talk-dev-chat", WebSocketApiArgs(
         functions={"connect": connect, "disconnect": disconnect, "message": message, "authorize": authorize},
         routes={"$connect": "connect", "$disconnect": "disconnect", "sendMessage": "message"},
         authorizer="authorize",
         log_retention_days=30,
     ))
     chat.grant_manage_connections(message.role)
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from components.alarms import AlarmTopics, Metric, raise_alarm
from components.children import Children, Transform
from components.edge.api import (
    WEB_SOCKET_LOG,
    WEB_SOCKET_QUERIES,
    ApiDomain,
    NamedApi,
    Throttle,
    access_log,
    give_name,
    log_format,
    save_queries,
)
from components.edge.routes import Invocable, check_functions
from components.policy import document, statement
from components.refusal import Refusal

_STAGE = "live"
_OWN = ("$connect", "$disconnect", "$default")
_ROUTE = re.compile(r"[A-Za-z0-9_-]{1,128}")


@dataclass(frozen=True, kw_only=True)
class WebSocketApiArgs:
    """What the caller decides about a WebSocket API. $1.26 for a million messages of up to 32 KB in ap-northeast-1, and
    $0.315 for a million minutes of connections: 1,000 people the month round are $13.60. AWS ends each connection after
    two hours, and after ten minutes of silence. No web firewall can stand before it."""

    functions: Mapping[str, Invocable]
    """What answers, by the names that the routes use."""

    routes: Mapping[str, str]
    """$connect, $disconnect, $default (what no other route takes), or the value of a message's field `action` → the
    function that hears of it."""

    authorizer: str | None = None
    """The function that decides who may connect, by the token in the query string (`?token=…`: browsers can send no
    headers). Left out, the API must say that it is public."""

    public: bool = False
    """Everybody may connect."""

    throttle: Throttle = field(default_factory=Throttle)
    """How many messages it takes."""

    timeout_seconds: float = 29
    """How long it waits for a function, up to 29 seconds."""

    domain: ApiDomain | None = None
    """A name of its own. The address that AWS gives stays open: by it functions speak to connections."""

    log_retention_days: int
    """Days for which connections and messages are recorded."""

    log_key_arn: pulumi.Input[str] | None = None
    """The KMS key of the record; its policy must admit the log group."""

    log_role: pulumi.Resource | None = None
    """The region's setting by which API Gateway may write logs (an ApiLogRole's); the stage waits for it."""

    transform: Transform = field(default_factory=dict)
    """Changes to the properties of named children, for what this component does not offer."""

    def __post_init__(self) -> None:
        if "$connect" not in self.routes:
            raise Refusal(
                "routes", sorted(self.routes), "lack $connect, at which it is decided who may come in; add it"
            )
        seen: dict[str, str] = {}
        for route in self.routes:
            if route not in _OWN and not _ROUTE.fullmatch(route):
                raise Refusal(
                    "routes", route, f"is no route; use {', '.join(_OWN)}, or an action of letters, digits, - and _"
                )
            # Resources are named by their routes, and AWS tells names by more than we can.
            other = seen.setdefault(_part(route), route)
            if other != route:
                raise Refusal("routes", route, f"and {other!r} are told apart by capitals or signs only; rename one")
        check_functions(self.routes, self.functions)
        if self.authorizer is None and not self.public:
            raise Refusal("authorizer", None, "is missing: name a function that decides, or write public: true")
        if self.authorizer is not None:
            if self.public:
                raise Refusal("public", True, "makes no sense with an authorizer; leave one of them out")
            if self.authorizer not in self.functions:
                known = ", ".join(sorted(self.functions))
                raise Refusal("authorizer", self.authorizer, f"is not a function of this stack; there are: {known}")
        if not 0.05 <= self.timeout_seconds <= 29:
            raise Refusal("timeout_seconds", self.timeout_seconds, "is not allowed; use 0.05 to 29 seconds")


class WebSocketApi(pulumi.ComponentResource):
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

    api_id: pulumi.Output[str]
    endpoint: pulumi.Output[str]
    """Where clients connect: wss://…"""
    management_endpoint: pulumi.Output[str]
    """Where functions speak to connections: https://…"""
    origin_domain: pulumi.Output[str]
    """The host, for a CloudFront origin."""
    origin_path: str
    """What a CloudFront origin puts before paths."""
    named: NamedApi | None
    """Where the DNS record of its own name must point."""

    def __init__(self, name: str, args: WebSocketApiArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kumiki:edge:WebSocketApi", name, None, opts)
        self._prefix = name
        self._args = args
        self._child = Children(self, args.transform, self.CHILDREN)
        self._api = aws.apigatewayv2.Api(
            f"{name}-api",
            name=name,
            protocol_type="WEBSOCKET",
            route_selection_expression="$request.body.action",
            description=f"The WebSocket API {name}",
            tags={"Name": f"{name}-api"},
            opts=self._child("api"),
        )
        stage = self._stage(self._routes(self._authorizer()))
        self.api_id = self._api.id
        self.named = give_name(name, args.domain, self._api.id, stage.id, self._child) if args.domain else None
        host = self._api.api_endpoint.apply(lambda url: url.removeprefix("wss://"))
        self.management_endpoint = pulumi.Output.concat("https://", host, f"/{_STAGE}")
        # Under a name of its own the stage is the mapping's matter.
        self.origin_path = "" if args.domain else f"/{_STAGE}"
        self.origin_domain = pulumi.Output.from_input(args.domain.name) if args.domain else host
        self.endpoint = pulumi.Output.concat("wss://", self.origin_domain, self.origin_path)
        self.register_outputs({"endpoint": self.endpoint})

    @property
    def dimensions(self) -> dict[str, pulumi.Input[str]]:
        """By which CloudWatch knows it."""
        return {"ApiId": self.api_id, "Stage": _STAGE}

    def grant_manage_connections(self, role: aws.iam.Role) -> None:
        """Let `role` speak to connections, ask about them and end them: those of this stage, and nothing more."""
        aws.iam.RolePolicy(
            f"{self._prefix}-connections-for-{role.pulumi_resource_name}",
            role=role.id,
            policy=document(
                statement(
                    "SpeakToConnections",
                    actions="execute-api:ManageConnections",
                    resources=[
                        pulumi.Output.concat(self._api.execution_arn, f"/{_STAGE}/{method}/@connections/*")
                        for method in ("DELETE", "GET", "POST")
                    ],
                )
            ),
            opts=self._child("grant"),
        )

    def alarms(self, topics: AlarmTopics, *, error_percent: float = 1, latency_ms: float = 200) -> None:
        """Alarms on messages that fail and on functions that are slow."""

        def metric(name: str, statistic: str = "Sum") -> Metric:
            return Metric(namespace="AWS/ApiGateway", name=name, dimensions=self.dimensions, statistic=statistic)

        opts = self._child("alarm")
        raise_alarm(
            f"{self._prefix}-error-rate",
            means=(
                f"More than {error_percent:g} % of what was sent to {self._prefix} failed behind it. "
                f"Logs Insights, saved queries {self._prefix}/…: begin with failed-messages, then the functions' logs."
            ),
            expression=(
                "100 * (FILL(functions, 0) + FILL(gateway, 0)) / (FILL(connects, 0) + FILL(messages, 0))",
                {
                    "connects": metric("ConnectCount"),
                    "functions": metric("IntegrationError"),
                    "gateway": metric("ExecutionError"),
                    "messages": metric("MessageCount"),
                },
            ),
            threshold=error_percent,
            periods=5,
            breaching_periods=3,
            severity="critical",
            topics=topics,
            opts=opts,
        )
        raise_alarm(
            f"{self._prefix}-latency",
            means=f"Functions behind {self._prefix} take longer than {latency_ms:g} ms on average.",
            metric=metric("IntegrationLatency", "Average"),
            threshold=latency_ms,
            periods=5,
            breaching_periods=3,
            severity="warning",
            topics=topics,
            opts=opts,
        )

    def _authorizer(self) -> aws.apigatewayv2.Authorizer | None:
        if self._args.authorizer is None:
            return None
        function = self._args.functions[self._args.authorizer]
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
        integrations = {function: self._integration(function) for function in sorted(set(self._args.routes.values()))}
        routes = []
        for route, function in sorted(self._args.routes.items()):
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
        target = self._args.functions[function]
        target.allow_invocation(
            self._prefix,
            principal="apigateway.amazonaws.com",
            source_arn=pulumi.Output.concat(self._api.execution_arn, f"/{_STAGE}/*"),
        )
        return aws.apigatewayv2.Integration(
            f"{self._prefix}-{function}-integration",
            api_id=self._api.id,
            integration_type="AWS_PROXY",
            integration_method="POST",
            integration_uri=target.invoke_arn,
            timeout_milliseconds=round(self._args.timeout_seconds * 1000),
            opts=self._child("integration"),
        )

    def _stage(self, routes: Sequence[aws.apigatewayv2.Route]) -> aws.apigatewayv2.Stage:
        args = self._args
        group = access_log(self._prefix, args.log_retention_days, args.log_key_arn, self._child)
        save_queries(self._prefix, WEB_SOCKET_QUERIES, group, self._child)
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
                depends_on=[*routes, *([args.log_role] if args.log_role is not None else [])],
                ignore_changes=["deployment_id"],
            ),
        )


def _part(route: str) -> str:
    """The route in the name of a resource."""
    return re.sub(r"[^a-z0-9]+", "-", route.lower()).strip("-")
