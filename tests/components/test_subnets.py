"""The arithmetic of subnets: disjoint, inside the VPC, and never moved by growth."""

from __future__ import annotations

import ipaddress
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.errors import dotted
from components.network.subnets import TIERS, plan_mistakes, plan_subnets
from components.values import Tier

zones = st.integers(1, 3)
tiers = st.lists(st.sampled_from(TIERS), min_size=1, unique=True)


@st.composite
def vpcs(draw: st.DrawFn) -> str:
    prefix = draw(st.integers(16, 24))
    return str(ipaddress.IPv4Network((draw(st.integers(0, 2**32 - 1)) >> (32 - prefix) << (32 - prefix), prefix)))


@given(vpcs(), zones, tiers)
def test_subnets_are_disjoint_inside_the_vpc_and_of_a_size_aws_allows(cidr: str, zones: int, tiers: list[Tier]) -> None:
    networks = [ipaddress.IPv4Network(plan.cidr) for plan in plan_subnets(cidr, zones, tiers)]
    assert len(networks) == zones * len(tiers)
    assert not any(one.overlaps(other) for one, other in combinations(networks, 2))
    assert all(network.subnet_of(ipaddress.IPv4Network(cidr)) for network in networks)
    assert all(network.prefixlen <= 28 for network in networks)


@given(vpcs(), zones, zones, tiers, tiers)
def test_adding_zones_or_tiers_moves_no_subnet(
    cidr: str, few: int, more: int, tiers: list[Tier], further: list[Tier]
) -> None:
    few, more = sorted((few, more))
    grown = plan_subnets(cidr, more, list(dict.fromkeys([*tiers, *further])))
    assert set(plan_subnets(cidr, few, tiers)) <= set(grown)


@given(vpcs(), zones)
def test_private_subnets_are_the_largest(cidr: str, zones: int) -> None:
    sizes = {plan.tier: ipaddress.IPv4Network(plan.cidr).num_addresses for plan in plan_subnets(cidr, zones, TIERS)}
    assert sizes["private"] == 2 * sizes["public"] == 2 * sizes["isolated"]


def test_the_addresses_that_the_documentation_promises() -> None:
    plans = {(plan.tier, plan.zone): plan.cidr for plan in plan_subnets("10.0.0.0/16", 2, TIERS)}
    assert plans == {
        ("public", 0): "10.0.128.0/20",
        ("public", 1): "10.0.144.0/20",
        ("private", 0): "10.0.0.0/19",
        ("private", 1): "10.0.32.0/19",
        ("isolated", 0): "10.0.192.0/20",
        ("isolated", 1): "10.0.208.0/20",
    }


def test_subnets_can_be_listed() -> None:
    listed: dict[Tier, list[str]] = {
        "public": ["10.0.1.0/24", "10.0.3.0/24"],
        "private": ["10.0.2.0/24", "10.0.4.0/24"],
    }
    plans = plan_subnets("10.0.0.0/16", 2, ["public", "private"], listed)
    assert {plan.cidr for plan in plans if plan.tier == "private"} == {"10.0.2.0/24", "10.0.4.0/24"}


def test_a_vpc_that_cannot_be_cut_is_refused() -> None:
    [mistake] = plan_mistakes("10.0.0.0/25", 2, TIERS)
    assert mistake.path == ("cidr",)
    assert "use /24 or larger" in mistake.reason
    [mistake] = plan_mistakes("10.0.0.0/26", 2, ["private"])
    assert "use /25 or larger" in mistake.reason


def test_the_smallest_vpc_that_the_refusal_names_is_accepted() -> None:
    assert not list(plan_mistakes("10.0.0.0/24", 3, TIERS))
    assert len(plan_subnets("10.0.0.0/24", 3, TIERS)) == 9


@pytest.mark.parametrize(
    ("listed", "field", "part"),
    [
        ({"public": ["10.0.1.0/24"]}, "subnets", "same tiers"),
        ({"public": ["10.0.1.0/24"], "private": []}, "subnets.private", "for each zone, which is 1"),
        ({"public": ["10.0.1.0/24"], "private": ["10.0.1.128/25"]}, "subnets.private[0]", "overlaps 10.0.1.0/24"),
        ({"public": ["10.0.1.0/24"], "private": ["10.1.0.0/24"]}, "subnets.private[0]", "outside the VPC"),
    ],
)
def test_a_list_of_subnets_that_cannot_be_is_refused(listed: dict[Tier, list[str]], field: str, part: str) -> None:
    [mistake] = plan_mistakes("10.0.0.0/16", 1, ["public", "private"], listed)
    assert dotted(mistake.path) == field
    assert part in mistake.reason
