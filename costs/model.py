"""What is priced, and what a price is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

Kind = Literal["fixed", "by use", "free", "not priced"]


class CostError(Exception):
    """Something that a person has to put right before there can be a sum; the second text says how."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message, self.remedy = message, remedy


@dataclass(frozen=True, kw_only=True, eq=False)
class Resource:
    """A resource as a bill sees it."""

    type: str
    """Without the package: `ec2/instance:Instance`. Of another package than aws with it: `random:index/…`."""
    name: str = ""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    region: str = ""
    urn: str = ""
    component: str = ""
    """The component that it is part of; its service where it is part of none."""


@dataclass(frozen=True, kw_only=True)
class CostComponent:
    """A part of what a resource costs: how much of what, and what kind of cost that is."""

    name: str
    quantity: Decimal = Decimal(0)
    """A month, in what `price_key` is asked for: hours, GB, requests."""
    price_key: str = ""
    """Into prices.json; empty where nothing is asked, or nobody knows what."""
    kind: Kind = "fixed"
    reason: str = ""
    """Why it is free or not priced."""
    indicative: bool = False
    """Whether the price floats: Spot."""
    allowed: bool = True
    """Whether a free tier of its price may cover it: that of dashboards covers small ones only."""


def fixed(name: str, price_key: str, quantity: Decimal | int | str) -> CostComponent:
    """What costs by being there."""
    return CostComponent(name=name, price_key=price_key, quantity=Decimal(quantity))


def by_use(name: str, price_key: str, quantity: Decimal | int) -> CostComponent:
    """What costs by what passes through it."""
    return CostComponent(name=name, price_key=price_key, quantity=Decimal(quantity), kind="by use")


def free(reason: str) -> CostComponent:
    return CostComponent(name="free", kind="free", reason=reason)


def not_priced(name: str, reason: str) -> CostComponent:
    return CostComponent(name=name, kind="not priced", reason=reason)
