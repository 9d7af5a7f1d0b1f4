"""The one command: what it names exists, and what it does not have is said."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import ROOT


def kumiki(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kumiki", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("name", ["rehearse", "diff", "permissions", "cost"])
def test_each_command_says_what_it_takes(name: str) -> None:
    done = kumiki(name, "--help")

    assert done.returncode == 0, done.stderr
    assert f"kumiki {name}" in done.stdout
    assert "--json" in done.stdout


@pytest.mark.parametrize(("arguments", "status"), [([], 2), (["--help"], 0), (["rehears"], 2)])
def test_without_a_command_the_commands_are_named(arguments: list[str], status: int) -> None:
    done = kumiki(*arguments)

    assert done.returncode == status
    assert "rehearse" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
