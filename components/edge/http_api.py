"""An HTTP API: routes that lead to functions or services, behind one authorizer, one limit and one log.

Use: api = HttpApi(
         "study-dev-http",
         HttpApiArgs(
             routes={
                 "GET /health": HttpRoute(function="api", public=True),
                 "ANY /{proxy+}": HttpRoute(function="api"),
             },
             authorizer=JwtAuthorizer(user_pool=True),
         ),
         functions={"api": function},
         user_pool=pool,
     )
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Final

import pulumi
import pulumi_aws as aws
from pydantic import Field

from ..args import Args
from ..errors import ArgumentError, Mistake
from ..identity.key import AnyKey
from ..identity.user_pool import SIGNED_IN, UserPool
from ..values import Name, text
from .api import HTTP_LOG, REQUEST_QUERIES, RequestApi, log_format
from .api_args import Cors, RequestApiArgs
from .certificate import Certificate
from .routes import Invocable, RequestRoute, RouteKey, route_key, written_out
from .vpc_link import VpcLink

USER_HEADER: Final = "x-user"
"""In which a service reads whose token the authorizer has let in. Whatever a caller wrote there is taken away."""

_STAGE = "$default"
_MOST_ROUTES = 300


class JwtAuthorizer(Args):
    """Whose tokens let in, as long as they have not run out: a user pool's, or those of another issuer."""

    user_pool: bool = False
    """Those of the user pool that the API is given (in YAML the stack's), made for any of its clients."""

    issuer: Annotated[str, text(r"https://.+", "write the URL of an issuer, which begins with https://")] | None = None
    """The URL of another issuer; below it are the keys that sign."""

    audiences: list[str] = []
    """The ids of the clients for which the other issuer makes tokens."""

    def mistakes(self) -> Iterator[Mistake]:
        if self.issuer is None and not self.user_pool:
            yield Mistake("issuer", None, "is missing; say who judges tokens: a user pool, or an issuer with audiences")
        if self.issuer is not None and self.user_pool:
            yield Mistake("issuer", self.issuer, "cannot judge tokens beside the user pool; keep one of them")
        if self.issuer is not None and not self.audiences:
            yield Mistake("audiences", [], "lets nobody in; list the ids of one or more clients")
        if self.issuer is None and self.audiences:
            yield Mistake("audiences", self.audiences, "goes with an issuer only; remove it")


class HttpRoute(RequestRoute):
    """Where a route leads, and for whom."""

    function: Name | None = None  # pyright: ignore[reportIncompatibleVariableOverride] it cannot change
    """The function that answers."""

    load_balancer: bool = False
    """The services behind an internal load balancer answer: `allowFrom: [apiGateway]`."""

    def mistakes(self) -> Iterator[Mistake]:
        if self.function is None and not self.load_balancer:
            yield Mistake("function", None, "is missing; name the function that answers, or lead to the load balancer")
        if self.function is not None and self.load_balancer:
            yield Mistake("load_balancer", True, "makes no sense with a function; remove one of them")


class HttpApiArgs(RequestApiArgs):
    """An HTTP API. $1.29 for a million requests in ap-northeast-1, and what the log takes ($0.76 a GB). No web firewall
    can stand before it (AWS WAF knows only REST APIs): use one on CloudFront."""

    routes: dict[str, HttpRoute]  # pyright: ignore[reportIncompatibleVariableOverride] it cannot change
    """Method and path → function, or the load balancer: `GET /items/{id}`; `ANY /{proxy+}` for everything below /."""

    authorizer: JwtAuthorizer | None = None
    """Who may call routes that are not public. Left out, the API must say that it is public."""

    timeout_seconds: Annotated[float, Field(ge=0.05, le=30)] = 30
    """How long it waits for a function: one that may work longer is cut off."""

    @property
    def uses_load_balancer(self) -> bool:
        """Whether a route leads to the services behind a load balancer."""
        return any(route.load_balancer for route in self.routes.values())

    def mistakes(self) -> Iterator[Mistake]:
        yield from self._mistaken_routes(has_authorizer=self.authorizer is not None)
        count = len(written(self.routes, self.cors))
        if count > _MOST_ROUTES:
            yield Mistake("routes", f"{count} routes", f"are too many; AWS allows {_MOST_ROUTES} for an API")


