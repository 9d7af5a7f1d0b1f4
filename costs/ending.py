"""How the commands end that compare, count and draw: with what is wrong in two lines, and never with a stack trace."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import typer
from rich.console import Console
from rich.text import Text

USAGE: Final = 2
INTERRUPTED: Final = 130


@contextmanager
def ending(console: Console, *kinds: type[Exception]) -> Iterator[None]:
    """Exit with status 2 for errors of these kinds, which have a `message` and a `remedy`, and with 130 for Ctrl-C."""
    try:
        yield
    except kinds as error:
        told: Any = error
        console.print(Text.assemble(("error ", "red"), told.message))
        if told.remedy:
            console.print(Text(f"      → {told.remedy}", style="dim"))
        raise typer.Exit(USAGE) from None
    except KeyboardInterrupt:
        console.print("[bold]interrupted[/]: nothing is left running")
        raise typer.Exit(INTERRUPTED) from None


@contextmanager
def printed(console: Console) -> Iterator[None]:
    """Print what is printed within: where it is no terminal without blanks at the ends of lines.

    A reader that goes away, as `head` does, has seen enough: the exit status still says how it ended.
    """
    if console.is_terminal:
        yield
        return
    with console.capture() as captured:
        yield
    try:
        console.file.writelines(f"{line.rstrip()}\n" for line in captured.get().splitlines())
        console.file.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
