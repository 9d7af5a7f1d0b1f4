"""What happened at each step, for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from engine.run import Done

_SHOWN: Final = 10
"""Lines of each kind."""
_LEFT_OUT: Final = ("emulated", "updated", "deleted", "read")
"""Counts that say no more than the engine's own."""


def show(console: Console, done: Done) -> None:
    """One step: a line, and what is to be known of it below."""
    sign, style = ("✓", "green") if done.expected else ("✗", "red")
    if done.note and done.step.status and done.expected:
        sign, style = "–", "yellow"
    line = Text.assemble(
        (f"{sign} ", style), f"{done.name:<24}", f"{done.step.seconds:6.1f} s  ", _counts(done.step.changes)
    )
    if done.note:
        line.append(f" · {done.note}")
    console.print(line)
    step = done.step
    if any(word in done.name for word in ("again", "change", "refresh")):
        _list(
            console,
            [_touched(urn, *what) for urn, what in step.touched.items() if "::pulumi:pulumi:Stack::" not in urn],
        )
    if not done.expected:
        _list(console, [*step.violations, *step.errors], "red")
        if not step.violations and not step.errors:
            _list(console, step.said.splitlines()[-_SHOWN:], "red")
    _list(console, step.warnings, "yellow")
    counted = [
        f"{count} {name}" for name, count in sorted(done.told.counted.items()) if name not in _LEFT_OUT and count
    ]
    _list(console, [*([f"the stand-in: {', '.join(counted)}"] if counted else []), *done.told.said])


def verdict(console: Console, stack: str, ended: Sequence[Done]) -> int:
    """The last line; returns the exit status."""
    wrong = [one.name for one in ended if not one.expected]
    seconds = sum(one.step.seconds for one in ended)
    if wrong:
        console.print(f"[red]failed[/] {stack}: {', '.join(wrong)} · {seconds:.1f} s")
        return 1
    console.print(f"[green]ok[/] {stack}: {len(ended)} steps · {seconds:.1f} s")
    return 0


def _counts(changes: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(changes.items()) if count) or "nothing"


def _touched(urn: str, operation: str, properties: Sequence[str]) -> str:
    because = f": {', '.join(properties)}" if properties else ""
    return f"{operation} {urn.split('::')[2].rpartition('$')[2]} {urn.rpartition('::')[2]}{because}"


def _list(console: Console, lines: Sequence[str], style: str = "dim") -> None:
    for line in lines[:_SHOWN]:
        console.print(Text(f"    {line}", style=style))
    if len(lines) > _SHOWN:
        console.print(Text(f"    and {len(lines) - _SHOWN} more", style="dim"))