def written(routes: Iterable[str], cors: Cors | None) -> list[tuple[RouteKey, str]]:
    """The routes as AWS gets them, each with the text of the table from which it comes.

    AWS answers a browser's preflight by itself only where no route takes OPTIONS. ANY would take it, ask it for a token
    that no preflight has, and shut the browser out; so with cors ANY is written out without OPTIONS.
    """
    keys = {text: route_key(text) for text in routes}
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


class HttpApi(RequestApi[HttpApiArgs]):
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
    METRICS = {"failed": "5xx", "refused": "4xx", "requests": "Count", "latency": "Latency"}

    def __init__(
        self,
        name: str,
        args: HttpApiArgs,
        *,
        functions: Mapping[str, Invocable],
        link: VpcLink | None = None,
        user_pool: UserPool | None = None,
        certificate: Certificate | None = None,
        log_key: AnyKey | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param functions: What answers, by the names that the routes use.
        :param link: The way to the load balancer, where a route leads there.
        :param user_pool: Whose tokens let in, where the authorizer says so.
        :param certificate: Of a name of its own, the certificate's first, in the API's own region; the address that AWS
            gives is closed then.
        :param log_key: The key of the record of requests; its policy must admit the log group.
        """
        super().__init__(name, args, opts, functions=functions, certificate=certificate, log_key=log_key)
        if (link is not None) != args.uses_load_balancer:
            why = "goes together with routes that lead to the load balancer; give both or neither"
            raise ArgumentError("link", link and link.pulumi_resource_name, why)
        self._link = link
        self._api = self._make_api()
        stage = self._stage(self._routes(self._authorizer(user_pool)))
        self.api_id = self._api.id
        self.named = self._give_name(stage.id)
        self._reached("https", self._api.api_endpoint.apply(lambda url: url.removeprefix("https://")))

    @property
    def dimensions(self) -> dict[str, pulumi.Input[str]]:
        """By which CloudWatch knows it."""
        return {"ApiId": self.api_id}

    def _make_api(self) -> aws.apigatewayv2.Api:
        cors = self._args.cors
        return aws.apigatewayv2.Api(
            f"{self._prefix}-api",
            name=self._prefix,
            protocol_type="HTTP",
            description=f"The HTTP API {self._prefix}",
            # Two doors would be two places to watch.
            disable_execute_api_endpoint=self._domain is not None,
            cors_configuration=aws.apigatewayv2.ApiCorsConfigurationArgs(
                allow_origins=cors.origins,
                allow_headers=cors.headers,
                allow_methods=cors.methods,
                allow_credentials=cors.credentials,
                expose_headers=cors.expose,
                max_age=cors.max_age_seconds,
            )
            if cors is not None
            else None,
            tags={"Name": f"{self._prefix}-api"},
            opts=self._child("api"),
        )

    def _authorizer(self, user_pool: UserPool | None) -> aws.apigatewayv2.Authorizer | None:
        authorizer = self._args.authorizer
        if authorizer is None:
            return None
        pool = self._judging(user_pool) if authorizer.user_pool else None
        return aws.apigatewayv2.Authorizer(
            f"{self._prefix}-authorizer",
            api_id=self._api.id,
            name=f"{self._prefix}-authorizer",
            authorizer_type="JWT",
            identity_sources=["$request.header.Authorization"],
            jwt_configuration=aws.apigatewayv2.AuthorizerJwtConfigurationArgs(
                issuer=pool.issuer if pool is not None else authorizer.issuer,
                audiences=list(pool.client_ids.values()) if pool is not None else authorizer.audiences,
            ),
            opts=self._child("authorizer"),
        )

    def _routes(self, authorizer: aws.apigatewayv2.Authorizer | None) -> list[aws.apigatewayv2.Route]:
        args = self._args
        called = sorted({route.function for route in args.routes.values() if route.function is not None})
        integrations = {function: self._integration(function) for function in called}
        private: dict[bool, aws.apigatewayv2.Integration] = {}
        made: list[aws.apigatewayv2.Route] = []
        for key, name in written(args.routes, args.cors):
            route, is_open = args.routes[name], self._is_open(key, args.routes[name])
            if route.function is not None:
                leads = integrations[route.function]
            elif is_open in private:
                leads = private[is_open]
            else:
                assert self._link is not None
                leads = private[is_open] = self._private_integration(self._link, public=is_open)
            made.append(self._route(key, route, leads, authorizer))
        return made

    def _is_open(self, key: RouteKey, route: HttpRoute) -> bool:
        """Whether nobody is asked for a token. Browsers send OPTIONS without one."""
        return self._args.authorizer is None or route.public or key.method == "OPTIONS"

    def _private_integration(self, link: VpcLink, *, public: bool) -> aws.apigatewayv2.Integration:
        """One for all routes of a kind that lead to the load balancer, which tells services apart by paths itself.

        Unlike a function, what stands there gets the request alone: it is told of the caller in a header, of none by
        public routes (docs.aws.amazon.com/apigateway/latest/developerguide/http-api-parameter-mapping.html).
        """
        told = {f"overwrite:header.{USER_HEADER}": "$context.authorizer.claims.sub"}
        tls = None
        if link.server_name is not None:
            tls = aws.apigatewayv2.IntegrationTlsConfigArgs(server_name_to_verify=link.server_name)
        return aws.apigatewayv2.Integration(
            f"{self._prefix}-{'public' if public else 'private'}-integration",
            api_id=self._api.id,
            integration_type="HTTP_PROXY",
            integration_method="ANY",
            integration_uri=link.listener_arn,
            connection_type="VPC_LINK",
            connection_id=link.connection_id,
            payload_format_version="1.0",
            request_parameters={f"remove:header.{USER_HEADER}": "''"} if public else told,
            tls_config=tls,
            timeout_milliseconds=round(self._args.timeout_seconds * 1000),
            opts=self._child("integration"),
        )

    def _integration(self, function: str) -> aws.apigatewayv2.Integration:
        """One for each function, however many routes lead to it; and its leave to call that function."""
        self._may_call(function, self._api.execution_arn, _STAGE)
        return aws.apigatewayv2.Integration(
            f"{self._prefix}-{function}-integration",
            api_id=self._api.id,
            integration_type="AWS_PROXY",
            integration_method="POST",
            integration_uri=self._functions[function].invoke_arn,
            payload_format_version="2.0",
            timeout_milliseconds=round(self._args.timeout_seconds * 1000),
            opts=self._child("integration"),
        )

    def _route(
        self,
        key: RouteKey,
        route: HttpRoute,
        integration: aws.apigatewayv2.Integration,
        authorizer: aws.apigatewayv2.Authorizer | None,
    ) -> aws.apigatewayv2.Route:
        guarded = not self._is_open(key, route)
        # Access tokens alone, which have scopes, as at APIs of other kinds. Nobody knows the scopes of other issuers.
        of_users = self._args.authorizer is not None and self._args.authorizer.user_pool
        scopes = route.scopes or (SIGNED_IN if of_users else ())
        return aws.apigatewayv2.Route(
            f"{self._prefix}-{key.part}-route",
            api_id=self._api.id,
            route_key=str(key),
            target=pulumi.Output.concat("integrations/", integration.id),
            authorization_type="JWT" if guarded else "NONE",
            authorizer_id=authorizer.id if authorizer is not None and guarded else None,
            authorization_scopes=sorted(scopes) if guarded and scopes else None,
            # So that whoever reads the list of routes sees that it is open on purpose.
            operation_name=None if guarded else "Public",
            opts=self._child("route"),
        )

    def _stage(self, routes: Sequence[aws.apigatewayv2.Route]) -> aws.apigatewayv2.Stage:
        args = self._args
        group = self._access_log(REQUEST_QUERIES)
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
