"""Where the outside comes in: the domain, its certificate, the web firewall and the load balancer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from architecture.refusals import says
from components.edge.certificate import Certificate, CertificateArgs
from components.edge.dns import Zone, ZoneArgs
from components.edge.load_balancer import LoadBalancer, LoadBalancerArgs
from components.edge.web_acl import WebAcl, WebAclArgs

if TYPE_CHECKING:
    import pulumi

    from architecture.platform import Platform
    from architecture.storage import Storage
    from components.alarms import AlarmTopics
    from components.network.network import Network
    from components.retention import Retention
    from settings import Settings
    from settings.edge import DomainSettings, FirewallSettings, LoadBalancerSettings


class _Reached(Protocol):
    @property
    def endpoint(self) -> pulumi.Output[str]: ...


class KnowsDatabase(Protocol):
    """What the edge asks of the data layer."""

    @property
    def database(self) -> _Reached | None: ...


@dataclass(frozen=True)
class Edge:
    """What stands between the internet and the services; each part None where the stack has it not."""

    load_balancer: LoadBalancer | None = None
    web_acl: WebAcl | None = None
    certificate: Certificate | None = None
    zone: Zone | None = None
    """The public names."""
    private_zone: Zone | None = None
    """The names inside the VPC."""
    url: pulumi.Output[str] | str | None = None
    """Where the API is reached."""


def build_edge(
    settings: Settings,
    platform: Platform,
    network: Network | None,
    storage: Storage,
    topics: AlarmTopics | None = None,
    data: KnowsDatabase | None = None,
) -> Edge:
    """The parts that the stack's YAML names. The database gets a name of ours inside the VPC."""
    domain, balancer = settings.domain, settings.load_balancer
    zone = private_zone = certificate = None
    if domain is not None:
        args = zone_args(domain, settings.retention)
        zone = Zone(platform.name("domain"), args, platform.options())
    if domain is not None and network is not None:
        args = private_zone_args(domain, settings.retention, network.vpc_id)
        private_zone = Zone(platform.name("internal"), args, platform.options())
        if data is not None and data.database is not None:
            # For people and tools. Programs that check the certificate go on to ask for AWS's own name.
            private_zone.name_for("database", data.database.endpoint)
    if balancer is None or network is None or storage.log_archive is None:
        return Edge(zone=zone, private_zone=private_zone)

    if domain is not None and zone is not None and makes_certificate(balancer):
        args = certificate_args(domain, zone.zone_id)
        certificate = Certificate(platform.name("tls"), args, platform.options())
    web_acl = _web_acl(settings, platform, storage, balancer)
    load_balancer = LoadBalancer(
        platform.name("web"),
        load_balancer_args(
            balancer,
            settings.retention,
            vpc_id=network.vpc_id,
            subnet_ids=network.public_subnet_ids,
            certificate_arn=certificate.arn if certificate else balancer.certificate_arn,
            access_log_bucket=storage.log_archive.log_target_name,
            web_acl_arn=web_acl.arn if web_acl else None,
            # Only where there is a distribution of ours to show it.
            origin_secret_path=origin_secret_path(settings),
            key_arn=storage.data_key.arn if storage.data_key else None,
        ),
        platform.options(),
    )
    if topics is not None:
        load_balancer.alarms(
            topics,
            server_error_minutes=balancer.server_error_minutes,
            server_error_percent=balancer.server_error_percent,
            response_seconds=balancer.response_seconds,
        )
        if certificate is not None:
            certificate.alarms(topics)
    return Edge(
        load_balancer=load_balancer,
        web_acl=web_acl,
        certificate=certificate,
        zone=zone,
        private_zone=private_zone,
        url=_url(domain, balancer, zone, load_balancer),
    )


def origin_secret_path(settings: Settings) -> str | None:
    """Where the secret is kept that the load balancer wants to see; None if it answers everybody."""
    return f"/{settings.product}/{settings.environment}/web/origin-secret" if settings.has_origin_secret else None


