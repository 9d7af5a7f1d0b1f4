"""Sides made of a few resources."""

from __future__ import annotations

from typing import Any

from changes.model import Change, Resource, Side
from changes.show import Comparison
from tests.rehearsal.conftest import rehearse  # noqa: F401 a fixture


def urn_of(type_: str, name: str) -> str:
    return f"urn:pulumi:dev::app::{type_}::{name}"


def made(type_: str, name: str, given: dict[str, Any], *, id_: str = "", **said: Any) -> Resource:
    """A resource of the stack; `said` are its other fields."""
    outputs = said.pop("outputs", {})
    return Resource(
        urn=said.pop("urn", urn_of(type_, name)),
        type=type_,
        name=name,
        custom=True,
        id=id_ or name,
        inputs=given,
        outputs={**given, **outputs},
        **said,
    )


def side(*resources: Resource, label: str = "main", stack: str = "dev") -> Side:
    return Side(label, "app", stack, {one.urn: one for one in resources})


def only(comparison: Comparison) -> Change:
    (change,) = comparison.changes
    return change


def of(comparison: Comparison, name: str) -> Change:
    return next(one for one in comparison.changes if one.name == name)
