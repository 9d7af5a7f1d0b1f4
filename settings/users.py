"""What the users need of other sections."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from settings import Settings


def combinations(settings: Settings) -> Iterator[tuple[str, str]]:
    """What cannot work together: key and why."""
    if settings.user_pool is not None and settings.free_tier and settings.user_pool.plan == "plus":
        yield "userPool.plan", "plus costs money for every user and freeTier is true; use lite or essentials"