def makes_certificate(balancer: LoadBalancerSettings) -> bool:
    """Whether a certificate is made for the stack's domain."""
    return balancer.certificate_arn is None and not balancer.allow_http


def _web_acl(settings: Settings, platform: Platform, storage: Storage, balancer: LoadBalancerSettings) -> WebAcl | None:
    if balancer.firewall is None:
        return None
    args = web_acl_args(
        balancer.firewall,
        settings,
        behind_proxy="cloudFront" in balancer.allow_from,
        log_key_arn=storage.logs_key.arn if storage.logs_key else None,
    )
    return WebAcl(platform.name("firewall"), args, platform.options())


def _url(
    domain: DomainSettings | None, balancer: LoadBalancerSettings, zone: Zone | None, load_balancer: LoadBalancer
) -> pulumi.Output[str] | str:
    scheme = "http" if balancer.allow_http else "https"
    if domain is None or zone is None:
        return load_balancer.dns_name.apply(lambda name: f"{scheme}://{name}")
    return f"{scheme}://{zone.alias(domain.api, load_balancer.dns_name, load_balancer.zone_id)}"


def zone_args(domain: DomainSettings, retention: Retention) -> ZoneArgs:
    """What the stack's YAML says of the public names."""
    with says("domain"):
        return ZoneArgs(
            domain=domain.name, existing_id=None if domain.zone == "create" else domain.zone, retention=retention
        )


def private_zone_args(domain: DomainSettings, retention: Retention, vpc_id: pulumi.Input[str]) -> ZoneArgs:
    """What the stack's YAML says of the names inside the VPC."""
    with says("domain"):
        return ZoneArgs(domain=domain.private_name, vpc_id=vpc_id, retention=retention)


def certificate_args(domain: DomainSettings, zone_id: pulumi.Input[str]) -> CertificateArgs:
    """The certificate of the API's name, and of no other."""
    with says("domain"):
        return CertificateArgs(domains=[f"{domain.api}.{domain.name}"], zone_domain=domain.name, zone_id=zone_id)


def web_acl_args(
    firewall: FirewallSettings,
    settings: Settings,
    *,
    behind_proxy: bool,
    log_key_arn: pulumi.Input[str] | None,
    section: str = "load_balancer.firewall",
) -> WebAclArgs:
    """What the stack's YAML says of a web firewall."""
    with says(section):
        return WebAclArgs(
            mode=firewall.mode,
            counted_rules=firewall.counted_rules,
            rate_limit=firewall.rate_limit,
            behind_proxy=behind_proxy,
            log_retention_days=settings.logs.retention_days,
            log_key_arn=log_key_arn,
        )


def load_balancer_args(
    balancer: LoadBalancerSettings,
    retention: Retention,
    *,
    vpc_id: pulumi.Input[str],
    subnet_ids: pulumi.Input[list[str]],
    certificate_arn: pulumi.Input[str] | None,
    access_log_bucket: pulumi.Input[str],
    web_acl_arn: pulumi.Input[str] | None,
    origin_secret_path: str | None = None,
    key_arn: pulumi.Input[str] | None = None,
) -> LoadBalancerArgs:
    """What the stack's YAML says of the load balancer."""
    with says("load_balancer"):
        return LoadBalancerArgs(
            vpc_id=vpc_id,
            subnet_ids=subnet_ids,
            certificate_arn=certificate_arn,
            allow_http=balancer.allow_http,
            allow_from="cloudfront" if balancer.allow_from == ["cloudFront"] else balancer.allow_from,
            access_log_bucket=access_log_bucket,
            web_acl_arn=web_acl_arn,
            origin_secret_path=origin_secret_path,
            key_arn=key_arn,
            idle_timeout_seconds=balancer.idle_timeout_seconds,
            retention=retention,
        )
