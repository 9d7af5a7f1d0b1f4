"""Where the outside comes in: the domain, its certificate, the web firewall and the load balancer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from architecture.context import require
from components.edge.certificate import Certificate, CertificateArgs
from components.edge.dns import Zone, ZoneArgs
from components.edge.load_balancer import LoadBalancer
from components.edge.web_acl import WebAcl
from components.edge.zone_signing import ZoneSigning, ZoneSigningArgs
from components.widgets import widgets_of

if TYPE_CHECKING:
    import pulumi

    from architecture.context import Context
    from architecture.data import Data
    from components.network.network import Network
    from components.widgets import Widget
    from settings import Settings


@dataclass(frozen=True)
class Edge:
    """What stands between the internet and the services; each part None where the stack has it not."""

    load_balancer: LoadBalancer | None = None
    zone: Zone | None = None
    """The public names."""
    signing: ZoneSigning | None = None
    """The signatures of the public names."""
    private_zone: Zone | None = None
    """The names inside the VPC."""
    url: pulumi.Output[str] | str | None = None
    """Where the API is reached."""
    certificate: Certificate | None = None
    """The load balancer's."""
    firewall: WebAcl | None = None
    """What judges requests to the load balancer."""

    @property
    def origin_secret(self) -> pulumi.Output[str] | None:
        """What a site shows the load balancer, or the firewall before it."""
        asked = self.load_balancer.origin_secret if self.load_balancer is not None else None
        return asked if asked is not None or self.firewall is None else self.firewall.origin_secret

    @property
    def widgets(self) -> list[Widget]:
        """What a dashboard shows of them."""
        return widgets_of(self.firewall, self.load_balancer, self.certificate, self.signing)

    @property
    def outputs(self) -> dict[str, Any]:
        """Where the system is reached, and what the zone above the domain must say: its name servers and its key."""
        told: dict[str, Any] = {}
        if self.load_balancer is not None:
            told |= {"url": self.url, "loadBalancerDnsName": self.load_balancer.dns_name}
        if self.zone is not None:
            told["zoneId"] = self.zone.zone_id
            if self.zone.name_servers is not None:
                told["nameServers"] = self.zone.name_servers
        if self.signing is not None:
            told["dsRecord"] = self.signing.ds_record
        if self.private_zone is not None:
            told["privateZoneId"] = self.private_zone.zone_id
        return told


def build_edge(ctx: Context, network: Network | None, data: Data) -> Edge:
    """The parts that the stack's YAML names. The database gets a name of ours inside the VPC."""
    zone = _zone(ctx)
    signing, private_zone = _signing(ctx, zone), _private_zone(ctx, network, data)
    if ctx.settings.load_balancer is None:
        return Edge(zone=zone, signing=signing, private_zone=private_zone)
    certificate, firewall = _certificate(ctx, zone), _firewall(ctx)
    load_balancer = _load_balancer(ctx, require(network, "network"), certificate, firewall)
    return Edge(
        load_balancer=load_balancer,
        zone=zone,
        signing=signing,
        private_zone=private_zone,
        url=_url(ctx.settings, zone, load_balancer),
        certificate=certificate,
        firewall=firewall,
    )


def _zone(ctx: Context) -> Zone | None:
    domain = ctx.settings.domain
    if domain is None:
        return None
    existing = None if domain.zone == "create" else domain.zone
    args = ZoneArgs(domain=domain.name, existing_id=existing, retention=ctx.settings.retention)
    return Zone(ctx.name("domain"), args, opts=ctx.opts)


def _signing(ctx: Context, zone: Zone | None) -> ZoneSigning | None:
    if ctx.settings.domain is None or not ctx.settings.domain.dnssec:
        return None
    return ZoneSigning(
        ctx.name("dnssec"),
        ZoneSigningArgs(retention=ctx.settings.retention),
        zone=require(zone, "domain"),
        topics=require(ctx.us_east_topics, "alerts"),
        opts=ctx.opts,
    )


def _private_zone(ctx: Context, network: Network | None, data: Data) -> Zone | None:
    if ctx.settings.domain is None or network is None:
        return None
    args = ZoneArgs(domain=ctx.settings.domain.private_name, retention=ctx.settings.retention)
    zone = Zone(ctx.name("internal"), args, network=network, opts=ctx.opts)
    if data.database is not None:
        # For people and tools. Programs that check the certificate go on to ask for AWS's own name.
        zone.name_for("database", data.database.endpoint)
    return zone


def _certificate(ctx: Context, zone: Zone | None) -> Certificate | None:
    domain, balancer = ctx.settings.domain, require(ctx.settings.load_balancer, "loadBalancer")
    if domain is None or not balancer.needs_certificate:
        return None
    args = CertificateArgs(domains=[domain.api_name])
    return Certificate(ctx.name("tls"), args, zone=require(zone, "domain"), opts=ctx.opts)


def _firewall(ctx: Context) -> WebAcl | None:
    firewall = ctx.settings.firewall
    if firewall is None:
        return None
    acl = WebAcl(
        ctx.name("firewall"),
        firewall,
        before="load-balancer",
        origin_secret_path=secret_path(ctx.settings, "web") if ctx.settings.has_second_door else None,
        key=ctx.keys.data,
        log_key=ctx.keys.logs,
        opts=ctx.opts,
    )
    if ctx.topics is not None:
        acl.alarms(ctx.topics)
    return acl


def _load_balancer(
    ctx: Context, network: Network, certificate: Certificate | None, web_acl: WebAcl | None
) -> LoadBalancer:
    settings, balancer = ctx.settings, require(ctx.settings.load_balancer, "loadBalancer")
    load_balancer = LoadBalancer(
        ctx.name("web"),
        balancer,
        network=network,
        access_logs=require(ctx.log_archive, "logArchive"),
        certificate=certificate,
        web_acl=web_acl,
        origin_secret_path=secret_path(settings, "web") if settings.has_origin_secret else None,
        key=ctx.keys.data,
        opts=ctx.opts,
    )
    if ctx.topics is not None:
        failing, _, slow = load_balancer.alarms(ctx.topics)
        ctx.quiet_alarms.extend((failing, slow))
        if certificate is not None:
            certificate.alarms(ctx.topics)
    return load_balancer


def secret_path(settings: Settings, service: str) -> str:
    """Where the secret is kept that an origin of the site wants to see."""
    return f"{settings.path}/{service}/origin-secret"


def _url(settings: Settings, zone: Zone | None, load_balancer: LoadBalancer) -> pulumi.Output[str] | str:
    balancer = require(settings.load_balancer, "loadBalancer")
    scheme = "http" if balancer.allow_http else "https"
    if settings.domain is None or zone is None or balancer.internal:
        return load_balancer.dns_name.apply(lambda name: f"{scheme}://{name}")
    return f"{scheme}://{zone.alias(settings.domain.api, load_balancer.dns_name, load_balancer.zone_id)}"
