"""The command line: `python -m changes STACK`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer

from changes import gate, growth, show, sides
from changes.compare import compare, renamed, with_ids_of
from changes.files import any_stream, require_stack, require_writable, write
from changes.model import Change, ChangeError, Side
from changes.picture import as_mermaid
from changes.picture import judged as of_page
from changes.security import security
from costs.ending import ending, printed
from costs.terminal import Terminal

FINE: Final = 0
REFUSED: Final = 1
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(
    epilog="For example: kumiki diff dev, "
    "kumiki diff prod --against main --html change.html, kumiki diff prod --against state.json."
)
def diff(
    stack: Annotated[str, typer.Argument(help="The stack: `dev` for Pulumi.dev.yaml.")],
    against: Annotated[
        str | None,
        typer.Option(
            metavar="REVISION|FILE",
            help="A branch, tag or commit, a report, or what `pulumi stack export` wrote. "
            "By default, where this branch left the main one.",
        ),
    ] = None,
    against_stack: Annotated[
        str | None, typer.Option(metavar="STACK", help="Another stack of this tree: what differs beside the names.")
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A report of this tree that exists already: nothing of it is rehearsed."),
    ] = None,
    reverse: Annotated[bool, typer.Option("--reverse", help="The way back: what a roll-back would do.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write it as JSON, too.")] = None,
    markdown_file: Annotated[
        Path | None, typer.Option("--markdown", metavar="FILE", help="Write it as a comment for a pull request, too.")
    ] = None,
    html_file: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write a page with a picture of what the change touches, too."),
    ] = None,
    phases: Annotated[
        bool, typer.Option("--phases", help="Grow the stack phase by phase (docs/phases.md): what each step would do.")
    ] = False,
    program: Annotated[Path, typer.Option(metavar="DIR", help="The folder of the Pulumi program.")] = Path(),
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Name every resource and property.")] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Show the verdict and what a person must decide, nothing else.")
    ] = False,
) -> None:
    """Say what a change would do to a stack: replaced, deleted, lost, opened. Needs no credentials.

    Exit status: 0 nothing that needs a person, 1 refused, 2 bad usage or a side that does not deploy.
    """
    any_stream()
    console = Terminal(highlight=False, soft_wrap=True)
    with ending(console, ChangeError):
        _check(against, against_stack, [json_file, markdown_file, html_file])
        if verbose and quiet:
            raise ChangeError("--verbose and --quiet exclude each other", "leave one of them out")
        if phases and html_file is not None:
            raise ChangeError("--html shows one change, and --phases are several", "leave one of them out")
        if phases:
            others = {"--against": against, "--against-stack": against_stack, "--report": report, "--reverse": reverse}
            comparisons = _steps(program.resolve(), stack, {name for name, given in others.items() if given})
        else:
            comparisons = [_comparison(program.resolve(), stack, against, against_stack, report, reverse=reverse)]
        if json_file is not None:
            content = (
                growth.as_json(stack, comparisons)
                if phases
                else {**comparisons[0].as_json(), "picture": as_mermaid(comparisons[0])}
            )
            write(json_file, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
        if markdown_file is not None:
            write(markdown_file, growth.markdown(comparisons) if phases else show.markdown(comparisons[0]))
        if html_file is not None:
            from pictures.page import page  # noqa: PLC0415 only who asks for a page needs it

            drawn, states = of_page(comparisons[0])
            write(html_file, page(drawn, states))
        with printed(console):
            for comparison in comparisons:
                show.text(console, comparison, verbose=verbose, brief=phases and not verbose, quiet=quiet)
    raise typer.Exit(REFUSED if any(one.refused for one in comparisons) else FINE)


def _steps(folder: Path, stack: str, others: set[str]) -> list[show.Comparison]:
    if others:
        raise ChangeError(f"--phases and {', '.join(sorted(others))} exclude each other", "leave one of them out")
    require_stack(folder, stack)
    return [judged(before, after) for before, after in growth.steps(folder, stack, folder / sides.CACHE)]


def _check(against: str | None, against_stack: str | None, files: list[Path | None]) -> None:
    if against is not None and against_stack is not None:
        raise ChangeError("--against and --against-stack exclude each other", "name one side to compare with")
    require_writable(files)


def _comparison(
    folder: Path, stack: str, against: str | None, other_stack: str | None, known: Path | None, *, reverse: bool
) -> show.Comparison:
    for name in (stack, other_stack):
        if name is not None and known is None:
            require_stack(folder, name)
    file = Path(against) if against is not None else None
    if file is not None and (file.is_file() or file.suffix == ".json"):
        before = sides.read(file, stack)
        after = sides.this_tree(folder, stack, known)
    else:
        before, after = sides.rehearsed(folder, stack, against, other_stack, known)
    if before.project not in ("", after.project):
        raise ChangeError(f"{before.label} is of project {before.project!r}, this one is {after.project!r}")
    if reverse:
        before, after = after, before
    return judged(before, after)


def judged(before: Side, after: Side) -> show.Comparison:
    """The comparison of two sides, with what a person must decide."""
    notes: list[str] = []
    if before.stack != after.stack:
        before = replace(renamed(before, after), stack=after.stack)
        notes.append("two stacks: the kinds say what it would take to make the one of the other")
    if before.report is None:
        notes.append("the other side was not rehearsed: what is reached, findings and costs are not compared")
    before = with_ids_of(after, before)
    changes = compare(before, after)
    # On the way back to a state, those that this tree's file gives.
    waivers = (after.report or before.report or {}).get("waivers", [])
    found = gate.problems(changes, before, after, waivers)
    notes.append("the values of secrets are not compared: nobody can read them here")
    needs: list[show.Need] = []
    try:
        needs = _deployer(before, after, changes) if changes else []
    except ChangeError as error:
        notes.append(f"what the deployer needs is not compared: {error.message}")
    return show.Comparison(before, after, changes, security(changes, before, after), found, notes, needs)


def _deployer(before: Side, after: Side, changes: Sequence[Change]) -> list[show.Need]:
    """What the deployer needs for one side and not for the other.

    :raises ChangeError: Nobody knows what one of the sides needs.
    """
    for side in (before, after):
        if side.report is None or any("calls" not in one for one in side.report["resources"]):
            raise ChangeError(f"{side.label} does not say which calls made it")
    # AWS's actions take most of a second; and what a deployer needs is worked out from sides, which are this package's.
    from permissions.difference import more, parting  # noqa: PLC0415
    from permissions.model import permissions  # noqa: PLC0415

    replaced = {one.was or one.urn for one in changes if one.kind in ("replace", "may-replace")}
    old, new = (permissions(side.report or {}, purposes=("up",)) for side in (before, after))
    return [
        *(show.Need("more", one.sentence(), one.actions, one.resource) for one in more(old, new)),
        *(show.Need("more", one.sentence(), one.actions, one.resource) for one in parting(old, new, replaced)),
        *(show.Need("less", one.sentence("needs no more"), one.actions, one.resource) for one in more(new, old)),
    ]


if __name__ == "__main__":
    app()
