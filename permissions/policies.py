"""Needs as policy documents: few statements that allow nothing besides, within IAM's size limit."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any, Final

from changes.model import ChangeError
from permissions import actions
from permissions.needs import Asked, Condition, Need

LIMIT: Final = 6_144
"""Characters of a managed policy, without white space
(docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html)."""

Document = dict[str, Any]


@dataclass
class Statement:
    """Actions that are all allowed on the same patterns under the same condition."""

    actions: set[str]
    resources: frozenset[str]
    condition: Condition = field(default_factory=dict)

    @property
    def service(self) -> str:
        return min(self.actions).partition(":")[0]

    def as_json(self, sid: str) -> dict[str, Any]:
        made: dict[str, Any] = {
            "Sid": sid,
            "Effect": "Allow",
            "Action": _one_or_all(self.actions),
            "Resource": _one_or_all(self.resources),
        }
        return made | ({"Condition": self.condition} if self.condition else {})

    def allows(self, asked: Asked) -> bool:
        return (
            asked.action in self.actions
            and any(fnmatchcase(asked.resource, pattern) for pattern in self.resources)
            and holds(self.condition, asked.context)
        )


def holds(condition: Condition, context: Mapping[str, str]) -> bool:
    """Whether a condition of `StringEquals` holds, the only operator in what is made here."""
    for tests in condition.values():
        for key, values in tests.items():
            if context.get(key) not in ([values] if isinstance(values, str) else values):
                return False
    return True


def statements(needs: Iterable[Need], asked: Sequence[Asked] = ()) -> list[Statement]:
    """The fewest statements that allow the needs and nothing besides, by service.

    With `asked`, a statement that no recorded call needs is put together with one that some call does, where neither
    gains a right by it.
    """
    allowed: dict[tuple[str, str], set[str]] = defaultdict(set)
    conditions: dict[str, Condition] = {}
    for need in _listed(needs):
        key = json.dumps(need.condition, sort_keys=True)
        conditions[key] = need.condition
        allowed[need.action, key].add(need.resource)
    for (action, key), patterns in list(allowed.items()):
        free = allowed.get((action, "{}"), set()) if key != "{}" else set()
        left = {one for one in patterns if one not in free and not any(fnmatchcase(one, each) for each in free)}
        allowed[action, key] = left
    grouped: dict[tuple[str, str, frozenset[str]], Statement] = {}
    for (action, key), patterns in allowed.items():
        resources = _widest(patterns)
        if not resources:
            continue
        service = action.partition(":")[0]
        one = grouped.setdefault((service, key, resources), Statement(set(), resources, conditions[key]))
        one.actions.add(action)
    found = [grouped[key] for key in sorted(grouped, key=lambda key: (key[0], key[1], sorted(key[2])))]
    made = _merged(found, lambda one, other: one.service == other.service)
    return _witnessed(made, asked) if asked else made


_LISTED: Final = ("ec2:CreateAction", "iam:AWSServiceName")
"""Keys whose value the resource says again: the values of several needs make one list, and nothing is gained by it."""


def _listed(needs: Iterable[Need]) -> Iterator[Need]:
    every = list(needs)
    values: dict[str, set[str]] = defaultdict(set)
    for need in every:
        for key in _LISTED:
            if key in need.condition.get("StringEquals", {}):
                values[key].add(str(need.condition["StringEquals"][key]))
    for need in every:
        key = next((key for key in _LISTED if key in need.condition.get("StringEquals", {})), None)
        yield need if key is None else replace(need, condition={"StringEquals": {key: _one_or_all(values[key])}})


def _widest(patterns: Iterable[str]) -> frozenset[str]:
    """Without those that another one covers."""
    every = set(patterns)
    return frozenset(one for one in every if not any(other != one and fnmatchcase(one, other) for other in every))


def applies(action: str, pattern: str) -> bool:
    """Whether AWS would ever judge the action on such a thing."""
    rows = actions.rows(action)
    if pattern == "*":
        return True
    service = pattern.split(":")[2]
    if service != action.partition(":")[0] or not rows:
        return False
    if service == "apigateway":
        # The copy of AWS's list has the paths of the second API alone.
        return True
    # A star stands for slashes, too.
    samples = [pattern.replace("*", "x"), pattern.replace("*", "x/x")]
    if not any(actions.fits(template, one) for template in actions.templates(service) for one in samples):
        # No type of AWS's: nobody can tell.
        return True
    return any(row.matches(one) for row in rows for one in samples)


def _gains_nothing(one: Statement, other: Statement) -> bool:
    if one.condition != other.condition or ("*" in one.resources) != ("*" in other.resources):
        return False
    if one.resources == other.resources:
        return True
    if "*" in one.resources:
        return False
    return not any(
        applies(action, pattern)
        for mine, theirs in ((one, other), (other, one))
        for action in mine.actions
        for pattern in theirs.resources - mine.resources
    )


def _mixes(one: Statement, other: Statement) -> bool:
    """Whether a reader would see changes of all things of a type, where only reads are meant."""
    return any(
        not all(map(actions.only_reads, mine.actions))
        and any(not _is_named(pattern) for pattern in theirs.resources - mine.resources)
        for mine, theirs in ((one, other), (other, one))
    )


def _gains_only_ours(one: Statement, other: Statement) -> bool:
    """Whether what is gained is on things of the stack alone: their patterns bear a name, or a tag decides."""
    if one.condition != other.condition or "*" in one.resources or "*" in other.resources:
        return False
    by_tag = any(key.startswith("aws:ResourceTag/") for tests in one.condition.values() for key in tests)
    return by_tag or all(map(_is_named, one.resources ^ other.resources))


def _is_named(pattern: str) -> bool:
    """Whether the pattern says more than a type."""
    template = next((one for one in actions.templates(pattern.split(":")[2]) if actions.fits(one, pattern)), None)
    return template is not None and any(
        value != "*"
        for name, value in actions.parts(template, pattern)
        if name not in ("", "Partition", "Region", "Account")
    )


def _merged(found: Sequence[Statement], may: Any) -> list[Statement]:
    made: list[Statement] = []
    for one in found:
        home = next(
            (each for each in made if may(each, one) and _gains_nothing(each, one) and not _mixes(each, one)), None
        )
        if home is None:
            made.append(Statement(set(one.actions), one.resources, one.condition))
        else:
            home.actions |= one.actions
            home.resources = _widest(home.resources | one.resources)
    return made


def _witnessed(found: list[Statement], asked: Sequence[Asked]) -> list[Statement]:
    """Each statement that no call needs joins one that some call does."""
    needed = [one for one in found if _is_needed(one, found, asked)]
    idle = [one for one in found if one not in needed]
    for one in idle:
        home = next(
            (
                each
                for each in needed
                if each.service == one.service and _gains_only_ours(each, one) and not _mixes(each, one)
            ),
            None,
        )
        home = home or next((each for each in needed if _gains_nothing(each, one) and not _mixes(each, one)), None)
        home = home or next((each for each in needed if _gains_nothing(each, one)), None)
        if home is None:
            needed.append(one)
        else:
            home.actions |= one.actions
            home.resources = _widest(home.resources | one.resources)
    return sorted(needed, key=lambda one: (one.service, sorted(one.actions)))


def _is_needed(one: Statement, found: Sequence[Statement], asked: Sequence[Asked]) -> bool:
    others = [each for each in found if each is not one]
    return any(one.allows(each) and not any(other.allows(each) for other in others) for each in asked)


def unneeded(found: Sequence[Statement], asked: Sequence[Asked]) -> list[Statement]:
    """The statements without which every recorded call would be allowed still."""
    return [one for one in found if not _is_needed(one, found, asked)]


def refused(found: Sequence[Statement], asked: Iterable[Asked]) -> list[Asked]:
    """The recorded requests that no statement allows."""
    return [each for each in asked if not any(one.allows(each) for one in found)]


def documents(found: Sequence[Statement]) -> list[Document]:
    """The statements by service, as many in a document as IAM takes."""
    made: list[Document] = []
    used: dict[str, int] = defaultdict(int)
    for one in (part for each in found for part in _parts(each)):
        sid = "".join(word.capitalize() for word in re.split(r"[^a-z0-9]+", one.service))
        used[sid] += 1
        written = one.as_json(f"{sid}Part{used[sid]}" if used[sid] > 1 else sid)
        if made and size({**made[-1], "Statement": [*made[-1]["Statement"], written]}) <= LIMIT:
            made[-1]["Statement"].append(written)
        else:
            made.append({"Version": "2012-10-17", "Statement": [written]})
    return made


def _parts(one: Statement) -> Iterator[Statement]:
    """A statement that is no document by itself in as many as it takes."""
    whole = {"Version": "2012-10-17", "Statement": [one.as_json("x" * 24)]}
    if size(whole) <= LIMIT:
        yield one
        return
    if len(one.actions) > 1:
        ordered = sorted(one.actions)
        for half in (ordered[: len(ordered) // 2], ordered[len(ordered) // 2 :]):
            yield from _parts(Statement(set(half), one.resources, one.condition))
        return
    ordered = sorted(one.resources)
    if len(ordered) == 1:
        raise ChangeError(
            f"a policy that allows {min(one.actions)} on {ordered[0][:60]}… is longer than {LIMIT:,} characters",
            "give the resource a shorter name",
        )
    for half in (ordered[: len(ordered) // 2], ordered[len(ordered) // 2 :]):
        yield from _parts(Statement(one.actions, frozenset(half), one.condition))


def size(document: Mapping[str, Any]) -> int:
    """As IAM counts: without white space."""
    return len(re.sub(r"\s", "", json.dumps(document, separators=(",", ":"), ensure_ascii=False)))


def _one_or_all(values: Iterable[str]) -> str | list[str]:
    every = sorted(values)
    return every[0] if len(every) == 1 else every
