"""What a function runs: a zip of code and a layer of libraries that lie ready, looked into before AWS is asked."""

from __future__ import annotations

import ast
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import ArgumentError, nearest

Architecture = Literal["arm64", "x86_64"]

_MIB = 1024 * 1024
MOST_ZIPPED = 50 * _MIB
"""What Lambda takes in one upload, for the code and for the layer each."""
MOST_UNZIPPED = 250 * _MIB
"""What code and layers may be together when Lambda has unpacked them."""


@dataclass(frozen=True, kw_only=True)
class Package:
    """Code and libraries for one runtime and architecture."""

    code: Path
    """The zip of the function's own modules."""

    layer: Path | None = None
    """The zip of what it imports beside the runtime, under `python/`."""

    runtime: str
    """For which it was built, for example `python3.13`."""

    architecture: Architecture
    """For which it was built. arm64 costs a fifth less than x86_64."""

    def __post_init__(self) -> None:
        for field, path in (("code", self.code), ("layer", self.layer)):
            if path is not None and path.stat().st_size > MOST_ZIPPED:
                raise ArgumentError(
                    field,
                    str(path),
                    f"is {path.stat().st_size / _MIB:.1f} MiB, and Lambda takes {MOST_ZIPPED // _MIB} MiB zipped; "
                    "leave requirements out of it, or run the workload in a container",
                )
        total = sum(_unzipped(path) for path in (self.code, self.layer) if path is not None)
        if total > MOST_UNZIPPED:
            raise ArgumentError(
                "layer",
                str(self.layer or self.code),
                f"and the code are {total / _MIB:.1f} MiB unzipped, and Lambda has room for "
                f"{MOST_UNZIPPED // _MIB} MiB; leave requirements out, or run the workload in a container",
            )

    def check_handler(self, handler: str) -> None:
        """Refuse a handler that the code does not have; nothing of the code is run to find out."""
        module, _, name = handler.rpartition(".")
        if not module or not name.isidentifier():
            raise ArgumentError(
                "handler", handler, "is not a handler; write module.name, for example 'api.function.handler'"
            )
        with zipfile.ZipFile(self.code) as archive:
            files = set(archive.namelist())
            path = f"{module.replace('.', '/')}.py"
            whole = f"{handler.replace('.', '/')}.py"
            if whole in files:
                names = _names(archive.read(whole).decode("utf-8"))
                raise ArgumentError(
                    "handler",
                    handler,
                    f"is a module, and what is called is something in it; write {handler}.name, where name is one of "
                    f"{', '.join(sorted(names))}",
                )
            if path not in files:
                modules = sorted(each.removesuffix(".py").replace("/", ".") for each in files if each.endswith(".py"))
                raise ArgumentError(
                    "handler",
                    handler,
                    f"is in a module that the package does not have; {nearest(module, modules)}"
                    f"it has {', '.join(each for each in modules if not each.endswith('__init__'))}",
                )
            names = _names(archive.read(path).decode("utf-8"))
        if name not in names:
            raise ArgumentError(
                "handler",
                handler,
                f"is not defined in {path}; {nearest(name, names)}it defines {', '.join(sorted(names))}",
            )


def _unzipped(path: Path) -> int:
    with zipfile.ZipFile(path) as archive:
        return sum(entry.file_size for entry in archive.infolist())


def _names(text: str) -> set[str]:
    """What a module defines at its top level that can be called, as far as can be seen."""
    names: set[str] = set()
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names.update(target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            names.add(node.target.id)
    return names
