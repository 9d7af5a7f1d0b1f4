"""The command line: `python -m costs STACK`."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.text import Text

from costs import show
from costs.advice import advice, stopping
from costs.bill import bill
from costs.free_tier import LEGACY
from costs.gate import budget
from costs.infracost import infracost
from costs.model import CostError
from costs.prices import HOURS_PER_MONTH, cents
from costs.stack import Stack, resources_of
from costs.use import expected

FINE: Final = 0
USAGE: Final = 2
_ROOT: Final = Path(__file__).resolve().parent.parent
_DOES_NOT_DEPLOY: Final = ("settings", "program", "request", "aws", "reference")
"""Kinds of problems."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
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
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write it in the shape of Infracost's JSON, too.")
    ] = None,
    program: Annotated[Path, typer.Option(metavar="DIR", help="The folder of the Pulumi program.")] = Path(),
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show every part, not the dearest.")] = False,
) -> None:
    """Say what a stack costs a month, before it exists. Needs no credentials and no network.

    Exit status: 0 there is a sum, 2 bad usage or a stack that does not deploy.
    """
    console = Console(highlight=False, soft_wrap=True)
    try:
        _check(json_file)
        content = _read(report, stack) if report is not None else _rehearsed(program.resolve(), stack)
        use = expected(content.get("expected"), profile)
        resources = resources_of(content)
        made = Stack(resources, content["region"], use, hours=HOURS_PER_MONTH)
        month = bill(made, region=region, offers=content.get("plan") == LEGACY)
        advised = advice(made, month, production=content.get("environment") == "prod")
        stopped = stopping(made, month)
    except CostError as error:
        console.print(Text.assemble(("error ", "red"), error.message))
        if error.remedy:
            console.print(Text(f"      → {error.remedy}", style="dim"))
        raise typer.Exit(USAGE) from None
    except KeyboardInterrupt:
        console.print("[bold]interrupted[/]: nothing is left running")
        raise typer.Exit(130) from None
    today = datetime.now(UTC).date()
    show.text(console, month, stack, budget(resources), verbose=verbose, today=today, advised=advised, stopped=stopped)
    if json_file is not None:
        document = {
            **infracost(month, project=content["project"], stack=content["stack"]),
            "advice": [
                {"what": one.what, "monthlySaving": f"{cents(one.saving):f}", "givesUp": one.gives_up}
                for one in advised
            ],
            "stopping": {
                "runningHoursPerMonth": f"{cents(stopped.running * month.hours):f}",
                "hoursPerMonth": f"{month.hours:f}",
                "monthlySaving": f"{cents(stopped.saving):f}",
                "monthlyCostOfWhatStops": f"{cents(stopped.of):f}",
            }
            if stopped is not None
            else None,
        }
        _write(json_file, json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    raise typer.Exit(FINE)


def _check(path: Path | None) -> None:
    if path is not None and not path.resolve().parent.is_dir():
        raise CostError(f"{path}: the folder {path.resolve().parent} does not exist", "make it first")
    if path is not None and path.is_dir():
        raise CostError(f"{path} is a folder", "name a file in it")


def _read(path: Path, stack: str) -> Mapping[str, Any]:
    mend = "make it again by `python -m rehearsal STACK --json FILE`"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CostError(f"{path} cannot be read: {error.strerror}", mend) from None
    except ValueError as error:
        raise CostError(f"{path} is cut off or not JSON: {error}", mend) from None
    if not isinstance(content, dict) or not {"stack", "project", "region", "resources", "problems"} <= content.keys():
        raise CostError(f"{path} is no report of a rehearsal", mend)
    if content["stack"] != stack:
        raise CostError(f"{path} is a report of stack {content['stack']!r}, not of {stack!r}", "name that stack")
    failed = [one for one in content["problems"] if one["level"] == "error" and one["kind"] in _DOES_NOT_DEPLOY]
    if failed:
        told = "\n".join(f"  {_who(one)}{one['message']}" for one in failed[:5])
        more = f"\n  and {len(failed) - 5} more" if len(failed) > 5 else ""
        raise CostError(f"{stack} does not deploy, so its sum would lack something:\n{told}{more}", "mend that first")
    return content


def _who(problem: Mapping[str, Any]) -> str:
    return f"{problem['urn'].rpartition('::')[2]}: " if problem.get("urn") else ""


def _rehearsed(folder: Path, stack: str) -> Mapping[str, Any]:
    """The report of a rehearsal that only deploys."""
    if not (folder / f"Pulumi.{stack}.yaml").is_file():
        stacks = sorted(
            path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in folder.glob("Pulumi.*.yaml")
        )
        raise CostError(f"there is no stack {stack!r} in {folder}", f"the stacks are: {', '.join(stacks) or 'none'}")
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


def _write(path: Path, content: str) -> None:
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(content, encoding="utf-8")
    partial.replace(path)


if __name__ == "__main__":
    app()
