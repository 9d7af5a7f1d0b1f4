"""Settings of the one small server on which a whole application runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from components.args import Args
from components.compute.free_tier_host import FreeTierHostArgs
from components.compute.repository import KeepImages
from components.values import Name
from settings.free_tier import DISK_GIB, HOST_TYPES

if TYPE_CHECKING:
    from settings import Settings


class HostReadsSettings(Args):
    """Objects that the host may read."""

    bucket: Name
    """One of the stack's buckets."""

    folder: Annotated[str, Field(pattern=r"^[^/*?]+(/[^/*?]+)*$")] | None = None
    """Only what is in this folder: keys that begin with its name and a slash."""


class HostSettings(FreeTierHostArgs):
    """A server with the application, its proxy and Redis, behind the site's CloudFront distribution."""

    keep_images: KeepImages = 3
    """Images that have run and stay, for going back. 500 MB of images are free."""

    database: bool = False
    """Whether the application works with the stack's database."""

    reads: HostReadsSettings | None = None


def combinations(settings: Settings) -> Iterator[tuple[str, str]]:
    """What cannot work together: key and why."""
    host, network = settings.host, settings.network
    if host is None:
        return
    if network is None:
        yield "host", "stands in a network, which is missing; add the section network"
    elif network.existing is not None:
        if not network.existing.public_subnet_ids:
            yield "network.existing.publicSubnetIds", "is empty, and the host stands in a public subnet; name one"
    elif network.stack is None and "public" not in network.tiers:
        yield "network.tiers", "lacks public, in which the host stands; add it"
    if host.database and settings.database is None:
        yield "host.database", "true needs the section database; add it or remove this key"
    if host.reads is not None and host.reads.bucket not in settings.buckets:
        known = ", ".join(sorted(settings.buckets)) or "none"
        yield "host.reads.bucket", f"{host.reads.bucket} is not a bucket of this stack; the buckets are: {known}"
    if settings.free_tier:
        if host.instance_type not in HOST_TYPES:
            yield (
                "host.instanceType",
                f"{host.instance_type} costs money and freeTier is true; use {', '.join(HOST_TYPES)}",
            )
        disks = sorted([(host.root_gib, "rootGib"), (host.data_gib, "dataGib")])
        (small, other), (large, key) = disks
        if small + large > DISK_GIB:
            yield (
                f"host.{key}",
                f"{large} and {other} {small} make {small + large} GiB; {DISK_GIB} GiB are free",
            )
