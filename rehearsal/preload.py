"""What both passes would import, each for itself: once, in the process that they are forked from.

Third-party modules only. The program's own are imported by each pass, as by the language host.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.util
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

_SERVICE: Final = re.compile(r"\baws\.([a-z][a-z0-9_]*)\b|\bfrom pulumi_aws import (.+)")
_IMPORT: Final = re.compile(r"^\s*(?:from|import) ([a-zA-Z_]\w*)", re.MULTILINE)


def preload(main: Path, used: Collection[str] | None = None) -> None:
    """Import Pulumi's SDK, and the services of its AWS provider that the program's source names: those of them that
    are `used`, if that is known. A pass imports by itself what it uses besides."""
    gc.disable()
    importlib.import_module("rehearsal.passes")
    found = importlib.util.find_spec("pulumi_aws")
    for place in (found.submodule_search_locations or []) if found is not None else []:
        for name in sorted(services(main)):
            if used is not None and name.rstrip("_") not in used:
                continue
            if (Path(place) / name / "__init__.py").is_file():
                # The SDK loads a service at the first look into it. What fails here fails in the program, too.
                with contextlib.suppress(ImportError):
                    getattr(importlib.import_module(f"pulumi_aws.{name}"), "__all__", None)
    # What lives as long as the process is neither searched for garbage nor copied by a fork.
    gc.freeze()
    gc.enable()


def services(main: Path) -> set[str]:
    """Words behind `aws.` in the program's source: the services among them, and some that are none."""
    words: set[str] = set()
    for path in sources(main):
        for service, names in _SERVICE.findall(path.read_text(encoding="utf-8", errors="replace")):
            words.update({service} if service else re.findall(r"\w+", names))
    return words


def sources(main: Path) -> Iterator[Path]:
    """The program's main file, and every Python file of the packages beside it that it imports, directly or not."""
    seen: set[str] = set()
    waiting = [main] if main.is_file() else []
    while waiting:
        path = waiting.pop()
        yield path
        for name in _IMPORT.findall(path.read_text(encoding="utf-8", errors="replace")):
            if name not in seen:
                seen.add(name)
                module = main.parent / f"{name}.py"
                waiting += [module] if module.is_file() else sorted((main.parent / name).rglob("*.py"))
