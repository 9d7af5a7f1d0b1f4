"""The command line: `python -m permissions STACK`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Final, cast

import typer
import yaml

from changes import sides
from changes.files import any_stream, require_stack, require_writable, write
from changes.model import ChangeError, Side
from costs.ending import ending, printed
from costs.files import stack_file
from costs.terminal import Terminal
from permissions import show
from permissions.backend import Backend, backend, said
from permissions.difference import more, parting
from permissions.model import ACCOUNT, PURPOSES, Permissions, Purpose, permissions

FINE: Final = 0
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(
    epilog="For example: kumiki permissions dev, "
    "kumiki permissions prod --against main --only up, kumiki permissions dev --json dev.json."
)
def needed(
    stack: Annotated[str, typer.Argument(help="The stack: `dev` for Pulumi.dev.yaml.")],
    only: Annotated[
        str | None,
        typer.Option(metavar="preview|up|destroy", help="The policies for this alone; by default all three."),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(metavar="REVISION|FILE", help="A branch, tag, commit or report: say what this tree needs more."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A report of this tree that exists already: nothing of it is rehearsed."),
    ] = None,
    account: Annotated[
        str | None,
        typer.Option(metavar="ID", help="The account that is deployed to, in place of the emulated one's id."),
    ] = None,
    state: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Where the state is, as `pulumi login` takes it; else what Pulumi.yaml says."),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the policies as JSON.")
    ] = None,
    markdown_file: Annotated[
        Path | None,
        typer.Option("--markdown", metavar="FILE", help="Write what is needed more as a comment for a pull request."),
    ] = None,
    program: Annotated[Path, typer.Option(metavar="DIR", help="The folder of the Pulumi program.")] = Path(),
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Name every statement.")] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Show how much is needed, and what more, nothing else.")
    ] = False,
) -> None:
    """Say what a stack's deployer must be allowed to do, as IAM policies. Needs no credentials.

    Exit status: 0 fine, 2 bad usage, a stack that does not deploy, or a type of which nobody says what it needs.
    """
    any_stream()
    console = Terminal(highlight=False, soft_wrap=True)
    with ending(console, ChangeError):
        if verbose and quiet:
            raise ChangeError("--verbose and --quiet exclude each other", "leave one of them out")
        purposes = _purposes(only)
        _check(account, [json_file, markdown_file])
        if markdown_file is not None and against is None:
            raise ChangeError("--markdown says what a change needs more", "say against what: --against REVISION")
        folder = program.resolve()
        before, after = _sides(folder, stack, against, report)
        where = _backend(folder, after, state, account)
        found = _permissions(after, where, purposes, account)
        old = _permissions(before, where, purposes, account) if before is not None else None
        if markdown_file is not None and before is not None and old is not None:
            purpose: Purpose = "up" if "up" in purposes else purposes[0]
            said_more = [*more(old, found, purpose), *(parting(old, found) if purpose == "up" else ())]
            said_less = more(found, old, purpose)
            write(markdown_file, show.markdown(said_more, said_less, found.stack, before.label))
        if json_file is not None:
            write(json_file, json.dumps(found.as_json(), indent=2, ensure_ascii=False) + "\n")
        with printed(console):
            show.text(console, found, verbose=verbose, quiet=quiet)
            if before is not None and old is not None:
                for each in purposes:
                    needs = [*more(old, found, each), *(parting(old, found) if each == "up" else ())]
                    show.difference(console, needs, more(found, old, each), f"{before.label} ({each})")
    raise typer.Exit(FINE)


def _purposes(only: str | None) -> tuple[Purpose, ...]:
    if only is None:
        return PURPOSES
    if only not in PURPOSES:
        raise ChangeError(f"--only {only}: there is no such purpose", f"write one of {', '.join(PURPOSES)}")
    return (cast("Purpose", only),)


def _check(account: str | None, files: list[Path | None]) -> None:
    if account is not None and re.fullmatch(r"\d{12}", account) is None:
        raise ChangeError(f"--account {account}: this is no account", "write its 12 digits")
    require_writable(files)


def _sides(folder: Path, stack: str, against: str | None, known: Path | None) -> tuple[Side | None, Side]:
    if known is None:
        require_stack(folder, stack)
    if against is None:
        return None, sides.this_tree(folder, stack, known)
    file = Path(against)
    if file.is_file() or file.suffix == ".json":
        before = sides.read(file, stack)
        if before.report is None:
            raise ChangeError(
                f"{against} is a state: it does not say which calls made it",
                "name a revision, or a report of a rehearsal",
            )
        return before, sides.this_tree(folder, stack, known)
    return sides.rehearsed(folder, stack, against, None, known)


def _backend(folder: Path, side: Side, state: str | None, account: str | None) -> Backend:
    project, of_stack = (_yaml(path) for path in (folder / "Pulumi.yaml", stack_file(folder, side.stack)))
    url, secrets = said(project, of_stack)
    region = str((side.report or {}).get("region", ""))
    return backend(state if state is not None else url, secrets, region, account or ACCOUNT)


def _yaml(path: Path) -> dict[str, object]:
    if not path.is_file():
        return {}
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content if isinstance(content, dict) else {}


def _permissions(side: Side, where: Backend, purposes: tuple[Purpose, ...], account: str | None) -> Permissions:
    if side.report is None:
        # A side that has no such stack needs nothing.
        return Permissions.none(side.stack)
    if any("calls" not in one for one in side.report["resources"]):
        raise ChangeError(
            f"{side.label} is a report without the calls that made its resources",
            "make it again by `python -m rehearsal`",
        )
    return permissions(side.report, where, purposes, account)


if __name__ == "__main__":
    app()
