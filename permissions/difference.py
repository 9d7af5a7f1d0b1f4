"""What a change of a stack needs more than the stack needed before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from permissions.model import Permissions, Purpose
from permissions.policies import Statement


@dataclass(frozen=True)
class More:
    """Actions on one pattern that one side needs and the other does not."""

    purpose: Purpose
    actions: tuple[str, ...]
    resource: str

    def sentence(self, verb: str = "needs") -> str:
        whose = "a preview of this change" if self.purpose == "preview" else "this change"
        return f"{whose} {verb} {', '.join(self.actions)} on {self.resource}"

    def as_json(self) -> dict[str, Any]:
        return {"purpose": self.purpose, "actions": list(self.actions), "resource": self.resource}


def more(before: Permissions, after: Permissions, purpose: Purpose = "up") -> list[More]:
    """What `after` allows and `before` does not, by what it is allowed on."""
    found: dict[str, set[str]] = {}
    for one in after.statements.get(purpose, ()):
        for action in one.actions:
            for pattern in one.resources:
                if not _covered(action, pattern, before.statements.get(purpose, ())):
                    found.setdefault(pattern, set()).add(action)
    grouped: dict[tuple[str, ...], list[str]] = {}
    for pattern, actions in found.items():
        grouped.setdefault(tuple(sorted(actions)), []).append(pattern)
    return sorted(
        (More(purpose, actions, pattern) for actions, patterns in grouped.items() for pattern in patterns),
        key=lambda one: (one.resource, one.actions),
    )


def _covered(action: str, pattern: str, statements: Sequence[Statement]) -> bool:
    return any(
        action in one.actions and any(pattern == each or fnmatchcase(pattern, each) for each in one.resources)
        for one in statements
    )
