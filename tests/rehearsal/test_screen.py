"""What a rehearsal shows by itself: one screen, the verdict first; on a terminal, in a pipe, and to `head`."""

from __future__ import annotations

import io
import os
import re
import subprocess
from pathlib import Path

import pytest

from costs.terminal import Terminal
from rehearsal import cli, text
from rehearsal.brief import grouped
from rehearsal.gaps import Gap
from rehearsal.insights import Insights, Store
from rehearsal.lines import Line, Source
from rehearsal.problems import Problem
from rehearsal.report import Report
from tests.rehearsal.conftest import ROOT, Rehearse, project

URN = "urn:pulumi:dev::shop::aws:kms/key:Key::"
ARN = "arn:aws:iam::123456789012:policy/a-name-that-is-much-longer-than-any-window-that-people-have-on-their-screens"


@pytest.fixture
def report() -> Report:
    found = Report(stack="dev", project="shop", product="shop", environment="dev", region="eu-west-1", folder=ROOT)
    found.seconds = dict.fromkeys(("preview", "deploy", "lint", "policies", "total"), 1.0)
    found.problems = [
        Problem(
            kind="policy",
            rule="kms-rotation",
            urn=f"{URN}key-{number}",
            message=f"does not rotate, see {ARN}",
            remedy="switch it on",
            source=Source(Line("keys.py", number)),
        )
        for number in range(1, 7)
    ]
    found.problems.append(Problem(kind="lint", level="warning", message="is old"))
    found.gaps = [Gap("not emulated", "aws:iot/thing:Thing", f"thing-{number}") for number in range(30)]
    found.outputs = {f"output-{number}": "x" for number in range(60)}
    found.insights = Insights(stores=[Store("shop-dev-db", {}, ["internet", "shop-dev-web", "shop-dev-db"])])
    return found


def shown(report: Report, *, width: int, terminal: bool, how: text.Shown = "screen") -> list[str]:
    console = Terminal(file=io.StringIO(), width=width, force_terminal=terminal, no_color=True, highlight=False)
    text.show(console, report, debug=False, how=how)
    assert isinstance(console.file, io.StringIO)
    # Without the terminal's own signs: bold, links.
    plain = re.sub(r"\x1b(?:\[[\d;]*m|\].*?\x1b\\)", "", console.file.getvalue())
    return [line.rstrip() for line in plain.splitlines()]


def test_findings_that_say_the_same_are_one_line_with_their_names_and_count(report: Report) -> None:
    errors, warnings = grouped(report.problems)
    lines = shown(report, width=100_000, terminal=False)

    assert (len(errors), len(warnings)) == (6, 1)
    said = [line for line in lines if line.startswith("error")]
    assert said == [
        f"error kms-rotation key-1, key-2, key-3, key-4 and 2 more: does not rotate, see {ARN} (×6)",
    ]
    assert "      → switch it on" in lines
    assert "      at keys.py:1" in lines
    every = shown(report, width=100_000, terminal=False, how="all")
    assert len([line for line in every if line.startswith("error")]) == 6, "-v names each"


def test_each_line_that_caused_a_finding_is_told_and_many_are_counted(report: Report) -> None:
    lines = shown(report, width=100_000, terminal=False)

    assert "      at keys.py:2" in lines
    assert "      at keys.py:5" in lines
    assert "      at 1 line more" in lines


@pytest.mark.parametrize("terminal", [True, False])
def test_a_name_is_shown_as_it_is(report: Report, terminal: bool) -> None:
    report.insights = Insights(stores=[Store("db", {}, ["internet", "w[red]eb[/]", "db"])])

    assert "1 by w[red]eb[/]" in "\n".join(shown(report, width=200, terminal=terminal))


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize("how", ["screen", "all"])
def test_names_and_messages_do_not_steer_the_terminal(report: Report, terminal: bool, how: text.Shown) -> None:
    report.problems = [Problem(kind="aws", urn=f"{URN}a\x1b[2J", message="b\x9b31m")]
    report.outputs = {"first\nsecond": "x\x1b]0;y"}
    told = shown(report, width=200, terminal=terminal, how=how)

    assert any("a\ufffd[2J: b\ufffd31m" in line for line in told)
    assert "\x1b" not in "".join(told)
    assert how == "all" or any("first second" in line for line in told)


