"""Files that the commands are told of, judged as those of costs are; what is wrong is an error of a comparison."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from changes.model import ChangeError
from costs import files
from costs.files import any_stream as any_stream
from costs.model import CostError


@contextmanager
def _of_changes() -> Iterator[None]:
    try:
        yield
    except CostError as error:
        raise ChangeError(error.message, error.remedy) from None


def require_stack(folder: Path, name: str) -> None:
    """:raises ChangeError: The project has no file of that stack; the message names those that it has."""
    with _of_changes():
        files.require_stack(folder, name)


def require_writable(paths: Iterable[Path | None]) -> None:
    """Before anything is rehearsed: :raises ChangeError: what is asked for could not be written there."""
    with _of_changes():
        files.require_writable(paths)


def write(path: Path, content: str) -> None:
    """Whole or not at all; :raises ChangeError: it cannot be."""
    with _of_changes():
        files.write(path, content)
