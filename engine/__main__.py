"""The command line: `kumiki engine STACK`."""

from __future__ import annotations

import shlex
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console

from costs.terminal import Terminal
from engine.show import show, verdict
from rehearsal import own_pack
from rehearsal.cli import check_port, require_pack, show_error
from rehearsal.problems import RehearsalError, SettingsError

OK = 0
PROBLEMS = 1
INVALID = 2
INTERRUPTED = 130

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(
    epilog="For example: kumiki engine dev, kumiki engine dev --set kumiki:network.zones=3, kumiki engine dev --keep."
)
def engine(
    stack: Annotated[str, typer.Argument(help="The stack: `dev` for Pulumi.dev.yaml.")],
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="A change of its settings to update by, such as kumiki:network.zones=3."
        ),
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep backend and account up before the destruction, for `pulumi` by hand.")
    ] = False,
    port: Annotated[
        int, typer.Option(help="The port of the account on 127.0.0.1; 0 for any free one.", min=0, max=65535)
    ] = 0,
    program: Annotated[Path, typer.Option(metavar="DIR", help="The folder of the Pulumi program.")] = Path(),
    policy_pack: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The policy pack; Kumiki's own by default.")
    ] = None,
) -> None:
    """Preview, update, preview again, change, refresh and destroy a stack by the real Pulumi engine on an emulated AWS.

    The CLI on the PATH is used, with a backend, a home and a provider of the run's own: nothing real is touched.

    Exit status: 0 fine, 1 a step failed or the second preview shows a change, 2 bad usage or settings, 130 interrupted.
    """
    from engine.run import living  # noqa: PLC0415 loads Pulumi's SDK

    console = Terminal(highlight=False, soft_wrap=True)
    signal.signal(signal.SIGTERM, _end)
    try:
        changes = _changes(settings or [])
        if port:
            check_port(port)
        pack = (policy_pack or own_pack.FOLDER).resolve()
        require_pack(pack)
        ended = []
        with living(program.resolve(), stack, pack=pack, port=port) as life:
            console.print(f"[bold]{stack}[/] by Pulumi {life.cli.version} on the emulated AWS at {life.address}")
            for done in life.steps(changes):
                ended.append(done)
                show(console, done)
            if keep:
                _keep(console, life.variables, life.workspace.project)
            if ended[-1].expected:
                for done in life.end():
                    ended.append(done)
                    show(console, done)
        status = verdict(console, stack, ended)
    except RehearsalError as error:
        show_error(console, error)
        status = INVALID if isinstance(error, SettingsError) else PROBLEMS
    except KeyboardInterrupt:
        console.print("[bold]interrupted[/]: nothing is left running")
        status = INTERRUPTED
    raise typer.Exit(status)


def _changes(given: list[str]) -> dict[str, str]:
    changes = {}
    for one in given:
        key, sign, value = one.partition("=")
        if not sign or not key:
            raise SettingsError(
                f"--set {one}: there is no value", "write --set KEY=VALUE, such as kumiki:network.zones=3"
            )
        changes[key] = value
    return changes


def _keep(console: Console, variables: dict[str, str], project: Path) -> None:
    """Until Ctrl-C."""
    console.print("Backend and account stay up until Ctrl-C. In another terminal:")
    console.print(f"  cd {shlex.quote(str(project))}", markup=False)
    for name, value in variables.items():
        said = (
            f"{value.partition(':')[0]}:{value.partition(':')[2].partition(':')[0]}:$PATH" if name == "PATH" else value
        )
        console.print(f'  export {name}="{said}"', markup=False)
    console.print("  pulumi preview; pulumi up; pulumi refresh; pulumi stack graph graph.dot …", markup=False)
    sys.stdout.flush()
    try:
        signal.pause()
    except KeyboardInterrupt:
        console.print("")


def _end(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    app()
