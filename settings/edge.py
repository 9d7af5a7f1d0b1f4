"""Settings of what the outside reaches: the domain, the load balancer and its web firewall."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from components.args import Args, as_far_as_known
from components.edge.certificate import mistaken_names
from components.edge.load_balancer import of_region
from components.edge.load_balancer_args import API_GATEWAY, LoadBalancerArgs
from components.edge.web_acl import WebAclArgs
from components.errors import ArgumentError
from components.values import DnsLabel, DomainName, text

if TYPE_CHECKING:
    from settings import Settings


class DomainSettings(Args):
    """The domain under which the system is known."""

    name: DomainName
    """Such as example.com: the zone's own name. The API is below it."""

    zone: (
        Annotated[
            str,
            text(r"create|Z[A-Z0-9]{1,31}", "use create, or the id of the hosted zone, such as Z0123456789ABCDEFGHIJ"),
        ]
        | None
    ) = None
    """create: this stack makes the zone, and the first deployment waits until the domain is delegated to its name
    servers. Or the id of a zone that exists."""

    api: DnsLabel = "api"
    """The API is called `{api}.{name}`."""

    private: DomainName | None = None
    """The domain of the names inside the VPC ($0.50 a month). Left out: `internal.{name}`; none without a network."""

    dnssec: bool = False
    """Sign the answers of a zone that this stack makes: $1.20 a month. Switched on when the domain is delegated, and
    off only after the DS record has gone from the zone above; docs/runbooks/dnssec.md."""

    @property
    def private_name(self) -> str:
        """The domain of the names inside the VPC."""
        return self.private or f"internal.{self.name}"

    @property
    def api_name(self) -> str:
        """The name of the API behind the load balancer."""
        return f"{self.api}.{self.name}"


class LoadBalancerSettings(LoadBalancerArgs):
    """The load balancer in front of all services."""

    firewall: WebAclArgs | None = WebAclArgs()
    """null: none, which saves about $10 a month and is for trials only. None behind CloudFront or API Gateway either,
    whose few addresses it would count; the site has one."""

    @property
    def needs_certificate(self) -> bool:
        """Whether a certificate is made for the stack's domain."""
        return self.certificate_arn is None and not self.allow_http


def certified(names: dict[str, str], zone: str) -> Iterator[tuple[str, str]]:
    """What keeps AWS from issuing one certificate for names of the zone: key → name."""
    for mistake in mistaken_names(list(names.values()), zone):
        yield [*names][int(mistake.path[1])], f"{mistake.value!r} {mistake.reason}"


def combinations(settings: Settings) -> Iterator[tuple[str, str]]:
    """What cannot work together: key and why."""
    domain, balancer = settings.domain, settings.load_balancer
    if domain is not None:
        if domain.zone is None:
            yield "domain.zone", "is missing; write create, or the id of the hosted zone, such as Z0123456789ABCDEFGHIJ"
        if settings.network is None and domain.private is not None:
            yield "domain.private", f"{domain.private} is for names inside a network; add network or remove this key"
        if settings.free_tier and domain.zone == "create":
            yield "domain.zone", "create costs $0.50 a month for each zone and freeTier is true; remove domain"
        yield from as_far_as_known(_signing(settings, domain))
        yield from certified({"domain.name": domain.api_name}, domain.name)
        if domain.private_name == domain.name:
            yield "domain.private", f"{domain.name} is the public domain, and would hide it in the VPC; use another"
    if balancer is None:
        return
    if settings.free_tier:
        yield "loadBalancer", "costs about $25 a month and freeTier is true; remove it"
    if settings.log_archive is None:
        yield "loadBalancer", "writes its access logs to the log archive, which is missing; add logArchive: {}"
    network = settings.network
    if network is None:
        yield "loadBalancer", "needs a network to stand in; add network"
    elif not network.existing and not network.stack:
        tier = "private" if balancer.internal else "public"
        # One that an API leads to belongs in the private tier, and is told so there.
        if tier not in network.tiers and (balancer.internal or not settings.apis_into_vpc):
            yield "loadBalancer", f"stands in the {tier} tier, which is missing; add {tier} to network.tiers"
        if network.zones < 2:
            yield "network.zones", "1 is too few for a load balancer; use 2 or 3"
    yield from as_far_as_known(_certificate(settings, balancer))
    if balancer.may_ask_for_secret and balancer.firewall and "firewall" in balancer.model_fields_set:
        (before,) = balancer.allow_from
        why = f"would see {before}'s few addresses only, because allowFrom is [{before}]"
        yield "loadBalancer.firewall", f"{why}, and block everybody at once; move it to site.firewall"
    if balancer.internal and domain is None and not balancer.allow_http:
        why = "is missing, and API Gateway asks for the name in the load balancer's certificate"
        yield "domain", f"{why}; add domain, or set loadBalancer.allowHttp to true: plain text inside the VPC"
    if balancer.internal and not settings.apis_into_vpc:
        why = f"[{API_GATEWAY}], and no HTTP API leads to it"
        yield "loadBalancer.allowFrom", f"{why}; write loadBalancer: true at a route of apis"


def _signing(settings: Settings, domain: DomainSettings) -> Iterator[tuple[str, str]]:
    if not domain.dnssec:
        return
    if domain.zone is not None and domain.zone != "create":
        why = f"true, and the zone {domain.zone} is not this stack's to sign"
        yield "domain.dnssec", f"{why}; sign it where it is made and remove this key, or set zone to create"
    if settings.alerts is None:
        why = "true, and nobody would hear that signing fails, which ends with a domain that answers nobody"
        yield "domain.dnssec", f"{why}; add alerts, or remove this key"


def _certificate(settings: Settings, balancer: LoadBalancerSettings) -> Iterator[tuple[str, str]]:
    arn = balancer.certificate_arn
    if arn is None:
        if settings.domain is None and not balancer.allow_http:
            why = "is missing, and there is no domain for which to make one; add domain or certificateArn"
            yield "loadBalancer.certificateArn", f"{why}, or set allowHttp to true to serve in plain text"
        return
    try:
        of_region(arn, settings.region)
    except ArgumentError as error:
        yield "loadBalancer.certificateArn", error.reason
