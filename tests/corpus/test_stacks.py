"""Broken variants of our own stacks are refused by settings and components, before anything is made."""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from architecture.checks import check_parts
from settings import Settings, SettingsError
from tests.corpus.stacks import VARIANTS, Variant

ROOT = Path(__file__).resolve().parents[2]


@cache
def _dev() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text(encoding="utf-8"))["config"]


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


def refused(variant: Variant) -> tuple[str, str]:
    """The layer that refuses the variant, and everything that it says."""
    try:
        settings = Settings.parse(config(variant.changes))
    except SettingsError as error:
        return "settings", str(error)
    try:
        check_parts(settings)
    except SettingsError as error:
        return "args", str(error)
    return "nobody", ""


def test_the_stack_itself_is_taken() -> None:
    assert refused(Variant("nobody", "", {})) == ("nobody", "")


@pytest.mark.parametrize("name", VARIANTS)
def test_a_broken_stack_is_refused_by_its_key(name: str) -> None:
    variant = VARIANTS[name]
    layer, said = refused(variant)

    assert layer == variant.layer
    assert variant.key in said
