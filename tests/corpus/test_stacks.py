"""Broken variants of our own stacks are refused by their keys, before anything is made."""

from __future__ import annotations

import copy
import json
from functools import cache
from typing import Any

import pytest

from tests.corpus.stacks import VARIANTS
from tests.stack_files import config_of, mistakes


@cache
def _dev() -> dict[str, Any]:
    return config_of("dev", {})


def config(changes: dict[str, Any]) -> dict[str, str]:
    """The dev stack's configuration, changed, as the engine passes it."""
    changed = copy.deepcopy(_dev())
    for path, value in changes.items():
        name, *steps = path.split(".")
        key = name if ":" in name else f"kumiki:{name}"
        if not steps:
            changed[key] = value
            continue
        holder = changed[key]
        for step in steps[:-1]:
            holder = holder.setdefault(step, {})
        holder[steps[-1]] = value
    return {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in changed.items()
        if value is not None
    }


def test_the_stack_itself_is_taken() -> None:
    assert mistakes(config({})) == ()


@pytest.mark.parametrize("name", VARIANTS)
def test_a_broken_stack_is_refused_by_its_key(name: str) -> None:
    variant = VARIANTS[name]
    said = "\n".join(map(str, mistakes(config(variant.changes))))
    assert variant.key in said
