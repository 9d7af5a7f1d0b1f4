"""How a name is spelt where it is not Python's."""

from __future__ import annotations

from pydantic.alias_generators import to_camel as _to_camel


def to_camel(name: str) -> str:
    """A field as a stack's file spells it: `max_units` is maxUnits. The underscore by which Python's own words become
    names (`from_`) is not part of it."""
    return _to_camel(name.removesuffix("_"))
