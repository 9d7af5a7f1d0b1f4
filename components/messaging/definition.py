"""Definitions of workflows in the Amazon States Language: placeholders, and what AWS would refuse or never run.

A definition is a file that a person reads. What it cannot know, such as the URL of a queue, stands in it as `${name}`
inside a text. Pure: the component that deploys a definition asks here first, and so does a test of the file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Literal

from ..errors import Mistake, nearest

Kind = Literal["STANDARD", "EXPRESS"]

_PLACEHOLDER = re.compile(r"\$\{([A-Za-z][A-Za-z0-9]*)\}")
_BASE = frozenset({"Type", "Comment", "QueryLanguage"})
_FLOW = _BASE | {"InputPath", "OutputPath", "Next", "End", "Assign", "Output"}
_WORK = _FLOW | {"Parameters", "Arguments", "ResultPath", "ResultSelector", "Retry", "Catch"}
_TIMEOUTS = frozenset({"TimeoutSeconds", "TimeoutSecondsPath", "HeartbeatSeconds", "HeartbeatSecondsPath"})
_TOLERATED = ("ToleratedFailureCount", "ToleratedFailurePercentage")
# What each type of state may have, by the Amazon States Language.
_KNOWN: Mapping[str, frozenset[str]] = {
    "Task": _WORK | _TIMEOUTS | {"Resource", "Credentials"},
    "Parallel": _WORK | {"Branches"},
    "Map": _WORK
    | {"ItemProcessor", "Iterator", "ItemsPath", "Items", "ItemSelector", "ItemReader", "ItemBatcher", "ResultWriter"}
    | {"Label", "MaxConcurrency", "MaxConcurrencyPath", *_TOLERATED, *(f"{field}Path" for field in _TOLERATED)},
    "Pass": _FLOW | {"Parameters", "ResultPath", "Result"},
    "Wait": _FLOW | {"Seconds", "SecondsPath", "Timestamp", "TimestampPath"},
    "Choice": _BASE | {"InputPath", "OutputPath", "Choices", "Default", "Assign", "Output"},
    "Succeed": _BASE | {"InputPath", "OutputPath", "Output"},
    "Fail": _BASE | {"Error", "ErrorPath", "Cause", "CausePath"},
}
_MOST_BYTES = 1_048_576
_ENDS = ("Succeed", "Fail")
_MACHINE = frozenset({"Comment", "StartAt", "States", "TimeoutSeconds", "Version", "QueryLanguage"})


def placeholders(text: str) -> frozenset[str]:
    """The names of all `${name}` in a definition."""
    return frozenset(_PLACEHOLDER.findall(text))


def placeholder_mistakes(text: str, given: Collection[str]) -> Iterator[Mistake]:
    """A placeholder without a value, a value without a placeholder, and what is meant as a placeholder and is none."""
    for found in re.findall(r"\$\{[^}\"]*\}?", text):
        if not _PLACEHOLDER.fullmatch(found):
            yield Mistake("definition", found, "is not a placeholder; write ${name} with letters and digits")
    named = placeholders(text)
    for name in sorted(named - set(given)):
        known = f"the values are {', '.join(sorted(given))}" if given else "there are no values"
        reason = f"is a placeholder in the definition without a value; {nearest(name, given)}{known}"
        yield Mistake("substitutions", name, reason)
    for name in sorted(set(given) - named):
        reason = f"is a value without a placeholder; {nearest(name, named)}remove it, or use ${{{name}}}"
        yield Mistake("substitutions", name, reason)


def filled(value: Any, values: Mapping[str, str]) -> Any:
    """The parsed definition with every placeholder replaced. In parsed texts, so that no value can break the JSON."""
    if isinstance(value, str):
        return _PLACEHOLDER.sub(lambda found: values[found[1]], value)
    if isinstance(value, list):
        return [filled(item, values) for item in value]
    if isinstance(value, dict):
        return {filled(key, values): filled(item, values) for key, item in value.items()}
    return value


def definition_mistakes(text: str, kind: Kind = "STANDARD") -> Iterator[Mistake]:
    """With its place in the definition: what AWS would refuse, and states that are never reached."""
    if len(text.encode()) > _MOST_BYTES:
        yield Mistake((), f"{len(text)} characters", "is too long; AWS allows 1 MB")
    try:
        machine = json.loads(text)
    except ValueError as error:
        yield Mistake((), text[:40], f"is not JSON: {error}")
        return
    if isinstance(machine, dict):
        yield from _machine_faults(machine, (), _MACHINE, kind, set())
    else:
        yield Mistake((), text[:40], "is not a state machine; write an object with StartAt and States")


Path = tuple[str | int, ...]


def _machine_faults(
    machine: Mapping[str, Any], path: Path, known: Collection[str], kind: Kind, seen: set[str]
) -> Iterator[Mistake]:
    for key in sorted(set(machine) - set(known)):
        yield Mistake((*path, key), key, f"is not a field of a state machine; {nearest(key, known)}use {_list(known)}")
    states = machine.get("States")
    if not isinstance(states, dict) or not states:
        yield Mistake((*path, "States"), states, "is missing or empty; name each state with what it does")
        return
    start = machine.get("StartAt")
    if not _among(start, states):
        yield Mistake((*path, "StartAt"), start, f"is not a state; {_near(start, states)}use one of {_list(states)}")
    faulty = not _among(start, states)
    for name, state in states.items():
        if name in seen:
            reason = "is the name of two states; AWS wants each once in the whole definition"
            yield Mistake((*path, "States"), name, reason)
        seen.add(name)
        if not 1 <= len(name) <= 80:
            yield Mistake((*path, "States"), name, f"has {len(name)} characters; AWS allows 80")
        for fault in _state_faults(state, (*path, "States", name), states, kind, seen):
            faulty = True
            yield fault
    if not faulty:
        yield from _unreached(start, states, path)


def _state_faults(state: Any, path: Path, states: Collection[str], kind: Kind, seen: set[str]) -> Iterator[Mistake]:
    type_ = state.get("Type") if isinstance(state, dict) else None
    if not isinstance(type_, str) or type_ not in _KNOWN:
        yield Mistake((*path, "Type"), type_, f"is not a type of state; {_near(type_, _KNOWN)}use {_list(_KNOWN)}")
        return
    for key in sorted(set(state) - _KNOWN[type_]):
        yield Mistake(
            (*path, key),
            key,
            f"is not a field of {type_}; {nearest(key, _KNOWN[type_])}use {_list(_KNOWN[type_])}",
        )
    if type_ not in (*_ENDS, "Choice") and ("Next" in state) == (state.get("End") is True):
        yield Mistake(path, type_, 'leads nowhere or two ways; give it either "Next" or "End": true')
    for where, target in _targets(state, path):
        if not _among(target, states):
            yield Mistake(
                where, target, f"is not a state of this level; {_near(target, states)}use one of {_list(states)}"
            )
    yield from _errors(state, path)
    yield from _own_faults(type_, state, path, kind, seen)


def _own_faults(type_: str, state: Mapping[str, Any], path: Path, kind: Kind, seen: set[str]) -> Iterator[Mistake]:
    if type_ == "Task":
        resource = state.get("Resource")
        if not isinstance(resource, str) or not re.match(r"arn:|\$\{", resource):
            yield Mistake(
                (*path, "Resource"), resource, "is not an ARN; write one such as arn:aws:states:::sqs:sendMessage"
            )
        elif kind == "EXPRESS" and re.search(r"\.(sync(:2)?|waitForTaskToken)$", resource):
            yield Mistake((*path, "Resource"), resource, "waits, which EXPRESS workflows cannot; use STANDARD")
        elif resource.endswith(".waitForTaskToken") and not _TIMEOUTS & set(state):
            yield Mistake(
                path, resource, "would wait for a year when nobody answers; set TimeoutSeconds or HeartbeatSeconds"
            )
    if type_ == "Wait":
        ways = sorted({"Seconds", "SecondsPath", "Timestamp", "TimestampPath"} & set(state))
        if len(ways) != 1:
            yield Mistake(
                path,
                ways,
                "must say in one way how long to wait; use Seconds, SecondsPath, Timestamp or TimestampPath",
            )
    if type_ == "Choice":
        yield from _choices(state, path)
    inner: list[tuple[Path, Any]] = []
    if type_ == "Parallel":
        branches = state.get("Branches")
        if not isinstance(branches, list) or not branches:
            yield Mistake((*path, "Branches"), branches, "is missing or empty; list the branches")
        else:
            inner = [((*path, "Branches", number), branch) for number, branch in enumerate(branches)]
    if type_ == "Map":
        key = "Iterator" if "Iterator" in state else "ItemProcessor"
        inner = [((*path, key), state.get(key))]
    for where, machine in inner:
        if not isinstance(machine, dict):
            yield Mistake(where, machine, "is missing; write an object with StartAt and States")
        else:
            yield from _machine_faults(machine, where, _MACHINE | {"ProcessorConfig"}, kind, seen)


def _choices(state: Mapping[str, Any], path: Path) -> Iterator[Mistake]:
    choices = state.get("Choices")
    if not isinstance(choices, list) or not choices:
        yield Mistake((*path, "Choices"), choices, "is missing or empty; list the choices")
        return
    for number, choice in enumerate(choices):
        if not isinstance(choice, dict) or "Next" not in choice:
            yield Mistake((*path, "Choices", number), choice, "leads nowhere; give it a Next")
        elif not {"Variable", "And", "Or", "Not", "Condition"} & set(choice):
            yield Mistake((*path, "Choices", number), choice, "asks nothing; give it a Variable and a comparison")


def _errors(state: Mapping[str, Any], path: Path) -> Iterator[Mistake]:
    for key in ("Retry", "Catch"):
        rules = state.get(key, [])
        if not isinstance(rules, list):
            yield Mistake((*path, key), rules, "is not a list")
            continue
        for number, rule in enumerate(rules):
            where = (*path, key, number)
            errors = rule.get("ErrorEquals") if isinstance(rule, dict) else None
            if not isinstance(errors, list) or not errors:
                yield Mistake(
                    (*where, "ErrorEquals"), errors, 'is missing or empty; list errors, such as ["States.Timeout"]'
                )
                continue
            if "States.ALL" in errors and (len(errors) > 1 or number < len(rules) - 1):
                yield Mistake(
                    (*where, "ErrorEquals"), errors, f"has States.ALL, which must stand alone and last in {key}"
                )
            if key == "Catch" and "Next" not in rule:
                yield Mistake(where, errors, "leads nowhere; give it a Next")
            for number_field, least in (
                ("MaxAttempts", 0),
                ("IntervalSeconds", 1),
                ("BackoffRate", 1),
                ("MaxDelaySeconds", 1),
            ):
                given = rule.get(number_field, least)
                if isinstance(given, bool) or not isinstance(given, int | float) or given < least:
                    yield Mistake((*where, number_field), given, f"must be a number from {least}")


def _targets(state: Mapping[str, Any], path: Path) -> Iterator[tuple[Path, Any]]:
    for key in ("Next", "Default"):
        if key in state:
            yield (*path, key), state[key]
    for key in ("Choices", "Catch"):
        rules = state.get(key)
        for number, rule in enumerate(rules if isinstance(rules, list) else []):
            if isinstance(rule, dict) and "Next" in rule:
                yield (*path, key, number, "Next"), rule["Next"]


def _unreached(start: Any, states: Mapping[str, Any], path: Path) -> Iterator[Mistake]:
    reached, waiting = set(), [start]
    while waiting:
        name = waiting.pop()
        if name in states and name not in reached:
            reached.add(name)
            waiting += [target for _, target in _targets(states[name], ())]
    for name in states:
        if name not in reached:
            yield Mistake((*path, "States"), name, f"is never reached from {start}; lead a Next there or remove it")
    if not any(states[name].get("End") is True or states[name].get("Type") in _ENDS for name in reached):
        yield Mistake(path, start, 'leads in a circle for ever; give a state "End": true')


def _among(word: Any, known: Collection[str]) -> bool:
    return isinstance(word, str) and word in known


def _near(word: Any, known: Collection[str]) -> str:
    return nearest(word, known) if isinstance(word, str) else ""


def _list(known: Collection[str]) -> str:
    return ", ".join(sorted(known))
