"""Reusable building blocks of an AWS system, grouped as a reader would draw them.

    from components.network.vpc import Vpc, VpcArgs

What programs use of them is here by its own name, too, and loaded when it is asked for: in a program with the wheel,

    from kumiki.components import Vpc, VpcArgs
"""

from __future__ import annotations

import ast
import importlib
from functools import cache
from pathlib import Path
from typing import Any


@cache
def _places() -> dict[str, str]:
    """In which module each name is, as `__init__.pyi`, written by `make docs`, says to type checkers and editors."""
    said = ast.parse(Path(__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    return {
        alias.name: f".{node.module}" for node in said.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }


def __getattr__(name: str) -> Any:
    if name not in _places():
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_places()[name], __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_places()])
