"""The texts in a value, for whoever looks for ids, secrets and what was made up."""

from __future__ import annotations

from typing import Any


def texts(value: Any) -> list[str]:
    """Every text in `value`, at any depth."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.values() for text in texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in texts(item)]
    return []
