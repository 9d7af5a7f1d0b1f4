"""Which part of a VPC's addresses each subnet gets. Pure arithmetic: no Pulumi, no AWS.

The addresses are cut into fixed places, and every subnet always takes the same place, whatever else exists:

    10.0.0.0/16   private    10.0.0.0/17    zones at .0/19, .32/19, .64/19, one place kept free
                  public     10.0.128.0/18  zones at .128/20, .144/20, .160/20, one place kept free
                  isolated   10.0.192.0/18  zones at .192/20, .208/20, .224/20, one place kept free

So a zone or a tier can be added later without moving a subnet that is in use (moving one replaces it and everything in
it), and each tier is one block that a rule can name. Private subnets get half of all addresses because tasks,
functions and endpoints live there.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

Tier = Literal["public", "private", "isolated"]
TIERS: tuple[Tier, ...] = get_args(Tier)

LARGEST_PREFIX, SMALLEST_PREFIX = 16, 28
"""The sizes that AWS allows for a VPC and for a subnet."""

MAX_ZONES = 3
_PLACES_PER_TIER = 4
# Prefix bits that each tier's block adds to the VPC's, and which block of that size it is.
_BLOCKS: dict[Tier, tuple[int, int]] = {"private": (1, 0), "public": (2, 2), "isolated": (2, 3)}


class SubnetPlanError(ValueError):
    """A plan that cannot be made: which input is wrong, its value, and what would be right."""

    def __init__(self, field: str, value: object, reason: str) -> None:
        super().__init__(f"{field}: {value!r} {reason}")
        self.field, self.value, self.reason = field, value, reason


@dataclass(frozen=True)
class SubnetPlan:
    """One subnet: its tier, the number of its zone (from 0) and its addresses."""

    tier: Tier
    zone: int
    cidr: str


def plan_subnets(
    cidr: str, zones: int, tiers: Sequence[Tier], explicit: Mapping[Tier, Sequence[str]] | None = None
) -> list[SubnetPlan]:
    """The subnets of a VPC with the addresses `cidr`: one for each tier in each zone.

    `explicit` takes the place of the arithmetic: for each tier one CIDR for each zone.
    """
    vpc = parse_cidr("cidr", cidr)
    if not 1 <= zones <= MAX_ZONES:
        raise SubnetPlanError("zones", zones, "is not allowed; use 1, 2 or 3")
    if explicit is None:
        return _cut(vpc, zones, tiers)
    return _as_listed(vpc, zones, tiers, explicit)


def parse_cidr(field: str, cidr: str) -> ipaddress.IPv4Network:
    """`cidr` as a network of a size that AWS allows."""
    try:
        network = ipaddress.IPv4Network(cidr)
    except ValueError:
        try:
            aligned = ipaddress.IPv4Network(cidr, strict=False)
        except ValueError:
            raise SubnetPlanError(field, cidr, "is not an IPv4 CIDR; write one such as '10.0.0.0/16'") from None
        raise SubnetPlanError(field, cidr, f"does not begin at a network address; use '{aligned}'") from None
    if not LARGEST_PREFIX <= network.prefixlen <= SMALLEST_PREFIX:
        raise SubnetPlanError(
            field, cidr, f"has the prefix /{network.prefixlen}; AWS allows /{LARGEST_PREFIX} to /{SMALLEST_PREFIX}"
        )
    return network


def _cut(vpc: ipaddress.IPv4Network, zones: int, tiers: Sequence[Tier]) -> list[SubnetPlan]:
    plans = []
    for tier in tiers:
        bits, block = _BLOCKS[tier]
        prefix = vpc.prefixlen + bits + 2  # two bits for the four places of a tier
        if prefix > SMALLEST_PREFIX:
            smallest_vpc = SMALLEST_PREFIX - 2 - max(_BLOCKS[each][0] for each in tiers)
            raise SubnetPlanError(
                "cidr",
                str(vpc),
                f"is too small: its {tier} subnets would be /{prefix} and AWS allows none smaller than "
                f"/{SMALLEST_PREFIX}; use /{smallest_vpc} or larger, or list the subnets yourself",
            )
        size = 2 ** (32 - prefix)
        first = int(vpc.network_address) + block * _PLACES_PER_TIER * size
        plans += [
            SubnetPlan(tier, zone, str(ipaddress.IPv4Network((first + zone * size, prefix)))) for zone in range(zones)
        ]
    return plans


def _as_listed(
    vpc: ipaddress.IPv4Network, zones: int, tiers: Sequence[Tier], explicit: Mapping[Tier, Sequence[str]]
) -> list[SubnetPlan]:
    plans: list[SubnetPlan] = []
    taken: dict[ipaddress.IPv4Network, str] = {}
    if set(explicit) != set(tiers):
        raise SubnetPlanError("subnets", sorted(explicit), f"must list the same tiers as tiers: {sorted(tiers)}")
    for tier in tiers:
        if len(explicit[tier]) != zones:
            raise SubnetPlanError(
                f"subnets.{tier}", list(explicit[tier]), f"must have one CIDR for each zone, which is {zones}"
            )
        for zone, text in enumerate(explicit[tier]):
            field = f"subnets.{tier}[{zone}]"
            network = parse_cidr(field, text)
            if not network.subnet_of(vpc):
                raise SubnetPlanError(field, text, f"is outside the VPC's addresses {vpc}")
            for other, where in taken.items():
                if network.overlaps(other):
                    raise SubnetPlanError(field, text, f"overlaps {other} of {where}; every subnet needs its own")
            taken[network] = field
            plans.append(SubnetPlan(tier, zone, text))
    return plans
