"""Prices are exact, sourced and refused where unknown."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

import costs
from costs import UnpricedRegion, price, priced_regions

DOCUMENT = json.loads((Path(costs.__file__).parent / "prices.json").read_text())


def test_a_price_is_the_decimal_that_the_file_says() -> None:
    assert price("vpc.endpoint.interface_hour", "ap-northeast-1").usd == Decimal("0.014")


def test_an_unpriced_region_is_named_with_the_regions_that_have_a_price() -> None:
    with pytest.raises(UnpricedRegion, match=r"nat_gateway\.hour for 'eu-west-1'.*ap-northeast-1, us-east-1"):
        price("nat_gateway.hour", "eu-west-1")


def test_the_stacks_region_and_the_designs_region_are_priced_in_full() -> None:
    assert priced_regions() == ["ap-northeast-1", "us-east-1"]


@pytest.mark.parametrize("row", DOCUMENT["prices"], ids=lambda row: f"{row['key']}@{row['region']}")
def test_every_price_names_a_listed_source_and_confidence(row: dict[str, str]) -> None:
    assert row["source"].partition(":")[0] in DOCUMENT["sources"]
    assert row["confidence"] in DOCUMENT["confidence_levels"]
    one = price(row["key"], row["region"])
    assert one.usd > 0
    assert one.unit
    assert one.as_of.isoformat() == row["as_of"]
