"""What AWS gives away: for ever, and for the first twelve months of an account made before the programme changed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

LEGACY: Final = "legacy"
"""The plan of an account that was made before there were plans, and has the 12-month offers."""


@dataclass(frozen=True, kw_only=True)
class FreeTierLimit:
    """What AWS gives away in a month. Each limit is the account's, shared by all of its stacks and regions."""

    key: str
    service: str
    item: str
    unit: str
    free: Decimal
    kind: str
    """`always`; `12-month` for the first year of an account made before the programme changed; `design` for a figure
    that is shown beside AWS's own."""
    price_keys: tuple[str, ...]
    """The prices that it covers, one after the other, as they come."""
    source: str
    note: str | None


@dataclass(frozen=True, kw_only=True)
class Program:
    """Who has the 12-month offers, and what others get."""

    changed: date
    last_twelve_months_end: date
    before: str
    after: str
    credits_usd: tuple[int, int]
    months: int
    free_plan: str
    """What AWS refuses there."""
    sources: tuple[str, ...]


@cache
def limits() -> Mapping[str, FreeTierLimit]:
    """Every limit that is known here, by its key."""
    return {
        row["key"]: FreeTierLimit(**{**row, "free": Decimal(row["free"]), "price_keys": tuple(row["price_keys"])})
        for row in _document()["limits"]
    }


def limits_of(price_key: str) -> tuple[FreeTierLimit, ...]:
    """Those that cover a price; what is free for ever comes first."""
    return _by_price().get(price_key, ())


@cache
def _by_price() -> Mapping[str, tuple[FreeTierLimit, ...]]:
    ordered = sorted(limits().values(), key=lambda one: one.kind != "always")
    keys = {key for one in ordered for key in one.price_keys}
    return {key: tuple(one for one in ordered if key in one.price_keys) for key in keys}


@cache
def program() -> Program:
    """How the free tier changed."""
    row = _document()["program"]
    return Program(
        changed=date.fromisoformat(row["changed"]),
        last_twelve_months_end=date.fromisoformat(row["last_twelve_months_end"]),
        before=row["before"],
        after=row["after"],
        credits_usd=(int(row["credits_usd"][0]), int(row["credits_usd"][1])),
        months=int(row["months"]),
        free_plan=row["free_plan"],
        sources=tuple(row["sources"]),
    )


@cache
def _document() -> dict[str, Any]:
    return json.loads((Path(__file__).parent / "free_tier.json").read_text(), parse_float=Decimal, parse_int=Decimal)
