"""NAT: how private subnets call the internet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws

from ..alarms import Metric
from ..children import Children

CHILDREN = ("nat_address", "nat_gateway")

Nat = Literal["none", "single", "perZone", "regional"]


@dataclass(frozen=True)
class NatGateways:
    """The way out of each zone."""

    of_zones: Sequence[aws.ec2.NatGateway] = ()
    """One for each zone, which may be the same; empty without NAT."""

    addresses: Sequence[pulumi.Output[str]] = ()
    """None where there is no NAT, or a regional one, whose addresses AWS gives and takes."""


def gateways(
    prefix: str,
    nat: Nat,
    zones: int,
    vpc_id: pulumi.Output[str],
    public_subnets: Sequence[aws.ec2.Subnet],
    child: Children,
    waits: Sequence[pulumi.Resource],
) -> NatGateways:
    """The gateways of a VPC. They wait for the way to the internet: in a VPC without an attached internet gateway AWS
    refuses them ("Gateway.NotAttached")."""
    if nat == "none":
        return NatGateways()
    if nat == "regional":
        # AWS gives it addresses, spreads it over the zones that have subnets, and makes a route table of its own that
        # leads to the internet gateway. Only the private tables are ours to point at it.
        regional = aws.ec2.NatGateway(
            f"{prefix}-nat-gateway",
            availability_mode="regional",
            connectivity_type="public",
            vpc_id=vpc_id,
            tags={"Name": f"{prefix}-nat-gateway"},
            opts=child("nat_gateway", depends_on=waits),
        )
        return NatGateways([regional] * zones)
    # One NAT for all zones: half or a third of the cost; a zone failure stops outbound calls.
    count = 1 if nat == "single" else zones
    found, addresses = [], []
    for number, subnet in enumerate(public_subnets[:count], start=1):
        address = aws.ec2.Eip(
            f"{prefix}-nat-address-{number}",
            domain="vpc",
            tags={"Name": f"{prefix}-nat-address-{number}"},
            opts=child("nat_address", depends_on=waits),
        )
        addresses.append(address.public_ip)
        found.append(
            aws.ec2.NatGateway(
                f"{prefix}-nat-gateway-{number}",
                allocation_id=address.id,
                subnet_id=subnet.id,
                tags={"Name": f"{prefix}-nat-gateway-{number}"},
                opts=child("nat_gateway", depends_on=waits),
            )
        )
    return NatGateways(found * (zones // count), addresses)


def metric(gateway: aws.ec2.NatGateway, name: str, statistic: str) -> Metric:
    """What CloudWatch knows of a gateway."""
    return Metric(namespace="AWS/NATGateway", name=name, dimensions={"NatGatewayId": gateway.id}, statistic=statistic)
