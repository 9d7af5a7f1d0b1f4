"""The part of Fluent Bit that the log router's files use, so that its rules can be tried on records.

It reads the files as they are, does what the plugins' documentation says, and refuses every plugin and key that it
does not know: nothing in the files passes unread. Regular expressions are Ruby's: `^` and `$` also match at lines.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import regex

Record = dict[str, Any]


@dataclass
class Section:
    """One section of a file: its keys in lower case, in order; a key may stand several times."""

    kind: str
    pairs: list[tuple[str, str]] = field(default_factory=list)

    def get(self, key: str, default: str = "") -> str:
        return next((value for name, value in self.pairs if name == key), default)


@dataclass
class Event:
    """A record on its way."""

    tag: str
    record: Record
    time: datetime


def read(path: Path) -> list[Section]:
    """The sections of a file in Fluent Bit's classic format."""
    sections: list[Section] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if text.startswith("["):
            sections.append(Section(text.strip("[]")))
            continue
        key, _, value = text.partition(" ")
        sections[-1].pairs.append((key.lower(), value.strip()))
    return sections


def pattern(text: str) -> regex.Pattern[str]:
    return regex.compile(text.removeprefix("/").removesuffix("/") if text.startswith("/") else text, regex.MULTILINE)


class Router:
    """The filters and outputs of the log router, fed with lines as FireLens feeds them."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        parsers = read(folder / "parsers.conf")
        self.parsers = {one.get("name"): one for one in parsers if one.kind == "PARSER"}
        self.multiline = {one.get("name"): one for one in parsers if one.kind == "MULTILINE_PARSER"}
        assert len(self.parsers) + len(self.multiline) == len(parsers)
        self.sections = read(folder / "router.conf")
        for section in self.sections:
            section.pairs = [(key, _filled(value, environment)) for key, value in section.pairs]
        assert {one.kind for one in self.sections} == {"SERVICE", "FILTER", "OUTPUT"}
        self.filters = [one for one in self.sections if one.kind == "FILTER"]
        self.outputs = {one.get("name"): one for one in self.sections if one.kind == "OUTPUT"}

    def route(self, *lines: str | Record, now: datetime | None = None) -> dict[str, list[Record]]:
        """What each output gets of these lines of one container's log: output → records as they are written."""
        now = now or datetime(2026, 4, 5, 6, 7, 8, tzinfo=UTC)
        events = [
            Event("app-firelens-0a1b", {"log": line, "container_name": "app"} if isinstance(line, str) else line, now)
            for line in lines
        ]
        events = self._run(events, self.filters)
        return {
            name: [_written(output, event) for event in events if fnmatchcase(event.tag, output.get("match"))]
            for name, output in self.outputs.items()
        }

    def _run(self, events: list[Event], filters: list[Section]) -> list[Event]:
        for number, one in enumerate(filters):
            step = getattr(self, f"_{one.get('name')}")
            mine = [event for event in events if fnmatchcase(event.tag, one.get("match"))]
            others = [event for event in events if not fnmatchcase(event.tag, one.get("match"))]
            if one.get("name") == "rewrite_tag":
                kept, copies = step(one, mine)
                # Emitted copies go through all filters again, under their new tag; here the rest is enough to see.
                assert not any(fnmatchcase(copy.tag, each.get("match")) for copy in copies for each in filters)
                return self._run(kept + others, filters[number + 1 :]) + copies
            events = step(one, mine) + others
        return events

    def _multiline(self, section: Section, events: list[Event]) -> list[Event]:
        _knows(section, "multiline.key_content", "multiline.parser", "mode", "emitter_mem_buf_limit")
        key = section.get("multiline.key_content")
        if section.get("mode") == "partial_message":
            return _joined_parts(events, key)
        parser = self.multiline[section.get("multiline.parser")]
        _knows(parser, "type", "flush_timeout", "rule")
        rules = [regex.findall(r'"([^"]*)"', value) for name, value in parser.pairs if name == "rule"]
        result: list[Event] = []
        state: str | None = None
        for event in events:
            line = event.record.get(key)
            found = None
            if isinstance(line, str):
                continues = [one for one in rules if one[0] == state and pattern(one[1]).search(line)]
                starts = [one for one in rules if one[0] == "start_state" and pattern(one[1]).search(line)]
                found = next(iter(continues or starts), None)
                if continues:
                    result[-1].record[key] += "\n" + line
                    state = continues[0][2]
                    continue
            # A line that begins something, or one that no rule knows: it stands alone.
            state = found[2] if found else None
            result.append(event)
        return result

    def _parser(self, section: Section, events: list[Event]) -> list[Event]:
        _knows(section, "key_name", "parser", "reserve_data")
        parser = self.parsers[section.get("parser")]
        _knows(parser, "format", "time_key", "time_format", "time_keep")
        assert parser.get("format") == "json"
        key = section.get("key_name")
        for event in events:
            try:
                parsed = json.loads(event.record.get(key, ""))
            except (TypeError, ValueError):
                continue
            if not isinstance(parsed, dict):
                continue
            rest = {name: value for name, value in event.record.items() if name != key}
            given = parsed.get(parser.get("time_key"))
            time = _time(given, parser.get("time_format"))
            if time is not None:
                event.time = time
                assert parser.get("time_keep") == "Off"
                del parsed[parser.get("time_key")]
            event.record = {**parsed, **(rest if section.get("reserve_data") == "On" else {})}
        return events

    def _modify(self, section: Section, events: list[Event]) -> list[Event]:
        rules = [(name, value.split()) for name, value in section.pairs if name not in ("name", "match", "condition")]
        conditions = [value.split() for name, value in section.pairs if name == "condition"]
        for event in events:
            if all(_holds(condition, event.record) for condition in conditions):
                for name, words in rules:
                    _modified(event.record, name, words)
        return events

    def _type_converter(self, section: Section, events: list[Event]) -> list[Event]:
        _knows(section, "int_key")
        key, target, kind = section.get("int_key").split()
        assert kind == "string"
        for event in events:
            if isinstance(event.record.get(key), int) and not isinstance(event.record[key], bool):
                event.record[target] = str(event.record[key])
        return events

    def _rewrite_tag(self, section: Section, events: list[Event]) -> tuple[list[Event], list[Event]]:
        _knows(section, "rule", "emitter_name", "emitter_mem_buf_limit")
        key, wanted, tag, keep = section.get("rule").split()
        kept, copies = [], []
        for event in events:
            value = event.record.get(key.removeprefix("$"))
            if isinstance(value, str) and pattern(wanted).search(value):
                copies.append(Event(tag.replace("$TAG", event.tag), dict(event.record), event.time))
                if keep != "true":
                    continue
            kept.append(event)
        return kept, copies


