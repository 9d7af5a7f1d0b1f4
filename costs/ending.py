"""How the commands end that compare, count and draw: with what is wrong in two lines, and never with a stack trace."""

from __future__ import annotations

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
