"""Office hours as moments of a week: what the schedules say, and what else starts outside."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, Final, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator

from ..values import text

Day = Literal["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"]
DAYS: Final[tuple[Day, ...]] = get_args(Day)
DAY_MINUTES: Final = 24 * 60


def _quoted(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < DAY_MINUTES:
        clock = f"{value // 60:02}:{value % 60:02}"
        raise ValueError(f'is what YAML makes of a time without quotation marks; write "{clock}"')
    return value


Clock = Annotated[
    str,
    text(r"([01]\d|2[0-3]):[0-5]\d", 'use a time of day from "00:00" to "23:59", in quotation marks'),
    BeforeValidator(_quoted),
]
"""A time of day, of 24 hours."""


def minutes(clock: str) -> int:
    """Since midnight."""
    hour, _, minute = clock.partition(":")
    return int(hour) * 60 + int(minute)


def cron(moment: int, days: Sequence[str]) -> str:
    """The schedule of a moment on these days, in minutes since their midnight: before it is on the day before, and
    beyond its end on the next."""
    shift, of_day = divmod(moment, DAY_MINUTES)
    moved = sorted((DAYS.index(day) + shift) % 7 for day in days)  # pyright: ignore[reportArgumentType] one of them
    named = "*" if len(moved) == 7 else ",".join(DAYS[number] for number in moved)
    return f"cron({of_day % 60} {of_day // 60} ? * {named} *)"


# A winter's and a summer's week, each from a Monday on.
_WEEKS: Final = (datetime.date(2026, 1, 5), datetime.date(2026, 7, 6))


def starts_outside(
    expression: str, timezone: str, *, days: Sequence[str], start: int, stop: int, office: str
) -> str | None:
    """When a schedule starts something outside the hours, as `TUE 02:00` of the office's clock; None where it never
    does. Every day of a month counts for a schedule of certain ones."""
    kind, _, inside = expression.partition("(")
    if kind == "rate":
        return "at night, too"
    here = ZoneInfo(office)
    for moment in _moments(kind, inside.removesuffix(")"), ZoneInfo(timezone)):
        local = moment.astimezone(here)
        day, of_day = DAYS[local.weekday()], local.hour * 60 + local.minute
        if day not in days or not start <= of_day < stop:
            return f"{day} {local:%H:%M}"
    return None


def _moments(kind: str, inside: str, zone: ZoneInfo) -> Iterator[datetime.datetime]:
    if kind == "at":
        yield datetime.datetime.fromisoformat(inside).replace(tzinfo=zone)
        return
    minute, hour, _, _, weekday, _ = inside.split()
    for first in _WEEKS:
        for number, day in enumerate(DAYS):
            if day in _weekdays(weekday):
                for at_hour in _numbers(hour, 23):
                    for at_minute in _numbers(minute, 59):
                        time = datetime.time(at_hour, at_minute, tzinfo=zone)
                        yield datetime.datetime.combine(first + datetime.timedelta(number), time)


def _numbers(field: str, most: int, least: int = 0) -> Iterable[int]:
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        start = least if first == "*" else int(first)
        end = most if first == "*" or (step and not last) else int(last or first)
        found |= set(range(start, end + 1, int(step or 1)))
    return sorted(found)


def _weekdays(field: str) -> Iterable[Day]:
    """AWS counts from Sunday, 1."""
    if field in ("?", "*", "L"):
        return DAYS
    numbered = {day: str((number + 1) % 7 + 1) for number, day in enumerate(DAYS)}
    for name, number in numbered.items():
        field = field.upper().replace(name, number)
    return [DAYS[(number - 2) % 7] for number in _numbers(re.sub(r"L|#\d", "", field), 7, 1)]
