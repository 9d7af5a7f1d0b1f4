"""A REST API: routes that lead to functions, requests checked before they get there, traces, and a web firewall.

Dearer than an HTTP API by three times; for those who need its checks, its traces, or a firewall without CloudFront.

Use: api = RestApi("talk-dev-rest", RestApiArgs(
         functions={"api": function},
         routes={"POST /items": ApiRoute(function="api", body=schema), "ANY /{proxy+}": ApiRoute(function="api")},
         authorizer=CognitoAuthorizer(user_pool_arn=pool.arn),
         log_retention_days=30,
     ))
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from components.alarms import AlarmTopics
from components.children import Children, Transform
from components.edge.api import (
    REQUEST_QUERIES,
    REST_LOG,
    ApiDomain,
    NamedApi,
    Throttle,
    access_log,
    log_format,
    request_alarms,
    save_queries,
)
from components.edge.routes import ApiRoute, Invocable, RouteKey, check_access, check_functions, check_routes
from components.refusal import Refusal

_STAGE = "live"
_METRICS = {"failed": "5XXError", "requests": "Count", "latency": "Latency"}
_MOST_RESOURCES = 300


@dataclass(frozen=True, kw_only=True)
class CognitoAuthorizer:
    """Lets in who brings a token of this user pool that has not run out."""

    user_pool_arn: pulumi.Input[str]
    """A UserPool's `arn`."""


@dataclass(frozen=True, kw_only=True)
class RestApiArgs:
    """What the caller decides about a REST API. $4.25 for a million requests in ap-northeast-1, and what the log takes
    ($0.76 a GB)."""

    functions: Mapping[str, Invocable]
    """What answers, by the names that the routes use."""

    routes: Mapping[str, ApiRoute]
    """Method and path → function: `GET /items/{id}`; `ANY /{proxy+}` for everything below /."""

    authorizer: CognitoAuthorizer | None = None
    """Who may call routes that are not public. Left out, the API must say that it is public."""

    public: bool = False
    """Everybody may call every route."""

    preflight: bool = False
    """Whether browsers may ask (OPTIONS, without a token) what pages of other origins may do. The functions answer, and
    know the origins: what they answer later needs the same headers."""

    throttle: Throttle = field(default_factory=Throttle)
    """How much it takes."""

    timeout_seconds: float = 29
    """How long it waits for a function, up to 29 seconds: a function that may work longer is cut off."""

    tracing: bool = False
    """Whether X-Ray follows requests from here on: $5 for a million traces."""

    domain: ApiDomain | None = None
    """A name of its own; the address that AWS gives is closed then."""

    web_acl_arn: pulumi.Input[str] | None = None
    """The web firewall (a WebAcl of scope REGIONAL) that judges each request first."""

    log_retention_days: int
    """Days for which requests are recorded."""

    log_key_arn: pulumi.Input[str] | None = None
    """The KMS key of the record; its policy must admit the log group."""

    log_role: pulumi.Resource | None = None
    """The region's setting by which API Gateway may write logs (an ApiLogRole's); the stage waits for it."""

    transform: Transform = field(default_factory=dict)
    """Changes to the properties of named children, for what this component does not offer."""

    def __post_init__(self) -> None:
        keys = check_routes(self.routes)
        check_functions({text: route.function for text, route in self.routes.items()}, self.functions)
        check_access(self.routes, has_authorizer=self.authorizer is not None, public=self.public)
        if not 0.05 <= self.timeout_seconds <= 29:
            raise Refusal("timeout_seconds", self.timeout_seconds, "is not allowed; use 0.05 to 29 seconds")
        for text, key in keys.items():
            body = self.routes[text].body
            if key.method == "OPTIONS" and self.preflight:
                raise Refusal("routes", text, "is there already for browsers (cors); remove one of them")
            if body is not None and key.method in ("GET", "HEAD", "OPTIONS"):
                raise Refusal(f"routes.{text}", "body", f"makes no sense: a {key.method} sends none; remove it")
        _check_siblings(keys)
        if len(_paths(keys.values())) > _MOST_RESOURCES:
            raise Refusal("routes", f"{len(keys)} routes", f"have too many paths; AWS allows {_MOST_RESOURCES} parts")


def _check_siblings(keys: Mapping[str, RouteKey]) -> None:
    """Where one path has a parameter, a REST API allows no path with another in its place."""
    seen: dict[str, tuple[str, str]] = {}
    for text, key in keys.items():
        for path in _ancestors(key.path):
            parent, _, last = path.rpartition("/")
            if not last.startswith("{"):
                continue
            other, first = seen.setdefault(parent, (last, text))
            if other != last:
                raise Refusal(
                    "routes", text, f"has {last} where {first!r} has {other}; a REST API wants one name for one place"
                )


def _ancestors(path: str) -> list[str]:
    """`/a/b` → /a, /a/b."""
    parts = [part for part in path.split("/") if part]
    return ["/" + "/".join(parts[: number + 1]) for number in range(len(parts))]


def _paths(keys: Iterable[RouteKey]) -> list[str]:
    return sorted({path for key in keys for path in _ancestors(key.path)})


