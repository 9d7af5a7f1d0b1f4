"""A stack grown phase by phase: what each step does to what the step before has made."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from changes.model import ChangeError, Side
from changes.phases import PHASES, PhaseError, phases_of
from changes.show import Comparison, summary
from changes.sides import Rehearsal, report, tree_or_none

_AT_ONCE: Final = 2
"""Rehearsals side by side: each keeps more than one core busy."""


def steps(folder: Path, stack: str, cache: Path) -> Iterator[tuple[Side, Side]]:
    """The sides of each step from phase to phase, in their order; a phase that adds nothing has no step.

    :raises ChangeError: The stack has one phase only, or a phase does not deploy.
    """
    files = _files(folder, stack)
    if len(files) < 2:
        raise ChangeError(
            f"stack {stack} does not grow: nothing in it comes after the first phase",
            "changes/phases.yaml says what comes in which phase",
        )
    tree = tree_or_none(folder)
    waiting = list(files.items())
    running: list[tuple[int, Rehearsal]] = []
    before: Side | None = None
    try:
        while waiting or running:
            while waiting and len(running) < _AT_ONCE:
                phase, text = waiting.pop(0)
                running.append((phase, _rehearsal(folder, stack, cache, tree, phase, text)))
            phase, rehearsal = running[0]
            after = report(rehearsal.result(), _label(phase), stack)
            running.pop(0)
            if before is not None:
                yield before, after
            before = after
    finally:
        for _, rehearsal in running:
            rehearsal.stop()


def _files(folder: Path, stack: str) -> dict[int, str]:
    try:
        return dict(phases_of((folder / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"), stack))
    except PhaseError as error:
        raise ChangeError(str(error)) from None


def _label(phase: int) -> str:
    return f"phase {phase} ({PHASES[phase - 1]})"


def _rehearsal(folder: Path, stack: str, cache: Path, tree: str | None, phase: int, text: str) -> Rehearsal:
    """Of this program with another stack file, from a folder that holds no more than that file."""
    place = cache / "phases" / f"{stack}-{phase}"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    project = yaml.safe_load((folder / "Pulumi.yaml").read_text(encoding="utf-8"))
    main = (folder / project.get("main", ".")).resolve()
    (place / "Pulumi.yaml").write_text(yaml.safe_dump({**project, "main": str(main)}), encoding="utf-8")
    (place / f"Pulumi.{stack}.yaml").write_text(text, encoding="utf-8")
    return Rehearsal(place, stack, tree, _label(phase), cache, built=folder)


def as_json(stack: str, comparisons: Sequence[Comparison]) -> dict[str, Any]:
    """All steps; each has the shape of a comparison of its own."""
    return {"version": 1, "stack": stack, "phases": list(PHASES), "steps": [one.as_json() for one in comparisons]}


def markdown(comparisons: Sequence[Comparison]) -> str:
    """The steps as a table."""
    lines = ["| step | what it does |", "|---|---|"]
    lines += [f"| {one.before.label} → {one.after.label} | {summary(one)} |" for one in comparisons]
    return "\n".join(lines) + "\n"
