"""The APIs before the functions: each with its authorizer, its name and its firewall where it has them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi

from architecture.edge import web_acl_args
from architecture.refusals import says
from components.edge.api import ApiDomain, Cors, Throttle
from components.edge.api_log_role import ApiLogRole, ApiLogRoleArgs
from components.edge.certificate import Certificate, CertificateArgs
from components.edge.http_api import HttpApi, HttpApiArgs, JwtAuthorizer
from components.edge.rest_api import CognitoAuthorizer, RestApi, RestApiArgs
from components.edge.routes import ApiRoute
from components.edge.web_acl import WebAcl
from components.edge.web_socket_api import WebSocketApi, WebSocketApiArgs
from components.refusal import Refusal, nearest

if TYPE_CHECKING:
    from architecture.edge import Edge
    from architecture.platform import Platform
    from architecture.storage import Storage
    from components.alarms import AlarmTopics
    from components.identity.user_pool import UserPool
    from settings import Settings
    from settings.apis import ApiAuthorizerSettings, ApiRouteSettings, ApiSettings

SCHEMAS = Path(__file__).resolve().parent.parent / "workloads" / "schemas"

Api = HttpApi | RestApi | WebSocketApi
ApiArgs = HttpApiArgs | RestApiArgs | WebSocketApiArgs


@dataclass(frozen=True)
class Apis:
    """What the outside calls; nothing of it where the stack has no APIs."""

    apis: Mapping[str, Api] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Around:
    """What an API is given by the other parts."""

    functions: Mapping[str, Any]
    users: UserPool | None = None
    domain: ApiDomain | None = None
    web_acl_arn: pulumi.Input[str] | None = None
    log_key_arn: pulumi.Input[str] | None = None
    log_role: pulumi.Resource | None = None


def build_apis(
    settings: Settings,
    platform: Platform,
    storage: Storage,
    edge: Edge,
    users: UserPool | None,
    functions: Mapping[str, Any],
    topics: AlarmTopics | None,
) -> Apis:
    """Each API of the stack's YAML before the functions that it names."""
    log_role = None
    if needs_log_role(settings):
        log_role = ApiLogRole(platform.name("api-logs"), ApiLogRoleArgs(), platform.options()).setting
    apis = {}
    for name, api in sorted(settings.apis.items()):
        certificate = _certificate(name, api, settings, platform, edge, topics)
        around = Around(
            functions=functions,
            users=users,
            domain=_domain(api, settings, certificate.arn if certificate else None),
            web_acl_arn=_web_acl_arn(name, api, settings, platform, storage),
            log_key_arn=storage.logs_key.arn if storage.logs_key else None,
            log_role=log_role,
        )
        made = _made(platform.name(name), api_args(name, api, settings, around), platform.options())
        if made.named is not None and edge.zone is not None and api.subdomain is not None:
            edge.zone.alias(api.subdomain, made.named.target, made.named.zone_id)
        if isinstance(made, WebSocketApi):
            for speaker in api.speakers:
                made.grant_manage_connections(functions[speaker].role)
        if topics is not None:
            _alarms(made, api, topics)
        apis[name] = made
    return Apis(apis=apis)


def needs_log_role(settings: Settings) -> bool:
    """Whether this stack makes the region's setting by which APIs write logs. HTTP APIs need none."""
    return settings.api_log_role == "create" and any(api.kind != "http" for api in settings.apis.values())


def _made(name: str, args: ApiArgs, options: pulumi.ResourceOptions) -> Api:
    if isinstance(args, HttpApiArgs):
        return HttpApi(name, args, options)
    if isinstance(args, RestApiArgs):
        return RestApi(name, args, options)
    return WebSocketApi(name, args, options)


def _alarms(made: Api, api: ApiSettings, topics: AlarmTopics) -> None:
    if isinstance(made, WebSocketApi):
        made.alarms(topics, error_percent=api.error_percent, latency_ms=api.latency_ms)
        return
    made.alarms(
        topics,
        latency_ms=api.latency_ms,
        error_percent=api.error_percent,
        availability_percent=api.availability_percent,
    )


def _certificate(
    name: str, api: ApiSettings, settings: Settings, platform: Platform, edge: Edge, topics: AlarmTopics | None
) -> Certificate | None:
    if api.subdomain is None or settings.domain is None or edge.zone is None:
        return None
    args = api_certificate_args(name, api.subdomain, settings, edge.zone.zone_id)
    certificate = Certificate(platform.name(f"{name}-tls"), args, platform.options())
    if topics is not None:
        certificate.alarms(topics)
    return certificate


