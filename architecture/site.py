"""The front end: files, their name, and the APIs that answer at the same address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from architecture.refusals import says
from components.edge.certificate import Certificate, CertificateArgs
from components.edge.origin_secret import HEADER
from components.edge.site_args import SECURE_CONTENT, US_EAST, StaticSiteArgs
from components.edge.site_routes import ApiOrigin, SecretHeader
from components.edge.static_site import StaticSite
from components.edge.web_acl import WebAcl, WebAclArgs
from components.identity.key import Key, KeyArgs
from components.refusal import Refusal

if TYPE_CHECKING:
    import pulumi

    from architecture.edge import Edge
    from architecture.platform import Platform
    from architecture.storage import Storage
    from components.alarms import AlarmTopics
    from settings import Settings
    from settings.edge import FirewallSettings
    from settings.site import SiteOriginSettings, SiteSettings

PROJECT = Path(__file__).resolve().parent.parent


class HostOrigin(Protocol):
    """What the site asks of a host."""

    @property
    def public_dns(self) -> pulumi.Input[str]: ...
    @property
    def origin_port(self) -> int: ...
    @property
    def origin_secret(self) -> pulumi.Input[str]: ...


class GatewayOrigin(Protocol):
    """What the site asks of an API."""

    @property
    def origin_domain(self) -> pulumi.Input[str]: ...
    @property
    def origin_path(self) -> pulumi.Input[str]: ...


@dataclass(frozen=True, kw_only=True)
class Reached:
    """Where a part of the stack can be asked."""

    domain: pulumi.Input[str]
    protocol: Literal["https", "http"] = "https"
    port: int | None = None
    origin_path: pulumi.Input[str] = ""
    secret: pulumi.Input[str] | None = None


@dataclass(frozen=True)
class Site:
    """The front end; nothing of it where the stack has none."""

    site: StaticSite | None = None
    certificate: Certificate | None = None
    web_acl: WebAcl | None = None
    url: pulumi.Output[str] | str | None = None
    """Where people find it."""


def build_site(
    settings: Settings,
    platform: Platform,
    storage: Storage,
    edge: Edge,
    us_east_topics: AlarmTopics | None = None,
    *,
    host: HostOrigin | None = None,
    apis: Mapping[str, GatewayOrigin] | None = None,
) -> Site:
    """The site of the stack's YAML, with what it needs in us-east-1."""
    chosen = settings.site
    if chosen is None:
        return Site()
    names = site_names(chosen, settings)
    certificate = web_acl = None
    if names and edge.zone is not None and settings.domain is not None:
        args = site_certificate_args(names, settings, edge.zone.zone_id)
        certificate = Certificate(platform.name("site-tls"), args, platform.options())
    if chosen.firewall is not None:
        key = _log_key(settings, platform) if settings.own_keys else None
        args = site_web_acl_args(chosen.firewall, settings, key.arn if key else None)
        web_acl = WebAcl(platform.name("site-firewall"), args, platform.options())
    archive = storage.log_archive
    site = StaticSite(
        platform.name("site"),
        site_args(
            chosen,
            settings,
            where(settings, edge, host, apis or {}),
            certificate_arn=certificate.arn if certificate else None,
            web_acl_arn=web_acl.arn if web_acl else None,
            access_log_bucket=archive.log_target_name if archive else None,
            request_log_bucket_arn=archive.log_target_arn if archive and chosen.logs else None,
        ),
        platform.options(),
    )
    if us_east_topics is not None:
        site.alarms(
            us_east_topics, server_error_percent=chosen.server_error_percent, minutes=chosen.server_error_minutes
        )
        if certificate is not None:
            certificate.alarms(us_east_topics)
    return Site(site=site, certificate=certificate, web_acl=web_acl, url=_url(names, settings, edge, site))


def _url(names: list[str], settings: Settings, edge: Edge, site: StaticSite) -> pulumi.Output[str] | str:
    if not names or edge.zone is None or settings.domain is None:
        return site.domain_name.apply(lambda name: f"https://{name}")
    for name in names:
        label = name.removesuffix(settings.domain.name).rstrip(".") or "@"
        edge.zone.alias(label, site.domain_name, site.zone_id, ipv6=True, checks_health=False)
    return f"https://{names[0]}"


def site_names(site: SiteSettings, settings: Settings) -> list[str]:
    """The names of the site, the first one first."""
    if site.domain is None or settings.domain is None:
        return []
    zone = settings.domain.name
    return [zone if site.domain == "@" else f"{site.domain}.{zone}", *site.aliases]


