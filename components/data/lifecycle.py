"""What becomes of objects as they age, checked against the rules of S3. Pure data: no Pulumi, no AWS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal, get_args

from components.refusal import Refusal, nearest

StorageClass = Literal["STANDARD_IA", "INTELLIGENT_TIERING", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"]
"""From dear to keep and cheap to read to the opposite: the only order in which an object can move."""

# The fewest days after which S3 accepts the move.
_EARLIEST: dict[str, int] = {"STANDARD_IA": 30}
_DAYS_IN_STANDARD_IA = 30


@dataclass(frozen=True, kw_only=True)
class LifecycleRule:
    """One rule for the objects under a prefix."""

    prefix: str = ""
    """Which objects; empty means all."""

    transitions: Mapping[StorageClass, int] = field(default_factory=dict)
    """Storage class → days after creation. Moves cost per object ($0.01 to $0.06 for 1,000), so move large ones.
    Anything below STANDARD is billed for a least time: STANDARD_IA 30 days, GLACIER 90, DEEP_ARCHIVE 180."""

    delete_after_days: int | None = None
    """Days after creation until an object is deleted; left out, it is kept."""

    def __post_init__(self) -> None:
        order: tuple[StorageClass, ...] = get_args(StorageClass)
        if not self.transitions and self.delete_after_days is None:
            raise Refusal("lifecycle", self.prefix, "is a rule that does nothing; add transitions or delete_after_days")
        for storage_class, days in self.transitions.items():
            if storage_class not in order:
                raise Refusal(
                    "transitions",
                    storage_class,
                    f"is not a storage class; {nearest(storage_class, order)}use {', '.join(order)}",
                )
            earliest = _EARLIEST.get(storage_class, 0)
            if days < earliest:
                raise Refusal(
                    f"transitions.{storage_class}",
                    days,
                    f"is too early; S3 moves objects there after {earliest} days or more",
                )
        self._check_order(order)
        last = max(self.transitions.values(), default=0)
        if self.delete_after_days is not None and self.delete_after_days <= last:
            raise Refusal(
                "delete_after_days", self.delete_after_days, f"must come after the last transition, at {last} days"
            )

    def _check_order(self, order: tuple[StorageClass, ...]) -> None:
        moves = sorted(self.transitions.items(), key=lambda move: order.index(move[0]))
        for (earlier, first), (later, second) in pairwise(moves):
            wait = _DAYS_IN_STANDARD_IA if earlier == "STANDARD_IA" else 1
            if second < first + wait:
                raise Refusal(
                    f"transitions.{later}",
                    second,
                    f"must be {wait} or more days after the move to {earlier}; use {first + wait} or more",
                )
