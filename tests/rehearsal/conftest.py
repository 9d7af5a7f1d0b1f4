"""Runs the rehearsal as a user does: a project folder, a stack file, a command line."""

from __future__ import annotations

import fcntl
import json
import os
import pickle
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import PATIENCE
from tests.rehearsal import warm
from tests.rehearsal.warm import ROOT
from tests.stack_files import config_of, project, refusal

SILENT_PACK = Path(__file__).resolve().parent / "silent_pack"


@dataclass(frozen=True)
class Rehearsed:
    """What a rehearsal left behind."""

    status: int
    text: str
    report: dict[str, Any]

    def problems(self, kind: str | None = None) -> list[dict[str, Any]]:
        return [one for one in self.report["problems"] if kind in (None, one["kind"]) and one["level"] == "error"]

    def resource(self, name: str) -> dict[str, Any]:
        return next(one for one in self.report["resources"] if one["name"] == name)


Rehearse = Callable[..., Rehearsed]
Refuse = Callable[..., str]


def _run(folder: Path, *arguments: str, report_in: Path | None = None, timeout: float = PATIENCE) -> Rehearsed:
    """`python -m rehearsal ARGUMENTS --program FOLDER --json …`, in a process of its own."""
    left_in = report_in or folder
    output = left_in / "report.json"
    output.unlink(missing_ok=True)
    status = warm.rehearse(
        ["--verbose", *arguments, "--program", str(folder), "--json", str(output)],
        {**os.environ, "COLUMNS": "300", "NO_COLOR": "1", "TERM": "dumb"},
        left_in,
        timeout=timeout,
    )
    report = json.loads(output.read_text(encoding="utf-8")) if output.exists() else {"problems": [], "resources": []}
    return Rehearsed(status, (left_in / "said").read_text(encoding="utf-8"), report)


@pytest.fixture(scope="session")
def rehearse() -> Rehearse:
    """Rehearses the project in a folder. What uses it, directly or through another fixture, is no quick test."""
    return _run


@pytest.fixture(scope="session")
def command() -> list[str]:
    """The command of a rehearsal, for what starts it by itself; no quick test either."""
    return [sys.executable, "-m", "rehearsal"]


@pytest.fixture(scope="session")
def rehearsed(tmp_path_factory: pytest.TempPathFactory, rehearse: Rehearse) -> Callable[[str], Rehearsed]:
    """One of Kumiki's own stacks, rehearsed once for all the tests of a run, in whichever process they are."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    @cache
    def rehearsed(name: str) -> Rehearsed:
        kept = shared / f"rehearsed-{name}.pickle"
        with (shared / f"rehearsed-{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not kept.exists():
                kept.write_bytes(pickle.dumps(rehearse(ROOT, name, report_in=tmp_path_factory.mktemp(name))))
        return pickle.loads(kept.read_bytes())  # noqa: S301 written above

    return rehearsed


@pytest.fixture
def rehearse_kumiki(tmp_path: Path, rehearse: Rehearse) -> Rehearse:
    """Rehearse Kumiki with the dev stack's configuration, changed, or some sections of it: see `config_of`."""

    def rehearse_changed(changes: Mapping[str, Any], *arguments: str, only: Iterable[str] | None = None) -> Rehearsed:
        return rehearse(project(tmp_path, {"config": config_of("dev", changes, only)}), "test", *arguments)

    return rehearse_changed


@pytest.fixture
def refuse_kumiki(tmp_path: Path) -> Refuse:
    """What the program says to the dev stack's configuration, changed, which it must refuse; without a rehearsal."""

    def refuse(changes: Mapping[str, Any]) -> str:
        return refusal(project(tmp_path, {"config": config_of("dev", changes)}))

    return refuse


@pytest.fixture
def rehearse_plain(tmp_path: Path, rehearse: Rehearse) -> Rehearse:
    """Rehearse a plain Pulumi program, given as source text after `PREAMBLE`, under a pack that never objects."""

    def rehearse_program(program: str, *arguments: str, config: Mapping[str, Any] | None = None) -> Rehearsed:
        pack = () if "--policy-pack" in arguments else ("--policy-pack", str(SILENT_PACK))
        # What a program only seems to have made is a mistake to be found here.
        profile = () if "--profile" in arguments else ("--profile", "house")
        folder = project(tmp_path, {"config": dict(config or {})}, program)
        return rehearse(folder, "test", *pack, *profile, *arguments)

    return rehearse_program
