"""How much of AWS's free tier a stack uses, and what it costs beside it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from costs.bill import Bill, Line, bill
from costs.free_tier import FreeTierLimit, limits, limits_of
from costs.prices import cents
from costs.stack import Stack

_NONE = Decimal(0)


@dataclass(frozen=True, kw_only=True)
class Taken:
    """How much the stack takes of what one limit allows."""

    limit: FreeTierLimit
    used: Decimal
    cost: Decimal
    """USD for what is above the limit."""

    @property
    def percent(self) -> Decimal:
        return (100 * self.used / self.limit.free).quantize(Decimal(1))

    @property
    def within(self) -> bool:
        return self.used <= self.limit.free


@dataclass(frozen=True, kw_only=True)
class Charge:
    """What no limit covers."""

    what: str
    cost: Decimal
    """USD a month."""


@dataclass(frozen=True, kw_only=True)
class FreeTierUse:
    """A month of one stack, for an account that has the 12-month offers."""

    region: str
    taken: tuple[Taken, ...]
    charges: tuple[Charge, ...]
    uncounted: tuple[str, ...]
    """Types that are not priced."""
    cost: Decimal | None
    """USD a month outside the free tier; None if part of it has no price here."""
    cost_without_offers: Decimal
    """USD a month for an account without the 12-month offers, as far as there are prices."""


def free_tier_use(stack: Stack) -> FreeTierUse:
    """What a stack uses of each limit. `CostError` for a region without prices."""
    offered, others = bill(stack, offers=True), bill(stack)
    return FreeTierUse(
        region=offered.region,
        taken=tuple(_taken(offered)),
        charges=tuple(_charges(offered)),
        uncounted=tuple(offered.unpriced),
        cost=None if offered.unpriced else cents(offered.usd),
        cost_without_offers=cents(others.usd),
    )


def _lines(month: Bill) -> list[Line]:
    return [line for one in month.resources for line in one.lines if line.price is not None and line.base]


def _covered(line: Line) -> bool:
    return line.allowed and line.price is not None and bool(limits_of(line.price.key))


def _taken(month: Bill) -> list[Taken]:
    found = []
    for limit in limits().values():
        lines = [one for one in _lines(month) if _covered(one) and one.price and one.price.key in limit.price_keys]
        used = sum((one.base for one in lines), _NONE)
        if used:
            # The design's figure is shown beside AWS's, and costs nothing by itself.
            cost = _NONE if limit.kind == "design" else sum((one.usd for one in lines), _NONE)
            found.append(Taken(limit=limit, used=used, cost=cost))
    return found


def _charges(month: Bill) -> list[Charge]:
    sums: dict[str, Decimal] = {}
    for one in _lines(month):
        if one.usd and not _covered(one):
            sums[one.name] = sums.get(one.name, _NONE) + one.usd
    return [Charge(what=what, cost=usd) for what, usd in sums.items()]
