"""The saving of interface endpoints against NAT, compared with figures worked out by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from costs import endpoints
from costs.endpoints import EndpointSaving
from costs.model import Resource
from costs.prices import HOURS_PER_MONTH, UnpricedRegion, price
from tests.costs.stacks import made, one

TYPE = "ec2/vpcEndpoint:VpcEndpoint"


def interface(*subnets: str, vpc: str = "vpc-1", **more: Any) -> Resource:
    return one(TYPE, vpcEndpointType="Interface", vpcId=vpc, subnetIds=list(subnets), **more)


def endpoint_saving(resources: list[Resource], region: str, hours: Decimal = HOURS_PER_MONTH) -> EndpointSaving | None:
    return endpoints.endpoint_saving(made(resources, hours=hours), region)


S3_GATEWAY = one(TYPE, vpcEndpointType="Gateway", vpcId="vpc-1", routeTableIds=["rtb-1"])
NAT = one("ec2/natGateway:NatGateway", subnetId="subnet-public-a")
FOUR_IN_TWO_ZONES = [interface("subnet-a", "subnet-b") for _ in range(4)]


@pytest.mark.covers("A2")
def test_the_design_documents_figures_are_720_hours_in_one_zone_without_addresses() -> None:
    """4 endpoints x ~7.2 and ~32 for one NAT gateway: right, for a month of 30 days and a single zone."""
    hours = Decimal(720)
    design = endpoint_saving([interface("subnet-a") for _ in range(4)], "us-east-1", hours)
    assert design is not None
    assert design.endpoint_hours_cost == Decimal("28.80")  # 4 x 720 x 0.01
    assert hours * price("nat_gateway.hour", "us-east-1").usd == Decimal("32.40")  # 720 x 0.045


@pytest.mark.covers("A2")
def test_two_zones_of_four_endpoints_against_two_gateways_in_us_east_1() -> None:
    saving = endpoint_saving(FOUR_IN_TWO_ZONES, "us-east-1")
    assert saving is not None
    assert (saving.endpoints, saving.zones, saving.nat_gateways) == (4, 2, 2)
    assert saving.endpoint_hours_cost == Decimal("58.40")  # 4 x 2 x 730 x 0.01
    assert saving.nat_cost == Decimal("73.00")  # 2 x 730 x (0.045 + 0.005)
    assert saving.saving == Decimal("14.60")


@pytest.mark.covers("A2")
def test_the_same_in_tokyo_saves_less_than_the_design_promises() -> None:
    saving = endpoint_saving(FOUR_IN_TWO_ZONES, "ap-northeast-1")
    assert saving is not None
    assert saving.endpoint_hours_cost == Decimal("81.76")  # 4 x 2 x 730 x 0.014
    assert saving.nat_cost == Decimal("97.82")  # 2 x 730 x (0.062 + 0.005)
    assert saving.saving == Decimal("16.06")


def test_gateway_endpoints_are_free_and_no_reason_to_compare() -> None:
    assert endpoint_saving([S3_GATEWAY], "us-east-1") is None
    assert endpoint_saving([S3_GATEWAY, *FOUR_IN_TWO_ZONES], "us-east-1") == endpoint_saving(
        FOUR_IN_TWO_ZONES, "us-east-1"
    )


def test_many_endpoints_cost_more_than_the_gateways_and_the_saving_says_so() -> None:
    saving = endpoint_saving([interface("subnet-a") for _ in range(6)], "us-east-1")
    assert saving is not None
    assert saving.saving == Decimal("-7.30")  # 36.50 - 6 x 7.30


def test_a_stack_that_has_a_gateway_all_the_same_saves_none() -> None:
    saving = endpoint_saving([NAT, *FOUR_IN_TWO_ZONES], "us-east-1")
    assert saving is not None
    assert (saving.nat_gateways, saving.nat_cost, saving.saving) == (0, Decimal("0.00"), Decimal("-58.40"))
    assert any("pays for 1 NAT gateway all the same" in line for line in saving.assumptions)


def test_endpoints_in_unlike_subnets_are_each_billed_for_their_own() -> None:
    endpoints = [interface("subnet-a", "subnet-b", "subnet-c"), interface("subnet-a")]
    saving = endpoint_saving(endpoints, "us-east-1")
    assert saving is not None
    assert saving.endpoint_hours_cost == Decimal("29.20")  # (3 + 1) x 730 x 0.01
    assert saving.nat_gateways == 3


def test_two_vpcs_need_gateways_of_their_own() -> None:
    saving = endpoint_saving([interface("subnet-a"), interface("subnet-x", "subnet-y", vpc="vpc-2")], "us-east-1")
    assert saving is not None
    assert (saving.zones, saving.nat_cost) == (3, Decimal("109.50"))  # 3 x 36.50


def test_subnets_given_with_fixed_addresses_count_once() -> None:
    endpoint = interface("subnet-a", subnetConfigurations=[{"subnetId": "subnet-a"}, {"subnetId": "subnet-b"}])
    saving = endpoint_saving([endpoint], "us-east-1")
    assert saving is not None
    assert saving.zones == 2


def test_what_is_left_out_and_where_the_prices_come_from_is_said() -> None:
    saving = endpoint_saving(FOUR_IN_TWO_ZONES, "ap-northeast-1")
    assert saving is not None
    assert "Data is not included: 0.01 USD a GB by an endpoint, 0.062 by a NAT gateway." in saving.assumptions
    assert any("one NAT gateway per zone" in line for line in saving.assumptions)
    assert [source for source in saving.sources if "vpc.json (as of 2025-11-04, aws-price-data)" in source]
    assert [source for source in saving.sources if "natgateway.json (as of 2025-10-28, aws-price-data)" in source]


def test_a_region_without_prices_is_refused_rather_than_guessed() -> None:
    with pytest.raises(UnpricedRegion, match="eu-west-1"):
        endpoint_saving(FOUR_IN_TWO_ZONES, "eu-west-1")
