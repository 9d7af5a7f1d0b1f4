"""Lines of a program and of its stack files, which findings name."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

_CAMEL: Final = re.compile(r"(?<=[a-z0-9])([A-Z])")
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
    setting: Line | None = None
    """The key of the stack's file that asks for it, where its name tells."""

    def as_json(self) -> dict[str, Any]:
        return {
            **self.line.as_json(),
            "within": [one.as_json() for one in self.within],
            "setting": self.setting.as_json() if self.setting else None,
        }


def named(folder: Path, file: Path) -> str:
    """A file as lines name it: from `folder`, which need not be above it."""
    return Path(os.path.relpath(file, folder)).as_posix()


def of_setting(folder: Path, file: Path, key: str) -> Line | None:
    """The line of a stack file of the program in `folder` on which `key` stands.

    A key is written as messages have it: `kumiki:tables.orders.indexes[0].name`.
    Of what is missing it is the line of what it should stand in. None where the file has nothing of it, or is no YAML.
    """
    node = _composed(file)
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
    return Line(named(folder, file), found) if found is not None else None


def of_parts(folder: Path, file: Path, project: str) -> dict[str, Line]:
    """For each part of a system that a stack's file names the line of its key.

    A part is an entry of a section, such as `orders` of `kumiki:tables`, or a section itself: `log-archive` of
    `kumiki:logArchive`.
    """
    node = _composed(file)
    config = _below(node, "config")[1] if node is not None else None
    found: dict[str, Line] = {}
    sections: dict[str, Line] = {}
    for key, value in config.value if isinstance(config, yaml.MappingNode) else ():
        namespace, _, section = str(key.value).partition(":")
        if namespace != project:
            continue
        name = named(folder, file)
        sections[_CAMEL.sub(r"-\1", section).lower()] = Line(name, key.start_mark.line + 1)
        if isinstance(value, yaml.MappingNode):
            for inner, _ in value.value:
                found.setdefault(str(inner.value), Line(name, inner.start_mark.line + 1))
    return {**found, **sections}


def _composed(file: Path) -> yaml.Node | None:
    try:
        return yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except (OSError, ValueError, yaml.YAMLError):
        return None


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