class RestApi(pulumi.ComponentResource):
    """An API that takes HTTPS, checks requests, hands them to functions, and records each."""

    CHILDREN = (
        "api",
        "authorizer",
        "validator",
        "model",
        "resource",
        "method",
        "integration",
        "deployment",
        "log_group",
        "stage",
        "limits",
        "web_acl_association",
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

    def __init__(self, name: str, args: RestApiArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kumiki:edge:RestApi", name, None, opts)
        self._prefix = name
        self._args = args
        self._child = Children(self, args.transform, self.CHILDREN)
        self._api = aws.apigateway.RestApi(
            f"{name}-api",
            name=name,
            description=f"The REST API {name}",
            endpoint_configuration=aws.apigateway.RestApiEndpointConfigurationArgs(types="REGIONAL"),
            # Two doors would be two places to watch.
            disable_execute_api_endpoint=args.domain is not None,
            tags={"Name": f"{name}-api"},
            opts=self._child("api"),
        )
        stage = self._stage(self._deployment(self._methods()))
        self.api_id = self._api.id
        self.named = self._give_name(args.domain, stage) if args.domain else None
        if args.web_acl_arn is not None:
            aws.wafv2.WebAclAssociation(
                f"{name}-web-acl-association",
                resource_arn=stage.arn,
                web_acl_arn=args.web_acl_arn,
                opts=self._child("web_acl_association"),
            )
        # `https://{id}.execute-api.{region}.amazonaws.com/live`
        host = stage.invoke_url.apply(lambda url: url.removeprefix("https://").partition("/")[0])
        # Under a name of its own the stage is the mapping's matter.
        self.origin_path = "" if args.domain else f"/{_STAGE}"
        self.origin_domain = pulumi.Output.from_input(args.domain.name) if args.domain else host
        self.endpoint = pulumi.Output.concat("https://", self.origin_domain, self.origin_path)
        self.register_outputs({"endpoint": self.endpoint})

    @property
    def dimensions(self) -> dict[str, pulumi.Input[str]]:
        """By which CloudWatch knows it."""
        return {"ApiName": self._prefix, "Stage": _STAGE}

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

    def _methods(self) -> list[pulumi.Resource]:
        """What a deployment must wait for: it takes a picture of what there is."""
        args = self._args
        keys = check_routes(args.routes)
        resources = self._resources(list(keys.values()))
        validator, authorizer = self._validator(), self._authorizer()
        for function in sorted({route.function for route in args.routes.values()}):
            args.functions[function].allow_invocation(
                self._prefix,
                principal="apigateway.amazonaws.com",
                source_arn=pulumi.Output.concat(self._api.execution_arn, f"/{_STAGE}/*"),
            )
        made: list[pulumi.Resource] = []
        for text, key in sorted(keys.items()):
            made += self._method(key, args.routes[text], resources, validator, authorizer)
        if args.preflight:
            first = {key.path: args.routes[text].function for text, key in sorted(keys.items(), reverse=True)}
            for path, function in sorted(first.items()):
                asked = RouteKey(method="OPTIONS", path=path)
                made += self._method(asked, ApiRoute(function=function), resources, validator, None)
        return made

    def _resources(self, keys: Sequence[RouteKey]) -> dict[str, pulumi.Output[str]]:
        """The id of each path."""
        ids: dict[str, pulumi.Output[str]] = {"": self._api.root_resource_id, "/": self._api.root_resource_id}
        for path in _paths(keys):
            parent, _, last = path.rpartition("/")
            ids[path] = aws.apigateway.Resource(
                f"{self._prefix}-{_part(path)}-resource",
                rest_api=self._api.id,
                parent_id=ids[parent],
                path_part=last,
                opts=self._child("resource"),
            ).id
        return ids

    def _validator(self) -> aws.apigateway.RequestValidator:
        return aws.apigateway.RequestValidator(
            f"{self._prefix}-validator",
            rest_api=self._api.id,
            name=f"{self._prefix}-validator",
            validate_request_body=True,
            validate_request_parameters=True,
            opts=self._child("validator"),
        )

    def _authorizer(self) -> aws.apigateway.Authorizer | None:
        if self._args.authorizer is None:
            return None
        return aws.apigateway.Authorizer(
            f"{self._prefix}-authorizer",
            rest_api=self._api.id,
            name=f"{self._prefix}-authorizer",
            type="COGNITO_USER_POOLS",
            identity_source="method.request.header.Authorization",
            provider_arns=[self._args.authorizer.user_pool_arn],
            opts=self._child("authorizer"),
        )

    def _method(
        self,
        key: RouteKey,
        route: ApiRoute,
        resources: Mapping[str, pulumi.Output[str]],
        validator: aws.apigateway.RequestValidator,
        authorizer: aws.apigateway.Authorizer | None,
    ) -> list[pulumi.Resource]:
        # Browsers send OPTIONS without a token.
        guarded = authorizer is not None and not route.public and key.method != "OPTIONS"
        models = {"application/json": self._model(key, route.body).name} if route.body is not None else None
        method = aws.apigateway.Method(
            f"{self._prefix}-{key.part}-method",
            rest_api=self._api.id,
            resource_id=resources[key.path],
            http_method=key.method,
            authorization="COGNITO_USER_POOLS" if guarded else "NONE",
            authorizer_id=authorizer.id if authorizer is not None and guarded else None,
            authorization_scopes=sorted(route.scopes) if guarded and route.scopes else None,
            request_validator_id=validator.id,
            request_models=models,
            # So that whoever reads the list of methods sees that it is open on purpose.
            operation_name=None if guarded else "Public",
            opts=self._child("method"),
        )
        integration = aws.apigateway.Integration(
            f"{self._prefix}-{key.part}-integration",
            rest_api=self._api.id,
            resource_id=resources[key.path],
            # AWS wants the method to be there.
            http_method=method.http_method,
            type="AWS_PROXY",
            integration_http_method="POST",
            uri=self._args.functions[route.function].invoke_arn,
            timeout_milliseconds=round(self._args.timeout_seconds * 1000),
            opts=self._child("integration"),
        )
        return [method, integration]

    def _model(self, key: RouteKey, schema: Mapping[str, object]) -> aws.apigateway.Model:
        return aws.apigateway.Model(
            f"{self._prefix}-{key.part}-model",
            rest_api=self._api.id,
            # Letters and digits only.
            name="".join(word.capitalize() for word in key.part.split("-")),
            content_type="application/json",
            schema=json.dumps(schema, sort_keys=True),
            opts=self._child("model"),
        )

    def _deployment(self, methods: Sequence[pulumi.Resource]) -> aws.apigateway.Deployment:
        return aws.apigateway.Deployment(
            f"{self._prefix}-deployment",
            rest_api=self._api.id,
            # AWS goes on to serve the picture that a deployment took, so that whatever changes must take a new one.
            triggers={
                "table": fingerprint(self._args),
                **({"users": self._args.authorizer.user_pool_arn} if self._args.authorizer else {}),
            },
            opts=self._child("deployment", depends_on=list(methods)),
        )

    def _stage(self, deployment: aws.apigateway.Deployment) -> aws.apigateway.Stage:
        args = self._args
        group = access_log(self._prefix, args.log_retention_days, args.log_key_arn, self._child)
        save_queries(self._prefix, REQUEST_QUERIES, group, self._child)
        stage = aws.apigateway.Stage(
            f"{self._prefix}-stage",
            rest_api=self._api.id,
            stage_name=_STAGE,
            deployment=deployment.id,
            xray_tracing_enabled=args.tracing,
            access_log_settings=aws.apigateway.StageAccessLogSettingsArgs(
                destination_arn=group.arn, format=log_format(REST_LOG)
            ),
            tags={"Name": f"{self._prefix}-stage"},
            opts=self._child("stage", depends_on=[args.log_role] if args.log_role is not None else None),
        )
        aws.apigateway.MethodSettings(
            f"{self._prefix}-limits",
            rest_api=self._api.id,
            stage_name=stage.stage_name,
            method_path="*/*",
            settings=aws.apigateway.MethodSettingsSettingsArgs(
                throttling_rate_limit=args.throttle.rate_per_second,
                throttling_burst_limit=args.throttle.burst,
                # An execution log would hold tokens and what people send.
                logging_level="OFF",
                data_trace_enabled=False,
            ),
            opts=self._child("limits"),
        )
        return stage

    def _give_name(self, domain: ApiDomain, stage: aws.apigateway.Stage) -> NamedApi:
        named = aws.apigateway.DomainName(
            f"{self._prefix}-domain",
            domain_name=domain.name,
            regional_certificate_arn=domain.certificate_arn,
            endpoint_configuration=aws.apigateway.DomainNameEndpointConfigurationArgs(types="REGIONAL"),
            security_policy="TLS_1_2",
            tags={"Name": f"{self._prefix}-domain"},
            opts=self._child("domain"),
        )
        aws.apigateway.BasePathMapping(
            f"{self._prefix}-mapping",
            rest_api=self._api.id,
            stage_name=stage.stage_name,
            domain_name=named.domain_name,
            opts=self._child("mapping"),
        )
        return NamedApi(target=named.regional_domain_name, zone_id=named.regional_zone_id)


def fingerprint(args: RestApiArgs) -> str:
    """Of everything that a deployment takes a picture of."""
    table = {
        str(key): [
            args.routes[text].function,
            args.routes[text].public or args.authorizer is None,
            sorted(args.routes[text].scopes),
            args.routes[text].body,
        ]
        for text, key in check_routes(args.routes).items()
    }
    picture = {"preflight": args.preflight, "routes": table, "timeout": args.timeout_seconds}
    return hashlib.sha256(json.dumps(picture, sort_keys=True).encode()).hexdigest()


def _part(path: str) -> str:
    """A path in the name of a resource: `items-id`."""
    return re.sub(r"[^a-z0-9]+", "-", path.lower().replace("+", "-all")).strip("-")
