"""AWS list prices, each with where it comes from and how far to trust it (prices.json)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

HOURS_PER_MONTH = Decimal(730)
"""AWS's own month: 365 days of 24 hours, divided by 12."""


class UnpricedRegion(LookupError):
    """There is no price for this region: an amount would be a guess."""

    def __init__(self, key: str, region: str) -> None:
        regions = sorted(region for known, region in _prices() if known == key)
        super().__init__(f"no price of {key} for {region!r}; there is one for {', '.join(regions) or 'no region'}")
        self.key = key
        self.region = region


@dataclass(frozen=True, kw_only=True)
class Price:
    """What AWS asks for one unit in one region."""

    key: str
    item: str
    region: str
    unit: str
    usd: Decimal
    source: str
    as_of: date
    confidence: str


def price(key: str, region: str) -> Price:
    """The price of `key` in `region`; `UnpricedRegion` if there is none."""
    try:
        return _prices()[key, region]
    except KeyError:
        raise UnpricedRegion(key, region) from None


def priced_regions() -> list[str]:
    """The regions in which everything listed has a price."""
    keys = {key for key, _ in _prices()}
    regions = {region for _, region in _prices()}
    return sorted(region for region in regions if all((key, region) in _prices() for key in keys))


def keys_of_prices() -> set[str]:
    """Everything that has a price somewhere."""
    return {key for key, _ in _prices()}


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"))


@cache
def _prices() -> dict[tuple[str, str], Price]:
    # A float would turn 0.014 into 0.01400000000000000029.
    document = json.loads((Path(__file__).parent / "prices.json").read_text(), parse_float=Decimal, parse_int=Decimal)
    prices = [
        Price(
            key=row["key"],
            item=row["item"],
            region=row["region"],
            unit=row["unit"],
            usd=row["price_usd"],
            source=row["source"],
            as_of=date.fromisoformat(row["as_of"]),
            confidence=row["confidence"],
        )
        for row in document["prices"]
    ]
    found = {(one.key, one.region): one for one in prices}
    if len(found) != len(prices):
        raise ValueError("prices.json prices the same thing in the same region twice")
    return found
