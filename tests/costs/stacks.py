"""Small stacks to price, as tests write them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from costs.bill import Bill, bill
from costs.model import Resource
from costs.prices import HOURS_PER_MONTH
from costs.stack import Stack
from costs.use import KEYS, Use

TOKYO = "ap-northeast-1"


def one(type_: str, **inputs: Any) -> Resource:
    """A resource of AWS; `type_` without the package."""
    return Resource(type=type_, name=type_.partition(":")[2].lower(), inputs=inputs, region=TOKYO, component="part")


def made(
    resources: list[Resource],
    use: dict[str, Any] | None = None,
    *,
    region: str = TOKYO,
    hours: Decimal = HOURS_PER_MONTH,
) -> Stack:
    """A stack through which passes what is said, and nothing else."""
    amounts = {**dict.fromkeys(KEYS, Decimal(0)), **{key: Decimal(str(value)) for key, value in (use or {}).items()}}
    return Stack(resources, region, Use(amounts, "this test"), hours=hours)


def month(resources: list[Resource], use: dict[str, Any] | None = None, *, region: str = TOKYO) -> Bill:
    return bill(made(resources, use), region=region)


def usd(month_: Bill, what: str) -> tuple[Decimal, Decimal]:
    """The list price of all lines of this name, and what is due of it, to the cent."""
    lines = [line for each in month_.resources for line in each.lines if line.name == what]
    assert lines, f"nothing is called {what!r}: {[line.name for each in month_.resources for line in each.lines]}"
    cent = Decimal("0.01")
    return (
        sum((line.list_usd for line in lines), Decimal(0)).quantize(cent),
        sum((line.usd for line in lines), Decimal(0)).quantize(cent),
    )
