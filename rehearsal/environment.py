"""The program's own environment: which interpreter runs it, with the packages that it pins, as the CLI has it.

Pulumi.yaml names it, or its toolchain does (https://www.pulumi.com/docs/iac/languages-sdks/python/):

    pip      `virtualenv`; without it whatever Python is active
    uv       `virtualenv`, or `.venv` beside the nearest uv.lock or pyproject.toml
    poetry   what `poetry env info --path` says

Where there is none, or it is the rehearsal's own, the program runs with the packages of the rehearsal.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

_OLDEST: Final = {"Python": (3, 11), "pulumi": (3, 130)}
"""The rehearsal's own code runs in the program's interpreter, and speaks with its SDK."""

_ASK: Final = """
import importlib.metadata, json, sys
found = {}
for name in ("pulumi", "pulumi-aws"):
    try:
        found[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        pass
print(json.dumps([sys.version_info[:2], found]))
"""


@dataclass(frozen=True)
class Environment:
    """Where the program runs. By default where the rehearsal does."""

    python: Path | None = None
    """An interpreter of its own."""
    packages: list[Path] = field(default_factory=list[Path])
    """Folders of packages that have no interpreter which could be used: those that the rehearsal has go before."""
    versions: dict[str, str] = field(default_factory=dict[str, str])
    """Of `python`: those of Python and of Pulumi's packages in it."""
    not_used: str = ""
    """Why the one that the project names is not used, as a gap of the report says it."""

    @property
    def folder(self) -> Path | None:
        return self.python.parent.parent if self.python is not None else None


def of(folder: Path, project: Mapping[str, Any]) -> Environment:
    """The environment of the project in `folder`, whose Pulumi.yaml says `project`."""
    runtime = project.get("runtime")
    given = runtime.get("options") if isinstance(runtime, dict) else None
    options: Mapping[str, Any] = given if isinstance(given, dict) else {}
    named = _named(folder, str(options.get("toolchain") or "pip"), options.get("virtualenv"))
    if named is None:
        active = os.environ.get("VIRTUAL_ENV")
        found = _examined(Path(active)) if active else Environment()
        # One that happens to be active need not be meant.
        return found if found.python is not None else Environment()
    return _examined(named)


def _named(folder: Path, toolchain: str, virtualenv: object) -> Path | None:
    if toolchain == "poetry":
        return _of_poetry(folder)
    if isinstance(virtualenv, str) and virtualenv:
        return folder / virtualenv
    if toolchain != "uv":
        return None
    above = (folder, *folder.parents)
    marked = (place for file in ("uv.lock", "pyproject.toml") for place in above if (place / file).is_file())
    return next(marked, folder) / ".venv"


def _of_poetry(folder: Path) -> Path:
    poetry = shutil.which("poetry")
    if poetry is not None:
        done = subprocess.run(  # noqa: S603 the program's own tool
            [poetry, "env", "info", "--path"], cwd=folder, capture_output=True, text=True, check=False
        )
        if done.returncode == 0 and done.stdout.strip():
            return Path(done.stdout.strip())
    # Where `virtualenvs.in-project` has it.
    return folder / ".venv"


@cache
def _examined(place: Path) -> Environment:
    if place.resolve() == Path(sys.prefix).resolve():
        return Environment()
    # Windows has other names.
    packages = sorted([*place.glob("lib/python3*/site-packages"), *place.glob("Lib/site-packages")])
    python = next((one for one in (place / "bin/python", place / "Scripts/python.exe") if one.exists()), None)
    if python is None:
        why = "has no Python" if place.is_dir() else "does not exist: `pulumi install` makes it"
        return Environment(packages=packages, not_used=f"{place.name} {why}")
    try:
        done = subprocess.run(  # noqa: S603 the interpreter that the project names
            [python, "-c", _ASK], capture_output=True, text=True, check=True, timeout=60
        )
        version, found = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return Environment(packages=packages, not_used=f"{place.name} has a Python that does not run")
    if "pulumi" not in found:
        return Environment(packages=packages, not_used=f"{place.name} has no pulumi: `pulumi install` installs it")
    versions = {"Python": ".".join(map(str, version)), **found}
    for what, oldest in _OLDEST.items():
        if tuple(int(part) for part in versions[what].split(".")[:2]) < oldest:
            needed = ".".join(map(str, oldest))
            return Environment(
                not_used=f"{place.name} has {what} {versions[what]}; {needed} is the oldest that a rehearsal runs with"
            )
    return Environment(python, versions=versions)
