"""Settings of what the outside reaches: the domain, the load balancer and its web firewall."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field

from settings.section import Section, text

if TYPE_CHECKING:
    from settings import Settings

LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"


def _source(cidr: str) -> str:
    if cidr == "cloudFront":
        return cidr
    try:
        network = ipaddress.IPv4Network(cidr, strict=False)
    except ValueError:
        raise ValueError("is not an IPv4 CIDR; write one such as 203.0.113.0/24, or cloudFront") from None
    if str(network) != cidr:
        raise ValueError(f"does not begin at a network address or has no prefix; use {network}")
    return cidr


DomainName = Annotated[
    str,
    text(
        rf"(?=.{{1,253}}$){LABEL}(\.{LABEL})+",
        "write a domain such as example.com, in lower case, without scheme, path or final dot",
    ),
]
Source = Annotated[str, AfterValidator(_source)]


class DomainSettings(Section):
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

    api: Annotated[str, text(LABEL, "use one label, such as api")] = "api"
    """The API is called `{api}.{name}`."""

    private: DomainName | None = None
    """The domain of the names inside the VPC ($0.50 a month). Left out: `internal.{name}`; none without a network."""

    @property
    def private_name(self) -> str:
        """The domain of the names inside the VPC."""
        return self.private or f"internal.{self.name}"


class FirewallSettings(Section):
    """The web firewall in front of the load balancer."""

    mode: Literal["block", "count"] = "block"
    """count: only record what would be blocked."""

    rate_limit: Annotated[int, Field(ge=10, le=2_000_000_000)] | None = 2000
    """Requests from one address in five minutes."""

    counted_rules: dict[str, list[str]] = {}
    """Rules that only count, by group, because they hit good requests."""


class LoadBalancerSettings(Section):
    """The load balancer in front of all services."""

    certificate_arn: str | None = None
    """A certificate that exists, in the stack's region. Left out, one is made for the domain."""

    allow_http: bool = False
    """Serve in plain text, for a stack that has no domain yet."""

    allow_from: Annotated[list[Source], Field(min_length=1)] = ["0.0.0.0/0"]
    """Who may connect: CIDRs, or only cloudFront."""

    idle_timeout_seconds: int = 60
    firewall: FirewallSettings | None = FirewallSettings()
    """null: none, which saves about $10 a month and is for trials only."""

    server_error_percent: Annotated[float, Field(gt=0, le=100)] = 5
    """Above this share of 5xx answers the alarm rings …"""

    server_error_minutes: Annotated[int, Field(ge=1, le=60)] = 5
    """… when more than half of so many minutes were so."""

    response_seconds: Annotated[float, Field(gt=0)] = 1
    """Above this 95th percentile of the response time the alarm rings."""


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
        if "public" not in network.tiers:
            yield "loadBalancer", "stands in the public tier, which is missing; add public to network.tiers"
        if network.zones < 2:
            yield "network.zones", "1 is too few for a load balancer; use 2 or 3"
    yield from _certificate(settings, balancer)
    if "cloudFront" in balancer.allow_from and len(balancer.allow_from) > 1:
        yield "loadBalancer.allowFrom", "names cloudFront and CIDRs; name either"


def _certificate(settings: Settings, balancer: LoadBalancerSettings) -> Iterator[tuple[str, str]]:
    arn = balancer.certificate_arn
    if arn is None:
        if settings.domain is None and not balancer.allow_http:
            why = "is missing, and there is no domain for which to make one; add domain or certificateArn"
            yield "loadBalancer.certificateArn", f"{why}, or set allowHttp to true to serve in plain text"
        return
    if balancer.allow_http:
        yield "loadBalancer.allowHttp", "true makes no sense with certificateArn; remove one of them"
    region = arn.split(":")[3] if arn.startswith("arn:") and arn.count(":") >= 5 else None
    if region and region != settings.region:
        yield (
            "loadBalancer.certificateArn",
            f"is in {region}, and the load balancer in {settings.region}; use a certificate of {settings.region}",
        )
