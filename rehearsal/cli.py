"""The command line: `python -m rehearsal STACK`."""

from __future__ import annotations

import signal
import socket
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.live import Live
from rich.text import Text

from rehearsal.conductor import Conductor
from rehearsal.problems import Refused
from rehearsal.stacks import load, stack_names

if TYPE_CHECKING:
    from rehearsal.report import Report

FINE: Final = 0
PROBLEMS: Final = 1
REFUSED: Final = 2
INTERRUPTED: Final = 130

_OWN_PACK: Final = Path(__file__).resolve().parent.parent / "policies"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="rich")


@app.command()
def rehearse(
    stack: Annotated[
        str | None, typer.Argument(help="The stack: `dev` for Pulumi.dev.yaml.", show_default=False)
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the report as JSON, too.")
    ] = None,
    sarif_file: Annotated[
        Path | None, typer.Option("--sarif", metavar="FILE", help="Write the findings as SARIF 2.1.0, too.")
    ] = None,
    serve: Annotated[
        bool, typer.Option("--serve", help="Keep the emulated account up for the AWS CLI and boto3.")
    ] = False,
    port: Annotated[
        int, typer.Option(help="The port of --serve on 127.0.0.1; 0 for any free one.", min=0, max=65535)
    ] = 5000,
    program: Annotated[Path, typer.Option(metavar="DIR", help="The folder of the Pulumi program.")] = Path(),
    policy_pack: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The policy pack; Kumiki's own by default.")
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Name every resource.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show stack traces.")] = False,
) -> None:
    """Deploy a stack on an emulated AWS and judge it by the policy pack, before any cloud is touched.

    Exit status: 0 fine, 1 problems found, 2 bad usage or settings, 130 interrupted.
    """
    console = Console(highlight=False)
    signal.signal(signal.SIGTERM, _end)
    try:
        files = _Files(json_file, sarif_file)
        status = _rehearse(console, stack, files, serve, port, program.resolve(), policy_pack, verbose, debug)
    except Refused as refused:
        _say_refused(console, refused)
        status = REFUSED
    except KeyboardInterrupt:
        console.print("[bold]interrupted[/]: nothing is left running")
        status = INTERRUPTED
    except Exception as error:  # noqa: BLE001 no stack trace without --debug, whatever happened
        if debug:
            traceback.print_exc()
        console.print(f"[red]error[/] the rehearsal itself failed: {type(error).__name__}: {error}", markup=True)
        status = PROBLEMS
    raise typer.Exit(status)


@dataclass(frozen=True)
class _Files:
    """Where the report is written besides the terminal."""

    json: Path | None
    sarif: Path | None

    def check(self) -> None:
        """Refuse a folder that does not exist before anything is started."""
        for option, path in (("--json", self.json), ("--sarif", self.sarif)):
            if path is not None and not path.resolve().parent.is_dir():
                raise Refused("settings", f"{option} {path}: the folder {path.resolve().parent} does not exist")


def _end(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _say_refused(console: Console, refused: Refused) -> None:
    console.print(Text.assemble(("error ", "red"), refused.message))
    if refused.remedy:
        console.print(Text(f"      → {refused.remedy}", style="dim"))


def _rehearse(
    console: Console,
    name: str | None,
    files: _Files,
    serve: bool,
    port: int,
    program: Path,
    policy_pack: Path | None,
    verbose: bool,
    debug: bool,
) -> int:
    started = time.perf_counter()
    if name is None:
        raise Refused(
            "settings",
            "which stack?",
            f"name one: {', '.join(stack_names(program)) or f'there is no Pulumi.<stack>.yaml in {program}'}",
        )
    stack = load(program, name)
    if not stack.main.is_file():
        raise Refused("settings", f"{stack.main} does not exist", "a Pulumi Python program starts at __main__.py")
    pack = (policy_pack or _OWN_PACK).resolve()
    if not (pack / "PulumiPolicy.yaml").is_file():
        raise Refused("settings", f"{pack} is no policy pack: it has no PulumiPolicy.yaml")
    files.check()
    if serve:
        _check_port(port)

    with Live(console=console, auto_refresh=False, transient=True) as live:
        counted: dict[str, int] = {}

        def progress(pass_name: str, count: int) -> None:
            counted[pass_name] = count
            text = ", ".join(f"{each} {number}" for each, number in sorted(counted.items()))
            live.update(
                Text(f"rehearsing {name}: {text} resources", style="dim"),
                refresh=live.is_started and console.is_terminal,
            )

        with Conductor(stack, pack, progress=progress, started=started) as conductor:
            report = conductor.run()
            live.stop()
            _publish(console, report, files, debug=debug, verbose=verbose)
            if serve and report.resources:
                _serve(console, conductor, port, report.region)
    if report.refused:
        return REFUSED
    return FINE if report.ok else PROBLEMS


def _publish(console: Console, report: Report, files: _Files, *, debug: bool, verbose: bool) -> None:
    from rehearsal import sarif, text  # noqa: PLC0415 not needed while the passes run

    text.show(console, report, debug=debug, verbose=verbose)
    if files.json is not None:
        report.write(files.json.resolve())
    if files.sarif is not None:
        sarif.write(report, files.sarif.resolve())


def _check_port(port: int) -> None:
    """Refuse a taken port before anything is started."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise Refused(
                "settings", f"--port {port}: {error.strerror or error}", "choose another, or 0 for any free port"
            ) from None


def _serve(console: Console, conductor: Conductor, port: int, region: str) -> None:
    address = conductor.serve(port)
    console.print(
        f"The emulated account is at [bold]{address}[/] until Ctrl-C. For example:\n"
        f"  AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any "
        f"aws --region {region} --endpoint-url {address} ec2 describe-vpc-endpoints",
        soft_wrap=True,
    )
    sys.stdout.flush()
    try:
        signal.pause()
    except KeyboardInterrupt:
        console.print("The emulated account is gone.")


def main() -> None:
    app()
