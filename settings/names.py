"""Names that AWS accepts: how long a product and the names of services may be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from settings import Settings

# The children of each part whose names come nearest to AWS's limit: what is added to {product}-{environment}-{service}
# (with Pulumi's own suffix of 8, where it adds one), and the limit. The architecture's tests keep this table true.
_PULUMI_SUFFIX = len("-1234567")
_TIGHTEST_NAMES: dict[str, tuple[tuple[str, int, int], ...]] = {
    "network": (("role", len("-flow-log-role") + _PULUMI_SUFFIX, 64),),
    "service": (
        ("target group", len("-tg2") + _PULUMI_SUFFIX, 32),
        ("role", len("-execution-role") + _PULUMI_SUFFIX, 64),
    ),
    "bucket": (("bucket", len("-bucket") + _PULUMI_SUFFIX, 63),),
    "replicated bucket": (
        ("role", len("-replica-role") + _PULUMI_SUFFIX, 64),
        ("bucket", len("-replica-bucket") + _PULUMI_SUFFIX, 63),
    ),
}

RESERVED_SERVICES = ("network", "logs", "data", "data-replica", "log-archive", "config", "cluster", "log-router")
"""Services that the program names itself."""


def combinations(settings: Settings) -> Iterator[tuple[str, str]]:
    """Names that would overflow: key and why."""
    stem = f"{settings.product}-{settings.environment}"
    ours: list[tuple[str, str]] = [("network", "network")] if settings.network else []
    ours += [("log-archive", "bucket")] if settings.log_archive else []
    # All services share the product: one line for the worst of them.
    overflows = [over for service, part in ours for over in _overflows(f"{stem}-{service}", part)]
    if overflows:
        excess, text = max(overflows)
        yield "product", f"{settings.product!r} {text}; shorten the product by {excess}"
    for service, bucket in settings.buckets.items():
        if service in RESERVED_SERVICES:
            yield (
                f"buckets.{service}",
                f"is a name that the program uses itself ({', '.join(RESERVED_SERVICES)}); choose another",
            )
        overflows = _overflows(f"{stem}-{service}", "replicated bucket" if bucket.replicate_to else "bucket")
        if overflows:
            excess, text = max(overflows)
            yield f"buckets.{service}", f"{text}; shorten the bucket's key or the product by {excess}"

    for service in settings.services:
        if service in RESERVED_SERVICES or service in settings.buckets:
            yield (
                f"services.{service}",
                "is a name that the program uses already, for a part of its own or a bucket; choose another",
            )
        overflows = _overflows(f"{stem}-{service}", "service")
        if overflows:
            excess, text = max(overflows)
            yield f"services.{service}", f"{text}; shorten the service's key or the product by {excess}"


def _overflows(name: str, part: str) -> list[tuple[int, str]]:
    return [
        (
            len(name) + added - limit,
            f"makes the name of the {kind} of {name} {len(name) + added} characters long, and AWS allows {limit}",
        )
        for kind, added, limit in _TIGHTEST_NAMES[part]
        if len(name) + added > limit
    ]
