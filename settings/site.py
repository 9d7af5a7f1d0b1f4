"""Settings of the front end: its files, its name, and which paths go to an API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import Field
from pydantic.alias_generators import to_camel

from components.edge.certificate import MOST_DOMAINS
from components.edge.load_balancer_args import EVERYBODY
from components.edge.site_args import StaticSiteArgs
from components.edge.site_routes import OriginArgs
from components.edge.web_acl import WebAclArgs
from components.values import LABEL, DomainName, Name, text
from settings.edge import certified

if TYPE_CHECKING:
    from settings import Settings
    from settings.edge import DomainSettings, LoadBalancerSettings


class SiteOriginSettings(OriginArgs):
    """What answers some paths of the site."""

    source: Annotated[str, text(r"loadBalancer|host|apis\.[a-z][a-z0-9-]*", "use loadBalancer, host or apis.<name>")]
    """The part of this stack that answers."""


class SiteSettings(StaticSiteArgs):
    """A front end in S3 behind CloudFront, at the names of the stack's domain."""

    origins: dict[Name, SiteOriginSettings] = {}  # pyright: ignore[reportIncompatibleVariableOverride] it cannot change
    """The APIs at the site's address."""

    domain: Annotated[str, text(rf"@|{LABEL}", "use one label such as www, or @")] | None = None
    """The site is called `{domain}.{domain.name}`; @: the domain itself. Left out: the name that CloudFront gives."""

    aliases: Annotated[list[DomainName], Field(max_length=MOST_DOMAINS - 1)] = []
    """Further names, in the same zone; their certificate is this one's."""

    logs: bool = True
    """Whether each request is recorded in the log archive."""

    firewall: WebAclArgs | None = None
    """About $10 a month, and $1 for the key of its log. Both are in us-east-1: so is what it records of an attack."""

    def names(self, domain: DomainSettings | None) -> list[str]:
        """The names of the site, the first one first."""
        if self.domain is None or domain is None:
            return []
        return [domain.name if self.domain == "@" else f"{self.domain}.{domain.name}", *self.aliases]


def combinations(settings: Settings) -> Iterator[tuple[str, str]]:
    """What cannot work together: key and why."""
    site = settings.site
    if site is None:
        return
    if site.domain is not None and settings.domain is None:
        yield "site.domain", f"{site.domain} is a name below the stack's domain, which is missing; add domain"
    taken = settings.domain.api if settings.domain is not None and settings.load_balancer is not None else None
    if site.domain is not None and site.domain == taken:
        yield "site.domain", f"{site.domain} is the API's name already; choose another, such as www"
    names = site.names(settings.domain)
    if names and settings.domain is not None:
        keys = ["site.domain", *(f"site.aliases[{number}]" for number in range(len(site.aliases)))]
        yield from certified(dict(zip(keys, names, strict=True)), settings.domain.name)
    if site.logs and settings.log_archive is None:
        yield "site.logs", "go to the log archive, which is missing; add logArchive: {}, or set it to false"
    if site.firewall is not None and settings.free_tier:
        yield "site.firewall", "costs about $10 a month and freeTier is true; remove it"
    for name, origin in site.origins.items():
        yield from _origin(settings, name, origin)


def _origin(settings: Settings, name: str, origin: SiteOriginSettings) -> Iterator[tuple[str, str]]:
    key = f"site.origins.{name}.source"
    if name == "files":
        yield f"site.origins.{name}", "is what the site's own files are called; choose another name"
    if origin.source == "loadBalancer":
        balancer = settings.load_balancer
        if balancer is None:
            yield key, "loadBalancer is missing; add loadBalancer, or remove the origin"
        elif not balancer.from_cloudfront:
            yield from _second_door(settings, balancer, name)
    elif origin.source == "host" and getattr(settings, "host", None) is None:
        yield key, "host is missing; add host, or remove the origin"
    elif origin.source.startswith("apis."):
        api, known = origin.source.partition(".")[2], sorted(getattr(settings, "apis", {}))
        if api not in known:
            yield key, f"{api} is none of the APIs{' (' + ', '.join(known) + ')' if known else ''}; add apis.{api}"


def _second_door(settings: Settings, balancer: LoadBalancerSettings, name: str) -> Iterator[tuple[str, str]]:
    """A load balancer that answers the site and others too: who goes past the site must be judged the same there."""
    key, at = "loadBalancer.allowFrom", f"(site.origins.{name})"
    if EVERYBODY not in balancer.allow_from:
        yield key, f"keeps CloudFront out, which the site needs {at}; use [cloudFront]"
        return
    guarded, before_site = settings.firewall, settings.site.firewall if settings.site is not None else None
    if guarded is None or before_site is None:
        lacking = "loadBalancer.firewall" if guarded is None else "site.firewall"
        yield key, f"lets everybody past the site and its firewall {at}; use [cloudFront], or add {lacking}"
        return
    if balancer.allow_http:
        why = "has the load balancer speak plain text to everybody, the site included"
        yield "loadBalancer.allowHttp", f"{why} {at}; give it a certificate, or use allowFrom: [cloudFront]"
    for field in ("mode", "rate_limit", "counted_rules"):
        here, there = getattr(guarded, field), getattr(before_site, field)
        if here != there:
            why = (
                f"is {here}, and site.firewall.{to_camel(field)} {there}: who is judged less must not be able to choose"
            )
            yield f"loadBalancer.firewall.{to_camel(field)}", f"{why}; write the same, or use allowFrom: [cloudFront]"
