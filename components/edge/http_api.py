"""An HTTP API: routes that lead to functions, behind one authorizer, one limit and one log.

Use: api = HttpApi("study-dev-http", HttpApiArgs(
         functions={"api": function},
         routes={"GET /health": ApiRoute(function="api", public=True), "ANY /{proxy+}": ApiRoute(function="api")},
         authorizer=JwtAuthorizer(issuer=pool.issuer, audiences=pool.client_ids),
         log_retention_days=30,
     ))
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from components.alarms import AlarmTopics
from components.children import Children, Transform
from components.edge.api import (
    HTTP_LOG,
    REQUEST_QUERIES,
    ApiDomain,
    Cors,
    NamedApi,
    Throttle,
    access_log,
    give_name,
    log_format,
    request_alarms,
    save_queries,
)
from components.edge.routes import (
    ApiRoute,
    Invocable,
    RouteKey,
    check_access,
    check_functions,
    check_routes,
    written_out,
)
from components.refusal import Refusal

_STAGE = "$default"
_MOST_ROUTES = 300
_METRICS = {"failed": "5xx", "requests": "Count", "latency": "Latency"}


@dataclass(frozen=True, kw_only=True)
class JwtAuthorizer:
    """Lets in who brings a token of this issuer, made for one of these clients, that has not run out."""

    issuer: pulumi.Input[str]
    """Its URL; below it are the keys that sign (a UserPool's `issuer`)."""

    audiences: pulumi.Input[Sequence[pulumi.Input[str]]]
    """The ids of the clients for which tokens are made."""

    def __post_init__(self) -> None:
        if isinstance(self.issuer, str) and not self.issuer.startswith("https://"):
            raise Refusal("authorizer.issuer", self.issuer, "is not the URL of an issuer; it begins with https://")
        if isinstance(self.audiences, Sequence) and not self.audiences:
            raise Refusal("authorizer.audiences", [], "lets nobody in; list the ids of one or more clients")


@dataclass(frozen=True, kw_only=True)
class HttpApiArgs:
    """What the caller decides about an HTTP API. $1.29 for a million requests in ap-northeast-1, and what the log takes
    ($0.76 a GB). No web firewall can stand before it (AWS WAF knows only REST APIs): use one on CloudFront."""

    functions: Mapping[str, Invocable]
    """What answers, by the names that the routes use."""

    routes: Mapping[str, ApiRoute]
    """Method and path → function: `GET /items/{id}`; `ANY /{proxy+}` for everything below /."""

    authorizer: JwtAuthorizer | None = None
    """Who may call routes that are not public. Left out, the API must say that it is public."""

    public: bool = False
    """Everybody may call every route."""

    cors: Cors | None = None
    """Which web pages may call from browsers; the API answers their preflights itself. Left out: none but its own."""

    throttle: Throttle = field(default_factory=Throttle)
    """How much it takes."""

    timeout_seconds: float = 30
    """How long it waits for a function, up to 30 seconds: a function that may work longer is cut off."""

    domain: ApiDomain | None = None
    """A name of its own; the address that AWS gives is closed then."""

    log_retention_days: int
    """Days for which requests are recorded."""

    log_key_arn: pulumi.Input[str] | None = None
    """The KMS key of the record; its policy must admit the log group."""

    transform: Transform = field(default_factory=dict)
    """Changes to the properties of named children, for what this component does not offer."""

    def __post_init__(self) -> None:
        keys = check_routes(self.routes)
        check_functions({text: route.function for text, route in self.routes.items()}, self.functions)
        check_access(self.routes, has_authorizer=self.authorizer is not None, public=self.public)
        if not 0.05 <= self.timeout_seconds <= 30:
            raise Refusal("timeout_seconds", self.timeout_seconds, "is not allowed; use 0.05 to 30 seconds")
        for text, route in self.routes.items():
            if route.body is not None:
                raise Refusal(
                    f"routes.{text}", "body", "cannot be checked by an HTTP API; use a REST API, or remove it"
                )
            if keys[text].method == "OPTIONS" and self.cors is not None:
                raise Refusal("routes", text, "would never be asked: cors answers OPTIONS itself; remove one of them")
        count = len(written(keys, self.cors))
        if count > _MOST_ROUTES:
            raise Refusal("routes", f"{count} routes", f"are too many; AWS allows {_MOST_ROUTES} for an API")


def written(keys: Mapping[str, RouteKey], cors: Cors | None) -> list[tuple[RouteKey, str]]:
    """The routes as AWS gets them, each with the text of the table from which it comes.

    AWS answers a browser's preflight by itself only where no route takes OPTIONS. ANY would take it, ask it for a token
    that no preflight has, and shut the browser out; so with cors ANY is written out without OPTIONS.
    """
    if cors is None:
        return [(key, text) for text, key in sorted(keys.items())]
    taken = {(key.method, key.shape) for key in keys.values()}
    return [
        (key, text)
        for text, whole in sorted(keys.items())
        for key in written_out(whole)
        # A route of its own goes before what ANY stands for.
        if whole.method != "ANY" or (key.method, key.shape) not in taken
    ]


class HttpApi(pulumi.ComponentResource):
    """An API that takes HTTPS and hands requests to functions, and the record of each."""

    CHILDREN = (
        "api",
        "authorizer",
        "integration",
        "route",
        "log_group",
        "stage",
        "domain",
        "mapping",
        "query",
        "alarm",
    )

    api_id: pulumi.Output[str]
    endpoint: pulumi.Output[str]
    """Where it is called: https://…, without a slash at its end."""
    origin_domain: pulumi.Output[str]
    """The host, for a CloudFront origin."""
    origin_path: str
    """What a CloudFront origin puts before paths."""
    named: NamedApi | None
    """Where the DNS record of its own name must point."""

    def __init__(self, name: str, args: HttpApiArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kumiki:edge:HttpApi", name, None, opts)
        self._prefix = name
        self._args = args
        self._child = Children(self, args.transform, self.CHILDREN)
        self._api = self._make_api()
        routes = self._routes(self._authorizer())
        stage = self._stage(routes)
        self.api_id = self._api.id
        self.named = give_name(name, args.domain, self._api.id, stage.id, self._child) if args.domain else None
        host = self._api.api_endpoint.apply(lambda url: url.removeprefix("https://"))
        self.origin_domain = pulumi.Output.from_input(args.domain.name) if args.domain else host
        self.origin_path = ""
        self.endpoint = pulumi.Output.concat("https://", self.origin_domain)
        self.register_outputs({"endpoint": self.endpoint})

    @property
    def dimensions(self) -> dict[str, pulumi.Input[str]]:
        """By which CloudWatch knows it."""
        return {"ApiId": self.api_id}

    def alarms(
        self,
        topics: AlarmTopics,
        *,
        latency_ms: float = 200,
        error_percent: float = 1,
        availability_percent: float = 99.9,
    ) -> list[aws.cloudwatch.MetricAlarm]:
        """Alarms on slow answers, on failing requests, and on the hour's availability."""
        return request_alarms(
            self._prefix,
            _METRICS,
            self.dimensions,
            topics,
            self._child,
            latency_ms=latency_ms,
            error_percent=error_percent,
            availability_percent=availability_percent,
        )

    def _make_api(self) -> aws.apigatewayv2.Api:
        cors = self._args.cors
        return aws.apigatewayv2.Api(
            f"{self._prefix}-api",
            name=self._prefix,
            protocol_type="HTTP",
            description=f"The HTTP API {self._prefix}",
            # Two doors would be two places to watch.
            disable_execute_api_endpoint=self._args.domain is not None,
            cors_configuration=aws.apigatewayv2.ApiCorsConfigurationArgs(
                allow_origins=list(cors.origins),
                allow_headers=list(cors.headers),
                allow_methods=list(cors.methods),
                allow_credentials=cors.credentials,
                expose_headers=list(cors.expose),
                max_age=cors.max_age_seconds,
            )
            if cors is not None
            else None,
            tags={"Name": f"{self._prefix}-api"},
            opts=self._child("api"),
        )

    def _authorizer(self) -> aws.apigatewayv2.Authorizer | None:
        authorizer = self._args.authorizer
        if authorizer is None:
            return None
        return aws.apigatewayv2.Authorizer(
            f"{self._prefix}-authorizer",
            api_id=self._api.id,
            name=f"{self._prefix}-authorizer",
            authorizer_type="JWT",
            identity_sources=["$request.header.Authorization"],
            jwt_configuration=aws.apigatewayv2.AuthorizerJwtConfigurationArgs(
                issuer=authorizer.issuer, audiences=authorizer.audiences
            ),
            opts=self._child("authorizer"),
        )

    def _routes(self, authorizer: aws.apigatewayv2.Authorizer | None) -> list[aws.apigatewayv2.Route]:
        args = self._args
        called = sorted({route.function for route in args.routes.values()})
        integrations = {function: self._integration(function) for function in called}
        return [
            self._route(key, args.routes[text], integrations[args.routes[text].function], authorizer)
            for key, text in written(check_routes(args.routes), args.cors)
        ]

    def _integration(self, function: str) -> aws.apigatewayv2.Integration:
        """One for each function, however many routes lead to it; and its leave to call that function."""
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
            payload_format_version="2.0",
            timeout_milliseconds=round(self._args.timeout_seconds * 1000),
            opts=self._child("integration"),
        )

    def _route(
        self,
        key: RouteKey,
        route: ApiRoute,
        integration: aws.apigatewayv2.Integration,
        authorizer: aws.apigatewayv2.Authorizer | None,
    ) -> aws.apigatewayv2.Route:
        # Browsers send OPTIONS without a token.
        guarded = authorizer is not None and not route.public and key.method != "OPTIONS"
        return aws.apigatewayv2.Route(
            f"{self._prefix}-{key.part}-route",
            api_id=self._api.id,
            route_key=str(key),
            target=pulumi.Output.concat("integrations/", integration.id),
            authorization_type="JWT" if guarded else "NONE",
            authorizer_id=authorizer.id if authorizer is not None and guarded else None,
            authorization_scopes=sorted(route.scopes) if guarded and route.scopes else None,
            # So that whoever reads the list of routes sees that it is open on purpose.
            operation_name=None if guarded else "Public",
            opts=self._child("route"),
        )

    def _stage(self, routes: Sequence[aws.apigatewayv2.Route]) -> aws.apigatewayv2.Stage:
        args = self._args
        group = access_log(self._prefix, args.log_retention_days, args.log_key_arn, self._child)
        save_queries(self._prefix, REQUEST_QUERIES, group, self._child)
        return aws.apigatewayv2.Stage(
            f"{self._prefix}-stage",
            api_id=self._api.id,
            name=_STAGE,
            auto_deploy=True,
            default_route_settings=aws.apigatewayv2.StageDefaultRouteSettingsArgs(
                throttling_rate_limit=args.throttle.rate_per_second, throttling_burst_limit=args.throttle.burst
            ),
            access_log_settings=aws.apigatewayv2.StageAccessLogSettingsArgs(
                destination_arn=group.arn, format=log_format(HTTP_LOG)
            ),
            tags={"Name": f"{self._prefix}-stage"},
            # After the routes: each that came later would be a deployment of its own. AWS deploys by itself, so that
            # the id of the deployment changes without us.
            opts=self._child("stage", depends_on=list(routes), ignore_changes=["deployment_id"]),
        )
