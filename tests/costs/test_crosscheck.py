"""The price list beside other sources: what differs is known, and the page says so."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from costs import crosscheck
from costs.crosscheck import EXPLAINED, Checked, checked
from costs.prices import all_prices, price

ENDPOINT = price("vpc.endpoint.interface_hour", "ap-northeast-1")


def said(usd: str, quantity: int = 1) -> Checked:
    return Checked(
        ours=ENDPOINT, quantity=Decimal(quantity), usd=Decimal(usd), line="x", source="a table", as_of="2026-11-30"
    )


def test_all_that_differs_from_other_sources_is_explained() -> None:
    every = checked()
    assert len(every) >= 60
    assert {(one.ours.key, one.source) for one in every if not one.agrees} == set(EXPLAINED)


def test_no_row_is_compared_with_its_own_source() -> None:
    assert not [one.ours.key for one in checked() if one.ours.source.startswith(one.source)]


@pytest.mark.parametrize(
    ("other", "agrees"),
    [(said("0.014"), True), (said("0.01"), True), (said("0.0140"), True), (said("0.013"), False),
     (said("10.22", 730), True), (said("10.23", 730), False)],
)  # fmt: skip
def test_an_amount_agrees_to_the_digits_that_it_shows(other: Checked, agrees: bool) -> None:
    assert other.agrees is agrees


def test_the_page_lists_each_difference_and_a_stale_page_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crosscheck, "FILE", tmp_path / "prices.md")
    run = CliRunner()
    assert run.invoke(crosscheck.app, ["--check"]).exit_code == 1
    assert run.invoke(crosscheck.app, []).exit_code == 0
    assert run.invoke(crosscheck.app, ["--check"]).exit_code == 0
    page = (tmp_path / "prices.md").read_text("utf-8")
    assert all(f"`{key}`" in page for key, _ in EXPLAINED)
    assert f"{sum(one.estimated for one in all_prices())} of them estimates" in page


def test_two_zones_cost_twice_one_zone_where_a_rule_says_so() -> None:
    by_rule = [one for one in all_prices() if one.confidence == "rule"]
    assert by_rule
    for one in by_rule:
        single = price(one.key.replace("multi_az", "single_az"), one.region)
        assert (one.usd, one.as_of) == (2 * single.usd, single.as_of)
        assert not single.estimated
