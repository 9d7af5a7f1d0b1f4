"""Settings of backups."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from settings.section import Region, Section

if TYPE_CHECKING:
    from settings import Settings


class BackupSettings(Section):
    """Daily and weekly backups of the database and the tables."""

    keep_days: int = 35
    weekly_keep_days: int | None = 90
    """null: no weekly backups."""

    hour: int = 4
    """The hour in Tokyo at which they begin."""

    copy_to: Region | None = None
    """A second region, to which each backup is copied."""

    lock: Literal["none", "governance", "compliance"] | None = None
    """Left out: governance where retention is protected, else none."""


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