def api_certificate_args(name: str, subdomain: str, settings: Settings, zone_id: pulumi.Input[str]) -> CertificateArgs:
    """The certificate of an API's own name, and of no other."""
    assert settings.domain is not None
    domain = settings.domain.name
    with says(f"apis.{name}", {"domains[0]": "subdomain"}):
        return CertificateArgs(domains=[f"{subdomain}.{domain}"], zone_domain=domain, zone_id=zone_id)


def _domain(api: ApiSettings, settings: Settings, certificate_arn: pulumi.Input[str] | None) -> ApiDomain | None:
    if api.subdomain is None or settings.domain is None or certificate_arn is None:
        return None
    return ApiDomain(name=f"{api.subdomain}.{settings.domain.name}", certificate_arn=certificate_arn)


def _web_acl_arn(
    name: str, api: ApiSettings, settings: Settings, platform: Platform, storage: Storage
) -> pulumi.Output[str] | None:
    if api.firewall is None:
        return None
    key_arn = storage.logs_key.arn if storage.logs_key else None
    args = web_acl_args(
        api.firewall, settings, behind_proxy=False, log_key_arn=key_arn, section=f"apis.{name}.firewall"
    )
    return WebAcl(platform.name(f"{name}-firewall"), args, platform.options()).arn


def api_args(name: str, api: ApiSettings, settings: Settings, around: Around) -> ApiArgs:
    """What the stack's YAML says of an API."""
    with says(f"apis.{name}"):
        routes = {text: _route(text, route) for text, route in api.routes.items()}
        common: dict[str, Any] = {
            "functions": around.functions,
            "public": api.public,
            "throttle": Throttle(rate_per_second=api.throttle.rate_per_second, burst=api.throttle.burst),
            "domain": around.domain,
            "log_retention_days": settings.logs.retention_days,
            "log_key_arn": around.log_key_arn,
        }
        if api.timeout_seconds is not None:
            common["timeout_seconds"] = api.timeout_seconds
        if api.kind == "webSocket":
            return WebSocketApiArgs(
                routes={text: route.function for text, route in routes.items()},
                authorizer=api.authorizer.function if api.authorizer else None,
                log_role=around.log_role,
                **common,
            )
        cors = _cors(api)
        if api.kind == "http":
            return HttpApiArgs(routes=routes, authorizer=_jwt(api.authorizer, around.users), cors=cors, **common)
        return RestApiArgs(
            routes=routes,
            authorizer=_cognito(api.authorizer, around.users),
            preflight=cors is not None,
            tracing=api.tracing,
            web_acl_arn=around.web_acl_arn,
            log_role=around.log_role,
            **common,
        )


def _cors(api: ApiSettings) -> Cors | None:
    return Cors(**api.cors.model_dump()) if api.cors is not None else None


def _jwt(authorizer: ApiAuthorizerSettings | None, users: UserPool | None) -> JwtAuthorizer | None:
    if authorizer is None:
        return None
    if authorizer.issuer is not None:
        return JwtAuthorizer(issuer=authorizer.issuer, audiences=authorizer.audiences)
    # Before anything is made there are no users yet.
    issuer: pulumi.Input[str] = users.issuer if users is not None else "https://to-be-made"
    clients = list(users.client_ids.values()) if users is not None else ["to-be-made"]
    return JwtAuthorizer(issuer=issuer, audiences=clients)


def _cognito(authorizer: ApiAuthorizerSettings | None, users: UserPool | None) -> CognitoAuthorizer | None:
    if authorizer is None:
        return None
    return CognitoAuthorizer(user_pool_arn=users.arn if users is not None else "to-be-made")


def _route(text: str, route: ApiRouteSettings) -> ApiRoute:
    body = _schema(text, route.body) if route.body is not None else None
    return ApiRoute(function=route.function, public=route.public, scopes=route.scopes, body=body)


def _schema(text: str, name: str) -> dict[str, Any]:
    path = SCHEMAS / f"{name}.json"
    if not path.is_file():
        known = sorted(each.stem for each in SCHEMAS.glob("*.json"))
        raise Refusal(
            f"routes.{text}.body",
            name,
            f"has no file workloads/schemas/{name}.json; {nearest(name, known)}there are: {', '.join(known) or 'none'}",
        )
    return json.loads(path.read_text(encoding="utf-8"))
