"""A REST API: routes that lead to functions, requests checked before they get there, traces, and a web firewall.

Dearer than an HTTP API by three times; for those who need its checks, its traces, or a firewall without CloudFront.

Use: api = RestApi(
         "talk-dev-rest",
         RestApiArgs(
             routes={
                 "POST /items": RestRoute(function="api", body=schema),
                 "ANY /{proxy+}": RestRoute(function="api"),
             },
             authorizer=UserPoolAuthorizer(user_pool=True),
         ),
         functions={"api": function},
         user_pool=pool,
     )
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws

from ..identity.key import AnyKey
from ..identity.user_pool import SIGNED_IN, UserPool
from .api import REQUEST_QUERIES, REST_LOG, NamedApi, RequestApi, log_format
from .api_log_role import ApiLogRole
from .certificate import Certificate
from .rest_api_args import RestApiArgs, RestRoute, paths
from .routes import Invocable, RouteKey, route_key
from .web_acl import WebAcl

_STAGE = "live"


class RestApi(RequestApi[RestApiArgs]):
    """An API that takes HTTPS, checks requests, hands them to functions, and records each."""

    CHILDREN = (
        "api",
        "authorizer",
        "validator",
        "model",
        "resource",
        "method",
        "integration",
        "gateway_response",
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
    METRICS = {"failed": "5XXError", "refused": "4XXError", "requests": "Count", "latency": "Latency"}

    def __init__(
        self,
        name: str,
        args: RestApiArgs,
        *,
        functions: Mapping[str, Invocable],
        user_pool: UserPool | None = None,
        certificate: Certificate | None = None,
        web_acl: WebAcl | None = None,
        log_key: AnyKey | None = None,
        log_role: ApiLogRole | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param functions: What answers, by the names that the routes use.
        :param user_pool: Whose tokens let in, where there is an authorizer.
        :param certificate: Of a name of its own, the certificate's first, in the API's own region; the address that AWS
            gives is closed then.
        :param web_acl: The firewall, of an API, that judges each request first.
        :param log_key: The key of the record of requests; its policy must admit the log group.
        :param log_role: The region's setting by which API Gateway may write logs; the stage waits for it.
        """
        super().__init__(name, args, opts, functions=functions, certificate=certificate, log_key=log_key)
        self._users = self._judging(user_pool) if args.authorizer is not None else None
        self._api = aws.apigateway.RestApi(
            f"{name}-api",
            name=name,
            description=f"The REST API {name}",
            endpoint_configuration=aws.apigateway.RestApiEndpointConfigurationArgs(types="REGIONAL"),
            # Two doors would be two places to watch.
            disable_execute_api_endpoint=certificate is not None,
            tags={"Name": f"{name}-api"},
            opts=self._child("api"),
        )
        stage = self._stage(self._deployment([*self._methods(), *self._refusals()]), log_role)
        self.api_id = self._api.id
        self.named = self._named(certificate, stage) if certificate is not None else None
        if web_acl is not None:
            aws.wafv2.WebAclAssociation(
                f"{name}-web-acl-association",
                resource_arn=stage.arn,
                web_acl_arn=web_acl.arn,
                opts=self._child("web_acl_association"),
            )
        # `https://{id}.execute-api.{region}.amazonaws.com/live`
        host = stage.invoke_url.apply(lambda url: url.removeprefix("https://").partition("/")[0])
        self._reached("https", host, f"/{_STAGE}")

    @property
    def _called(self) -> list[str]:
        """The functions behind the routes."""
        return sorted({route.function for route in self._args.routes.values()})

    @property
    def dimensions(self) -> dict[str, pulumi.Input[str]]:
        """By which CloudWatch knows it."""
        return {"ApiName": self._prefix, "Stage": _STAGE}

    def _methods(self) -> list[pulumi.Resource]:
        """What a deployment must wait for: it takes a picture of what there is."""
        args = self._args
        keys = {text: route_key(text) for text in args.routes}
        resources = self._resources()
        validator, authorizer = self._validator(), self._authorizer()
        for function in self._called:
            self._may_call(function, self._api.execution_arn, _STAGE)
        made: list[pulumi.Resource] = []
        for text, key in sorted(keys.items()):
            made += self._method(key, args.routes[text], resources, validator, authorizer)
        if args.cors is not None:
            first = {key.path: args.routes[text].function for text, key in sorted(keys.items(), reverse=True)}
            for path, function in sorted(first.items()):
                asked = RouteKey(method="OPTIONS", path=path)
                made += self._method(asked, RestRoute(function=function), resources, validator, None)
        return made

    def _refusals(self) -> list[pulumi.Resource]:
        """What API Gateway answers without a function: pages of the origins may read it too."""
        cors = self._args.cors
        if cors is None:
            return []
        origin = cors.origins[0] if len(cors.origins) == 1 else "*"
        headers = {"Access-Control-Allow-Origin": origin}
        if cors.credentials:
            headers["Access-Control-Allow-Credentials"] = "true"
        return [
            aws.apigateway.Response(
                f"{self._prefix}-{kind.lower().replace('_', '-')}-response",
                rest_api_id=self._api.id,
                response_type=kind,
                response_parameters={f"gatewayresponse.header.{name}": f"'{text}'" for name, text in headers.items()},
                # AWS's own text.
                response_templates={"application/json": '{"message":$context.error.messageString}'},
                opts=self._child("gateway_response"),
            )
            for kind in ("DEFAULT_4XX", "DEFAULT_5XX")
        ]

    def _resources(self) -> dict[str, pulumi.Output[str]]:
        """The id of each path."""
        ids: dict[str, pulumi.Output[str]] = {"": self._api.root_resource_id, "/": self._api.root_resource_id}
        for path in paths(self._args.routes):
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
        if self._users is None:
            return None
        return aws.apigateway.Authorizer(
            f"{self._prefix}-authorizer",
            rest_api=self._api.id,
            name=f"{self._prefix}-authorizer",
            type="COGNITO_USER_POOLS",
            identity_source="method.request.header.Authorization",
            provider_arns=[self._users.arn],
            opts=self._child("authorizer"),
        )

    def _method(
        self,
        key: RouteKey,
        route: RestRoute,
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
            # Without a scope API Gateway takes id tokens, and only them: they say who somebody is, and permit nothing.
            authorization_scopes=sorted(route.scopes or SIGNED_IN) if guarded else None,
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
            uri=self._functions[route.function].invoke_arn,
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
                "table": fingerprint(self._args, named=self._domain is not None),
                "functions": pulumi.Output.all(*(self._functions[each].invoke_arn for each in self._called)).apply(
                    " ".join
                ),
                **({"users": self._users.arn} if self._users is not None else {}),
            },
            opts=self._child("deployment", depends_on=list(methods)),
        )

    def _stage(self, deployment: aws.apigateway.Deployment, log_role: ApiLogRole | None) -> aws.apigateway.Stage:
        args = self._args
        group = self._access_log(REQUEST_QUERIES)
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
            opts=self._child("stage", depends_on=[log_role.setting] if log_role is not None else None),
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

    def _named(self, certificate: Certificate, stage: aws.apigateway.Stage) -> NamedApi:
        named = aws.apigateway.DomainName(
            f"{self._prefix}-domain",
            domain_name=certificate.domains[0],
            regional_certificate_arn=certificate.arn,
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


def fingerprint(args: RestApiArgs, *, named: bool) -> str:
    """Of everything that a deployment takes a picture of."""
    table = {
        str(route_key(text)): [
            route.function,
            route.public or args.authorizer is None,
            sorted(route.scopes or SIGNED_IN),
            route.body,
        ]
        for text, route in args.routes.items()
    }
    picture = {
        "cors": [sorted(args.cors.origins), args.cors.credentials] if args.cors is not None else None,
        # By which addresses it answers.
        "named": named,
        "routes": table,
        "timeout": args.timeout_seconds,
    }
    return hashlib.sha256(json.dumps(picture, sort_keys=True).encode()).hexdigest()


def _part(path: str) -> str:
    """A path in the name of a resource: `items-id`."""
    return re.sub(r"[^a-z0-9]+", "-", path.lower().replace("+", "-all")).strip("-")
