"""Which part of a VPC's addresses each subnet gets. Pure arithmetic: no AWS.

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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from ..errors import Mistake
from ..values import SMALLEST_PREFIX, Tier

TIERS: tuple[Tier, ...] = get_args(Tier)

_PLACES_PER_TIER = 4
# Prefix bits that each tier's block adds to the VPC's, and which block of that size it is.
_BLOCKS: dict[Tier, tuple[int, int]] = {"private": (1, 0), "public": (2, 2), "isolated": (2, 3)}


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

    `explicit` takes the place of the arithmetic: for each tier one CIDR for each zone. What cannot be planned is what
    `plan_mistakes` finds.
    """
    if explicit is not None:
        return [SubnetPlan(tier, zone, text) for tier in tiers for zone, text in enumerate(explicit[tier])]
    vpc, plans = ipaddress.IPv4Network(cidr), list[SubnetPlan]()
    for tier in tiers:
        prefix = vpc.prefixlen + _bits(tier)
        size = 2 ** (32 - prefix)
        first = int(vpc.network_address) + _BLOCKS[tier][1] * _PLACES_PER_TIER * size
        plans += [
            SubnetPlan(tier, zone, str(ipaddress.IPv4Network((first + zone * size, prefix)))) for zone in range(zones)
        ]
    return plans


def plan_mistakes(
    cidr: str, zones: int, tiers: Sequence[Tier], explicit: Mapping[Tier, Sequence[str]] | None = None
) -> Iterator[Mistake]:
    """Why such a VPC cannot be cut so."""
    vpc = ipaddress.IPv4Network(cidr)
    if explicit is not None:
        yield from _wrongly_listed(vpc, zones, tiers, explicit)
        return
    smallest = max(tiers, key=_bits)
    if vpc.prefixlen + _bits(smallest) > SMALLEST_PREFIX:
        yield Mistake(
            "cidr",
            cidr,
            f"is too small: its {smallest} subnets would be /{vpc.prefixlen + _bits(smallest)} and AWS allows none "
            f"smaller than /{SMALLEST_PREFIX}; use /{SMALLEST_PREFIX - _bits(smallest)} or larger, or list the subnets "
            "yourself",
        )


def _bits(tier: Tier) -> int:
    """By how much a subnet's prefix is longer than the VPC's: two more for the four places of a tier."""
    return _BLOCKS[tier][0] + 2


def _wrongly_listed(
    vpc: ipaddress.IPv4Network, zones: int, tiers: Sequence[Tier], explicit: Mapping[Tier, Sequence[str]]
) -> Iterator[Mistake]:
    if set(explicit) != set(tiers):
        yield Mistake("subnets", sorted(explicit), f"must list the same tiers as tiers: {sorted(tiers)}")
    taken: dict[ipaddress.IPv4Network, str] = {}
    for tier in explicit:
        if len(explicit[tier]) != zones:
            reason = f"must have one CIDR for each zone, which is {zones}"
            yield Mistake(("subnets", tier), list(explicit[tier]), reason)
        for zone, text in enumerate(explicit[tier]):
            network = ipaddress.IPv4Network(text)
            if not network.subnet_of(vpc):
                yield Mistake(("subnets", tier, zone), text, f"is outside the VPC's addresses {vpc}")
            for other, where in taken.items():
                if network.overlaps(other):
                    reason = f"overlaps {other} of {where}; every subnet needs its own"
                    yield Mistake(("subnets", tier, zone), text, reason)
            taken[network] = f"subnets.{tier}[{zone}]"