def test_the_verdict_is_first_and_all_fits_a_screen(report: Report) -> None:
    lines = shown(report, width=100_000, terminal=False)

    assert lines[1].startswith("failed · nothing deployed")
    assert len(lines) <= 24
    assert "not emulated: 30: 30 Thing" in lines
    assert "outputs: 60: output-0, output-1, output-10, output-11 and 56 more" in lines
    assert "data: 1 of 1 stores can be reached from the internet: 1 by web" in lines


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_terminal_of_any_width_shows_every_word(report: Report, width: int) -> None:
    lines = shown(report, width=width, terminal=True)

    assert [line for line in lines if len(line) > width] == []
    words = " ".join(" ".join(lines).split())
    for word in ("kms-rotation", "key-4", "switch", "output-10", "Thing"):
        assert word in words
    assert ARN in "".join("".join(lines).split())


def test_quiet_leaves_what_is_wrong_and_the_verdict(report: Report) -> None:
    lines = shown(report, width=100_000, terminal=False, how="problems")

    assert lines[1].startswith("failed")
    assert len([line for line in lines if line.startswith(("error", "warning"))]) == 2
    assert "output-1" not in " ".join(lines)


def test_a_stack_without_anything_is_shown(report: Report) -> None:
    report.problems, report.gaps, report.outputs, report.insights = [], [], {}, Insights()

    assert len(shown(report, width=80, terminal=False)) <= 4


PROGRAM = """
import pulumi

for number in range(3000):
    pulumi.export(f"output-{number:04}", "an output with a sign: ✓ " * 4)
"""


@pytest.fixture
def folder(tmp_path: Path, rehearse: Rehearse) -> Path:  # noqa: ARG001 not quick
    return project(tmp_path, {"config": {}}, PROGRAM)


def run(command: list[str], folder: Path, *arguments: str, after: str = "", **environment: str) -> tuple[int, str]:
    line = " ".join([*command, "test", "--program", str(folder), *arguments, after])
    own = {key: value for key, value in os.environ.items() if key != "COLUMNS"}
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line}"],
        cwd=ROOT,
        env={**own, "PYTHONUTF8": "0", **environment},
        capture_output=True,
        check=False,
    )
    return done.returncode, (done.stdout + done.stderr).decode("utf-8", errors="replace")


def test_a_reader_that_goes_away_changes_no_status_and_keeps_no_file_from_being_written(
    command: list[str], folder: Path
) -> None:
    status, said = run(command, folder, "-v", f"--json {folder / 'report.json'}", after="| head -n 1")

    assert (status, said.count("\n")) == (0, 1)
    assert (folder / "report.json").is_file()


def test_a_pipe_gets_whole_lines_without_blanks_at_their_ends(command: list[str], folder: Path) -> None:
    status, said = run(command, folder, "-v")

    assert status == 0
    assert len([line for line in said.splitlines() if line.startswith("output-")]) == 3000
    assert not [line for line in said.splitlines() if line != line.rstrip()]


def test_what_a_shell_says_of_its_window_is_not_about_a_pipe(
    report: Report, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    remedy = "a remedy that is longer than a window of forty signs"
    report.problems = [Problem(kind="aws", message="is wrong", remedy=remedy)]

    text.show(cli._console(), report, debug=False)  # noqa: SLF001 the commands' own terminal

    assert remedy in capsys.readouterr().out


def test_a_stream_that_knows_ascii_only_is_written_to(command: list[str], folder: Path) -> None:
    status, said = run(command, folder, "-v", LC_ALL="C", PYTHONIOENCODING="ascii", PYTHONCOERCECLOCALE="0")

    assert status == 0
    assert "an output with a sign: ?" in said
