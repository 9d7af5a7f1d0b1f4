"""Waivers: findings that somebody has accepted, in the stack's file, with a reason and a last day.

    config:
      policy:exemptions:
        - rule: bucket-access-logs
          urn: "*::kumiki-prod-uploads-bucket"
          reason: The uploads are logged by CloudTrail data events.
          until: "2026-12-31"

A waiver that is not in order waives nothing; the rule `waiver-ledger` says what is wrong with it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date, timedelta
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from guardrails.kit.resources import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

KEYS = ("rule", "urn", "reason", "until")
SHORTEST_REASON = 15
"""Characters; enough for a reason, too many for "ok" and "later"."""

LONGEST_TERM = timedelta(days=366)

OF_CHANGES = "change-"
OF_COSTS = "month-"
"""How the rules of the change report and of the bill begin: they read their waivers, and the pack expects nothing of
them."""

_ELSEWHERE = (OF_CHANGES, OF_COSTS)


@dataclass(frozen=True, kw_only=True)
class Waiver:
    rule: str
    urn: str
    """A glob over the resource's URN."""

    reason: str
    until: date
    """The last day on which it counts."""

    position: int

    def matches(self, urn: str) -> bool:
        return fnmatchcase(urn, self.urn)


@dataclass
class WaiverBook:
    """The stack's waivers, what each has waived so far, and what is wrong with them."""

    waivers: list[Waiver] = field(default_factory=list[Waiver])
    wrong: list[str] = field(default_factory=list[str])
    used: dict[tuple[int, str], Waiver] = field(default_factory=dict[tuple[int, str], Waiver])
    """What was waived, by the waiver's position and the resource's URN."""

    _open: set[int] = field(default_factory=set[int])

    @classmethod
    def read(cls, text: str, rules: Mapping[str, bool], today: date) -> WaiverBook:
        """The waivers in `text`; `rules` says which there are, and whether each can be waived."""
        book = cls()
        for position, entry in enumerate(_entries(text, book.wrong), start=1):
            waiver = _read(entry, position, rules, today, book.wrong)
            if waiver:
                book.waivers.append(waiver)
        return book

    def waives(self, rule: str, urn: str) -> bool:
        """Whether a finding of `rule` at `urn` is accepted; remembers that it happened."""
        waiver = self.find(rule, urn)
        if waiver:
            self.used[waiver.position, urn] = waiver
        return waiver is not None

    def find(self, rule: str, urn: str) -> Waiver | None:
        return next((w for w in self.waivers if w.rule == rule and w.matches(urn)), None)

    def leave_open(self, rule: str, urn: str) -> None:
        """Remember that `rule` had no result for `urn` yet, so that its waiver is not called useless."""
        self._open.update(w.position for w in self.waivers if w.rule == rule and w.matches(urn))

    def ignore(self, rules: Iterable[str]) -> None:
        """Do not expect anything from the waivers of rules that are switched off."""
        switched_off = set(rules)
        self._open.update(waiver.position for waiver in self.waivers if waiver.rule in switched_off)

    def mistakes(self) -> Iterator[Finding]:
        """What is wrong with the entries, and which of them waived nothing. Comes after everything was checked."""
        for message in self.wrong:
            yield Finding(message=message)
        expected = {position for position, _ in self.used} | self._open
        for waiver in self.waivers:
            if waiver.position not in expected and not waiver.rule.startswith(_ELSEWHERE):
                yield Finding(message=f"waiver {waiver.position} ({waiver.rule}) waives nothing at {waiver.urn}")

    def report(self) -> Iterator[Finding]:
        """What was waived, at the resource that it was waived for."""
        for (_, urn), waiver in self.used.items():
            yield Finding(message=f"waives {waiver.rule}: {waiver.reason} (until {waiver.until})", urn=urn)


def _entries(text: str, mistakes: list[str]) -> Iterator[Any]:
    if not text.strip():
        return
    try:
        entries = json.loads(text)
    except ValueError:
        mistakes.append("policy:exemptions cannot be read; it must be a list of {rule, urn, reason, until}")
        return
    if not isinstance(entries, list):
        mistakes.append("policy:exemptions must be a list of {rule, urn, reason, until}")
        return
    yield from entries


def _read(entry: Any, position: int, rules: Mapping[str, bool], today: date, mistakes: list[str]) -> Waiver | None:
    """The waiver, or None after all its mistakes have been written down."""
    before = len(mistakes)
    label = f"waiver {position}"
    if not isinstance(entry, dict):
        mistakes.append(f"{label} must have {', '.join(KEYS)}")
        return None
    mistakes += [f"{label} has an unknown key {key!r}{_nearest(str(key), KEYS)}" for key in entry if key not in KEYS]
    mistakes += [f"{label} has no {key}, or it is not a text" for key in KEYS if not _is_text(entry.get(key))]
    rule, urn, reason, until = (str(entry.get(key) or "").strip() for key in KEYS)
    if rule:
        label = f"waiver {position} ({rule})"
        if rule.startswith(_ELSEWHERE):
            pass
        elif rule not in rules:
            mistakes.append(f"{label}: there is no such rule{_nearest(rule, rules)}")
        elif not rules[rule]:
            mistakes.append(f"{label}: this rule is critical and cannot be waived")
    if reason and len(reason) < SHORTEST_REASON:
        mistakes.append(f"{label}: the reason is too short to explain anything (at least {SHORTEST_REASON} characters)")
    last_day = _last_day(until, label, today, mistakes) if until else None
    if last_day is None or len(mistakes) > before:
        return None
    return Waiver(rule=rule, urn=urn, reason=" ".join(reason.split()), until=last_day, position=position)


def _last_day(until: str, label: str, today: date, mistakes: list[str]) -> date | None:
    try:
        # A date that YAML turned into a time on its way keeps its day.
        last_day = date.fromisoformat(until.removesuffix("T00:00:00Z"))
    except ValueError:
        mistakes.append(f"{label}: until must be a date such as {today + timedelta(days=90)}, got {until!r}")
        return None
    if last_day < today:
        mistakes.append(f"{label}: it expired on {last_day}; fix the finding, or decide again")
    elif last_day > today + LONGEST_TERM:
        mistakes.append(f"{label}: until {last_day} is more than a year away; decide again within a year")
    return last_day


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _nearest(word: str, words: Any) -> str:
    near = get_close_matches(word, list(words), n=1)
    return f"; did you mean {near[0]}?" if near else ""
