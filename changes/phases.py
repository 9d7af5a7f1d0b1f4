"""A stack's file as it is in one phase of the system's growth.

python -m changes.phases STACK PHASE    print it, such as for the first deployment of a new system

The phases are those of `phases.yaml`: base, databases, application, AI with search and users, analytics. The last is
the stack's file as it stands; each before lacks what comes later. The text keeps its comments.
"""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

import yaml

ROOT: Final = Path(__file__).resolve().parent.parent
FILE: Final = Path(__file__).with_suffix(".yaml")
PHASES: Final = ("base", "databases", "application", "aiSearchAndUsers", "analytics")
"""In their order; a phase is known by its number, from 1, as well."""

_EVERY: Final = "every stack"
_SECTION: Final = "kumiki:"


class PhaseError(Exception):
    """A phase or a path that there is not; the message says what there is."""


@cache
def _table() -> dict[str, dict[str, list[str]]]:
    return yaml.safe_load(FILE.read_text(encoding="utf-8"))


def number(phase: str) -> int:
    """The phase's number, from its name or its number."""
    if phase in PHASES:
        return PHASES.index(phase) + 1
    if phase.isdecimal() and 1 <= int(phase) <= len(PHASES):
        return int(phase)
    names = ", ".join(f"{index} {name}" for index, name in enumerate(PHASES, start=1))
    close = difflib.get_close_matches(phase, PHASES, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    raise PhaseError(f"there is no phase {phase!r}; {hint}the phases are: {names}")


def comes_later(stack: str, phase: int) -> list[str]:
    """The paths that a stack's file does not have yet in a phase; of those for every stack, some it never has."""
    later = PHASES[phase:]
    own = [path for name in later for path in _table().get(stack, {}).get(name, [])]
    return [*own, *(section for name in later for section in _table()[_EVERY].get(name, []))]


def in_phase(text: str, stack: str, phase: int) -> str:
    """The file `text` of a stack as it is in a phase.

    :raises PhaseError: `phases.yaml` names something of this stack that the file does not have.
    """
    lines = text.splitlines()
    own = {path for paths in _table().get(stack, {}).values() for path in paths}
    # What comes later by its own path may do so by its section as well.
    for path in dict.fromkeys(comes_later(stack, phase)):
        section, *deeper = path.split(".")
        found = _block(lines, [f"{_SECTION}{section}", *deeper])
        if found is not None:
            del lines[found.start : found.stop]
        elif path in own:
            raise PhaseError(
                f"{FILE.name} has {stack}: {path}, which Pulumi.{stack}.yaml does not have as a block of its own; "
                "write it there on lines of its own, or take it out here"
            )
    return "\n".join(_without_double_gaps(lines)) + "\n"


def _block(lines: Sequence[str], path: Sequence[str]) -> range | None:
    """The lines of a key below `config:`, with the comments right above it."""
    inside = range(next((at + 1 for at, line in enumerate(lines) if line.startswith("config:")), 0), len(lines))
    for key in path:
        found = _key(lines, inside, key)
        if found is None:
            return None
        inside = found
    return range(_begins(lines, inside.start - 1), inside.stop)


def _key(lines: Sequence[str], inside: range, key: str) -> range | None:
    """The lines below a key among those of its parent."""
    indent = next((_indent(lines[at]) for at in inside if _is_content(lines[at])), 0)
    pattern = re.compile(rf"\s{{{indent}}}[\"']?{re.escape(key)}[\"']?:(\s|$)")
    start = next((at for at in inside if pattern.match(lines[at])), None)
    if start is None:
        return None
    after = (at for at in range(start + 1, inside.stop) if _is_content(lines[at]) and _indent(lines[at]) <= indent)
    end = next(after, inside.stop)
    # The comments and the gap before what comes next are its own.
    while end > start + 1 and not _is_content(lines[end - 1]) and _indent(lines[end - 1]) <= indent:
        end -= 1
    return range(start + 1, end)


def _begins(lines: Sequence[str], at: int) -> int:
    indent = _indent(lines[at])
    while lines[at - 1].lstrip().startswith("#") and _indent(lines[at - 1]) == indent:
        at -= 1
    return at


def _is_content(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _without_double_gaps(lines: Sequence[str]) -> Iterator[str]:
    for at, line in enumerate(lines):
        if line.strip() or (at and lines[at - 1].strip()):
            yield line


def phases_of(text: str, stack: str) -> Mapping[int, str]:
    """The files of all phases that differ from the one before, by their numbers."""
    files = {phase: in_phase(text, stack, phase) for phase in range(1, len(PHASES) + 1)}
    return {phase: file for phase, file in files.items() if phase == 1 or file != files[phase - 1]}


def main(arguments: Sequence[str]) -> int:
    """Print a stack's file in a phase."""
    if len(arguments) != 2:
        print("Say which: python -m changes.phases STACK PHASE", file=sys.stderr)
        return 2
    stack, phase = arguments
    path = ROOT / f"Pulumi.{stack}.yaml"
    try:
        if not path.is_file():
            raise PhaseError(f"there is no {path.name}")
        print(in_phase(path.read_text(encoding="utf-8"), stack, number(phase)), end="")
    except PhaseError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
