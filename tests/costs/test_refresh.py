"""The price list against AWS's Price List API, on recorded answers in the shape of GetProducts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import NoCredentialsError
from typer.testing import CliRunner

from costs import refresh
from costs.model import CostError
from costs.prices import read


def product(usagetype: str, prices: dict[str, str], **attributes: str) -> str:
    """An answer's product with its on-demand term: a price for each beginning of a step."""
    sku = "QDDHTCKWGEDDYQVG"
    ends = [*list(prices)[1:], "Inf"]
    dimensions = {
        f"{sku}.JRTCKXETXF.{number}": {
            "rateCode": f"{sku}.JRTCKXETXF.{number}", "unit": "Hrs", "beginRange": begin, "endRange": ends[number],
            "description": "recorded", "appliesTo": [], "pricePerUnit": {"USD": usd},
        }
        for number, (begin, usd) in enumerate(prices.items())
    }  # fmt: skip
    term = {"priceDimensions": dimensions, "sku": sku, "offerTermCode": "JRTCKXETXF", "termAttributes": {},
            "effectiveDate": "2026-11-01T00:00:00Z"}  # fmt: skip
    return json.dumps({
        "product": {"productFamily": "NAT Gateway", "sku": sku,
                    "attributes": {"usagetype": usagetype, "regionCode": "ap-northeast-1", **attributes}},
        "serviceCode": "AmazonEC2",
        "terms": {"OnDemand": {f"{sku}.JRTCKXETXF": term}},
        "version": "20261114000000",
        "publicationDate": "2026-11-14T00:00:00Z",
    })  # fmt: skip


class Recorded:
    """Answers by the usage type that is asked for."""

    def __init__(self, **answers: list[str]) -> None:
        self.answers, self.requests = answers, list[Mapping[str, Any]]()

    def get_products(self, **request: Any) -> Mapping[str, Any]:
        self.requests.append(request)
        asked = {each["Field"]: each["Value"] for each in request["Filters"]}
        return {"FormatVersion": "aws_v1", "PriceList": self.answers.get(asked["usagetype"].replace("-", "_"), [])}


def row(key: str, usagetype: str, usd: str, **more: Any) -> dict[str, Any]:
    filters = {"service_code": "AmazonEC2", "usagetype": usagetype, "regionCode": "ap-northeast-1"}
    return {"key": key, "item": key, "region": "ap-northeast-1", "unit": "hour", "price_usd": Decimal(usd),
            "source": "estimate: a guess", "as_of": "2020-01-01", "confidence": "estimate", "price_list": filters,
            **more}  # fmt: skip


def document(*rows: dict[str, Any], steps: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"currency": "USD", "scope": "", "confidence_levels": {}, "sources": {}, "steps": steps or {},
            "prices": list(rows)}  # fmt: skip


def answers(client: Recorded, *rows: dict[str, Any], steps: dict[str, Any] | None = None) -> list[refresh.Answer]:
    return list(refresh.asked(client, document(*rows, steps=steps), None))


def test_a_price_is_that_of_the_one_product_whose_fields_match_exactly() -> None:
    both = [
        product("RegionalNatGateway-Hours", {"0": "0.0900000000"}),
        product("NatGateway-Hours", {"0": "0.0620000000"}),
    ]
    client = Recorded(NatGateway_Hours=both)
    [found] = answers(client, row("nat", "NatGateway-Hours", "0.045"))
    assert (found.usd, found.differs) == (Decimal("0.062"), True)
    assert found.words() == "nat in ap-northeast-1: 0.045 → 0.062 USD for hour"
    [request] = client.requests
    assert request["ServiceCode"] == "AmazonEC2"
    assert {"Type": "TERM_MATCH", "Field": "usagetype", "Value": "NatGateway-Hours"} in request["Filters"]
    [same] = answers(client, row("nat", "NatGateway-Hours", "0.062"))
    assert not same.differs


def test_what_is_free_is_no_price_and_each_step_has_its_own() -> None:
    client = Recorded(Out=[product("Out", {"0": "0.0000000000", "1024": "0.1140000000", "10240": "0.0890000000"})])
    steps = {"out": [[Decimal(10240), "out"], [None, "out.next"]]}
    first, second = answers(client, row("out", "Out", "1"), row("out.next", "Out", "1"), steps=steps)
    assert (first.usd, second.usd) == (Decimal("0.114"), Decimal("0.089"))
    bare = {key: value for key, value in row("out.next", "Out", "1").items() if key != "price_list"}
    assert answers(client, row("out", "Out", "1"), bare, steps=steps)[1].usd == Decimal("0.089"), (
        "by the first's filters"
    )
    assert answers(client, bare) == [], "what knows no filters is not asked for"
    elsewhere = {"out": [[Decimal(5), "out"], [None, "out.next"]]}
    assert "no step begins at 5" in answers(client, row("out.next", "Out", "1"), steps=elsewhere)[0].problem


