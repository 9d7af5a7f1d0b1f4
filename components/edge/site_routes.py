"""Which origin answers which path of a site, and what may be kept in a cache. Pure data: nothing is made here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi

from components.refusal import Refusal

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
_HEADER = re.compile(r"[A-Za-z0-9-]{1,128}")
_ORIGIN_PATH = re.compile(r"(/[A-Za-z0-9_.$~-]+)*")

# Answers that only something in front of an API gives (CloudFront itself, a load balancer). 503 is often its own.
UNREACHABLE = (502, 504)
_REPLACEABLE = (400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504)


@dataclass(frozen=True, kw_only=True)
class SecretHeader:
    """A header that CloudFront adds, by which an origin knows that nobody went around it."""

    name: str
    """Such as X-Origin-Secret."""

    value: pulumi.Input[str]
    """A long random text, secret."""

    def __post_init__(self) -> None:
        if not _HEADER.fullmatch(self.name):
            raise Refusal("secret_header.name", self.name, "is not the name of a header; write one such as X-Origin")


@dataclass(frozen=True, kw_only=True)
class ApiOrigin:
    """Something that answers requests at the same address as the site: a load balancer, an API, a host."""

    domain: pulumi.Input[str]
    """Where CloudFront asks, without scheme and path. With https its certificate must be for this name."""

    path_patterns: Sequence[str]
    """The paths that it answers, such as `/api/*`. Nothing of it is kept, WebSocket included: what one caller was
    allowed to see is for nobody else."""

    cached_patterns: Sequence[str] = ()
    """Paths whose answers to GET may be kept as long as their Cache-Control says (without one, not at all). Callers
    with different credentials never share one."""

    protocol: Literal["https", "http"] = "https"
    """http only for an origin that cannot have a certificate: what is said there can be read on the way."""

    port: int | None = None
    """Left out: 443, with http 80."""

    origin_path: pulumi.Input[str] = ""
    """What stands before each path at the origin, such as an API's stage: `/prod`."""

    strip_prefix: str | None = None
    """What the origin does not know of a path: with `/api` it is asked for /health, not /api/health."""

    secret_header: SecretHeader | None = None
    """The header without which the origin answers nobody."""

    read_timeout_seconds: int = 30
    """How long CloudFront waits for an answer, 1 to 60 seconds; more needs a quota raised."""

    def __post_init__(self) -> None:
        if not self.path_patterns and not self.cached_patterns:
            raise Refusal(
                "path_patterns", [], "is empty, so that the origin is never asked; write some, such as /api/*"
            )
        for pattern in (*self.path_patterns, *self.cached_patterns):
            if not _PATTERN.fullmatch(pattern):
                raise Refusal("path_patterns", pattern, "is not a pattern of paths; write one such as /api/*")
            if pattern in ("/", "/*"):
                raise Refusal("path_patterns", pattern, "is the site itself; write one below it, such as /api/*")
        if self.protocol not in ("https", "http"):
            raise Refusal("protocol", self.protocol, "is not allowed; use https, or http")
        # CloudFront connects to no other ports.
        if self.port is not None and self.port not in (80, 443) and not 1024 <= self.port <= 65535:
            raise Refusal("port", self.port, "is not allowed; use 80, 443 or 1024 to 65535")
        if isinstance(self.origin_path, str) and not _ORIGIN_PATH.fullmatch(self.origin_path):
            raise Refusal("origin_path", self.origin_path, "is not allowed; write it as /prod, without a final slash")
        if self.strip_prefix is not None and (self.strip_prefix == "" or not _ORIGIN_PATH.fullmatch(self.strip_prefix)):
            raise Refusal("strip_prefix", self.strip_prefix, "is not allowed; write it as /api, without a final slash")
        if not 1 <= self.read_timeout_seconds <= 60:
            raise Refusal("read_timeout_seconds", self.read_timeout_seconds, "is not allowed; use 1 to 60 seconds")


@dataclass(frozen=True, kw_only=True)
class Route:
    """One behaviour of the distribution, in the order in which CloudFront asks."""

    pattern: str
    origin: str
    cached: bool


def plan_routes(origins: Mapping[str, ApiOrigin]) -> list[Route]:
    """The routes to `origins`, those of the longest pattern first: CloudFront takes the first that matches."""
    found: dict[str, Route] = {}
    for name, origin in sorted(origins.items()):
        both = [(each, False) for each in origin.path_patterns] + [(each, True) for each in origin.cached_patterns]
        for pattern, cached in both:
            if pattern in found:
                raise Refusal(
                    f"origins.{name}.path_patterns",
                    pattern,
                    f"goes to {found[pattern].origin} already; write each pattern once",
                )
            found[pattern] = Route(pattern=pattern, origin=name, cached=cached)
    if len(found) > MOST_PATHS:
        raise Refusal(
            "origins", len(found), f"paths are too many; CloudFront takes {MOST_PATHS} besides the site's own"
        )
    return sorted(found.values(), key=lambda route: (-_literal(route.pattern), route.pattern))


def answering(routes: Sequence[Route], path: str) -> Route | None:
    """The route that CloudFront takes for `path`; None is the site itself."""
    return next((route for route in routes if _expression(route.pattern).fullmatch(path)), None)


def error_responses(pages: Mapping[int, str], *, with_api: bool) -> Iterator[tuple[int, str]]:
    """The status codes that get a page of ours instead of the origin's own answer, checked."""
    for code, page in sorted(pages.items()):
        if code not in _REPLACEABLE:
            allowed = ", ".join(map(str, _REPLACEABLE))
            raise Refusal(f"error_pages.{code}", page, f"is for a status that CloudFront cannot replace; use {allowed}")
        if not page.startswith("/") or page.endswith("/"):
            raise Refusal(f"error_pages.{code}", page, "is not the path of a file; write one such as /404.html")
        if with_api and code not in UNREACHABLE:
            raise Refusal(
                f"error_pages.{code}",
                page,
                "would also replace what the API answers with this status, because CloudFront knows no error pages of "
                f"single paths; beside an API use {', '.join(map(str, UNREACHABLE))}",
            )
        yield code, page


def _literal(pattern: str) -> int:
    """How much of a path the pattern names."""
    return len(pattern.replace("*", "").replace("?", ""))


def _expression(pattern: str) -> re.Pattern[str]:
    return re.compile("".join({"*": ".*", "?": "."}.get(sign, re.escape(sign)) for sign in pattern), re.DOTALL)
