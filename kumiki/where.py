"""Where the parts of the command are: beside this package in the repository, inside it in a wheel."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

_IN_WHEEL: Final = Path(__file__).resolve().parent / "parts"

INSTALLED: Final = _IN_WHEEL.is_dir()
"""Whether this runs from a wheel, with no repository around it."""

PARTS: Final = _IN_WHEEL if INSTALLED else _IN_WHEEL.parents[1]


def find_parts() -> None:
    """Let this process import them. In the place of its first folder, the script's or the one that it was started in: a
    program's `costs.py` must not be taken for ours."""
    if INSTALLED:
        sys.path[0] = str(PARTS)


def offer_parts() -> None:
    """Let the tests of somebody's program import them, after everything of their own."""
    if INSTALLED and str(PARTS) not in sys.path:
        sys.path.append(str(PARTS))
