"""What the wheel requires: the ranges of two tables of pyproject.toml, written once, and compiled to pins, too."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Final

from hatchling.metadata.plugin.interface import MetadataHookInterface

_GROUPS: Final = ("program", "rehearsal")


class Requirements(MetadataHookInterface):
    """Groups are for who works on the project, and no installer reads them: they become the wheel's dependencies."""

    def update(self, metadata: dict[str, Any]) -> None:
        groups = tomllib.loads((Path(self.root) / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
        metadata["dependencies"] = sorted(requirement for group in _GROUPS for requirement in groups[group])
