"""Names the key in the stack's YAML when a component refuses a value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pulumi

from components.refusal import Refusal


@contextmanager
def says(section: str, keys: Mapping[str, str] | None = None) -> Iterator[None]:
    """Inside, a component's refusal of an argument becomes one of the key `section.argument` in the YAML.

    The arguments of components have the names of the keys, in snake_case, so that one rule translates all of them;
    `keys` are those that the YAML calls otherwise.
    """
    try:
        yield
    except Refusal as refusal:
        field = (keys or {}).get(refusal.field, refusal.field)
        raise Refusal(yaml_key(f"{section}.{field}"), refusal.value, refusal.reason) from None


def yaml_key(field: str) -> str:
    """`network.flow_logs` as the stack's YAML spells it: `kumiki:network.flowLogs`."""
    # What the user wrote, such as a route's path, stays as it is.
    camel = ".".join(_camel(part) if re.fullmatch(r"[a-z0-9_\[\]]+", part) else part for part in field.split("."))
    return f"{pulumi.get_project()}:{camel}"


def _camel(part: str) -> str:
    return re.sub(r"_([a-z0-9])", lambda match: match.group(1).upper(), part)
