"""What a rehearsal keeps on disk for the next one. It saves time and changes nothing that is found."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).resolve().parents[1]


def _folder() -> Path:
    if (_ROOT / "pyproject.toml").is_file():
        return _ROOT / "build" / "rehearsal"
    # Installed: where packages are, nothing is written. https://specifications.freedesktop.org/basedir-spec/latest/
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kumiki"


FOLDER: Final = _folder()


def services(main: Path, stack: str) -> frozenset[str] | None:
    """The services of AWS whose resources the last rehearsal of this program's stack made; None before the first."""
    try:
        return frozenset(_file("services", main, stack).read_text(encoding="utf-8").split())
    except OSError:
        return None


def keep_services(main: Path, stack: str, types: Iterable[str]) -> None:
    """`types` are those of the resources: `aws:sqs/queue:Queue`."""
    used = {type_.split(":")[1].partition("/")[0] for type_ in types if type_.startswith("aws:")}
    if used and used != services(main, stack):
        # A folder that nobody may write to is no reason to fail.
        with contextlib.suppress(OSError):
            FOLDER.mkdir(parents=True, exist_ok=True)
            _file("services", main, stack).write_text("\n".join(sorted(used)), encoding="utf-8")


def size(main: Path, stack: str) -> int | None:
    """How many resources and components the stack had the last time; None before the first."""
    try:
        return int(_file("size", main, stack).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def keep_size(main: Path, stack: str, count: int) -> None:
    if count != size(main, stack):
        with contextlib.suppress(OSError):
            FOLDER.mkdir(parents=True, exist_ok=True)
            _file("size", main, stack).write_text(str(count), encoding="utf-8")


def _file(what: str, main: Path, stack: str) -> Path:
    return FOLDER / f"{what}-{hashlib.sha256(f'{main.resolve()} {stack}'.encode()).hexdigest()[:16]}.txt"
