"""The command line: `python -m rehearsal STACK`."""

from __future__ import annotations

import contextlib
import signal
import socket
import sys
import time
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console
from rich.text import Text

from costs.ending import printed
from costs.files import any_stream, require_writable, write
from costs.model import CostError
from costs.terminal import Terminal
from rehearsal import kept, own_pack, progress
from rehearsal.pack import Choice, choices_in
from rehearsal.problems import RehearsalError, SettingsError
from rehearsal.profiles import Profile, default, named
from rehearsal.runner import Runner
from rehearsal.stacks import load, stack_file, stack_names

if TYPE_CHECKING:
    from rehearsal import text
    from rehearsal.report import Report

OK: Final = 0
PROBLEMS: Final = 1
INVALID: Final = 2
INTERRUPTED: Final = 130

_UNWRAPPED: Final = 100_000
_FORMATS: Final = ("text", "github")
_FIRST_STACK: Final = "dev"
"""The name that `pulumi new` offers: a program without a stack file is rehearsed under it."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="rich")


@app.command(
    epilog="For example: kumiki rehearse dev, "
    "kumiki rehearse prod --html prod.html --sarif prod.sarif, kumiki rehearse dev --watch."
)
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
    html_file: Annotated[
        Path | None,
        typer.Option(
            "--html", metavar="FILE", help="Write the report as a page with a picture, too; it needs no network."
        ),
    ] = None,
    junit_file: Annotated[
        Path | None, typer.Option("--junit", metavar="FILE", help="Write the findings as JUnit's XML, too.")
    ] = None,
    form: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="text|github",
            help="How the terminal shows it: `github` adds annotations that mark the lines of a pull request.",
        ),
    ] = "text",
    serve: Annotated[
        bool, typer.Option("--serve", help="Keep the emulated account up for the AWS CLI and boto3.")
    ] = False,
    port: Annotated[
        int, typer.Option(help="The port of --serve on 127.0.0.1; 0 for any free one.", min=0, max=65535)
    ] = 5000,
    watch: Annotated[
        bool,
        typer.Option(
            "--watch",
            help="Stay up, rehearse again when a file of the program, the stack's file or the pack changes, "
            "and show what changed; until Ctrl-C.",
        ),
    ] = False,
    program: Annotated[Path, typer.Option(metavar="DIR", help="The folder of the Pulumi program.")] = Path(),
    policy_pack: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The policy pack; Kumiki's own by default.")
    ] = None,
    policy_pack_config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Levels of policies, as JSON; as `pulumi up` takes them.")
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            metavar="house|general",
            help="What is asked of the program: house rules, for our own project, or general ones, for every other.",
            show_default=False,
        ),
    ] = None,
    only_deploy: Annotated[
        bool,
        typer.Option(
            "--only-deploy",
            help="Leave out the preview, the linter and the analysis of IAM policies, for a comparison of two reports.",
        ),
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show the whole report: every resource, table and reason.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Show what is wrong and the verdict, nothing else.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show stack traces.")] = False,
) -> None:
    """Deploy a stack on an emulated AWS and judge it by the policy pack, before any cloud is touched.

    Exit status: 0 fine, 1 problems found, 2 bad usage or settings, 130 interrupted.
    """
    console = _console()
    asked: _Asked | None = None
    signal.signal(signal.SIGTERM, _end)
    try:
        if form not in _FORMATS:
            raise SettingsError(f"--format {form}: there is no such format", f"use {' or '.join(_FORMATS)}")
        files = _Files(json_file, html_file, sarif_file, junit_file, annotations=form == "github")
        packs = _Pack((policy_pack or own_pack.FOLDER).resolve(), policy_pack_config)
        asked = _Asked(
            console,
            _stack_name(stack, program),
            program.resolve(),
            files,
            packs,
            named(profile),
            only_deploy,
            _how_much(verbose=verbose, quiet=quiet),
            debug,
        )
        if watch and serve:
            raise SettingsError("--watch and --serve exclude each other", "each rehearsal has an account of its own")
        status = _watch(asked) if watch else _status(_rehearse(asked, port if serve else None))
    except RehearsalError as error:
        show_error(console, error)
        if asked is not None:
            _write_refusal(asked, error)
        if form == "github":
            from rehearsal.annotations import refused  # noqa: PLC0415 as in _publish

            console.print(refused(error), markup=False, soft_wrap=True)
        status = INVALID
    except CostError as error:
        # A file that could be written when the rehearsal began.
        show_error(console, error)
        status = INVALID
    except KeyboardInterrupt:
        console.print("[bold]interrupted[/]: nothing is left running")
        status = INTERRUPTED
    except Exception as error:  # noqa: BLE001 no stack trace without --debug, whatever happened
        if debug:
            traceback.print_exc()
        told = f"the rehearsal itself failed: {type(error).__name__}: {error}"
        console.print(Text.assemble(("error ", "red"), told))
        status = PROBLEMS
    raise typer.Exit(status)


@dataclass(frozen=True)
class _Files:
    """Where the report is written besides the terminal."""

    json: Path | None
    html: Path | None
    sarif: Path | None
    junit: Path | None
    annotations: bool
    """Whether the terminal gets GitHub's annotations, too."""

    @property
    def named(self) -> dict[str, Path]:
        """Those that are asked for, by their options."""
        every = {"--json": self.json, "--html": self.html, "--sarif": self.sarif, "--junit": self.junit}
        return {option: path for option, path in every.items() if path is not None}

    def check(self) -> None:
        """Refuse what cannot be written before anything is started."""
        for option, path in self.named.items():
            try:
                require_writable([path])
            except CostError as error:
                raise SettingsError(f"{option} {error.message}", error.remedy) from None


