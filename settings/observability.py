"""Settings of alerts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from settings import Settings


def combinations(settings: Settings) -> Iterator[tuple[str, str]]:
    """What cannot work together: key and why."""
    alerts = settings.alerts
    if alerts is not None and not alerts.emails and alerts.slack is None:
        yield "alerts", "reach nobody; add emails or slack, or remove the section"
