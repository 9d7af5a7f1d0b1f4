"""What the caller of a StaticSite decides."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from ..args import ComponentArgs
from ..errors import ArgumentError, Mistake
from ..retention import Retention
from ..values import Name, text
from .site_content import PROJECT, read_site
from .site_routes import OriginArgs, mistaken_pages, mistaken_routes

US_EAST = "us-east-1"
"""Where CloudFront is told everything."""

SECURE_CONTENT = (
    "default-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'; img-src 'self' data:; "
    "object-src 'none'; upgrade-insecure-requests"
)
"""Scripts, styles and calls only from and to the site's own address."""


def also_calling(policy: str, source: str) -> str:
    """The policy with one more address that pages may call; without a list of its own for calls (connect-src) they had
    that of default-src."""
    directives: dict[str, list[str]] = {}
    for part in policy.split(";"):
        if words := part.split():
            # Browsers take the first of two, and write names as they like.
            directives.setdefault(words[0].lower(), words[1:])
    allowed = directives.get("connect-src", directives.get("default-src"))
    if allowed is None:
        return policy
    directives["connect-src"] = [each for each in allowed if each not in ("'none'", source)] + [source]
    return "; ".join(" ".join((name, *sources)) for name, sources in directives.items())


def _no_folder(content: Any) -> Any:
    return None if content == "none" else content


class StaticSiteArgs(ComponentArgs):
    """A front end in S3 behind CloudFront. The first TB and ten million requests of a month are free for every account;
    then $0.114 for each GB to readers in Japan and $0.012 for 10,000 requests. The files are $0.025 a GB."""

    content: Annotated[Path | None, BeforeValidator(_no_folder)] = None
    """The folder of a built front end, seen from the project's folder, which is uploaded with the stack. none: a
    pipeline uploads it."""

    index: Annotated[str, text(r"[\w.-]+\.html?", "write a page in the root of the site, such as index.html")] = (
        "index.html"
    )
    """The first page, in the folder's root."""

    routing: Literal["singlePage", "pages"] = "singlePage"
    """singlePage: the application in the first page shows every path that is no file. pages: `/a` and `/a/` are the
    file a/index.html."""

    error_pages: dict[int, str] = {}
    """Pages for statuses, such as `{404: "/404.html"}`. Beside an API only 502 and 504 are allowed, because
    CloudFront would put the page in place of the API's own answers too."""

    immutable: list[str] = ["assets/*"]
    """Files of `content` whose names change with what is in them: browsers keep them for a year. All others are asked
    for again each time."""

    cache: Literal["optimized", "day"] = "optimized"
    """What CloudFront keeps: optimized, as each file's Cache-Control says (a day without one, a year at most); day, as
    it says but never longer than 24 hours."""

    origins: dict[Name, OriginArgs] = {}
    """What answers the other paths, by a name of its own."""

    price_class: Literal[100, 200, "all"] = 200
    """From where readers are served: 100 is North America, Europe and Israel; 200 adds Japan and most of Asia."""

    content_security_policy: Annotated[str, text(r"[^\n]+", "use one line of directives")] = SECURE_CONTENT
    """What pages may load, run and call; an answer that has a policy of its own keeps it. The sign-in page of the
    users, which pages ask for tokens, is added."""

    versioning: bool = True
    """Keep overwritten files for 30 days. Off only where they can be built again and each byte counts."""

    storage: Literal["standard", "infrequentAccess", "intelligentTiering"] = "standard"
    """infrequentAccess: half the price after 30 days, but $0.01 for each GB read. intelligentTiering: S3 decides for
    each file of 128 KB and more; never an archive, from which CloudFront could not read."""

    server_error_percent: Annotated[float, Field(gt=0, le=100)] = 5
    """Above this share of 5xx answers the alarm rings …"""

    server_error_minutes: Annotated[int, Field(ge=1, le=60)] = 5
    """… when more than half of so many minutes were so."""

    retention: Retention = "protected"
    """protected: the files cannot be deleted with the stack. ephemeral: they are. In YAML left out: the stack's."""

    def mistakes(self) -> Iterator[Mistake]:
        yield from mistaken_routes(self.origins)
        yield from mistaken_pages(self.error_pages, with_api=bool(self.origins))
        if self.content is not None:
            try:
                needed = list(self.error_pages.values())
                read_site(PROJECT / self.content, index=self.index, needed=needed, immutable=self.immutable)
            except ArgumentError as error:
                yield from error.mistakes
