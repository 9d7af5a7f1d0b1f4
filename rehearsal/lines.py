"""Lines of a program and of its stack files, which findings name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

_STEPS: Final = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


@dataclass(frozen=True)
class Line:
    """A line of a file."""

    file: str
    """Relative to the program's folder, with slashes."""
    line: int
    """From 1."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"

    def as_json(self) -> dict[str, Any]:
        return {"file": self.file, "line": self.line}


@dataclass(frozen=True)
class Source:
    """Where a resource is declared, or a setting written."""

    line: Line
    """The line that caused it: outside of all components, where there is one."""
    within: tuple[Line, ...] = ()
    """The lines of components that it led to, the outermost first; the last constructs the resource."""

    def as_json(self) -> dict[str, Any]:
        return {**self.line.as_json(), "within": [one.as_json() for one in self.within]}


def of_setting(folder: Path, file: Path, key: str) -> Line | None:
    """The line of a stack file of the program in `folder` on which `key` stands.

    A key is written as messages have it: `kumiki:tables.orders.indexes[0].name`.
    Of what is missing it is the line of what it should stand in. None where the file has nothing of it, or is no YAML.
    """
    try:
        node: yaml.Node | None = yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except (OSError, ValueError, yaml.YAMLError):
        return None
    section, _, rest = key.partition(":")
    # The namespace belongs to the first step.
    steps = [match[1] or match[2] for match in _STEPS.finditer(rest)] if rest else []
    if not steps:
        return None
    found: int | None = None
    node = _below(node, "config")[1] if node is not None else None
    for names in ((f"{section}:{steps[0]}", steps[0]), *((step,) for step in steps[1:])):
        line, node = next((one for one in (_below(node, name) for name in names) if one[0] is not None), (None, None))
        if line is None:
            break
        found = line
    return Line(file.relative_to(folder).as_posix(), found) if found is not None else None


def _below(node: yaml.Node | None, step: str) -> tuple[int | None, yaml.Node | None]:
    """The line of the key or item `step` of a node, and what it holds."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == step:
                return key.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and step.isdecimal() and int(step) < len(node.value):
        item = node.value[int(step)]
        return item.start_mark.line + 1, item
    return None, None
