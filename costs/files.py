"""Files that the commands are told of: stacks and reports that must be there, and where something is to be written."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from costs.model import CostError

REPORT_VERSION: Final = 3
"""Of a rehearsal's report as JSON: one that lacks what is read here has another."""

_DOES_NOT_DEPLOY: Final = ("settings", "program", "request", "aws", "reference")
"""Kinds of a report's problems."""
_TOLD: Final = 5
_ERRORS: Final = "backslashreplace"
"""Half a sign, which a program's message may hold, is written as JSON escapes it."""


# https://www.pulumi.com/docs/iac/concepts/projects/project-file/
_STACK_CONFIG_DIR: Final = re.compile(r"""^stackConfigDir:[ \t]*("[^"\n]+"|'[^'\n]+'|[^\s#]+)""", re.MULTILINE)


def stack_names(folder: Path) -> list[str]:
    """The stacks of the project in `folder` that have a file."""
    files = _of_stacks(folder).glob("Pulumi.*.yaml")
    return sorted(path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in files)


def stack_file(folder: Path, name: str) -> Path:
    """The file of a stack, whether there is one or not."""
    return _of_stacks(folder) / f"Pulumi.{name}.yaml"


def _of_stacks(folder: Path) -> Path:
    """Where the stacks' files are: beside Pulumi.yaml, or in its `stackConfigDir`."""
    try:
        text = (folder / "Pulumi.yaml").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return folder
    named = _STACK_CONFIG_DIR.search(text)
    # Whatever else is in the file is read, and found fault with, when a stack is loaded.
    return folder / named[1].strip("'\"") if named else folder


def require_stack(folder: Path, name: str) -> None:
    """:raises CostError: The project has no file of that stack; the message names those that it has."""
    if not stack_file(folder, name).is_file():
        known = ", ".join(stack_names(folder)) or "none"
        raise CostError(f"there is no stack {name!r} in {folder}", f"the stacks are: {known}")


def require_writable(files: Iterable[Path | None]) -> None:
    """Before anything is rehearsed: :raises CostError: what is asked for could not be written there."""
    for file in files:
        if file is None:
            continue
        place = file.resolve()
        try:
            if not place.parent.is_dir():
                raise CostError(f"{file}: the folder {place.parent} does not exist", "make it first")
            if place.is_dir():
                raise CostError(f"{file} is a folder: it cannot be written", "name a file in it")
            if _is_device(place):
                if not os.access(place, os.W_OK):
                    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
                continue
            # Rights alone do not say it: a file system may be read-only or full, and a name too long for it.
            partial = _partial(place)
            partial.touch()
            partial.unlink()
        except OSError as error:
            raise _unwritable(file, error) from None


def write(path: Path, content: str) -> None:
    """Whole or not at all; :raises CostError: it cannot be."""
    # What a link leads to is written, and the link stays.
    place = path.resolve()
    try:
        if _is_device(place):
            # A terminal, a pipe or /dev/null must not become a file.
            place.write_text(content, encoding="utf-8", errors=_ERRORS)
            return
        partial = _partial(place)
        try:
            partial.write_text(content, encoding="utf-8", errors=_ERRORS)
            partial.replace(place)
        except BaseException:
            # A full disk, or Ctrl-C: half a file is of no use.
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise _unwritable(path, error) from None


def unreadable(path: Path, error: OSError | UnicodeDecodeError) -> str:
    """Why a file cannot be read, for people."""
    if isinstance(error, IsADirectoryError):
        return f"{path} is a folder: it cannot be read"
    return f"{path} cannot be read: {'it is no text' if isinstance(error, UnicodeDecodeError) else error.strerror}"


def any_stream() -> None:
    """Let a terminal or pipe that knows ASCII only show question marks, rather than end the command."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError):
            stream.reconfigure(errors="replace")  # type: ignore[union-attr] not of every stand-in for a stream


def _is_device(path: Path) -> bool:
    return path.exists() and not path.is_file()


def _partial(path: Path) -> Path:
    # Of this process: another one may be writing the same file.
    return path.with_name(f".{path.name}.{os.getpid()}.partial")


def _unwritable(path: Path, error: OSError) -> CostError:
    return CostError(f"{path} cannot be written: {error.strerror}", "name a file elsewhere")


def failures(report: Mapping[str, Any]) -> str:
    """Why what a report is of does not deploy, a line for each of the first; empty where it does."""
    failed = [one for one in report["problems"] if one["level"] == "error" and one["kind"] in _DOES_NOT_DEPLOY]
    more = [f"  and {len(failed) - _TOLD} more"] if len(failed) > _TOLD else []
    return "\n".join([*(f"  {_who(one)}{one['message']}" for one in failed[:_TOLD]), *more])


def _who(problem: Mapping[str, Any]) -> str:
    return f"{problem['urn'].rpartition('::')[2]}: " if problem.get("urn") else ""
