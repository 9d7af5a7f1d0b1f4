"""Settings of the questions that may be asked of the logs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from components.analytics.log_table import LogTableArgs
from components.values import Days

if TYPE_CHECKING:
    from settings import Settings


class LogAnalyticsSettings(LogTableArgs):
    """Athena over the applications' logs in the log archive."""

    keep_results_days: Days = 30
    """Days for which the results of queries are kept."""


def combinations(settings: Settings) -> Iterator[tuple[str, str]]:
    """What cannot work together: key and why."""
    if settings.log_analytics is None:
        return
    if settings.log_archive is None:
        yield "logAnalytics", "reads the log archive, which is missing; add logArchive: {}"
    if settings.log_analytics.services is None and not settings.services:
        yield "logAnalytics.services", "would show nothing: the stack has no services; name one or more that there were"
