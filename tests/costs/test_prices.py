"""Prices are exact, sourced and refused where unknown."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

import costs
from costs.model import CostError
from costs.prices import ESTIMATE, REGIONS, UnpricedRegion, all_prices, keys_of_prices, price, read, steps

DOCUMENT = json.loads((Path(costs.__file__).parent / "prices.json").read_text())


def test_a_price_is_the_decimal_that_the_file_says() -> None:
    assert price("vpc.endpoint.interface_hour", "ap-northeast-1").usd == Decimal("0.014")


def test_an_unpriced_region_is_named_with_the_regions_that_have_a_price() -> None:
    with pytest.raises(
        UnpricedRegion, match=r"nat_gateway\.hour for 'eu-west-1'.*ap-northeast-1, ap-northeast-3, us-east-1"
    ):
        price("nat_gateway.hour", "eu-west-1")


def test_what_is_priced_in_the_stacks_region_is_priced_in_the_others() -> None:
    # A kind of server is not offered everywhere, and AWS's models and searches are not in Osaka.
    special = ("ec2.", "rds.", "aurora_", "elasticache.", "opensearch.", "bedrock.")
    wanted = {one.key for one in all_prices() if one.region == "ap-northeast-1" and not one.key.startswith(special)}
    for region in REGIONS:
        missing = [key for key in wanted if not _known(key, region)]
        assert missing == [], region


def _known(key: str, region: str) -> bool:
    try:
        return price(key, region).usd >= 0
    except UnpricedRegion:
        return False


def test_every_price_names_a_listed_source_and_confidence() -> None:
    for row in DOCUMENT["prices"]:
        head = row["source"].partition(":")[0]
        assert head in DOCUMENT["sources"] or row["source"].startswith("https://"), row
        assert row["confidence"] in DOCUMENT["confidence_levels"], row
        assert (row["confidence"] == ESTIMATE) == (head == ESTIMATE), row
        one = price(row["key"], row["region"])
        assert one.usd >= 0
        assert one.unit
        counted = re.match(r"(\d+)([KM]) ", one.unit)
        wanted = int(counted[1]) * {"K": 1_000, "M": 1_000_000}[counted[2]] if counted else 1
        assert one.unit_quantity == wanted, row
        assert one.as_of.isoformat() == row["as_of"]


def test_steps_are_of_one_unit_and_fall() -> None:
    for key in DOCUMENT["steps"]:
        ladder = steps(key)
        assert ladder[0][1] == key
        assert ladder[-1][0] is None
        for region in REGIONS:
            prices = [price(name, region) for _, name in ladder]
            assert len({one.unit_quantity for one in prices}) == 1
            assert [one.usd for one in prices] == sorted((one.usd for one in prices), reverse=True), key
    assert set(DOCUMENT["steps"]) <= keys_of_prices()


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda text: text[: len(text) // 2], "is cut off or damaged"),
        (lambda text: text.replace('"key": "alb.hour", ', "", 1), "is cut off or damaged"),
        (lambda text: text.replace('"as_of": "2025-11-04"', '"as_of": "soon"', 1), "is cut off or damaged"),
        (lambda text: text.replace('"region": "us-east-1"', '"region": "ap-northeast-1"'), "the same region twice"),
        (lambda text: text.replace('[null, "s3.standard.gb_month.over_500tb"]', '[1024000, "s3.standard.gb_month"]'),
         "the steps of s3.standard.gb_month do not end"),
        (lambda text: text.replace('[512000, "s3.standard.gb_month.next_450tb"]',
                                   '[1024, "s3.standard.gb_month.next_450tb"]'),
         "the steps of s3.standard.gb_month do not rise"),
    ],
)  # fmt: skip
def test_a_price_list_that_is_cut_off_is_refused(edit: Callable[[str], str], said: str, tmp_path: Path) -> None:
    damaged = tmp_path / "prices.json"
    damaged.write_text(edit((Path(costs.__file__).parent / "prices.json").read_text()))
    with pytest.raises(CostError, match=said) as refused:
        read(damaged)
    assert "git checkout" in refused.value.remedy
    with pytest.raises(CostError, match="cannot be read"):
        read(tmp_path / "none.json")


def test_a_price_that_nobody_has_looked_at_for_a_year_is_old() -> None:
    one = price("nat_gateway.hour", "ap-northeast-1")
    assert not one.old(one.as_of + timedelta(days=365))
    assert one.old(one.as_of + timedelta(days=366))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("price_usd", "0.1"),
        ("price_usd", -1),
        ("price_usd", None),
        ("unit_quantity", 0),
        ("source", ""),
        ("source", None),
        ("unit", " "),
        ("region", ["ap-northeast-1"]),
    ],
)
def test_a_row_that_cannot_be_is_refused(name: str, value: object, tmp_path: Path) -> None:
    damaged = tmp_path / "prices.json"
    first, *others = DOCUMENT["prices"]
    damaged.write_text(json.dumps({**DOCUMENT, "prices": [{**first, name: value}, *others]}))
    with pytest.raises(CostError, match=f"is cut off or damaged: {name} of {re.escape(first['key'])} is "):
        read(damaged)
