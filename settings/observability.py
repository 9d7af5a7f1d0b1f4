"""Settings of alerts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from settings.section import Section

if TYPE_CHECKING:
    from settings import Settings


class SlackSettings(Section):
    """A Slack channel that hears of every alarm. Ids are no secrets."""

    workspace_id: str
    channel_id: str


class AlertSettings(Section):
    """The topics critical-alerts and warning-alerts, and who reads them."""

    emails: list[str] = []
    slack: SlackSettings | None = None


def combinations(settings: Settings) -> Iterator[tuple[str, str]]:
    """What cannot work together: key and why."""
    alerts = settings.alerts
    if alerts is not None and not alerts.emails and alerts.slack is None:
        yield "alerts", "reach nobody; add emails or slack, or remove the section"
