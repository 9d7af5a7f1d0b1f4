"""AWS list prices, each with where it comes from and how far to trust it (prices.json)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from costs.model import CostError

HOURS_PER_MONTH: Final = Decimal(730)
"""AWS's own month: 365 days of 24 hours, divided by 12."""

ESTIMATE: Final = "estimate"
"""The confidence of a price that no source states: something stands in for it."""

REGIONS: Final = {"ap-northeast-1": "edge:JP", "ap-northeast-3": "edge:JP", "us-east-1": "edge:US"}
"""Where stacks are priced, and the edge of CloudFront where their readers are taken to be."""

_FILE: Final = Path(__file__).parent / "prices.json"
_GLOBAL: Final = "global"
_OLD: Final = timedelta(days=365)


class UnpricedRegion(LookupError):
    """There is no price for this region: an amount would be a guess."""

    def __init__(self, key: str, region: str) -> None:
        regions = sorted(region for known, region in _list().prices if known == key)
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
    unit_quantity: Decimal = Decimal(1)
    """How much one unit is: a million, of `1M requests`."""
    usd: Decimal
    source: str
    as_of: date
    confidence: str

    @property
    def estimated(self) -> bool:
        return self.confidence == ESTIMATE

    def old(self, today: date) -> bool:
        """Whether nobody has looked at it for a year."""
        return today - self.as_of > _OLD


@dataclass(frozen=True)
class PriceList:
    """All rows, and the steps of those prices that fall with the quantity."""

    prices: Mapping[tuple[str, str], Price]
    steps: Mapping[str, tuple[tuple[Decimal | None, str], ...]]
    """Up to which quantity of the month in base units (None: all the rest) which price counts."""


def price(key: str, region: str) -> Price:
    """The price of `key` in `region`, at its edge, or everywhere; `UnpricedRegion` if there is none."""
    known = _list().prices
    for where in (region, REGIONS.get(region, ""), _GLOBAL):
        if (key, where) in known:
            return known[key, where]
    raise UnpricedRegion(key, region)


def steps(key: str) -> tuple[tuple[Decimal | None, str], ...]:
    """The prices that count one after the other; the one alone where the price does not fall."""
    return _list().steps.get(key, ((None, key),))


def keys_of_prices() -> set[str]:
    """Everything that has a price somewhere."""
    return {key for key, _ in _list().prices}


def all_prices() -> list[Price]:
    """Every row of the list."""
    return list(_list().prices.values())


def checked(region: str) -> str:
    """The region, if stacks can be priced there; `CostError` otherwise."""
    if region not in REGIONS:
        said = f"there are no prices for the region {region!r}" if region else "nothing says in which region it is"
        raise CostError(said, f"use --region with {', '.join(REGIONS)}")
    return region


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"))


def read(path: Path) -> PriceList:
    """A price list; `CostError` for one that is missing, cut off or contradicts itself."""
    mend = f"restore it: git checkout -- costs/{path.name}"
    try:
        # A float would turn 0.014 into 0.01400000000000000029.
        document: dict[str, Any] = json.loads(path.read_text("utf-8"), parse_float=Decimal, parse_int=Decimal)
        rows = [_row(one) for one in document["prices"]]
        falling = {
            key: tuple((None if upto is None else Decimal(upto), other) for upto, other in ladder)
            for key, ladder in document["steps"].items()
        }
    except OSError as error:
        raise CostError(f"the price list {path} cannot be read: {error.strerror}", mend) from None
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise CostError(f"the price list {path} is cut off or damaged: {error}", mend) from None
    found = {(one.key, one.region): one for one in rows}
    known = {one.key for one in rows}
    for key, ladder in falling.items():
        if not ladder or ladder[-1][0] is not None or not {other for _, other in ladder} <= known:
            raise CostError(f"the price list {path} is cut off or damaged: the steps of {key} do not end", mend)
        ends = [upto for upto, _ in ladder[:-1]]
        if None in ends or any(later <= earlier for earlier, later in pairwise([Decimal(0), *filter(None, ends)])):
            raise CostError(f"the price list {path} is cut off or damaged: the steps of {key} do not rise", mend)
    if len(found) != len(rows):
        raise CostError(f"the price list {path} prices the same thing in the same region twice", mend)
    return PriceList(found, falling)


def _row(row: Mapping[str, Any]) -> Price:
    for name, value in (("price_usd", row["price_usd"]), ("unit_quantity", row.get("unit_quantity", Decimal(1)))):
        if not isinstance(value, Decimal) or value < 0 or (not value and name == "unit_quantity"):
            raise ValueError(f"{name} of {row['key']} is {value!r}")
    for name in ("key", "item", "region", "unit", "source", "confidence"):
        if not isinstance(row[name], str) or not row[name].strip():
            raise ValueError(f"{name} of {row['key']} is {row[name]!r}")
    return Price(
        key=row["key"],
        item=row["item"],
        region=row["region"],
        unit=row["unit"],
        unit_quantity=row.get("unit_quantity", Decimal(1)),
        usd=row["price_usd"],
        source=row["source"],
        as_of=date.fromisoformat(row["as_of"]),
        confidence=row["confidence"],
    )


@cache
def _list() -> PriceList:
    return read(_FILE)
