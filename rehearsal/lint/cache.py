"""What has been linted before and found clean: kept on disk, so that a resource is linted again only when it changed.

Loading cfn-lint takes longer than most stacks take to lint. An entry is the digest of all that the linter would be
given; only resources without a finding have one, so that no finding, and no value of a program, is written down. The
file's name carries what else a finding depends on: versions, the schemas, the linter's own code, and the day, because
runtimes are deprecated by date.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from rehearsal.kept import FOLDER
from rehearsal.lint.result import LintInput

_LARGEST: Final = 8 * 1024 * 1024
"""Bytes; at 80 an entry, a day of several hundred different stacks."""


class LintCache:
    """Digests of clean resources, each with its inputs that no property of CloudFormation takes."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._file = folder / f"linted-{_depends_on()}.txt"
        self._known: dict[str, list[str] | None] = {}
        self._new: list[str] = []
        with contextlib.suppress(OSError):
            if self._file.stat().st_size > _LARGEST:
                self._file.unlink()
            for line in self._file.read_text(encoding="utf-8").splitlines():
                digest, _, names = line.partition(" ")
                # Another process may be in the middle of writing the last one.
                with contextlib.suppress(ValueError):
                    self._known[digest] = json.loads(names)

    def __contains__(self, digest: str) -> bool:
        return digest in self._known

    def untranslated(self, digest: str) -> list[str] | None:
        """What was not translated of a clean resource; None of one that CloudFormation does not have."""
        return self._known[digest]

    def add(self, digest: str, untranslated: list[str] | None) -> None:
        if digest and digest not in self._known:
            self._known[digest] = untranslated
            self._new.append(f"{digest} {json.dumps(untranslated)}\n")

    def save(self) -> None:
        """Append what is new; a folder that nobody may write to is no reason to fail."""
        if not self._new:
            return
        with contextlib.suppress(OSError):
            if not self._file.exists():
                self._file.parent.mkdir(parents=True, exist_ok=True)
                for old in self._file.parent.glob("linted-*.txt"):
                    old.unlink(missing_ok=True)
            with self._file.open("a", encoding="utf-8") as file:
                file.write("".join(self._new))
        self._new = []


def digest(resource: LintInput) -> str:
    """Of all that the linter is given; empty for what JSON cannot say, which is linted every time."""
    try:
        text = json.dumps(asdict(resource), sort_keys=True)
    except TypeError:
        return ""
    return _digest([text])


def digest_of_all(digests: Iterable[str]) -> str:
    return _digest(["all", *sorted(digests)])


def _digest(texts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def _depends_on() -> str:
    found = find_spec("cfnlint")
    schemas = [
        f"{file} {file.stat().st_mtime_ns}"
        for place in (found.submodule_search_locations or [] if found else [])
        # `cfn-lint --update-specs` writes them anew.
        for file in sorted(Path(place, "data", "schemas", "providers").glob("*.json"))
    ]
    own = [file.read_text(encoding="utf-8") for file in sorted(Path(__file__).parent.glob("*.py"))]
    versions = [sys.version, *(version(name) for name in ("cfn-lint", "botocore"))]
    return _digest([*versions, *schemas, *own, time.strftime("%Y-%m-%d")])[:16]
