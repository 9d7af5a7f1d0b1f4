"""What Docker sends and copies of a folder: its `.dockerignore`, read as Docker reads it.

https://docs.docker.com/build/concepts/context/#dockerignore-files
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath


def context(folder: Path) -> list[PurePosixPath]:
    """The files of the folder that an image can be made of."""
    path = folder / ".dockerignore"
    rules = list(_rules(path.read_text(encoding="utf-8"))) if path.is_file() else []
    every = (PurePosixPath(one.relative_to(folder).as_posix()) for one in folder.rglob("*") if one.is_file())
    return sorted(one for one in every if not _ignored(one, rules))


def copy_context(folder: Path, to: Path) -> None:
    """What `COPY . TO` does."""
    for one in context(folder):
        (to / one).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / one, to / one)


def _rules(text: str) -> Iterator[tuple[bool, re.Pattern[str]]]:
    """Whether what matches is ignored, and the pattern."""
    for line in text.splitlines():
        if line.startswith("#") or not line.strip():
            continue
        ignores, pattern = not line.strip().startswith("!"), line.strip().removeprefix("!").strip()
        yield ignores, re.compile(_regex(str(PurePosixPath(pattern.lstrip("/")))))


def _regex(pattern: str) -> str:
    """Go's path patterns, with `**` for any number of folders."""
    pieces = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(pieces.get(one) or re.escape(one) for one in re.findall(r"\*\*/|\*\*|\*|\?|[^*?]+", pattern))


def _ignored(file: PurePosixPath, rules: list[tuple[bool, re.Pattern[str]]]) -> bool:
    """The last rule that matches the file, or a folder that it is in, decides."""
    ways = [str(file), *(str(parent) for parent in file.parents if str(parent) != ".")]
    ignored = False
    for ignores, pattern in rules:
        if any(pattern.fullmatch(way) for way in ways):
            ignored = ignores
    return ignored
