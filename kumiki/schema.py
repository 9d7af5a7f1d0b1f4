"""`kumiki schema`: the JSON schemas that other tools build on."""

from __future__ import annotations

from typing import Annotated, NoReturn

import typer

from kumiki.where import INSTALLED
from rehearsal.marks import REPORT_SCHEMA

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(epilog="For example: kumiki schema stack, kumiki schema report > report.schema.json.")
def schema(
    what: Annotated[str, typer.Argument(metavar="stack|report", help="A stack's file, or a rehearsal's report.")] = (
        "stack"
    ),
) -> None:
    """Print the JSON schema of stack files, or of the report that `--json` writes."""
    if what == "stack" and INSTALLED:
        _refuse("stack: only a checkout of the repository has stack files", "for a report: kumiki schema report")
    if what == "stack":
        from settings.schema import text  # noqa: PLC0415 loads every component

        typer.echo(text(), nl=False)
    elif what == "report":
        typer.echo(REPORT_SCHEMA.read_text(encoding="utf-8"), nl=False)
    else:
        _refuse(f"{what}: there is no such schema", "write stack or report")


def _refuse(message: str, remedy: str) -> NoReturn:
    typer.echo(f"error schema {message}\n      → {remedy}", err=True)
    raise typer.Exit(2)
