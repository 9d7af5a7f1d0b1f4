"""Which origin answers which path of a site, and what may be kept in a cache. Pure data: nothing is made here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import pulumi
from pydantic import AfterValidator, Field

from ..args import Args
from ..errors import ArgumentError, Mistake
from ..values import text

# AWS's own policies, which have the same ids in every account.
CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
ALL_VIEWER_EXCEPT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
"""Everything that the viewer sent, WebSocket's headers and the authorization too; not Host, by which load balancers and
API Gateway would look for a name that is not theirs."""

READ = ("GET", "HEAD", "OPTIONS")
WRITE = (*READ, "DELETE", "PATCH", "POST", "PUT")

MOST_PATHS = 24
"""Besides the site's own; more needs a quota raised."""

_PATTERN = re.compile(r"/[A-Za-z0-9_.*$/~\"'@:+?&-]{0,254}")

# Answers that only something in front of an API gives (CloudFront itself, a load balancer). 503 is often its own.
UNREACHABLE = (502, 504)
_REPLACEABLE = (400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504)


def _pattern(pattern: str) -> str:
    if not _PATTERN.fullmatch(pattern):
        raise ValueError("is not a pattern of paths; write one such as /api/*")
    if pattern in ("/", "/*"):
        raise ValueError("is the site itself; write one below it, such as /api/*")
    return pattern


Pattern = Annotated[str, AfterValidator(_pattern)]


class OriginArgs(Args):
    """Something that answers requests at the same address as the site: a load balancer, an API, a host."""

    paths: list[Pattern] = []
    """The paths that it answers, such as /api/*. Nothing of it is kept, WebSocket included: what one caller was allowed
    to see is for nobody else."""

    cached_paths: list[Pattern] = []
    """Paths whose answers to GET may be kept as long as their Cache-Control says (without one, not at all), such as
    /api/public/*. Callers with different credentials never share one."""

    strip_prefix: Annotated[str, text(r"(/[A-Za-z0-9_.$~-]+)+", "write it as /api, without a final slash")] | None = (
        None
    )
    """What the origin does not know of a path: with /api it is asked for /health, not /api/health."""

    read_timeout_seconds: Annotated[int, Field(ge=1, le=60)] = 30
    """How long CloudFront waits for an answer; more needs a quota raised."""

    def mistakes(self) -> Iterator[Mistake]:
        if not self.paths and not self.cached_paths:
            yield Mistake("paths", [], "is empty, so that the origin is never asked; write some, such as /api/*")


@dataclass(frozen=True, kw_only=True)
class OriginAddress:
    """Where CloudFront asks an origin."""

    domain: pulumi.Input[str]
    """Without scheme and path. With https its certificate must be for this name."""

    protocol: Literal["https", "http"] = "https"
    """http only for an origin that cannot have a certificate: what is said there can be read on the way."""

    port: int | None = None
    """Left out: 443, with http 80."""

    path: pulumi.Input[str] = ""
    """What stands before each path at the origin, such as an API's stage: `/prod`."""

    secret: pulumi.Input[str] | None = None
    """What the origin wants to see in the header X-Origin-Secret: it shows that nobody went around the site."""

    def __post_init__(self) -> None:
        # CloudFront connects to no other ports.
        if self.port is not None and self.port not in (80, 443) and not 1024 <= self.port <= 65535:
            raise ArgumentError("port", self.port, "is not allowed; use 80, 443 or 1024 to 65535")


@dataclass(frozen=True, kw_only=True)
class Route:
    """One behaviour of the distribution, in the order in which CloudFront asks."""

    pattern: str
    origin: str
    cached: bool


def plan_routes(origins: Mapping[str, OriginArgs]) -> list[Route]:
    """The routes to `origins`, those of the longest pattern first: CloudFront takes the first that matches."""
    found = [
        Route(pattern=pattern, origin=name, cached=cached)
        for name, origin in sorted(origins.items())
        for patterns, cached in ((origin.paths, False), (origin.cached_paths, True))
        for pattern in patterns
    ]
    return sorted(found, key=lambda route: (-_literal(route.pattern), route.pattern))


def mistaken_routes(origins: Mapping[str, OriginArgs]) -> Iterator[Mistake]:
    """Patterns that are written twice, and too many of them."""
    seen: dict[str, str] = {}
    for name, origin in sorted(origins.items()):
        for pattern in (*origin.paths, *origin.cached_paths):
            if pattern in seen:
                why = f"goes to {seen[pattern]} already; write each pattern once"
                yield Mistake(("origins", name, "paths"), pattern, why)
            seen.setdefault(pattern, name)
    if len(seen) > MOST_PATHS:
        yield Mistake("origins", len(seen), f"paths are too many; CloudFront takes {MOST_PATHS} besides the site's own")


def answering(routes: Sequence[Route], path: str) -> Route | None:
    """The route that CloudFront takes for `path`; None is the site itself."""
    return next((route for route in routes if _expression(route.pattern).fullmatch(path)), None)


def mistaken_pages(pages: Mapping[int, str], *, with_api: bool) -> Iterator[Mistake]:
    """Pages that CloudFront cannot show in place of an origin's answer, or that would hide an API's."""
    for code, page in sorted(pages.items()):
        path = ("error_pages", str(code))
        if code not in _REPLACEABLE:
            allowed = ", ".join(map(str, _REPLACEABLE))
            yield Mistake(path, page, f"is for a status that CloudFront cannot replace; use {allowed}")
        elif with_api and code not in UNREACHABLE:
            yield Mistake(
                path,
                page,
                "would also replace what the API answers with this status, because CloudFront knows no error pages of "
                f"single paths; beside an API use {', '.join(map(str, UNREACHABLE))}",
            )
        if not page.startswith("/") or page.endswith("/"):
            yield Mistake(path, page, "is not the path of a file; write one such as /404.html")


def _literal(pattern: str) -> int:
    """How much of a path the pattern names."""
    return len(pattern.replace("*", "").replace("?", ""))


def _expression(pattern: str) -> re.Pattern[str]:
    return re.compile("".join({"*": ".*", "?": "."}.get(sign, re.escape(sign)) for sign in pattern), re.DOTALL)
