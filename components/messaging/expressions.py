"""Schedule expressions and event patterns: what EventBridge takes, checked before it is asked.

The provider checks neither, and AWS tells only at the end of a deployment, mostly without saying what is wrong.
"""

from __future__ import annotations

import datetime
import re
import zoneinfo
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator

from ..errors import Mistake, nearest

# name, least, most, names of values, further signs than `*`, `,`, `-` and `/`
_FIELDS: tuple[tuple[str, int, int, tuple[str, ...], str], ...] = (
    ("minutes", 0, 59, (), ""),
    ("hours", 0, 23, (), ""),
    ("day of month", 1, 31, (), "?LW"),
    ("month", 1, 12, ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"), ""),
    ("day of week", 1, 7, ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), "?L#"),
    ("year", 1970, 2199, (), ""),
)
_UNITS = ("minute", "hour", "day")
_PATTERN_KEYS = (
    "account", "detail", "detail-type", "id", "region", "replay-name", "resources", "source", "time", "version",
)  # fmt: skip


def _schedule(expression: str) -> str:
    matched = re.fullmatch(r"(cron|rate|at)\((.*)\)", expression)
    if matched is None:
        raise ValueError("is not a schedule; write cron(0 2 * * ? *), rate(6 hours) or at(2030-01-31T02:00:00)")
    kind, inside = matched.groups()
    wrong = {"cron": _cron, "rate": _rate, "at": _at}[kind](inside)
    if wrong is not None:
        raise ValueError(wrong)
    return expression


def _timezone(timezone: str) -> str:
    known = zoneinfo.available_timezones()
    # Without a time zone database on the machine only the form can be judged.
    good = timezone in known if known else re.fullmatch(r"UTC|[A-Z]\w+(/[A-Z][\w+-]+)+", timezone)
    if not good:
        raise ValueError(f"is not a time zone; {nearest(timezone, known)}use one such as 'Asia/Tokyo'")
    return timezone


ScheduleExpression = Annotated[str, AfterValidator(_schedule)]
"""What EventBridge Scheduler takes: `cron(…)` of six fields, `rate(…)` and `at(…)`."""

Timezone = Annotated[str, AfterValidator(_timezone)]
"""A time zone that IANA knows."""


def _rate(inside: str) -> str | None:
    matched = re.fullmatch(r"([1-9]\d*) (minute|hour|day)(s?)", inside)
    if matched is None:
        return f"is not a rate; write a whole number from 1 and one of {', '.join(_UNITS)} (with s from 2 on)"
    number, unit, plural = matched.groups()
    if int(number) > 1 and not plural:
        return f"needs the plural; write rate({number} {unit}s)"
    return None


def _at(inside: str) -> str | None:
    mend = "is not a moment; write at(yyyy-mm-ddThh:mm:ss) without offset, the time zone stands beside it"
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", inside):
        return mend
    try:
        datetime.datetime.fromisoformat(inside)
    except ValueError as error:
        return f"{mend} ({error})"
    return None


def _cron(inside: str) -> str | None:
    values = inside.split()
    if len(values) != len(_FIELDS):
        names = ", ".join(name for name, *_ in _FIELDS)
        unix = "; AWS adds a year to the five fields of Unix" if len(values) == 5 else ""
        return f"has {len(values)} fields and needs {len(_FIELDS)}: {names}{unix}"
    for value, (name, least, most, words, signs) in zip(values, _FIELDS, strict=True):
        for part in value.split(","):
            wrong = _cron_part(part, least, most, words, signs)
            if wrong is not None:
                return f"has {value!r} as {name}, where {wrong}"
    unsaid = [values[2], values[4]].count("?")
    if unsaid != 1:
        why = "both are ?" if unsaid else "neither is ?"
        return f"must have ? as exactly one of day of month and day of week, and {why}"
    return None


def _cron_part(part: str, least: int, most: int, words: tuple[str, ...], signs: str) -> str | None:
    def known(text: str) -> bool:
        return text.upper() in words or (text.isascii() and text.isdigit() and least <= int(text) <= most)

    if part in {"*", *(signs if signs else "")} - {"W", "#"} or ("W" in signs and part == "LW"):
        return None
    if "W" in signs and part.endswith("W") and known(part[:-1]):
        return None
    if "#" in signs:
        day, mark, week = part.partition("#")
        if mark and known(day) and week in {"1", "2", "3", "4", "5"}:
            return None
        if part.endswith("L") and known(part[:-1]):
            return None
    start, slash, step = part.partition("/")
    if slash and not (step.isascii() and step.isdigit() and int(step) > 0):
        return f"the step {step!r} must be a whole number from 1"
    first, dash, last = start.partition("-")
    if (start == "*" and slash) or (known(first) and (not dash or known(last))):
        return None
    named = f" or {words[0]} to {words[-1]}" if words else ""
    return f"{part!r} is not allowed; use {least} to {most}{named}, with , - * /{''.join(f' {sign}' for sign in signs)}"


def pattern_mistakes(pattern: Mapping[str, Any]) -> Iterator[Mistake]:
    """Why AWS would refuse an event pattern, or why it would match every event of the bus."""
    if not pattern:
        yield Mistake((), dict(pattern), 'would match every event; name at least {"source": […]}')
    for key in pattern:
        if key not in _PATTERN_KEYS and key != "$or":
            known = ", ".join(_PATTERN_KEYS)
            yield Mistake(key, key, f"is not a field of an event; {nearest(key, _PATTERN_KEYS)}use {known}")
    for path, value in _leaves((), pattern):
        if not isinstance(value, list) or not value:
            yield Mistake(path, value, "must be a list of the values that match, and not an empty one")


def _leaves(path: tuple[str, ...], value: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, item in value.items():
        if isinstance(item, Mapping) and item:
            yield from _leaves((*path, key), item)
        else:
            yield (*path, key), item
