"""Settings of the one small server on which a whole application runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from settings.section import Name, Section, text

if TYPE_CHECKING:
    from settings import Settings

_FREE_TYPES = ("t3.micro",)
_FREE_DISK_GIB = 30
"""EBS of the free tier of 12 months, all volumes of the account together."""


class SshSettings(Section):
    """Shells by SSH. Without it there are shells by Session Manager, which need no open port."""

    allow_from: list[str]
    """The administrators' addresses, such as 203.0.113.7/32."""

    key_name: str | None = None
    """A key pair of EC2. Left out: EC2 Instance Connect brings a key for each connection."""


class HostReadsSettings(Section):
    """Objects that the host may read."""

    bucket: Name
    """One of the stack's buckets."""

    folder: Annotated[str, Field(pattern=r"^[^/*?]+(/[^/*?]+)*$")] | None = None
    """Only what is in this folder: keys that begin with its name and a slash."""


class HostSettings(Section):
    """A server with the application, its proxy and Redis, behind the site's CloudFront distribution."""

    instance_type: str = "t3.micro"
    system: Literal["amazonLinux", "ubuntu"] = "amazonLinux"
    """Amazon Linux 2023 or Ubuntu 22.04."""

    ami_id: Annotated[str, text(r"ami-[0-9a-f]{8,17}", "use an id such as ami-0123456789abcdef0")] | None = None
    """To roll to a certain image. Left out: the newest at the first deployment, which then stays."""

    tag: Annotated[str, text(r"(?!latest$)\w[\w.-]{0,127}", "use a tag that stays, such as 1.4.2, not latest")]
    """The image that runs until a deployment brings another."""

    keep_images: int = 3
    """500 MB of images are free."""

    root_gib: int = 12
    data_gib: int = 8
    database: bool = False
    """Whether the application works with the stack's database."""

    reads: HostReadsSettings | None = None
    ssh: SshSettings | None = None


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
    if host.ssh is not None and not host.ssh.allow_from:
        yield (
            "host.ssh.allowFrom",
            "names no administrator; write addresses such as 203.0.113.7/32, or remove ssh and use Session Manager",
        )
    if settings.free_tier:
        if host.instance_type not in _FREE_TYPES:
            yield (
                "host.instanceType",
                f"{host.instance_type} costs money and freeTier is true; use {', '.join(_FREE_TYPES)}",
            )
        disk = host.root_gib + host.data_gib
        if disk > _FREE_DISK_GIB:
            yield (
                "host.dataGib",
                f"{host.data_gib} and rootGib {host.root_gib} make {disk} GiB; {_FREE_DISK_GIB} GiB are free",
            )
