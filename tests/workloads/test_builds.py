"""What CodeBuild is told to do with a commit, done here with a `make` that only notes what it was asked."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import yaml

from packages.plan import BUILT, PYTHON, place, sources

ROOT = Path(__file__).resolve().parents[2]
SPEC: dict[str, Any] = yaml.safe_load((ROOT / "workloads/builds/functions.yml").read_text(encoding="utf-8"))


def run(folder: Path, status: int) -> tuple[int, str]:
    noted = folder / "noted"
    make = folder / "make"
    make.write_text(f'#!/bin/sh\nprintf "%s|" "$@" >> "{noted}"\nexit {status}\n', encoding="utf-8")
    make.chmod(0o755)
    commands = "\n".join(SPEC["phases"]["build"]["commands"])
    done = subprocess.run(
        ["bash", "-euc", commands],
        env={"PATH": f"{folder}:{os.environ['PATH']}", "STACK": "study-dev"},
        cwd=folder,
        check=False,
    )
    return done.returncode, noted.read_text(encoding="utf-8")


def test_the_stack_is_rehearsed_and_a_finding_ends_the_build(tmp_path: Path) -> None:
    assert run(tmp_path, 0) == (0, "rehearse|STACK=study-dev|ARGS=--json build/report.json|")
    assert run(tmp_path, 1)[0] == 1
    assert SPEC["phases"]["build"]["on-failure"] == "ABORT"


def test_what_is_kept_is_the_packages_and_the_report_under_the_commits_name() -> None:
    kept = SPEC["artifacts"]
    base = ROOT / kept["base-directory"]
    assert kept["name"] == "$CODEBUILD_RESOLVED_SOURCE_VERSION"
    built = place(sources()["api"], "arm64")
    found = {path for pattern in kept["files"] for path in base.glob(pattern)}
    assert {built.code, built.layer, built.manifest} <= found
    assert "report.json" in kept["files"]
    assert not [path for path in found if path.is_dir()]
    assert BUILT.is_relative_to(base)


def test_the_packages_are_built_with_the_python_that_runs_them() -> None:
    assert SPEC["phases"]["install"]["runtime-versions"]["python"] == PYTHON
