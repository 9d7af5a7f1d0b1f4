"""Files that the commands are told of: stacks that must be there, and where something is to be written."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from changes.model import ChangeError
from rehearsal.stacks import stack_names


def require_stack(folder: Path, name: str) -> None:
    """:raises ChangeError: The project has no file of that stack; the message names those that it has."""
    if not (folder / f"Pulumi.{name}.yaml").is_file():
        known = ", ".join(stack_names(folder)) or "none"
        raise ChangeError(f"there is no stack {name!r} in {folder}", f"the stacks are: {known}")


def require_writable(files: Iterable[Path | None]) -> None:
    """Before anything is rehearsed: :raises ChangeError: what is asked for could not be written there."""
    for file in files:
        if file is not None and not file.resolve().parent.is_dir():
            raise ChangeError(f"{file}: the folder {file.resolve().parent} does not exist", "make it first")
        if file is not None and file.is_dir():
            raise ChangeError(f"{file} is a folder", "name a file in it")


def write(path: Path, content: str) -> None:
    """Whole or not at all; :raises ChangeError: it cannot be."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_text(content, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise ChangeError(f"{path} cannot be written: {error.strerror}", "name a file elsewhere") from None
