"""Settings of the front end: its files, its name, and which paths go to an API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from settings.edge import DomainName, FirewallSettings
from settings.section import Name, Section, text

if TYPE_CHECKING:
    from settings import Settings


class SiteOriginSettings(Section):
    """What answers some paths of the site."""

    source: Annotated[str, text(r"loadBalancer|host|apis\.[a-z][a-z0-9-]*", "use loadBalancer, host or apis.<name>")]
    """The part of this stack that answers."""

    paths: list[str] = []
    """Such as /api/*. Nothing of it is kept; WebSocket is passed on."""

    cached_paths: list[str] = []
    """Such as /api/public/*: kept for as long as an answer's Cache-Control says."""

    strip_prefix: str | None = None
    """What the API does not know of a path, such as /api."""

    read_timeout_seconds: int = 30


class SiteSettings(Section):
    """A front end in S3 behind CloudFront."""

    content: str = "none"
    """The folder of a built front end, seen from the project's folder; none: a pipeline uploads it."""

    index: str = "index.html"
    routing: Literal["singlePage", "pages"] = "singlePage"
    error_pages: dict[int, str] = {}
    immutable: list[str] = ["assets/*"]
    """Files whose names change with their content."""

    cache: Literal["optimized", "day"] = "optimized"
    """day: nothing is kept for longer than 24 hours."""

    origins: dict[Name, SiteOriginSettings] = {}
    """The APIs at the site's address."""

    domain: Annotated[str, text(r"@|[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", "use one label such as www, or @")] | None = (
        None
    )
    """The site is called `{domain}.{domain.name}`; @: the domain itself. Left out: the name that CloudFront gives."""

    aliases: list[DomainName] = []
    """Further names, in the same zone; their certificate is this one's."""

    price_class: Literal[100, 200, "all"] = 200
    content_security_policy: str | None = None
    """Left out: everything only from and to the site's own address."""

    versioning: bool = True
    storage: Literal["standard", "infrequentAccess", "intelligentTiering"] = "standard"
    logs: bool = True
    """Whether each request is recorded in the log archive."""

    firewall: FirewallSettings | None = None
    """About $10 a month, and $1 for the key of its log. Both are in us-east-1: so is what it records of an attack."""

    server_error_percent: Annotated[float, Field(gt=0, le=100)] = 5
    """Above this share of 5xx answers the alarm rings …"""

    server_error_minutes: Annotated[int, Field(ge=1, le=60)] = 5
    """… when more than half of so many minutes were so."""


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
        elif balancer.allow_from not in (["cloudFront"], ["0.0.0.0/0"]):
            yield "loadBalancer.allowFrom", "keeps CloudFront out, which the site needs; use [cloudFront]"
    elif origin.source == "host" and getattr(settings, "host", None) is None:
        yield key, "host is missing; add host, or remove the origin"
    elif origin.source.startswith("apis."):
        api, known = origin.source.partition(".")[2], sorted(getattr(settings, "apis", {}))
        if api not in known:
            yield key, f"{api} is none of the APIs{' (' + ', '.join(known) + ')' if known else ''}; add apis.{api}"
