"""`kumiki graph STACK`: the picture of a stack."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from changes import sides
from changes.files import any_stream, require_stack, require_writable, write
from changes.model import ChangeError
from costs.ending import ending
from costs.terminal import Terminal
from pictures.layout import layout
from pictures.mermaid import mermaid
from pictures.model import Picture, picture
from pictures.svg import svg

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(
    epilog="For example: kumiki graph dev --svg dev.svg, kumiki graph prod --report prod.json --mermaid prod.mmd."
)
def graph(
    stack: Annotated[str, typer.Argument(help="The stack: `dev` for Pulumi.dev.yaml.")],
    svg_file: Annotated[
        Path | None,
        typer.Option("--svg", metavar="FILE", help="Write it as SVG, light or dark as the reader's screen."),
    ] = None,
    mermaid_file: Annotated[
        Path | None,
        typer.Option("--mermaid", metavar="FILE", help="Write it as Mermaid, which GitHub and GitLab draw."),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A rehearsal's report: nothing is rehearsed.")
    ] = None,
    program: Annotated[Path, typer.Option(metavar="DIR", help="The folder of the Pulumi program.")] = Path(),
) -> None:
    """Draw a stack: what stands where, and who reaches what. Without a file it is written here, as Mermaid.

    The same stack gives the same picture, so it can be committed: its diff is a diff of the architecture.

    Exit status: 0 it is drawn, 2 bad usage or a stack that does not deploy.
    """
    any_stream()
    console = Terminal(highlight=False, soft_wrap=True, stderr=True)
    with ending(console, ChangeError):
        require_writable([svg_file, mermaid_file])
        drawn = _picture(stack, report, program.resolve())
    if svg_file is not None:
        write(svg_file, svg(drawn, layout(drawn)))
    if mermaid_file is not None:
        write(mermaid_file, mermaid(drawn))
    if svg_file is None and mermaid_file is None:
        typer.echo(mermaid(drawn), nl=False)


def _picture(stack: str, report: Path | None, folder: Path) -> Picture:
    if report is None:
        require_stack(folder, stack)
        side = sides.this_tree(folder, stack, None)
    else:
        side = sides.read(report, stack)
    if side.report is None:
        raise ChangeError(f"{report} is a state: it does not say who reaches what", "name a report of a rehearsal")
    return picture(side.report)
