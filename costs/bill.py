"""The month of a stack: each resource, what it is made of, what of it is free for ever, and what falls with quantity.

The free tier and the steps of a price belong to the account: every resource of the stack draws on the same, in the
order of their URNs. Nothing else in the account is known, so all of each is the stack's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from costs.free_tier import limits_of
from costs.model import CostComponent, Kind, Resource
from costs.prices import REGIONS, Price, UnpricedRegion, checked, price, steps
from costs.services import FREE, NOT_PRICED, PRICED
from costs.stack import Stack
from costs.use import Use

_NONE = Decimal(0)
_OUTSIDE = {
    "pulumi",
    "random",
    "tls",
    "null",
    "time",
    "command",
    "local",
    "std",
    "archive",
    "synced-folder",
    "docker-build",
}
"""Packages that make nothing which anybody bills."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """A part of what a resource costs, priced."""

    name: str
    kind: Kind
    unit: str = ""
    quantity: Decimal = _NONE
    """Units of the price in a month."""
    free: Decimal = _NONE
    """Of them what is free for ever."""
    price: Price | None = None
    list_usd: Decimal = _NONE
    usd: Decimal = _NONE
    """Beyond what is free."""
    reason: str = ""
    base: Decimal = _NONE
    """The quantity as it is counted: requests, not millions."""
    indicative: bool = False
    allowed: bool = True


@dataclass(frozen=True, kw_only=True)
class ResourceCost:
    """A resource with its lines."""

    resource: Resource
    lines: tuple[Line, ...]

    @property
    def usd(self) -> Decimal:
        return sum((line.usd for line in self.lines), _NONE)

    @property
    def list_usd(self) -> Decimal:
        return sum((line.list_usd for line in self.lines), _NONE)

    @property
    def free(self) -> bool:
        """Whether nothing of it is ever billed."""
        return all(line.kind == "free" for line in self.lines)


@dataclass(frozen=True, kw_only=True)
class Bill:
    """A month in one region, at one use."""

    region: str
    use: Use
    hours: Decimal
    resources: tuple[ResourceCost, ...]
    offers: bool = False
    """Whether the account has the 12-month offers."""

    def _sum(self, *kinds: Kind) -> Decimal:
        return sum((line.usd for one in self.resources for line in one.lines if line.kind in kinds), _NONE)

    @property
    def usd(self) -> Decimal:
        """All of it, beyond what is free for ever, exact: round it when it is shown."""
        return self._sum("fixed", "by use")

    @property
    def list_usd(self) -> Decimal:
        """As if nothing were free."""
        return sum((one.list_usd for one in self.resources), _NONE)

    @property
    def fixed_usd(self) -> Decimal:
        return self._sum("fixed")

    @property
    def by_use_usd(self) -> Decimal:
        return self._sum("by use")

    @property
    def unpriced(self) -> Mapping[str, str]:
        """Types of which at least a part has no price here, with the first reason."""
        found: dict[str, str] = {}
        for one in self.resources:
            for line in one.lines:
                if line.kind == "not priced":
                    found.setdefault(full_type(one.resource.type), line.reason)
        return dict(sorted(found.items()))

    @property
    def unpriced_resources(self) -> int:
        return sum(any(line.kind == "not priced" for line in one.lines) for one in self.resources)

    @property
    def by_component(self) -> Mapping[str, tuple[Decimal, Decimal]]:
        """What is fixed and what comes by use, by component, the dearest first."""
        sums: dict[str, list[Decimal]] = defaultdict(lambda: [_NONE, _NONE])
        for one in self.resources:
            for line in one.lines:
                sums[one.resource.component][line.kind == "by use"] += line.usd
        ordered = sorted(sums.items(), key=lambda item: (-sum(item[1]), item[0]))
        return {name: (fixed, used) for name, (fixed, used) in ordered}

    def movers(self, count: int = 5) -> list[tuple[Resource, Line]]:
        """The dearest lines."""
        every = [(one.resource, line) for one in self.resources for line in one.lines if line.usd]
        return sorted(every, key=lambda item: (-item[1].usd, item[0].urn, item[1].name))[:count]

    @property
    def prices(self) -> list[Price]:
        """The rows of the price list that count here."""
        found = {
            (line.price.key, line.price.region): line.price
            for one in self.resources
            for line in one.lines
            if line.price is not None and line.quantity
        }
        return list(found.values())

    @property
    def estimates(self) -> list[Price]:
        """Rows without a source, which something stands in for."""
        return [one for one in self.prices if one.estimated]

    def old_prices(self, today: date) -> list[Price]:
        """Rows that nobody has looked at for a year."""
        return [one for one in self.prices if one.old(today)]


def full_type(type_: str) -> str:
    """`aws:ec2/instance:Instance`, as Pulumi writes it."""
    return type_ if type_.count(":") > 1 else f"aws:{type_}"


def bill(stack: Stack, *, region: str | None = None, offers: bool = False) -> Bill:
    """The month of a stack: where it is, or in another region, to which what is in its own moves.

    `offers` counts the 12-month offers of an account that has them. `CostError` for a region without prices.
    """
    meter = _Meter(offers=offers)
    main = checked(region or stack.region)
    priced = []
    for one in stack.resources:
        where = main if one.region in ("", stack.region) else one.region
        priced.append(ResourceCost(resource=one, lines=tuple(meter.line(part, where) for part in _parts(one, stack))))
    return Bill(region=main, use=stack.expected, hours=stack.hours, resources=tuple(priced), offers=offers)


def _parts(one: Resource, stack: Stack) -> Iterable[CostComponent]:
    if one.type in PRICED:
        try:
            return list(PRICED[one.type](one, stack))
        except (ArithmeticError, AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            # A property that is only known after the deployment, or of another form than the provider's.
            reason = f"its properties cannot be read: {type(error).__name__} {error}"
            return [CostComponent(name="all of it", kind="not priced", reason=reason)]
    if one.type in FREE:
        return [CostComponent(name="free", kind="free", reason=FREE[one.type])]
    if one.type.partition(":")[0] in _OUTSIDE and one.type.count(":") > 1:
        return [CostComponent(name="free", kind="free", reason="it makes nothing that anybody bills")]
    reason = NOT_PRICED.get(one.type, "nothing is known of this type")
    return [CostComponent(name="all of it", kind="not priced", reason=reason)]


class _Meter:
    """What has been taken of each free tier and of each price's steps."""

    def __init__(self, *, offers: bool) -> None:
        self._offers = offers
        self._left: dict[str, Decimal] = {}
        self._taken: dict[tuple[str, str], Decimal] = defaultdict(Decimal)

    def line(self, part: CostComponent, region: str) -> Line:
        if part.kind in ("free", "not priced"):
            return Line(name=part.name, kind=part.kind, reason=part.reason)
        if part.quantity < 0:
            return Line(name=part.name, kind="not priced", reason=f"there cannot be {part.quantity} of it")
        try:
            ladder = [(upto, price(key, region)) for upto, key in steps(part.price_key)]
        except UnpricedRegion as error:
            reason = f"no price of {part.price_key} in {region}" if region in REGIONS else str(error)
            return Line(name=part.name, kind="not priced", reason=reason, base=part.quantity)
        first = ladder[0][1]
        free = self._free(part)
        before = self._taken[part.price_key, region]
        self._taken[part.price_key, region] = before + part.quantity
        each = first.unit_quantity
        return Line(
            name=part.name,
            kind=part.kind,
            unit=first.unit,
            quantity=part.quantity / each,
            free=free / each,
            price=first,
            list_usd=_walk(ladder, before, before + part.quantity),
            usd=_walk(ladder, before + free, before + part.quantity),
            base=part.quantity,
            indicative=part.indicative,
            allowed=part.allowed,
        )

    def _free(self, part: CostComponent) -> Decimal:
        """What of it the free tiers cover; the one for ever first."""
        covered = _NONE
        for limit in limits_of(part.price_key) if part.allowed else ():
            if limit.kind != "always" and not (self._offers and limit.kind == "12-month"):
                continue
            left = self._left.setdefault(limit.key, limit.free)
            taken = min(left, part.quantity - covered)
            self._left[limit.key] = left - taken
            covered += taken
        return covered


def _walk(ladder: Iterable[tuple[Decimal | None, Price]], start: Decimal, end: Decimal) -> Decimal:
    """What the quantity between two marks costs, each part at the price of its step."""
    usd, at = _NONE, start
    for upto, each in ladder:
        until = end if upto is None else min(end, upto)
        if until > at:
            usd += (until - at) / each.unit_quantity * each.usd
            at = until
    return usd