def where(
    settings: Settings, edge: Edge, host: HostOrigin | None, apis: Mapping[str, GatewayOrigin]
) -> dict[str, Reached]:
    """Each part of the stack that can stand behind the site."""
    found: dict[str, Reached] = {}
    balancer, domain = edge.load_balancer, settings.domain
    if balancer is not None and settings.load_balancer is not None:
        if settings.load_balancer.allow_http:
            found["loadBalancer"] = Reached(domain=balancer.dns_name, protocol="http", secret=balancer.origin_secret)
        else:
            # The load balancer's certificate is for this name, and not for the one that AWS gave it.
            name = f"{domain.api}.{domain.name}" if domain is not None else balancer.dns_name
            found["loadBalancer"] = Reached(domain=name, secret=balancer.origin_secret)
    if host is not None:
        found["host"] = Reached(
            domain=host.public_dns, protocol="http", port=host.origin_port, secret=host.origin_secret
        )
    for name, api in apis.items():
        found[f"apis.{name}"] = Reached(domain=api.origin_domain, origin_path=api.origin_path)
    return found


def site_args(
    site: SiteSettings,
    settings: Settings,
    reached: Mapping[str, Reached],
    *,
    certificate_arn: pulumi.Input[str] | None,
    web_acl_arn: pulumi.Input[str] | None,
    access_log_bucket: pulumi.Input[str] | None,
    request_log_bucket_arn: pulumi.Input[str] | None,
) -> StaticSiteArgs:
    """What the stack's YAML says of the site."""
    with says("site", {"path_patterns": "paths"}):
        return StaticSiteArgs(
            content=None if site.content == "none" else PROJECT / site.content,
            index=site.index,
            routing="single-page" if site.routing == "singlePage" else "pages",
            error_pages=site.error_pages,
            immutable=site.immutable,
            cache=site.cache,
            origins={name: _origin(name, origin, reached) for name, origin in site.origins.items()},
            domains=site_names(site, settings),
            certificate_arn=certificate_arn,
            web_acl_arn=web_acl_arn,
            content_security_policy=site.content_security_policy or SECURE_CONTENT,
            price_class=_PRICE_CLASSES[site.price_class],
            versioning=site.versioning,
            storage=_STORAGE[site.storage],
            access_log_bucket=access_log_bucket,
            request_log_bucket_arn=request_log_bucket_arn,
            retention=settings.retention,
        )


_PRICE_CLASSES: dict[int | str, Literal["100", "200", "all"]] = {100: "100", 200: "200", "all": "all"}
_STORAGE: dict[str, Literal["standard", "infrequent-access", "intelligent-tiering"]] = {
    "standard": "standard",
    "infrequentAccess": "infrequent-access",
    "intelligentTiering": "intelligent-tiering",
}


def _origin(name: str, origin: SiteOriginSettings, reached: Mapping[str, Reached]) -> ApiOrigin:
    found = reached.get(origin.source)
    if found is None:
        raise Refusal(
            f"origins.{name}.source",
            origin.source,
            f"is not in this stack; there {'are ' + ', '.join(sorted(reached)) if reached else 'is nothing to ask'}",
        )
    try:
        return ApiOrigin(
            domain=found.domain,
            path_patterns=origin.paths,
            cached_patterns=origin.cached_paths,
            protocol=found.protocol,
            port=found.port,
            origin_path=found.origin_path,
            strip_prefix=origin.strip_prefix,
            secret_header=SecretHeader(name=HEADER, value=found.secret) if found.secret is not None else None,
            read_timeout_seconds=origin.read_timeout_seconds,
        )
    except Refusal as refusal:
        field_ = "paths" if refusal.field == "path_patterns" else refusal.field
        raise Refusal(f"origins.{name}.{field_}", refusal.value, refusal.reason) from None


def site_certificate_args(names: list[str], settings: Settings, zone_id: pulumi.Input[str]) -> CertificateArgs:
    """The certificate of the site's names, where CloudFront reads certificates."""
    assert settings.domain is not None
    with says("site", {f"domains[{number}]": f"aliases[{number - 1}]" for number in range(1, len(names))}):
        return CertificateArgs(domains=names, zone_domain=settings.domain.name, zone_id=zone_id, region=US_EAST)


def _log_key(settings: Settings, platform: Platform) -> Key:
    # Keys do not leave their region, and CloudFront's firewall writes to no log group but one in us-east-1.
    with says("keys"):
        args = KeyArgs(
            description=f"Firewall logs of {platform.stem}",
            log_groups=[f"aws-waf-logs-{platform.stem}-*"],
            rotation_days=settings.keys.rotation_days,
            region=US_EAST,
            retention=settings.retention,
        )
    return Key(platform.name("site-logs"), args, platform.options())


def site_web_acl_args(
    firewall: FirewallSettings, settings: Settings, log_key_arn: pulumi.Input[str] | None
) -> WebAclArgs:
    """What the stack's YAML says of the site's firewall."""
    with says("site.firewall"):
        return WebAclArgs(
            scope="CLOUDFRONT",
            region=US_EAST,
            mode=firewall.mode,
            counted_rules=firewall.counted_rules,
            rate_limit=firewall.rate_limit,
            log_retention_days=settings.logs.retention_days,
            log_key_arn=log_key_arn,
        )
