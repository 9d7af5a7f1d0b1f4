"""The APIs before the functions: each with its authorizer, its name and its firewall where it has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypedDict

import pulumi

from architecture.context import require
from architecture.edge import secret_path
from components.edge.api_log_role import ApiLogRole, ApiLogRoleArgs
from components.edge.certificate import Certificate, CertificateArgs
from components.edge.http_api import HttpApi
from components.edge.rest_api import RestApi
from components.edge.vpc_link import VpcLink, VpcLinkArgs
from components.edge.web_acl import WebAcl, WebAclArgs
from components.edge.web_socket_api import WebSocketApi
from components.widgets import widgets_of

if TYPE_CHECKING:
    from architecture.context import Context
    from architecture.edge import Edge
    from components.compute.function import Function
    from components.identity.key import AnyKey
    from components.identity.user_pool import UserPool
    from components.network.network import Network
    from components.widgets import Widget
    from settings import Settings
    from settings.apis import ApiSettings, RestApiSettings

Api = HttpApi | RestApi | WebSocketApi


@dataclass(frozen=True)
class Apis:
    """What the outside calls; nothing of it where the stack has no APIs."""

    apis: Mapping[str, Api] = field(default_factory=dict)
    origin_secrets: Mapping[str, pulumi.Output[str]] = field(default_factory=dict)
    """What the site must show to those of them that answer nobody else."""
    certificates: Sequence[Certificate] = ()
    gates: Sequence[WebAcl] = ()
    """What judges requests to them."""

    @property
    def widgets(self) -> list[Widget]:
        """What a dashboard shows of them."""
        return widgets_of(*self.gates, *self.apis.values(), *self.certificates)

    @property
    def outputs(self) -> dict[str, Any]:
        """Where the APIs are called."""
        return {"apiUrls": {name: api.endpoint for name, api in self.apis.items()}} if self.apis else {}


def build_apis(
    ctx: Context,
    network: Network | None,
    edge: Edge,
    users: UserPool | None,
    functions: Mapping[str, Function],
) -> Apis:
    """Each API of the stack's YAML before the functions that it names, or before the load balancer."""
    log_role = None
    if needs_log_role(ctx.settings):
        log_role = ApiLogRole(ctx.name("api-logs"), ApiLogRoleArgs(), ctx.opts)
    link = _link(ctx, network, edge)
    apis: dict[str, Api] = {}
    secrets: dict[str, pulumi.Output[str]] = {}
    certificates: list[Certificate] = []
    gates: list[WebAcl] = []
    for name, api in sorted(ctx.settings.apis.items()):
        certificate = _certificate(name, api, ctx, edge)
        if certificate is not None:
            certificates.append(certificate)
        shared = _Shared(functions=functions, certificate=certificate, log_key=ctx.keys.logs, opts=ctx.opts)
        if api.kind == "http":
            made = HttpApi(
                ctx.name(name), api, user_pool=users, link=link if api.uses_load_balancer else None, **shared
            )
            if name in ctx.settings.private_apis:
                balancer = require(edge.load_balancer, "loadBalancer")
                secrets[name] = require(balancer.origin_secret, "loadBalancer.allowFrom")
        elif api.kind == "rest":
            web_acl = _web_acl(name, api, ctx)
            if web_acl is not None:
                gates.append(web_acl)
            if web_acl is not None and web_acl.origin_secret is not None:
                secrets[name] = web_acl.origin_secret
            made = RestApi(ctx.name(name), api, user_pool=users, web_acl=web_acl, log_role=log_role, **shared)
        else:
            made = WebSocketApi(ctx.name(name), api, log_role=log_role, **shared)
            for speaker in api.speakers:
                made.grant_manage_connections(functions[speaker].role)
        if made.named is not None and api.subdomain is not None:
            require(edge.zone, "domain").alias(api.subdomain, made.named.target, made.named.zone_id)
        if ctx.topics is not None:
            alarms = made.alarms(ctx.topics)
            if name in ctx.settings.apis_into_vpc:
                ctx.quiet_alarms.extend(alarms)
        apis[name] = made
    return Apis(apis=apis, origin_secrets=secrets, certificates=certificates, gates=gates)


def _link(ctx: Context, network: Network | None, edge: Edge) -> VpcLink | None:
    """One for all APIs that lead to the load balancer."""
    if not ctx.settings.apis_into_vpc:
        return None
    domain, balancer = ctx.settings.domain, require(edge.load_balancer, "loadBalancer")
    plain = balancer.https_listener_arn is None
    return VpcLink(
        ctx.name("web-link"),
        VpcLinkArgs(),
        network=require(network, "network"),
        load_balancer=balancer,
        server_name=None if plain else require(domain, "domain").api_name,
        opts=ctx.opts,
    )


class _Shared(TypedDict):
    """What APIs of every kind are connected with."""

    functions: Mapping[str, Function]
    certificate: Certificate | None
    log_key: AnyKey | None
    opts: pulumi.ResourceOptions


def needs_log_role(settings: Settings) -> bool:
    """Whether this stack makes the region's setting by which APIs write logs. HTTP APIs need none."""
    return settings.api_log_role == "create" and any(api.kind != "http" for api in settings.apis.values())


def _certificate(name: str, api: ApiSettings, ctx: Context, edge: Edge) -> Certificate | None:
    if api.subdomain is None:
        return None
    zone = require(edge.zone, "domain")
    args = CertificateArgs(domains=[zone.name_of(api.subdomain)])
    certificate = Certificate(ctx.name(f"{name}-tls"), args, zone=zone, opts=ctx.opts)
    if ctx.topics is not None:
        certificate.alarms(ctx.topics)
    return certificate


def _web_acl(name: str, api: RestApiSettings, ctx: Context) -> WebAcl | None:
    acl = _guard(name, api, ctx)
    if acl is not None and ctx.topics is not None:
        acl.alarms(ctx.topics)
    return acl


def _guard(name: str, api: RestApiSettings, ctx: Context) -> WebAcl | None:
    if name in ctx.settings.gated_apis:
        # It answers the site alone, because the site has the firewall.
        return WebAcl(
            ctx.name(f"{name}-gate"),
            WebAclArgs(log_retention_days=ctx.settings.logs.retention_days),
            before="api",
            origin_secret_path=secret_path(ctx.settings, name),
            key=ctx.keys.data,
            log_key=ctx.keys.logs,
            opts=ctx.opts,
        )
    if api.firewall is None:
        return None
    return WebAcl(ctx.name(f"{name}-firewall"), api.firewall, before="api", log_key=ctx.keys.logs, opts=ctx.opts)
