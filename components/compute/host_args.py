"""What somebody decides about a host."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from ..args import Args, ComponentArgs
from ..errors import Mistake
from ..retention import Retention
from ..values import FixedTag, LogRetentionDays, aws_id

System = Literal["amazonLinux", "ubuntu"]

InstanceType = Literal["t3.micro", "t3.small", "t3.medium"]
"""With 1, 2 and 4 GiB of memory (https://aws.amazon.com/ec2/instance-types/t3/). Only types of x86_64, for which the
images and Docker Compose are chosen. Of these only t3.micro is in the free tier of 12 months
(https://aws.amazon.com/ec2/pricing/: 750 hours of t2.micro, or of t3.micro where there is no t2.micro)."""


def _an_administrators(cidr: str) -> str:
    try:
        network = ipaddress.IPv4Network(cidr)
    except ValueError:
        raise ValueError("is not an IPv4 network; write your own address such as 203.0.113.7/32") from None
    if network.prefixlen < 24:
        raise ValueError(
            f"lets {network.num_addresses} addresses in; name the administrator's own, such as 203.0.113.7/32 "
            "(at most a /24), or use Session Manager"
        )
    return cidr


class Ssh(Args):
    """Shells by SSH. Without it the port stays closed; a shell is `aws ssm start-session`, which needs no port, no key
    and leaves a record."""

    allow_from: list[Annotated[str, AfterValidator(_an_administrators)]]
    """The administrators' addresses, such as 203.0.113.7/32, each at most a /24."""

    key_name: str | None = None
    """A key pair of EC2. Left out: EC2 Instance Connect brings a key for each connection."""

    def mistakes(self) -> Iterator[Mistake]:
        if not self.allow_from:
            reason = "names no administrator; write addresses such as 203.0.113.7/32, or remove ssh and use Session "
            yield Mistake("allow_from", [], f"{reason}Manager")
        if len(set(self.allow_from)) != len(self.allow_from):
            yield Mistake("allow_from", self.allow_from, "names an address twice; name each once")
        # With CloudFront's list, which counts as 55, the group has room for so many.
        if len(self.allow_from) > 5:
            yield Mistake("allow_from", self.allow_from, "has more than 5 addresses; use Session Manager instead")


class FreeTierHostArgs(ComponentArgs):
    """A host. A t3.micro is about $10 a month in ap-northeast-1, its public address $3.65, a GiB of storage $0.096; in
    the free tier of 12 months all of it is free for one host."""

    tag: FixedTag
    """The image that runs until a deployment brings another one. A deployment's choice is kept on the data volume."""

    instance_type: InstanceType = "t3.micro"
    """Only t3.micro is in the free tier. For another one the host is replaced where it is protected, else stopped."""

    system: System = "amazonLinux"
    """amazonLinux: Amazon Linux 2023, ubuntu: Ubuntu 22.04 LTS. A change makes a new instance."""

    ami_id: Annotated[str, aws_id("ami")] | None = None
    """A certain image. Left out: the newest at the first deployment, and that one stays, since each newer one would
    replace the host. To roll to a newer image, give its id."""

    # The images of both systems have a root volume of 8 GiB, and containers need room beside it.
    root_gib: Annotated[int, Field(ge=10, le=1024)] = 12
    """The volume of the system and the images; goes with the instance."""

    data_gib: Annotated[int, Field(ge=1, le=16384)] = 8
    """The volume of what lasts: Redis, and which image runs. Can grow, and never shrink."""

    ssh: Ssh | None = None
    """Who may connect to port 22. Left out: nobody."""

    log_retention_days: LogRetentionDays = 30
    """Days until a record is deleted. In YAML left out: the stack's."""

    retention: Retention = "protected"
    """protected: the data volume refuses to be deleted and leaves a snapshot; AWS refuses to stop or end the instance
    by hand. ephemeral: all of it goes. In YAML left out: the stack's."""
