"""The front end: files, their name, and the APIs that answer at the same address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from architecture.context import require
from architecture.encryption import make_key
from components.edge.certificate import Certificate, CertificateArgs
from components.edge.site_args import US_EAST
from components.edge.site_routes import OriginAddress
from components.edge.static_site import StaticSite
from components.edge.web_acl import WebAcl
from components.widgets import widgets_of

if TYPE_CHECKING:
    import pulumi

    from architecture.apis import Apis
    from architecture.context import Context
    from architecture.edge import Edge
    from components.identity.key import Key
    from components.identity.user_pool import UserPool
    from components.widgets import Widget
    from settings import Settings


class HostOrigin(Protocol):
    """What the site asks of a host."""

    @property
    def public_dns(self) -> pulumi.Input[str]: ...
    @property
    def origin_port(self) -> int: ...
    @property
    def origin_secret(self) -> pulumi.Input[str]: ...


@dataclass(frozen=True)
class Site:
    """The front end; nothing of it where the stack has none."""

    site: StaticSite | None = None
    url: pulumi.Output[str] | str | None = None
    """Where people find it."""
    certificate: Certificate | None = None
    firewall: WebAcl | None = None

    @property
    def widgets(self) -> list[Widget]:
        """What a dashboard shows of them."""
        return widgets_of(self.firewall, self.site, self.certificate)

    @property
    def outputs(self) -> dict[str, Any]:
        """Where people find the site, and what a pipeline needs that uploads it."""
        if self.site is None:
            return {}
        return {
            "siteUrl": self.url,
            "siteDomainName": self.site.domain_name,
            "siteDistributionId": self.site.distribution_id,
            "siteBucket": self.site.bucket.name,
        }


def build_site(
    ctx: Context,
    edge: Edge,
    *,
    host: HostOrigin | None = None,
    apis: Apis | None = None,
    users: UserPool | None = None,
) -> Site:
    """The site of the stack's YAML, with what it needs in us-east-1."""
    chosen = ctx.settings.site
    if chosen is None:
        return Site()
    names = chosen.names(ctx.settings.domain)
    certificate = web_acl = None
    if names:
        args = CertificateArgs(domains=names, region=US_EAST)
        certificate = Certificate(ctx.name("site-tls"), args, zone=require(edge.zone, "domain"), opts=ctx.opts)
    if chosen.firewall is not None:
        key = _log_key(ctx) if ctx.settings.own_keys else None
        web_acl = WebAcl(ctx.name("site-firewall"), chosen.firewall, before="distribution", log_key=key, opts=ctx.opts)
    known = where(ctx.settings, edge, host, apis)
    site = StaticSite(
        ctx.name("site"),
        chosen,
        addresses={name: require(known.get(origin.source), origin.source) for name, origin in chosen.origins.items()},
        certificate=certificate,
        web_acl=web_acl,
        user_pool=users,
        access_logs=ctx.log_archive,
        request_logs=ctx.log_archive if chosen.logs else None,
        opts=ctx.opts,
    )
    if ctx.us_east_topics is not None:
        alarms = site.alarms(ctx.us_east_topics)
        if ctx.settings.site_needs_servers:
            ctx.us_east_quiet_alarms.extend(alarms)
        for part in (certificate, web_acl):
            if part is not None:
                part.alarms(ctx.us_east_topics)
    url = _url(names, ctx.settings, edge, site)
    return Site(site=site, url=url, certificate=certificate, firewall=web_acl)


def _url(names: list[str], settings: Settings, edge: Edge, site: StaticSite) -> pulumi.Output[str] | str:
    if not names or edge.zone is None or settings.domain is None:
        return site.domain_name.apply(lambda name: f"https://{name}")
    for name in names:
        label = name.removesuffix(settings.domain.name).rstrip(".") or "@"
        edge.zone.alias(label, site.domain_name, site.zone_id, ipv6=True, checks_health=False)
    return f"https://{names[0]}"


def where(settings: Settings, edge: Edge, host: HostOrigin | None, apis: Apis | None) -> dict[str, OriginAddress]:
    """Each part of the stack that can stand behind the site."""
    found: dict[str, OriginAddress] = {}
    balancer, domain = edge.load_balancer, settings.domain
    if balancer is not None and settings.load_balancer is not None:
        if settings.load_balancer.allow_http:
            found["loadBalancer"] = OriginAddress(domain=balancer.dns_name, protocol="http", secret=edge.origin_secret)
        else:
            # The load balancer's certificate is for this name, and not for the one that AWS gave it.
            name = f"{domain.api}.{domain.name}" if domain is not None else balancer.dns_name
            found["loadBalancer"] = OriginAddress(domain=name, secret=edge.origin_secret)
    if host is not None:
        found["host"] = OriginAddress(
            domain=host.public_dns, protocol="http", port=host.origin_port, secret=host.origin_secret
        )
    for name, api in apis.apis.items() if apis is not None else ():
        gate = apis.origin_secrets.get(name) if apis is not None else None
        found[f"apis.{name}"] = OriginAddress(domain=api.origin_domain, path=api.origin_path, secret=gate)
    return found


def _log_key(ctx: Context) -> Key:
    # Keys do not leave their region, and CloudFront's firewall writes to no log group but one in us-east-1.
    return make_key(
        ctx, "site-logs", f"Firewall logs of {ctx.stem}", log_groups=[f"aws-waf-logs-{ctx.stem}-*"], region=US_EAST
    )
