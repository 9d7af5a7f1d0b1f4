"""What interface endpoints save against NAT gateways.

Private subnets reach AWS either through an interface endpoint per service or through a NAT gateway per zone. Both are
billed by the hour and by the GB; an endpoint once per zone it stands in, a gateway together with its public address.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from costs.prices import Price, cents, price
from costs.services.network import zones_of

if TYPE_CHECKING:
    from costs.stack import Stack

ENDPOINT = "ec2/vpcEndpoint:VpcEndpoint"
NAT_GATEWAY = "ec2/natGateway:NatGateway"


@dataclass(frozen=True, kw_only=True)
class EndpointSaving:
    """A month of interface endpoints beside a month of the NAT gateways that they make unnecessary, in USD."""

    region: str
    endpoints: int
    """Interface endpoints; gateway endpoints (S3, DynamoDB) are free."""
    zones: int
    """Zones that need a way out: the most subnets that one endpoint stands in, added up over the VPCs."""
    endpoint_hours_cost: Decimal
    nat_gateways: int
    """Gateways that the endpoints replace: one per zone, none where the stack has gateways all the same."""
    nat_cost: Decimal
    """Their hours and those of one public IPv4 address each."""
    saving: Decimal
    """`nat_cost` less `endpoint_hours_cost`; negative when the endpoints cost more."""
    assumptions: tuple[str, ...]
    sources: tuple[str, ...]


def endpoint_saving(stack: Stack, region: str) -> EndpointSaving | None:
    """What the interface endpoints of a stack save in a month at the prices of `region`.

    None without interface endpoints; `UnpricedRegion` where no price is known.
    """
    hours = stack.hours
    zones_by_endpoint = [
        (str(one.inputs.get("vpcId")), zones_of(one.inputs))
        for one in stack.of(ENDPOINT)
        if one.inputs.get("vpcEndpointType") == "Interface"
    ]
    if not zones_by_endpoint:
        return None
    present = len(stack.of(NAT_GATEWAY))
    zones_by_vpc: dict[str, int] = {}
    for vpc, count in zones_by_endpoint:
        zones_by_vpc[vpc] = max(count, zones_by_vpc.get(vpc, 0))
    zones = sum(zones_by_vpc.values())
    gateways = 0 if present else zones

    endpoint_hour, endpoint_gb, nat_hour, nat_gb, address_hour = used = (
        price("vpc.endpoint.interface_hour", region),
        price("vpc.endpoint.interface_gb", region),
        price("nat_gateway.hour", region),
        price("nat_gateway.gb", region),
        price("vpc.public_ipv4.in_use_hour", region),
    )
    endpoint_cost = sum(count for _, count in zones_by_endpoint) * hours * endpoint_hour.usd
    nat_cost = gateways * hours * (nat_hour.usd + address_hour.usd)
    return EndpointSaving(
        region=region,
        endpoints=len(zones_by_endpoint),
        zones=zones,
        endpoint_hours_cost=cents(endpoint_cost),
        nat_gateways=gateways,
        nat_cost=cents(nat_cost),
        saving=cents(nat_cost - endpoint_cost),
        assumptions=(
            f"A month of {hours} hours at on-demand list prices, before tax and discounts.",
            "An endpoint is billed in each zone it has a subnet in.",
            _alternative(present),
            f"Data is not included: {endpoint_gb.usd} USD a GB by an endpoint, {nat_gb.usd} by a NAT gateway.",
        ),
        sources=tuple(dict.fromkeys(_cite(one) for one in used)),
    )


def _alternative(present: int) -> str:
    if present:
        return (
            f"The stack pays for {present} NAT gateway{'s' * (present > 1)} all the same: the endpoints replace none."
        )
    return "The alternative is one NAT gateway per zone, with a public IPv4 address each."


def _cite(one: Price) -> str:
    return f"{one.source} (as of {one.as_of}, {one.confidence})"
