"""`kumiki serve STACK`: a rehearsal whose account stays up."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rehearsal.cli import rehearse

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(epilog="For example: kumiki serve dev, kumiki serve dev --port 0.")
def serve(
    stack: Annotated[str, typer.Argument(help="The stack: `dev` for Pulumi.dev.yaml.")],
    port: Annotated[int, typer.Option(help="The port on 127.0.0.1; 0 for any free one.", min=0, max=65535)] = 5000,
    program: Annotated[Path, typer.Option(metavar="DIR", help="The folder of the Pulumi program.")] = Path(),
) -> None:
    """Rehearse a stack and keep its emulated account up, until Ctrl-C; as `kumiki rehearse --serve`."""
    rehearse(stack, serve=True, port=port, program=program)
