"""The two sides of a change, and what the change does to each resource."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from changes.facts import Effect

Kind = Literal["create", "update", "may-replace", "replace", "delete", "rename", "unknown"]

ORDER: Final[tuple[Kind, ...]] = ("replace", "delete", "may-replace", "unknown", "rename", "update", "create")
"""The worst first: so they are shown."""


class ChangeError(Exception):
    """Something that a person has to put right before there can be a comparison; the second text says how."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message, self.remedy = message, remedy


@dataclass(frozen=True)
class Resource:
    """A resource of one side: what the program says of it, and what it is."""

    urn: str
    type: str
    name: str
    custom: bool
    id: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    region: str = ""
    protect: bool = False
    retain_on_delete: bool = False
    delete_before_replace: bool = False
    depends_on: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    ignore_changes: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    defaulted: frozenset[str] = frozenset()
    """Inputs that the provider filled in, which no program says."""


@dataclass(frozen=True)
class Side:
    """One side: a rehearsal's report, or the exported state of a deployed stack."""

    label: str
    project: str
    stack: str
    resources: Mapping[str, Resource]
    report: Mapping[str, Any] | None = None
    """The whole report, where the side was rehearsed."""


@dataclass(frozen=True)
class PropertyChange:
    """A property that differs; `path` is written as the engine writes it."""

    path: str
    old: Any
    new: Any
    effect: Effect
    fact: str

    def as_json(self) -> dict[str, Any]:
        return {"path": self.path, "old": self.old, "new": self.new, "effect": self.effect, "fact": self.fact}


@dataclass
class Change:
    """What happens to one resource."""

    urn: str
    type: str
    name: str
    kind: Kind
    properties: list[PropertyChange] = field(default_factory=list)
    follows: list[str] = field(default_factory=list)
    """URNs of what changes because this one does."""
    means: list[str] = field(default_factory=list)
    data_loss: bool = False
    was: str = ""
    """Its URN before, if that was another."""

    def as_json(self) -> dict[str, Any]:
        return {
            "urn": self.urn,
            "type": self.type,
            "name": self.name,
            "kind": self.kind,
            "properties": [one.as_json() for one in self.properties],
            "follows": self.follows,
            "means": self.means,
            "data_loss": self.data_loss,
            "was": self.was or None,
        }


@dataclass(frozen=True)
class Problem:
    """Something about a change that a person must decide."""

    level: Literal["error", "warning"]
    rule: str
    urn: str
    message: str
    remedy: str
    waived: str = ""
    """The reason of the waiver that covers it."""

    def as_json(self) -> dict[str, Any]:
        return {
            "level": self.level,
            "rule": self.rule,
            "urn": self.urn,
            "message": self.message,
            "remedy": self.remedy,
            "waived": self.waived or None,
        }