@dataclass(frozen=True)
class _Pack:
    """Which policies judge, and how somebody wants them applied."""

    folder: Path
    config: Path | None

    def choices(self, profile: Profile) -> dict[str, Choice]:
        """The levels of the profile, where the pack is ours, and over them those of the command line."""
        levels = choices_in(profile.levels) if profile.levels is not None and self.folder == own_pack.FOLDER else {}
        return {**levels, **(choices_in(self.config) if self.config is not None else {})}

    def check(self) -> None:
        require_pack(self.folder)


def require_pack(folder: Path) -> None:
    """:raises SettingsError: There is no policy pack in the folder."""
    if not (folder / "PulumiPolicy.yaml").is_file():
        raise SettingsError(f"{folder.resolve()} is no policy pack: it has no PulumiPolicy.yaml")


def _console() -> Console:
    """The terminal, or what stands in its place: there nothing is wrapped, so that names and ARNs are found whole."""
    any_stream()
    console = Terminal(highlight=False)
    return console if console.is_terminal else Terminal(highlight=False, width=_UNWRAPPED)


def _end(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def show_error(console: Console, error: RehearsalError | CostError) -> None:
    console.print(Text.assemble(("error ", "red"), error.message))
    if error.remedy:
        console.print(Text(f"      → {error.remedy}", style="dim"))


@dataclass(frozen=True)
class _Asked:
    """What the command line asks for."""

    console: Console
    stack: str
    program: Path
    files: _Files
    pack: _Pack
    profile: Profile | None
    only_deploy: bool
    shown: text.Shown
    debug: bool


def _how_much(*, verbose: bool, quiet: bool) -> text.Shown:
    if verbose and quiet:
        raise SettingsError("--verbose and --quiet exclude each other", "leave one of them out")
    return "all" if verbose else "problems" if quiet else "screen"


def _stack_name(given: str | None, program: Path) -> str:
    if given is not None:
        return given
    names = stack_names(program)
    if len(names) > 1:
        raise SettingsError("which stack?", f"name one: {', '.join(names)}")
    return names[0] if names else _FIRST_STACK


def _rehearse(asked: _Asked, port: int | None = None, *, shown: bool = True) -> Report:
    """One rehearsal; with a port, the account is served there until Ctrl-C."""
    started = time.perf_counter()
    console, name = asked.console, asked.stack
    stack = load(asked.program, name)
    if not stack.main.is_file():
        raise SettingsError(f"{stack.main} does not exist", "a Pulumi Python program starts at __main__.py")
    asked.pack.check()
    profile = asked.profile or default(stack.project)
    choices = asked.pack.choices(profile)
    asked.files.check()
    if port is not None:
        check_port(port)

    with (
        progress.shown(
            console, progress.Bar(name, kept.size(stack.main, name)), quiet=asked.shown == "problems"
        ) as bar,
        Runner(
            stack,
            asked.pack.folder,
            choices,
            progress=bar.tell,
            assume_existing=profile.assume_existing,
            only_deploy=asked.only_deploy,
            started=started,
        ) as runner,
    ):
        report = runner.run()
        bar.stop()
        _publish(asked, report, shown=shown)
        if port is not None and report.resources and not report.invalid:
            _serve(console, runner, port, report.region)
    return report


def _status(report: Report) -> int:
    if report.invalid:
        return INVALID
    return OK if report.ok else PROBLEMS


def _watch(asked: _Asked) -> int:
    """Rehearse after each change, until Ctrl-C; the exit status is that of the last rehearsal."""
    from rehearsal.watch import Watch  # noqa: PLC0415 nobody else needs it

    asked.pack.check()
    asked.files.check()
    try:
        main = load(asked.program, asked.stack).main
    except SettingsError:
        if asked.stack not in stack_names(asked.program):
            raise
        # What is wrong with the file is shown, and the file is watched.
        main = asked.program / "__main__.py"

    def rehearse(shown: bool) -> dict[str, Any]:
        try:
            report = _rehearse(asked, shown=shown)
        except RehearsalError as error:
            if shown:
                show_error(asked.console, error)
            return {"report": {"problems": [error.problem().as_json()]}, "status": INVALID, "summary": ""}
        from rehearsal.text import summary  # noqa: PLC0415 as in _publish

        return {"report": report.as_json(), "status": _status(report), "summary": summary(report)}

    watched = Watch(
        console=asked.console,
        rehearse=rehearse,
        stack_files=[asked.program / "Pulumi.yaml", stack_file(asked.program, asked.stack)],
        main=main,
        pack=asked.pack.folder,
        not_watched=[path.resolve() for path in asked.files.named.values()],
    )
    try:
        watched.run()
    except KeyboardInterrupt:
        asked.console.print("[bold]no longer watching[/]: nothing is left running")
    return watched.status


def _publish(asked: _Asked, report: Report, *, shown: bool) -> None:
    from rehearsal import annotations, sarif, text  # noqa: PLC0415 not needed while the passes run

    files = asked.files
    # First: a reader of the terminal that goes away must not keep them from being written.
    if files.json is not None:
        report.write(files.json)
    if files.html is not None:
        from pictures.page import page  # noqa: PLC0415 only who asks for a page needs it

        write(files.html, page(report.as_json()))
    if files.sarif is not None:
        sarif.write(report, files.sarif)
    if files.junit is not None:
        annotations.write(report, files.junit)
    if not shown:
        return
    with printed(asked.console):
        commands: list[str] = []
        if files.annotations:
            # What a message says must not be a command to GitHub.
            stop, go_on = annotations.pause()
            _print_whole(asked.console, [stop])
            commands = [go_on, *annotations.github(report)]
        text.show(asked.console, report, debug=asked.debug, how=asked.shown)
        _print_whole(asked.console, commands)


def _print_whole(console: Console, lines: Iterable[str]) -> None:
    for line in lines:
        console.print(line, markup=False, emoji=False, soft_wrap=True)


def _write_refusal(asked: _Asked, error: RehearsalError) -> None:
    """What ended the rehearsal before it began, in the files that were asked for: who reads those sees it, too."""
    from rehearsal.report import Report  # noqa: PLC0415 as in _publish

    report = Report(stack=asked.stack, project="", product="", environment="", region="", folder=asked.program)
    report.problems = [error.problem()]
    with contextlib.suppress(RehearsalError):
        asked.files.check()
        _publish(asked, report, shown=False)


def check_port(port: int) -> None:
    """Refuse a taken port before anything is started."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise SettingsError(
                f"--port {port}: {error.strerror or error}", "choose another, or 0 for any free port"
            ) from None


def _serve(console: Console, runner: Runner, port: int, region: str) -> None:
    address = runner.serve(port)
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
