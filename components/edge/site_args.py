"""What the caller of a StaticSite decides."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pulumi

from components.children import Transform
from components.edge.dns import check_domain
from components.edge.site_content import read_site
from components.edge.site_routes import ApiOrigin, error_responses, plan_routes
from components.refusal import Refusal
from components.retention import Retention

US_EAST = "us-east-1"
"""Where CloudFront is told everything."""

SECURE_CONTENT = (
    "default-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'; img-src 'self' data:; "
    "object-src 'none'; upgrade-insecure-requests"
)
"""Scripts, styles and calls only from and to the site's own address."""

_CERTIFICATE = re.compile(r"arn:aws[\w-]*:acm:([a-z0-9-]+):\d{12}:certificate/[\w-]+")


@dataclass(frozen=True, kw_only=True)
class StaticSiteArgs:
    """What the caller decides about a site. The first TB and ten million requests of a month are free for every
    account; then $0.114 for each GB to readers in Japan and $0.012 for 10,000 requests. The files are $0.025 a GB."""

    content: Path | None = None
    """The folder of a built front end, which is uploaded with the stack. None: a pipeline uploads it."""

    index: str = "index.html"
    """The first page, in the folder's root."""

    routing: Literal["single-page", "pages"] = "single-page"
    """single-page: the application in the first page shows every path that is no file. pages: `/a` and `/a/` are the
    file a/index.html."""

    error_pages: Mapping[int, str] = field(default_factory=dict)
    """Pages for statuses, such as `{404: "/404.html"}`. Beside an API only 502 and 504 are allowed, because
    CloudFront would put the page in place of the API's own answers too."""

    immutable: Sequence[str] = ("assets/*",)
    """Files of `content` whose names change with what is in them: browsers keep them for a year. All others are asked
    for again each time."""

    cache: Literal["optimized", "day"] = "optimized"
    """What CloudFront keeps: optimized, as each file's Cache-Control says (a day without one, a year at most); day, as
    it says but never longer than 24 hours."""

    origins: Mapping[str, ApiOrigin] = field(default_factory=dict)
    """What answers the other paths, by a name of its own."""

    domains: Sequence[str] = ()
    """The names under which the site is known. None: the one that CloudFront gives, for which browsers with TLS 1.0
    are let in too, since nobody can say otherwise there."""

    certificate_arn: pulumi.Input[str] | None = None
    """The certificate of `domains`, in us-east-1."""

    web_acl_arn: pulumi.Input[str] | None = None
    """The web firewall (a WebAcl of scope CLOUDFRONT) that judges each request first."""

    price_class: Literal["100", "200", "all"] = "200"
    """From where readers are served: 100 is North America, Europe and Israel; 200 adds Japan and most of Asia."""

    content_security_policy: str = SECURE_CONTENT
    """What pages may load, run and call; an answer that has a policy of its own keeps it."""

    versioning: bool = True
    """Keep overwritten files for 30 days. Off only where they can be built again and each byte counts."""

    storage: Literal["standard", "infrequent-access", "intelligent-tiering"] = "standard"
    """infrequent-access: half the price after 30 days, but $0.01 for each GB read. intelligent-tiering: S3 decides for
    each file of 128 KB and more; never an archive, from which CloudFront could not read."""

    access_log_bucket: pulumi.Input[str] | None = None
    """The name of the bucket for the record of reads of the files (a Bucket's `log_target_name`)."""

    request_log_bucket_arn: pulumi.Input[str] | None = None
    """The bucket for the record of each request to the site (a Bucket that `receives_logs_from` "cloudfront"). $0.25 a
    GB, some 500,000 requests."""

    retention: Retention = "protected"
    """protected: the files cannot be deleted with the stack. ephemeral: they are."""

    transform: Transform = field(default_factory=dict)
    """Changes to the properties of named children, for what this component does not offer."""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[\w.-]+\.html?", self.index):
            raise Refusal("index", self.index, "is not a page in the root of the site; write one such as index.html")
        _one_of("routing", self.routing, ("single-page", "pages"))
        _one_of("cache", self.cache, ("optimized", "day"))
        _one_of("price_class", self.price_class, ("100", "200", "all"))
        _one_of("storage", self.storage, ("standard", "infrequent-access", "intelligent-tiering"))
        if not self.content_security_policy or "\n" in self.content_security_policy:
            raise Refusal("content_security_policy", self.content_security_policy, "must be one line of directives")
        plan_routes(self.origins)
        pages = [page for _, page in error_responses(self.error_pages, with_api=bool(self.origins))]
        self._check_names()
        if self.content is not None:
            read_site(self.content, index=self.index, needed=pages, immutable=self.immutable)

    def _check_names(self) -> None:
        for number, domain in enumerate(self.domains):
            check_domain(f"domains[{number}]", domain)
        if bool(self.domains) != (self.certificate_arn is not None):
            raise Refusal(
                "certificate_arn",
                self.certificate_arn,
                "and domains belong together: a certificate is for names, and names need one; give both or neither",
            )
        found = _CERTIFICATE.fullmatch(self.certificate_arn) if isinstance(self.certificate_arn, str) else None
        if found and found[1] != US_EAST:
            raise Refusal(
                "certificate_arn",
                self.certificate_arn,
                f"is in {found[1]}, and CloudFront reads certificates in {US_EAST} only; make one there",
            )


def _one_of(name: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise Refusal(name, value, f"is not allowed; use {', '.join(allowed)}")
