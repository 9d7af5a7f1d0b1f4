"""Compare the price list with AWS's own, and write what has changed: `python -m costs.refresh [--write]`.

This is the only part that needs a network, and credentials that may call pricing:GetProducts, which costs nothing. A
row of prices.json that knows its filters is asked for; one whose filters match no product, or several, is told and left
as it is. https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/price-list-api.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final, Protocol, cast

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.text import Text

from costs.model import CostError
from costs.terminal import Terminal

FILE: Final = Path(__file__).parent / "prices.json"
SOURCE: Final = "AWS Price List API"
FINE: Final = 0
DIFFERS: Final = 1
USAGE: Final = 2

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


class Pricing(Protocol):
    """What of boto3's client for `pricing` is used."""

    def get_products(self, **request: Any) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Answer:
    """What AWS asks for a row, or why nobody can tell."""

    row: Mapping[str, Any]
    usd: Decimal | None = None
    problem: str = ""

    @property
    def differs(self) -> bool:
        return self.usd is not None and self.usd != self.row["price_usd"]

    def words(self) -> str:
        name = f"{self.row['key']} in {self.row['region']}"
        if self.usd is None:
            return f"{name}: {self.problem}"
        return f"{name}: {self.row['price_usd']} → {self.usd} USD for {self.row['unit']}"


@app.command()
def refresh(
    region: Annotated[str | None, typer.Option(metavar="REGION", help="Only the rows of this region.")] = None,
    write: Annotated[bool, typer.Option("--write", help="Write what has changed into the price list.")] = False,
    file: Annotated[Path, typer.Option(metavar="FILE", help="The price list.")] = FILE,
) -> None:
    """Compare the price list with AWS's Price List API.

    Exit status: 0 all that could be asked agrees or was written, 1 something differs or could not be told, 2 bad usage.
    """
    console = Terminal(highlight=False, soft_wrap=True)
    try:
        document = _read(file)
        answers = list(asked(_client(), document, region))
    except CostError as error:
        console.print(Text.assemble(("error ", "red"), error.message))
        if error.remedy:
            console.print(Text(f"      → {error.remedy}", style="dim"))
        raise typer.Exit(USAGE) from None
    differing = [one for one in answers if one.differs]
    unclear = [one for one in answers if one.usd is None]
    for one in [*differing, *unclear]:
        console.print(Text(one.words(), style="yellow" if one.usd is None else ""))
    console.print(f"{len(answers)} rows asked: {len(differing)} differ, {len(unclear)} could not be told")
    if write:
        file.write_text(rendered(renewed(document, answers, datetime.now(UTC).date())), encoding="utf-8")
    raise typer.Exit(DIFFERS if unclear or (differing and not write) else FINE)


def _client() -> Pricing:
    import boto3  # noqa: PLC0415 only here, and it takes half a second

    # The API answers in few regions, for all of them.
    return cast("Pricing", boto3.client("pricing", region_name="us-east-1"))


def _read(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text("utf-8"), parse_float=Decimal, parse_int=Decimal)
    except (OSError, ValueError) as error:
        raise CostError(f"the price list {path} is cut off or cannot be read: {error}", "restore it by git") from None


def asked(client: Pricing, document: Mapping[str, Any], region: str | None) -> Iterator[Answer]:
    """The answer for each row that knows its filters, a step of a price by those of its first step. `CostError` where
    AWS does not answer at all."""
    filters = {(row["key"], row["region"]): row.get("price_list") for row in document["prices"]}
    firsts = {name: ladder[0][1] for ladder in document["steps"].values() for _, name in ladder}
    begins = {name: begin for ladder in document["steps"].values() for name, begin in _begins(ladder)}
    for row in document["prices"]:
        known = row.get("price_list") or filters.get((firsts.get(row["key"], ""), row["region"]))
        if known and region in (None, row["region"]):
            yield _asked(client, {**row, "price_list": known}, begins.get(row["key"]))


def _begins(ladder: Iterable[tuple[Decimal | None, str]]) -> Iterator[tuple[str, Decimal]]:
    """Where each step begins."""
    begin = Decimal(0)
    for upto, name in ladder:
        yield name, begin
        begin = upto or begin


