"""The one command: what it names exists, and what it does not have is said."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from costs.files import write
from costs.model import CostError
from rehearsal.marks import REPORT_VERSION
from tests.conftest import ROOT
from tests.pictures.conftest import report, row
from tests.rehearsal.conftest import Rehearsed, rehearse, rehearsed  # noqa: F401 fixtures


def kumiki(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kumiki", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("rehearse", "--html"),
        ("serve", "--port"),
        ("diff", "--json"),
        ("permissions", "--json"),
        ("cost", "--json"),
        ("graph", "--svg"),
        ("engine", "--keep"),
        ("schema", "report"),
    ],
)
def test_each_command_says_what_it_takes(name: str, option: str) -> None:
    done = kumiki(name, "--help")

    assert done.returncode == 0, done.stderr
    assert f"kumiki {name}" in done.stdout
    assert option in done.stdout
    assert f"For example: kumiki {name}" in done.stdout


@pytest.mark.parametrize(("arguments", "status"), [([], 2), (["--help"], 0), (["rehears"], 2)])
def test_without_a_command_the_commands_are_named(arguments: list[str], status: int) -> None:
    done = kumiki(*arguments)

    assert done.returncode == status
    assert "rehearse" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_misspelt_command_is_answered_with_the_nearest() -> None:
    assert "Did you mean 'graph'?" in kumiki("grap").stderr


@pytest.mark.parametrize(
    ("words", "offered"), [("kumiki gr", {"graph"}), ("kumiki cost study-", {"study-dev", "study-prod"})]
)
def test_a_shell_completes_commands_and_stacks(words: str, offered: set[str]) -> None:
    asked = {"_KUMIKI_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    done = subprocess.run(
        [sys.executable, "-m", "kumiki"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **asked},
    )

    assert set(done.stdout.split()) == offered


def test_a_picture_is_drawn_of_a_report(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(
        json.dumps({**report(row("aws:s3/bucket:Bucket", "files")), "version": REPORT_VERSION, "project": "shop"}),
        encoding="utf-8",
    )
    done = kumiki("graph", "dev", "--report", str(tmp_path / "report.json"), "--svg", str(tmp_path / "dev.svg"))
    printed = kumiki("graph", "dev", "--report", str(tmp_path / "report.json"))

    assert (done.returncode, done.stdout) == (0, "")
    assert "files" in (tmp_path / "dev.svg").read_text(encoding="utf-8")
    assert printed.stdout.startswith("flowchart LR\n")


@pytest.mark.parametrize("command", ["cost", "diff", "permissions"])
def test_a_reader_that_goes_away_changes_no_status_and_no_line_ends_in_blanks(
    rehearsed: Callable[[str], Rehearsed],  # noqa: F811 the fixture
    tmp_path: Path,
    command: str,
) -> None:
    file = tmp_path / "report.json"
    file.write_text(json.dumps(rehearsed("deployers").report), encoding="utf-8")
    arguments = [sys.executable, "-m", "kumiki", command, "deployers", "--report", str(file)]
    arguments += ["--against", str(file)] if command == "diff" else []
    said = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    # Nobody reads it: what is written fails, however little it is.
    read, write_ = os.pipe()
    os.close(read)
    done = subprocess.run(arguments, cwd=ROOT, stdout=write_, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write_)

    assert (done.returncode, done.stderr) == (0, "")
    assert [line for line in said.splitlines() if line != line.rstrip()] == []


def test_somebody_who_interrupts_at_once_sees_no_trace(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("raise KeyboardInterrupt", encoding="utf-8")
    done = kumiki("rehearse", "dev", PYTHONPATH=str(tmp_path))

    assert (done.returncode, done.stderr) == (130, "")


def test_a_stream_that_knows_ascii_only_is_written_to() -> None:
    for command in ("diff", "cost", "permissions"):
        done = kumiki(command, "staging", PYTHONIOENCODING="ascii")

        assert (done.returncode, done.stderr) == (2, "")
        assert "there is no stack 'staging'" in done.stdout


def test_a_link_and_what_is_no_file_stay_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "there.svg").write_text("old", encoding="utf-8")
    (tmp_path / "link.svg").symlink_to("there.svg")
    os.mkfifo(tmp_path / "pipe")
    told: list[str] = []
    reader = threading.Thread(target=lambda: told.append((tmp_path / "pipe").read_text(encoding="utf-8")), daemon=True)
    reader.start()
    write(tmp_path / "link.svg", "new")
    write(tmp_path / "pipe", "through")
    reader.join(60)

    assert (tmp_path / "link.svg").is_symlink()
    assert (tmp_path / "there.svg").read_text(encoding="utf-8") == "new"
    assert (told, (tmp_path / "pipe").is_fifo()) == (["through"], True)


@pytest.mark.parametrize("ends_by", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_a_file_that_is_not_finished_leaves_the_old_one_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends_by: BaseException
) -> None:
    def ended(_path: Path, _target: Path) -> None:
        raise ends_by

    (tmp_path / "page.html").write_text("old", encoding="utf-8")
    monkeypatch.setattr(Path, "replace", ended)
    with pytest.raises(CostError if isinstance(ends_by, OSError) else KeyboardInterrupt):
        write(tmp_path / "page.html", "new")

    assert [one.name for one in tmp_path.iterdir()] == ["page.html"]
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == "old"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["graph", "staging"], "there is no stack 'staging'"),
        (["graph", "dev", "--svg", "nowhere/dev.svg"], "does not exist"),
        (["graph", "dev", "--mermaid", "/proc/dev.mmd"], "/proc/dev.mmd cannot be written"),
        (["graph", "dev", "--report", "old.json"], "is a report of version 1"),
        (["graph", "dev", "--report", "/"], "/ is a folder: it cannot be read"),
        (["diff", "dev", "--against", "/"], "and it is a folder"),
        (["diff", "dev", "--against", "old.json"], "is a report of version 1"),
        (["schema", "stacks"], "write stack or report"),
    ],
)
def test_a_mistake_is_told_before_anything_is_rehearsed(tmp_path: Path, arguments: list[str], said: str) -> None:
    old = {**report(), "version": 1}
    (tmp_path / "old.json").write_text(json.dumps(old), encoding="utf-8")
    done = kumiki(*(str(tmp_path / "old.json") if one == "old.json" else one for one in arguments))

    assert done.returncode == 2
    assert said in done.stderr + done.stdout
    assert "Traceback" not in done.stderr
