"""The command line: `python -m costs STACK`."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from costs import show
from costs.advice import Advice, Stopping, advice, committed, stopping
from costs.bill import Bill, bill
from costs.ending import ending, printed
from costs.files import REPORT_VERSION, any_stream, failures, require_stack, require_writable, unreadable, write
from costs.free_tier import LEGACY
from costs.gate import budget
from costs.infracost import infracost
from costs.model import CostError
from costs.prices import HOURS_PER_MONTH, cents, checked
from costs.stack import Stack, resources_of
from costs.terminal import Terminal
from costs.use import expected
from costs.use import profile as ready

FINE: Final = 0
_ROOT: Final = Path(__file__).resolve().parent.parent

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(
    epilog="For example: kumiki cost dev, "
    "kumiki cost prod --profile large --json prod.json, kumiki cost dev --region us-east-1."
)
def cost(
    stack: Annotated[str, typer.Argument(help="The stack: `dev` for Pulumi.dev.yaml.")],
    profile: Annotated[
        str | None,
        typer.Option(metavar="PROFILE", help="small, medium or large; by default what the stack's file expects."),
    ] = None,
    region: Annotated[
        str | None, typer.Option(metavar="REGION", help="What it would cost there; by default where the stack is.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A rehearsal's report: nothing is rehearsed.")
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A report of before a change: what the change costs, in the JSON too."),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write it in the shape of Infracost's JSON, too.")
    ] = None,
    program: Annotated[Path, typer.Option(metavar="DIR", help="The folder of the Pulumi program.")] = Path(),
    commit: Annotated[
        bool, typer.Option("--committed", help="Say the month with Savings Plans and reservations of three years, too.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show every part, not the dearest.")] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Show the sum and what must be known of it, nothing else.")
    ] = False,
) -> None:
    """Say what a stack costs a month, before it exists. Needs no credentials and no network.

    Exit status: 0 there is a sum, 2 bad usage or a stack that does not deploy.
    """
    any_stream()
    console = Terminal(highlight=False, soft_wrap=True)
    with ending(console, CostError):
        require_writable([json_file])
        _kept(json_file, {"--report": report, "--against": against})
        if verbose and quiet:
            raise CostError("--verbose and --quiet exclude each other", "leave one of them out")
        # Before a rehearsal, which takes a while.
        if profile is not None:
            ready(profile)
        if region is not None:
            checked(region)
        content = _read(report, stack) if report is not None else _rehearsed(program.resolve(), stack)
        use = expected(content.get("expected"), profile)
        resources = resources_of(content)
        made = Stack(resources, content["region"], use, hours=HOURS_PER_MONTH)
        month = bill(made, region=region, offers=content.get("plan") == LEGACY)
        past = _past(_same_project(against, stack, content), profile, region) if against is not None else None
        advised = advice(made, month, production=content.get("environment") == "prod")
        stopped = stopping(made, month)
        with_plans = committed(made, month) if commit else None
        if json_file is not None:
            shown = infracost(month, project=content["project"], stack=stack, past=past)
            document = _document(shown, month, advised, stopped)
            write(json_file, json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    today = datetime.now(UTC).date()
    with printed(console):
        show.text(
            console,
            month,
            stack,
            budget(resources),
            verbose=verbose,
            quiet=quiet,
            today=today,
            advised=advised,
            stopped=stopped,
            committed=with_plans,
        )
        if past is not None:
            show.change(console, past, month)
    raise typer.Exit(FINE)


def _kept(written: Path | None, read: Mapping[str, Path | None]) -> None:
    """What is read is not overwritten: a report takes a rehearsal to make again."""
    for option, path in read.items():
        if written is not None and path is not None and written.resolve() == path.resolve():
            raise CostError(f"--json would overwrite {path}, which {option} reads", "name another file for --json")


def _same_project(path: Path, stack: str, after: Mapping[str, Any]) -> Mapping[str, Any]:
    before = _read(path, stack)
    if before["project"] != after["project"]:
        raise CostError(
            f"{path} is a report of the project {before['project']!r}, not of {after['project']!r}",
            "name a report of the same project",
        )
    return before


def _past(content: Mapping[str, Any], profile: str | None, region: str | None) -> Bill:
    """The month before a change, counted as the one after it."""
    before = Stack(resources_of(content), content["region"], expected(content.get("expected"), profile))
    return bill(before, region=region, offers=content.get("plan") == LEGACY)


def _document(
    shown: Mapping[str, Any], month: Bill, advised: Sequence[Advice], stopped: Stopping | None
) -> dict[str, Any]:
    """What is written as JSON: Infracost's keys, and what else there is to say."""
    told = [{"what": one.what, "monthlySaving": f"{cents(one.saving):f}", "givesUp": one.gives_up} for one in advised]
    hours = stopped and {
        "runningHoursPerMonth": f"{cents(stopped.running * month.hours):f}",
        "hoursPerMonth": f"{month.hours:f}",
        "monthlySaving": f"{cents(stopped.saving):f}",
        "monthlyCostOfWhatStops": f"{cents(stopped.of):f}",
    }
    return {**shown, "advice": told, "stopping": hours}


def _read(path: Path, stack: str) -> Mapping[str, Any]:
    mend = "make it again by `python -m rehearsal STACK --json FILE`"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CostError(unreadable(path, error), mend) from None
    except ValueError as error:
        raise CostError(f"{path} is cut off or not JSON: {error}", mend) from None
    if not isinstance(content, dict) or not {"stack", "project", "region", "resources", "problems"} <= content.keys():
        raise CostError(f"{path} is no report of a rehearsal", mend)
    if content.get("version") != REPORT_VERSION:
        raise CostError(
            f"{path} is a report of version {content.get('version', 1)}, and this reads version {REPORT_VERSION}", mend
        )
    if content["stack"] != stack:
        raise CostError(f"{path} is a report of stack {content['stack']!r}, not of {stack!r}", "name that stack")
    try:
        told = failures(content)
        resources_of(content)
        dict(content.get("expected") or {})
    except (AttributeError, KeyError, TypeError, ValueError):
        raise CostError(f"{path} is no whole report of a rehearsal: a part of it lacks something", mend) from None
    if told:
        raise CostError(f"{stack} does not deploy, so its sum would lack something:\n{told}", "mend that first")
    return content


def _rehearsed(folder: Path, stack: str) -> Mapping[str, Any]:
    """The report of a rehearsal that only deploys."""
    require_stack(folder, stack)
    with tempfile.TemporaryDirectory(prefix="kumiki-cost-") as scratch:
        file = Path(scratch) / "report.json"
        done = subprocess.run(  # noqa: S603 this project's own command
            [sys.executable, "-m", "rehearsal", "--only-deploy", stack, "--program", str(folder), "--json", str(file)],
            cwd=_ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if not file.is_file():
            said = "\n".join(f"  {line}" for line in (done.stdout + done.stderr).strip().splitlines()[-15:])
            raise CostError(f"the rehearsal of {stack} ended without a report:\n{said}")
        return _read(file, stack)


if __name__ == "__main__":
    app()