def _asked(client: Pricing, row: Mapping[str, Any], begin: Decimal | None) -> Answer:
    filters = dict(row["price_list"])
    service = filters.pop("service_code")
    request = {
        "ServiceCode": service,
        "Filters": [{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in filters.items()],
        "FormatVersion": "aws_v1",
    }
    try:
        products = [json.loads(text) for text in client.get_products(**request)["PriceList"]]
    except ValueError as error:
        return Answer(row, problem=f"AWS's answer is cut off: {error}")
    except (BotoCoreError, ClientError) as error:
        raise CostError(
            f"AWS's Price List API does not answer: {error}", "log in to an account, on a network"
        ) from None
    found = [one for one in products if _exactly(one, filters)]
    if len(found) != 1:
        return Answer(row, problem=f"{len(found)} products match {service} {filters}")
    try:
        prices = _dimensions(found[0])
    except (ArithmeticError, AttributeError, KeyError, TypeError) as error:
        return Answer(row, problem=f"AWS's answer has no price: {type(error).__name__} {error}")
    return _chosen(row, prices, begin)


def _exactly(product: Mapping[str, Any], filters: Mapping[str, str]) -> bool:
    """The service matches some fields by a part of them: NatGateway-Hours is in RegionalNatGateway-Hours."""
    attributes = product.get("product", {}).get("attributes", {})
    own = {**attributes, "productFamily": product.get("product", {}).get("productFamily")}
    return all(own.get(field, value) == value for field, value in filters.items())


def _dimensions(product: Mapping[str, Any]) -> dict[Decimal, Decimal]:
    """USD of a base unit, by where its step begins."""
    return {
        Decimal(str(each.get("beginRange", "0"))): Decimal(each["pricePerUnit"]["USD"])
        for term in product["terms"]["OnDemand"].values()
        for each in term["priceDimensions"].values()
    }


def _chosen(row: Mapping[str, Any], prices: Mapping[Decimal, Decimal], begin: Decimal | None) -> Answer:
    """The price of the step; of the first one that is not free, since what is free is in free_tier.json."""
    paid = {at: usd for at, usd in prices.items() if usd}
    if not paid:
        return Answer(row, usd=Decimal(0)) if prices else Answer(row, problem="AWS's answer has no price")
    if begin:
        if begin not in paid:
            return Answer(row, problem=f"no step begins at {begin}: there are {sorted(map(str, paid))}")
        usd = paid[begin]
    else:
        usd = paid[min(paid)]
    whole = (usd * row.get("unit_quantity", 1)).normalize()
    return Answer(row, usd=Decimal(f"{whole:f}"))


def renewed(document: Mapping[str, Any], answers: Iterable[Answer], today: date) -> dict[str, Any]:
    """The document with what AWS said; every row that was answered is of today."""
    said = {(one.row["key"], one.row["region"]): one.usd for one in answers if one.usd is not None}
    rows = []
    for row in document["prices"]:
        usd = said.get((row["key"], row["region"]))
        if usd is None:
            rows.append(row)
        else:
            rest = {key: value for key, value in row.items() if key != "note"}
            new = {"price_usd": usd, "source": SOURCE, "as_of": today.isoformat(), "confidence": "aws-price-data"}
            rows.append({**rest, **new})
    sources = {**document["sources"], SOURCE: "Asked by `python -m costs.refresh`."}
    return {**document, "sources": sources, "prices": rows}


def rendered(document: Mapping[str, Any]) -> str:
    """As the file is written: a row a line, so that a difference shows what changed."""
    head = [f" {json.dumps(key)}: {_line(value)}" for key, value in document.items() if key != "prices"]
    rows = [f"  {_line(row)}" for row in document["prices"]]
    return "\n".join(["{", ",\n".join([*head, ' "prices": [']), ",\n".join(rows), " ]", "}", ""])


def _line(value: Any) -> str:
    """JSON in which a decimal stays what it is."""
    if isinstance(value, Decimal):
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(key)}: {_line(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_line(one) for one in value) + "]"
    return json.dumps(value, ensure_ascii=False)


if __name__ == "__main__":
    app()