def _filled(value: str, environment: Mapping[str, str]) -> str:
    return regex.sub(r"\$\{(\w+)\}", lambda match: environment[match[1]], value)


def _knows(section: Section, *keys: str) -> None:
    unknown = {name for name, _ in section.pairs} - set(keys) - {"name", "match"}
    assert not unknown, f"{section.kind} {section.get('name')}: {unknown}"


def _joined_parts(events: list[Event], key: str) -> list[Event]:
    result: list[Event] = []
    open_parts: dict[str, Event] = {}
    for event in events:
        if event.record.get("partial_message") != "true":
            result.append(event)
            continue
        identity = event.record["partial_id"]
        if identity in open_parts:
            open_parts[identity].record[key] += event.record[key]
        else:
            open_parts[identity] = event
            result.append(event)
        if event.record.get("partial_last") == "true":
            del open_parts[identity]
    for event in result:
        for name in [name for name in event.record if name.startswith("partial_")]:
            del event.record[name]
    return result


def _holds(condition: list[str], record: Record) -> bool:
    kind, key, *rest = condition
    if kind == "Key_does_not_exist":
        assert not rest
        return key not in record
    assert kind == "Key_value_matches", kind
    # A pattern with spaces would be cut: the words must be one.
    assert len(rest) == 1, condition
    value = record.get(key)
    return isinstance(value, str) and pattern(rest[0]).search(value) is not None


def _modified(record: Record, rule: str, words: list[str]) -> None:
    if rule == "rename":
        old, new = words
        if old in record and new not in record:
            record[new] = record.pop(old)
    elif rule == "remove":
        (key,) = words
        record.pop(key, None)
    elif rule in ("add", "set"):
        key, value = words
        if rule == "set" or key not in record:
            record[key] = value
    else:
        raise AssertionError(f"modify has a rule {rule}")


def _time(value: object, layout: str) -> datetime | None:
    assert layout == "%Y-%m-%dT%H:%M:%S.%L%z"
    if not isinstance(value, str):
        return None
    try:
        return datetime.strptime(value, "%Y-%m-%dT%H:%M:%S.%f%z").astimezone(UTC)
    except ValueError:
        return None


def _written(output: Section, event: Event) -> Record:
    """The JSON object of one line; only the S3 output writes the time into it."""
    if output.get("name") != "s3":
        return event.record
    assert output.get("json_date_format") == "iso8601"
    return {output.get("json_date_key"): event.time.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), **event.record}
