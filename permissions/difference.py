"""What a change of a stack needs more than the stack needed before."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from permissions.actions import only_reads
from permissions.model import Permissions, Purpose
from permissions.needs import Condition
from permissions.policies import Statement, applies


@dataclass(frozen=True)
class More:
    """Actions on one pattern that one side needs and the other does not."""

    purpose: Purpose
    actions: tuple[str, ...]
    resource: str
    condition: Condition = field(default_factory=dict)

    def sentence(self, verb: str = "needs") -> str:
        if self.purpose == "destroy":
            verb = f"deletes what keeps data and {verb}"
        whose = "a preview of this change" if self.purpose == "preview" else "this change"
        return f"{whose} {verb} {', '.join(self.actions)} on {self.resource}{self.where}"

    @property
    def where(self) -> str:
        """The condition in words, after a comma; empty without one."""
        tests = [(key, value) for test in self.condition.values() for key, value in test.items()]
        return "".join(
            f", where {key} is {value if isinstance(value, str) else ' or '.join(value)}" for key, value in tests
        )

    def as_json(self) -> dict[str, Any]:
        made = {"purpose": self.purpose, "actions": list(self.actions), "resource": self.resource}
        return made | ({"condition": self.condition} if self.condition else {})


def more(before: Permissions, after: Permissions, purpose: Purpose = "up") -> list[More]:
    """What `after` allows and `before` does not, by what it is allowed on."""
    known = before.statements.get(purpose, ())
    found: dict[tuple[str, str], set[str]] = {}
    conditions: dict[str, Condition] = {}
    for one in after.statements.get(purpose, ()):
        key = json.dumps(one.condition, sort_keys=True)
        conditions[key] = one.condition
        for action in one.actions:
            for pattern in one.resources:
                # Statements are put together where AWS would never judge an action on such a thing.
                if applies(action, pattern) and not _covered(action, pattern, one.condition, known):
                    found.setdefault((pattern, key), set()).add(action)
    return sorted(
        (More(purpose, tuple(sorted(actions)), pattern, conditions[key]) for (pattern, key), actions in found.items()),
        key=lambda one: (one.resource, one.actions, one.where),
    )


def parting(before: Permissions, after: Permissions, replaced: Iterable[str] = ()) -> list[More]:
    """What deleting needs of what keeps data, and goes: it is in the policies to destroy, and in no update's.

    :param replaced: URNs of what `after` has too, made again.
    """
    gone = before.needed.keeps_data - after.needed.keeps_data | before.needed.keeps_data & set(replaced)
    found: dict[tuple[str, str], set[str]] = {}
    conditions: dict[str, Condition] = {}
    for one in before.needed.needs:
        if one.urn in gone and "delete" in one.phases and not only_reads(one.action):
            key = json.dumps(one.condition, sort_keys=True)
            conditions[key] = one.condition
            found.setdefault((one.resource, key), set()).add(one.action)
    return [
        More("destroy", tuple(sorted(actions)), pattern, conditions[key])
        for (pattern, key), actions in sorted(found.items())
    ]


def _covered(action: str, pattern: str, condition: Condition, statements: Sequence[Statement]) -> bool:
    return any(
        action in one.actions
        and any(pattern == each or fnmatchcase(pattern, each) for each in one.resources)
        and _implies(condition, one.condition)
        for one in statements
    )


def _implies(condition: Condition, other: Condition) -> bool:
    """Whether whatever fulfils the one fulfils the other: it names each of its keys, with no value besides."""
    return all(
        key in condition.get(operator, {}) and set(_listed(condition[operator][key])) <= set(_listed(values))
        for operator, tests in other.items()
        for key, values in tests.items()
    )


def _listed(values: str | list[str]) -> list[str]:
    return [values] if isinstance(values, str) else values
