"""What becomes of objects as they age, checked against the rules of S3. Pure data: no Pulumi, no AWS."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, get_args

from pydantic import Field

from ..args import Args
from ..errors import Mistake
from ..values import Days, StorageClass

# From dear to keep and cheap to read to the opposite: the only order in which an object can move.
_ORDER: tuple[StorageClass, ...] = get_args(StorageClass)

# The fewest days after which S3 accepts the move.
_EARLIEST: dict[str, int] = {"STANDARD_IA": 30}
_DAYS_IN_STANDARD_IA = 30


class LifecycleRule(Args):
    """What becomes of the objects under a prefix."""

    prefix: str = ""
    """Which objects; empty means all."""

    transitions: dict[StorageClass, Annotated[int, Field(ge=0, le=36500)]] = {}
    """Storage class → days after creation. Moves cost per object ($0.01 to $0.06 for 1,000), so move large ones.
    Anything below STANDARD is billed for a least time: STANDARD_IA 30 days, GLACIER 90, DEEP_ARCHIVE 180."""

    delete_after_days: Days | None = None
    """Days after creation until an object is deleted; left out, it is kept."""

    def mistakes(self) -> Iterator[Mistake]:
        if not self.transitions and self.delete_after_days is None:
            yield Mistake("transitions", {}, "are none, and the rule deletes nothing; add a move or a time to delete")
        for storage_class, days in self.transitions.items():
            earliest = _EARLIEST.get(storage_class, 0)
            if days < earliest:
                reason = f"is too early; S3 moves objects there after {earliest} days or more"
                yield Mistake(("transitions", storage_class), days, reason)
        moves = sorted(self.transitions.items(), key=lambda move: _ORDER.index(move[0]))
        for (earlier, first), (later, second) in pairwise(moves):
            wait = _DAYS_IN_STANDARD_IA if earlier == "STANDARD_IA" else 1
            if second < first + wait:
                reason = f"must be {wait} or more days after the move to {earlier}; use {first + wait} or more"
                yield Mistake(("transitions", later), second, reason)
        last = max(self.transitions.values(), default=0)
        if self.delete_after_days is not None and self.delete_after_days <= last:
            reason = f"must come after the last transition, at {last} days"
            yield Mistake("delete_after_days", self.delete_after_days, reason)
