"""`kumiki engine`: what is missing or would mix real and emulated is said in one message, before anything starts."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from engine.marks import BACKEND
from engine.workspace import prepare
from tests.conftest import ROOT


def engine(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Without what the developer's own shell says of Pulumi."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PULUMI_", "KUMIKI_"))}
    return subprocess.run(
        [sys.executable, "-m", "kumiki", "engine", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**own, **environment},
    )


def cli(folder: Path, version: str) -> str:
    """A PATH with a CLI that says this version and does nothing else."""
    script = folder / "pulumi"
    script.write_text(f"#!/bin/sh\necho {version}\n", encoding="utf-8")
    script.chmod(0o755)
    return f"{folder}:/usr/bin:/bin"


def test_without_the_cli_it_says_where_to_get_it() -> None:
    done = engine("dev", PATH="/nowhere")

    assert done.returncode == 2
    assert "there is no `pulumi` on the PATH" in done.stdout
    assert "https://www.pulumi.com/docs/install/" in done.stdout


@pytest.mark.parametrize("version", ["v3.100.0", "rubbish"])
def test_a_cli_that_is_too_old_is_refused(tmp_path: Path, version: str) -> None:
    done = engine("dev", PATH=cli(tmp_path, version))

    assert done.returncode == 2
    assert f"is {version}, and this needs 3.249.0 or newer" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (["dev"], {BACKEND: "s3://state"}, "PULUMI_BACKEND_URL is set (s3://state)"),
        (["staging"], {}, "there is no stack 'staging'"),
        (["dev", "--set", "kumiki:network.zones"], {}, "--set kumiki:network.zones: there is no value"),
        (["dev", "--policy-pack", "docs"], {}, "is no policy pack"),
    ],
)
def test_bad_input_is_told_in_one_message(
    tmp_path: Path, arguments: list[str], environment: dict[str, str], said: str
) -> None:
    done = engine(*arguments, PATH=cli(tmp_path, "v3.999.0"), **environment)

    assert done.returncode == 2
    assert said in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_a_port_that_is_taken_is_refused(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = engine("dev", "--port", port, PATH=cli(tmp_path, "v3.999.0"))

    assert done.returncode == 2
    assert f"--port {port}: Address already in use" in done.stdout


def test_the_project_is_worked_on_by_links_and_its_stack_files_are_copies(tmp_path: Path) -> None:
    program, run = tmp_path / "program", tmp_path / "run"
    (program / "parts").mkdir(parents=True)
    run.mkdir()
    (program / "Pulumi.yaml").write_text("name: plain\nruntime: python\n", encoding="utf-8")
    (program / "Pulumi.dev.yaml").write_text(
        "secretsprovider: awskms://key\nencryptedkey: abc\nconfig:\n  plain:size: 3\n  plain:token: {secure: xyz}\n",
        encoding="utf-8",
    )
    made = prepare(run, program)
    (made.project / "Pulumi.dev.yaml").write_text("encryptionsalt: ours\n", encoding="utf-8")

    assert (made.project / "parts").resolve() == program / "parts"
    assert made.secrets == {"dev": ["plain:token"]}
    assert "awskms" in (program / "Pulumi.dev.yaml").read_text(encoding="utf-8")


def test_nothing_of_another_backend_is_taken_over(tmp_path: Path) -> None:
    program, run = tmp_path / "program", tmp_path / "run"
    program.mkdir()
    run.mkdir()
    (program / "Pulumi.yaml").write_text("name: plain\nruntime: python\n", encoding="utf-8")
    (program / "Pulumi.dev.yaml").write_text("encryptionsalt: v1:abc\nconfig: {plain:size: 3}\n", encoding="utf-8")
    made = prepare(run, program)

    assert (made.project / "Pulumi.dev.yaml").read_text(encoding="utf-8") == "config:\n  plain:size: 3\n"
    assert "PULUMI_HOME" in made.variables
    assert str(run) in made.variables[BACKEND]