def test_a_price_is_of_as_many_as_the_row_says() -> None:
    client = Recorded(Requests=[product("Requests", {"0": "0.0000004000"})])
    [found] = answers(client, row("requests", "Requests", "0.4", unit_quantity=Decimal(1_000_000)))
    assert found.usd == Decimal("0.4")
    assert not found.differs


@pytest.mark.parametrize(
    ("products", "problem"),
    [
        ([], "0 products match"),
        ([product("A", {"0": "1"}), product("A", {"0": "2"})], "2 products match"),
        ([product("A", {"0": "1"})[:200]], "AWS's answer is cut off"),
        ([json.dumps({"product": {"attributes": {"usagetype": "A"}}})], "AWS's answer has no price"),
        ([json.dumps({"product": {}, "terms": {"OnDemand": {}}})], "AWS's answer has no price"),
    ],
)
def test_an_answer_that_is_not_one_price_is_told_and_changes_nothing(products: list[str], problem: str) -> None:
    [found] = answers(Recorded(A=products), row("a", "A", "3"))
    assert found.usd is None
    assert problem in found.words()
    before = document(row("a", "A", "3"))
    assert refresh.renewed(before, [found], date(2026, 12, 1))["prices"] == before["prices"]


def test_what_was_answered_is_written_with_its_source_and_its_day_and_can_be_read_again(tmp_path: Path) -> None:
    rows = row("nat", "NatGateway-Hours", "0.045", note="a guess"), row("other", "Unknown", "7")
    found = answers(Recorded(NatGateway_Hours=[product("NatGateway-Hours", {"0": "0.0620000000"})]), *rows)
    text = refresh.rendered(refresh.renewed(document(*rows), found, date(2026, 12, 1)))
    file = tmp_path / "prices.json"
    file.write_text(text)
    new = read(file).prices["nat", "ap-northeast-1"]
    assert (new.usd, new.source, new.as_of) == (Decimal("0.062"), refresh.SOURCE, date(2026, 12, 1))
    assert not new.estimated
    assert read(file).prices["other", "ap-northeast-1"].usd == 7
    assert "a guess" not in next(line for line in text.splitlines() if '"nat"' in line)


def test_our_own_list_is_written_as_it_is_read() -> None:
    text = refresh.FILE.read_text(encoding="utf-8")
    assert refresh.rendered(json.loads(text, parse_float=Decimal, parse_int=Decimal)) == text
    asked = [one for one in json.loads(text)["prices"] if "price_list" in one]
    assert len(asked) > 400


def test_without_credentials_there_is_one_message(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Nobody:
        def get_products(self, **request: Any) -> Mapping[str, Any]:
            del request
            raise NoCredentialsError

    monkeypatch.setattr(refresh, "_client", Nobody)
    done = CliRunner().invoke(refresh.app, [])
    assert done.exit_code == 2
    assert "AWS's Price List API does not answer: Unable to locate credentials" in done.output
    damaged = tmp_path / "prices.json"
    damaged.write_text('{"prices": [')
    done = CliRunner().invoke(refresh.app, ["--file", str(damaged)])
    assert done.exit_code == 2
    assert "is cut off or cannot be read" in done.output
    with pytest.raises(CostError):
        list(refresh.asked(Nobody(), document(row("a", "A", "1")), None))


def test_the_command_counts_and_writes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    client = Recorded(NatGateway_Hours=[product("NatGateway-Hours", {"0": "0.0620000000"})])
    monkeypatch.setattr(refresh, "_client", lambda: client)
    file = tmp_path / "prices.json"
    file.write_text(refresh.rendered(document(row("nat", "NatGateway-Hours", "0.045"))))
    done = CliRunner().invoke(refresh.app, ["--file", str(file)])
    assert done.exit_code == 1
    assert "1 rows asked: 1 differ, 0 could not be told" in done.output
    assert CliRunner().invoke(refresh.app, ["--file", str(file), "--write"]).exit_code == 0
    assert CliRunner().invoke(refresh.app, ["--file", str(file), "--region", "ap-northeast-1"]).exit_code == 0
    assert "0 rows asked" in CliRunner().invoke(refresh.app, ["--file", str(file), "--region", "us-east-1"]).output
