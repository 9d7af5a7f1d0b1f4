"""Settings of the questions that may be asked of the logs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from settings.section import Days, Name, Section

if TYPE_CHECKING:
    from settings import Settings


class LogAnalyticsSettings(Section):
    """Athena over the applications' logs in the log archive."""

    services: list[Name] | None = None
    """The services whose logs are shown. Left out: those of the stack. A list may also name such as ran before."""

    scan_limit_mib: int = 10_240
    """The most that one query may read, in MiB."""

    keep_results_days: Days = 30
    """Days for which the results of queries are kept."""

    first_year: Annotated[int, Field(ge=2000, le=2100)] = 2025
    last_year: Annotated[int, Field(ge=2000, le=2100)] = 2035


def combinations(settings: Settings) -> Iterator[tuple[str, str]]:
    """What cannot work together: key and why."""
    if settings.log_analytics is not None and settings.log_archive is None:
        yield "logAnalytics", "reads the log archive, which is missing; add logArchive: {}"
