"""Who may connect to a load balancer, how, and when its alarms ring."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from ..args import ComponentArgs
from ..errors import Mistake
from ..retention import Retention
from ..values import text

CLOUDFRONT: Final = "cloudFront"
"""Who may connect, where nobody but CloudFront may."""

API_GATEWAY: Final = "apiGateway"
"""Who may connect, where nobody but an HTTP API may, by a link into the VPC."""

EVERYBODY: Final = "0.0.0.0/0"

ALONE: Final = (CLOUDFRONT, API_GATEWAY)

CERTIFICATE_ARN = r"arn:aws[\w-]*:acm:([a-z0-9-]+):\d{12}:certificate/[\w-]+"


def _source(cidr: str) -> str:
    if cidr in ALONE:
        return cidr
    try:
        network = ipaddress.IPv4Network(cidr, strict=False)
    except ValueError:
        raise ValueError(f"is not an IPv4 CIDR; write one such as 203.0.113.0/24, or {' or '.join(ALONE)}") from None
    if str(network) != cidr:
        raise ValueError(f"does not begin at a network address or has no prefix; use {network}")
    return cidr


class LoadBalancerArgs(ComponentArgs):
    """A load balancer. About $18 a month in ap-northeast-1 when idle, $7 for the public addresses of two zones, and
    $0.008 for each unit of load and hour."""

    certificate_arn: (
        Annotated[
            str, text(CERTIFICATE_ARN, "use the ARN of a certificate: arn:aws:acm:<region>:<account>:certificate/<id>")
        ]
        | None
    ) = None
    """One that exists, in the load balancer's region. In YAML left out, one is made for the stack's domain."""

    allow_http: bool = False
    """Serve in plain text on port 80, for a stack that has no domain yet."""

    allow_from: Annotated[list[Annotated[str, AfterValidator(_source)]], Field(min_length=1)] = [EVERYBODY]
    """Who may connect: CIDRs, or only cloudFront. Then port 80 stays closed, because CloudFront itself redirects, and
    requests must show, in the header X-Origin-Secret, what a stack keeps in the Parameter Store at
    /{product}/{environment}/web/origin-secret: its site does. Or only apiGateway: the load balancer is internal, stands
    in the private subnets ($7 a month less: it has no public addresses), and a VpcLink leads to it. A site may also
    lead to one that everybody may call, where both have the same firewall."""

    idle_timeout_seconds: Annotated[int, Field(ge=1, le=4000)] = 60
    """Seconds for which a connection may be silent. The application must keep its own open for longer, or clients see
    502."""

    server_error_percent: Annotated[float, Field(gt=0, le=100)] = 5
    """Above this share of 5xx answers the alarm rings …"""

    server_error_minutes: Annotated[int, Field(ge=1, le=60)] = 5
    """… when more than half of so many minutes were so."""

    response_seconds: Annotated[float, Field(gt=0, le=4000)] = 1
    """Above this 95th percentile of the response time the alarm rings."""

    retention: Retention = "protected"
    """protected: AWS refuses to delete it. ephemeral: it can be deleted."""

    @property
    def from_cloudfront(self) -> bool:
        """Whether CloudFront alone may connect."""
        return CLOUDFRONT in self.allow_from

    @property
    def internal(self) -> bool:
        """Whether an HTTP API alone may connect, and nobody outside the VPC knows the load balancer."""
        return API_GATEWAY in self.allow_from

    @property
    def may_ask_for_secret(self) -> bool:
        """Whether all who may connect can be given a secret to show."""
        return self.from_cloudfront or self.internal

    def mistakes(self) -> Iterator[Mistake]:
        if self.certificate_arn is not None and self.allow_http:
            yield Mistake("allow_http", True, "makes no sense with a certificate; remove one of them")
        if len(set(self.allow_from)) != len(self.allow_from):
            yield Mistake("allow_from", self.allow_from, "names a source twice; name each once")
        elif alone := [one for one in ALONE if one in self.allow_from and len(self.allow_from) > 1]:
            yield Mistake("allow_from", self.allow_from, f"names {alone[0]} and others; name either")
