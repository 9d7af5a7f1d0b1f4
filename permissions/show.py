"""Permissions as text for the terminal: how many actions for what, what cannot be narrowed, what a change adds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.text import Text

from permissions import actions
from permissions.difference import More
from permissions.model import PURPOSES, Permissions
from permissions.policies import Statement, size

_LINES: Final = 60
"""As long as such a comment may be: beside it stands what the change does."""
_NAMED: Final = 6
"""How many actions a line names."""


def text(console: Console, found: Permissions, *, verbose: bool = False, quiet: bool = False) -> None:
    """A line for each purpose, then what may be done to things that nothing tells from others' things; `quiet` leaves
    those out."""
    console.print(Text(f"{found.stack}: what a deployer needs, of {actions.number_of_all():,} actions", style="bold"))
    for purpose in PURPOSES:
        if purpose not in found.statements:
            continue
        documents = found.documents(purpose)
        sizes = ", ".join(f"{size(one):,}" for one in documents)
        console.print(
            f"{purpose:8} {len(found.actions(purpose)):4} actions in {sum(len(one['Statement']) for one in documents)} "
            f"statements, {_policies(len(documents))} of {sizes} characters"
        )
        for one in found.statements[purpose]:
            if verbose:
                console.print(Text(f"  {', '.join(sorted(one.actions))}"))
                console.print(Text(f"    on {', '.join(sorted(one.resources))}", style="dim"))
                for tests in one.condition.values():
                    for key, value in tests.items():
                        said = value if isinstance(value, str) else ", ".join(value)
                        console.print(Text(f"    where {key} is {said}", style="dim"))
    wide = [one for one in found.statements.get("up", ()) if is_wide(one)]
    if wide and not quiet:
        console.print(Text("changes that AWS lets nothing narrow:", style="yellow"))
        for one in wide:
            writes = sorted(action for action in one.actions if not actions.only_reads(action))
            rest = f" and {len(writes) - _NAMED} more" if len(writes) > _NAMED else ""
            console.print(Text(f"  {', '.join(writes[:_NAMED])}{rest}", style="dim"))


def _policies(number: int) -> str:
    return f"{number} polic{'y' if number == 1 else 'ies'}"


def is_wide(one: Statement) -> bool:
    """Whether it changes anything, wherever it is and whosever it is."""
    return "*" in one.resources and any(not actions.only_reads(action) for action in one.actions)


def markdown(more: Sequence[More], less: Sequence[More], stack: str, label: str) -> str:
    """For a comment on a pull request: what its deployer must be given first; empty where nothing changes."""
    if not more and not less:
        return ""
    added = [f"- {_code(one)}" for one in more]
    gone = [f"- {_code(one)}" for one in less]
    lines = [f"### What the deployer of {stack} needs more than against {label}", "", *(added or ["- nothing"])]
    if gone:
        lines += ["", "<details><summary>And no longer needs</summary>", "", *gone, "", "</details>"]
    cut = lines[:_LINES]
    if len(lines) > len(cut):
        cut += ["", f"… and {len(lines) - len(cut)} more: `python -m permissions {stack} --against …` names them."]
        cut += ["", "</details>"] if "<details>" in "".join(cut) else []
    return "\n".join(cut) + "\n"


def _code(one: More) -> str:
    names = ", ".join(f"`{action}`" for action in one.actions)
    # Patterns hold stars, and no backquote.
    why = " (to delete what keeps data: by the policies to destroy)" if one.purpose == "destroy" else ""
    return f"{names} on `{one.resource}`{one.where}{why}"


def difference(console: Console, more: Sequence[More], less: Sequence[More], label: str) -> None:
    """What a change needs more, and what nobody needs after it."""
    if not more and not less:
        console.print(f"against {label}: nothing more, and nothing less")
    for one in more:
        console.print(Text.assemble(("+ ", "yellow"), one.sentence()))
    for one in less:
        console.print(Text.assemble(("- ", "green"), one.sentence("no longer needs")))
