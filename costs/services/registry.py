"""Which function prices which type."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from costs.model import CostComponent, Resource
from costs.stack import Stack

Pricer = Callable[[Resource, Stack], Iterable[CostComponent]]

PRICED: Final[dict[str, Pricer]] = {}
"""By type, without the package: `ec2/instance:Instance`."""


def prices(*types: str) -> Callable[[Pricer], Pricer]:
    """Says that a function prices these types."""

    def register(pricer: Pricer) -> Pricer:
        for type_ in types:
            if type_ in PRICED:
                raise ValueError(f"two functions price {type_}")
            PRICED[type_] = pricer
        return pricer

    return register


def number(inputs: Mapping[str, Any], key: str, otherwise: Decimal | int | str = 0) -> Decimal:
    """A number among the inputs, or what AWS takes where there is none.

    `ValueError` where something else stands there, as in a preview for what is not known yet: the least would be less
    than it costs.
    """
    value = inputs.get(key)
    if value is None or isinstance(value, bool):
        return Decimal(otherwise)
    try:
        amount = Decimal(str(value))
    except ArithmeticError:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise ValueError(f"{key} is {value!r}, which is no number")
    return amount


def told(value: Any) -> bool:
    """Whether a text says itself what it says: in a preview others, and lists, stand for what is not known yet, and in
    a report marks for that and for secrets."""
    return isinstance(value, str) and not value.startswith(("urn:pulumi:", "not known: ", "[unknown]", "[secret]"))


def chunks(size: Decimal, each: int) -> int:
    """How many AWS counts of what is billed in parts: at least one; one too where nobody says how large it is."""
    return max(math.ceil(size / each), 1)
