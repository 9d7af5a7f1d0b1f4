"""Kumiki's own policy pack: a program of its own, whose modules are found by its folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).resolve().parent.parent / "policies"


def make_importable() -> None:
    """Let `guardrails` be found, after the project's own folders."""
    if str(FOLDER) not in sys.path:
        sys.path.append(str(FOLDER))
