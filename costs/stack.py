"""A stack as a bill sees it: its resources, what refers to what, and how much passes through."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from costs.model import Resource
from costs.prices import HOURS_PER_MONTH
from costs.running import shares, thing_of
from costs.use import Use

_STACK = "pulumi:pulumi:Stack"


class Stack:
    """What is made in one stack. A function of a service asks it for what its resource alone does not say."""

    def __init__(
        self,
        resources: Iterable[Resource],
        region: str,
        use: Use,
        *,
        hours: Decimal = HOURS_PER_MONTH,
        stops: bool = True,
    ) -> None:
        """`stops` is whether what schedules stop is billed for the hours only in which it runs."""
        self.resources = list(resources)
        self.region = region
        self.hours = hours
        self.expected = use
        self._by_type: dict[str, list[Resource]] = {}
        for one in self.resources:
            self._by_type.setdefault(one.type, []).append(one)
        self.running = shares(self.resources) if stops else {}

    def of(self, *types: str) -> list[Resource]:
        return [one for type_ in types for one in self._by_type.get(type_, [])]

    def find(self, type_: str, reference: Any, *keys: str) -> Resource | None:
        """The resource of a type that a reference names: by its ARN, its id or its name."""
        if not reference:
            return None
        keys = (*keys, "arn", "id", "name")
        for one in self.of(type_):
            if any(reference == side.get(key) for key in keys for side in (one.outputs, one.inputs)):
                return one
        return None

    def hours_of(self, one: Resource) -> Decimal:
        """How long something runs in a month: all of it, unless schedules stop and start it."""
        thing = thing_of(one)
        return self.hours * (self.running.get(thing, Decimal(1)) if thing is not None else 1)

    def use(self, key: str, bearer: Resource, *types: str) -> Decimal:
        """What passes through all resources of the bearer's type (and of `types`): the first of them bears it, so that
        it is counted once."""
        every = self.of(bearer.type, *types)
        return self.expected[key] if every and every[0] is bearer else Decimal(0)

    def bears(self, one: Resource, *types: str) -> bool:
        """Whether it is the first of that type which is the first of these that the stack has."""
        present = next((every for type_ in types if (every := self.of(type_))), [])
        return present[:1] == [one]

    def expects(self, key: str) -> Decimal:
        """What passes through the stack, whoever bears it."""
        return self.expected[key]


def resources_of(report: Mapping[str, Any]) -> list[Resource]:
    """The resources of a rehearsal's report: those that the stack makes, in the order of their URNs."""
    rows = sorted(report["resources"], key=lambda one: one["urn"])
    parents = {one["urn"]: one for one in rows}
    for one in rows:
        if not isinstance(one["inputs"] or {}, dict) or not isinstance(one["region"] or "", str):
            raise TypeError(f"the inputs or the region of {one['urn']} are of another form")
    return [
        Resource(
            type=str(one["type"]).removeprefix("aws:"),
            name=one["name"],
            inputs=one["inputs"] or {},
            outputs={"id": one.get("id"), **(one["outputs"] or {})},
            region=one["region"] or report["region"],
            urn=one["urn"],
            component=_component(one, parents),
        )
        for one in rows
        if one["custom"] and one["status"] != "read"
    ]


def _component(one: Mapping[str, Any], parents: Mapping[str, Mapping[str, Any]]) -> str:
    """The outermost component; without one the service."""
    found, above = "", parents.get(one["parent"])
    while above is not None and above["type"] != _STACK:
        if not above["custom"]:
            found = above["name"]
        above = parents.get(above["parent"])
    return found or str(one["type"]).removeprefix("aws:").partition("/")[0]
