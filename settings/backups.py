"""What backups need beside their own section."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from settings import Settings


def combinations(settings: Settings) -> Iterator[tuple[str, str]]:
    """What cannot work together: key and why."""
    backup = settings.backup
    if backup is None:
        return
    if settings.database is None and not settings.tables:
        yield "backup", "has nothing to back up; add database or tables, or remove it"
    if backup.copy_to == settings.region:
        yield "backup.copyTo", f"{backup.copy_to} is the stack's own region; use another"
    if settings.free_tier:
        yield "backup", "costs money and freeTier is true; remove it: the database keeps backups of its own"
