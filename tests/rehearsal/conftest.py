"""Runs the rehearsal as a user does: a project folder, a stack file, a command line."""

from __future__ import annotations

import fcntl
import json
import os
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import yaml

from tests.rehearsal.warm import ROOT, rehearse

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

PREAMBLE = """\
import pulumi
import pulumi_aws as aws

provider = aws.Provider("provider", region="ap-northeast-1")
opts = pulumi.ResourceOptions(provider=provider)
"""


def run(folder: Path, *arguments: str, report_in: Path | None = None, timeout: float = 60) -> Rehearsed:
    """`python -m rehearsal ARGUMENTS --program FOLDER --json …`, in a process of its own."""
    left_in = report_in or folder
    output = left_in / "report.json"
    output.unlink(missing_ok=True)
    status = rehearse(
        [*arguments, "--program", str(folder), "--json", str(output)],
        {**os.environ, "COLUMNS": "300", "NO_COLOR": "1", "TERM": "dumb"},
        left_in,
        timeout=timeout,
    )
    report = json.loads(output.read_text(encoding="utf-8")) if output.exists() else {"problems": [], "resources": []}
    return Rehearsed(status, (left_in / "said").read_text(encoding="utf-8"), report)


def project(folder: Path, stack_file: str | Mapping[str, Any], program: str | None = None) -> Path:
    """A project in `folder` with a stack `test`: of Kumiki's own program, or of the given one."""
    main = f"main: {ROOT}\n" if program is None else ""
    name = "kumiki" if program is None else "plain"
    (folder / "Pulumi.yaml").write_text(f"name: {name}\nruntime: python\n{main}", encoding="utf-8")
    text = stack_file if isinstance(stack_file, str) else yaml.safe_dump(dict(stack_file), sort_keys=False)
    (folder / "Pulumi.test.yaml").write_text(text, encoding="utf-8")
    if program is not None:
        (folder / "__main__.py").write_text(PREAMBLE + dedent(program), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Rehearsed]:
    """One of Kumiki's own stacks, rehearsed once for all the tests of a run, in whichever process they are."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    @cache
    def rehearsed(name: str) -> Rehearsed:
        kept = shared / f"rehearsed-{name}.pickle"
        with (shared / f"rehearsed-{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not kept.exists():
                kept.write_bytes(pickle.dumps(run(ROOT, name, report_in=tmp_path_factory.mktemp(name))))
        return pickle.loads(kept.read_bytes())  # noqa: S301 written above

    return rehearsed


@pytest.fixture
def rehearse_kumiki(tmp_path: Path) -> Rehearse:
    """Rehearse Kumiki with the dev stack's configuration, changed: a key set to None is left out."""

    def rehearse(changes: Mapping[str, Any], *arguments: str) -> Rehearsed:
        config = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text(encoding="utf-8"))["config"]
        config = {key: value for key, value in {**config, **changes}.items() if value is not None}
        return run(project(tmp_path, {"config": config}), "test", *arguments)

    return rehearse


@pytest.fixture
def rehearse_plain(tmp_path: Path) -> Rehearse:
    """Rehearse a plain Pulumi program, given as source text after `PREAMBLE`, under a pack that never objects."""

    def rehearse(program: str, *arguments: str, config: Mapping[str, Any] | None = None) -> Rehearsed:
        pack = () if "--policy-pack" in arguments else ("--policy-pack", str(SILENT_PACK))
        return run(project(tmp_path, {"config": dict(config or {})}, program), "test", *pack, *arguments)

    return rehearse
