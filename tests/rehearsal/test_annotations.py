"""The findings as GitHub's annotations and as JUnit's XML."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from rehearsal import annotations
from rehearsal.lines import Line, Source
from rehearsal.problems import Mistake, Problem
from rehearsal.report import Report
from rehearsal.sarif import sarif
from tests.rehearsal.conftest import ROOT, Rehearse, project

URN = "urn:pulumi:dev::shop::aws:kms/key:Key::shop-key"


@pytest.fixture
def report() -> Report:
    found = Report(stack="dev", project="shop", product="", environment="", region="", folder=ROOT / "docs")
    found.secrets = {"correct horse"}
    found.problems = [
        Problem(
            kind="policy",
            rule="kms-rotation",
            urn=URN,
            message="100 % wrong,\nsays correct horse",
            remedy="turn: it",
            source=Source(Line("infra/a, b.py", 7)),
        ),
        Problem(kind="aws", level="warning", message="no \x1b colour"),
    ]
    return found


def test_each_finding_marks_its_line(report: Report) -> None:
    first, second = annotations.github(report)

    assert first == (
        "::error file=docs/infra/a%2C b.py,line=7,title=kms-rotation shop-key::"
        "100 %25 wrong,%0Asays [secret]%0AFix: turn: it"
    )
    assert second == "::warning title=aws::no \x1b colour"


def test_each_mistake_in_the_settings_stands_on_its_own_line(report: Report) -> None:
    file = "Pulumi.dev.yaml"
    mistakes = tuple(Mistake(f"shop:{key}", "1", "is wrong", Line(file, line)) for key, line in (("a", 3), ("b", 9)))
    report.problems = [Problem(kind="settings", message="2 mistakes", source=Source(Line(file, 3)), mistakes=mistakes)]
    told = list(annotations.github(report))
    placed = [one["locations"][0]["physicalLocation"] for one in sarif(report)["runs"][0]["results"]]

    assert [one.partition("line=")[2] for one in told] == [
        "3,title=settings::shop:a: is wrong",
        "9,title=settings::shop:b: is wrong",
    ]
    assert [one["region"]["startLine"] for one in placed] == [3, 9]
    assert [one.get("line") for one in annotations.junit(report)] == ["3", "9"]


def test_errors_are_failures_and_warnings_are_skipped(report: Report, tmp_path: Path) -> None:
    annotations.write(report, tmp_path / "junit.xml")

    suite = ElementTree.parse(tmp_path / "junit.xml").getroot()[0]  # noqa: S314 it is ours
    assert {name: suite.get(name) for name in ("tests", "failures", "skipped")} == {
        "tests": "2",
        "failures": "1",
        "skipped": "1",
    }
    failed, skipped = suite
    assert (failed.get("name"), failed.get("file"), failed.get("line")) == (
        "kms-rotation shop-key",
        "docs/infra/a, b.py",
        "7",
    )
    assert failed[0].tag == "failure"
    assert "correct horse" not in (tmp_path / "junit.xml").read_text(encoding="utf-8")
    assert skipped[0].get("message") == "no \N{REPLACEMENT CHARACTER} colour"


def test_a_fine_stack_is_a_passed_test(report: Report) -> None:
    report.problems = []

    (test,) = annotations.junit(report)

    assert (test.get("name"), list(test)) == ("nothing is wrong", [])


def test_an_unknown_format_and_files_that_cannot_be_written_are_refused_before(
    tmp_path: Path, rehearse: Rehearse
) -> None:
    folder = project(tmp_path, {"config": {}}, "raise SystemExit(7)")

    format_ = rehearse(folder, "test", "--format", "html")
    junit = rehearse(folder, "test", "--junit", str(tmp_path))
    long = rehearse(folder, "test", "--html", str(tmp_path / ("x" * 300)), "--format", "github")

    assert (format_.status, junit.status, long.status) == (2, 2, 2)
    assert "cannot be written: File name too long" in long.text
    assert "::error title=rehearsal::--html" in long.text
    assert "--format html: there is no such format" in format_.text
    assert "--junit" in junit.text
    assert "cannot be written" in junit.text


def test_signs_that_xml_lacks_are_replaced_and_a_name_with_colons_is_whole(report: Report) -> None:
    report.problems = [Problem(kind="aws", urn=f"{URN}::a", message="\x00 \ufffe \ud800 \N{PARTY POPPER}")]

    told = ElementTree.fromstring(ElementTree.tostring(annotations.junit(report)))  # noqa: S314 it is ours

    assert told[0].get("name") == "aws shop-key::a"
    assert told[0][0].get("message") == "\ufffd \ufffd \ufffd \N{PARTY POPPER}"


def test_what_a_program_says_is_no_command_to_github_and_half_a_sign_ends_nothing(
    tmp_path: Path, rehearse: Rehearse
) -> None:
    folder = project(tmp_path, {"config": {}}, r'raise ValueError("half \ud800 a sign\n  ::error ::not ours")')
    files = [tmp_path / name for name in ("r.html", "r.sarif", "r.xml")]
    options = [part for name, file in zip(("html", "sarif", "junit"), files, strict=True)
               for part in (f"--{name}", str(file))]  # fmt: skip

    done = rehearse(folder, "test", "--format", "github", *options)

    assert done.status == 1
    assert [one.name for one in files if not one.is_file()] == [], done.text
    [problem] = done.report["problems"]
    assert "half \ud800 a sign" in problem["message"]
    lines = done.text.splitlines()
    token = next(one for one in lines if one.startswith("::stop-commands::")).removeprefix("::stop-commands::")
    closed = lines.index(f"::{token}::")
    theirs = [number for number, one in enumerate(lines) if one.strip().startswith("::error ::not ours")]
    ours = [number for number, one in enumerate(lines) if one.startswith("::error ") and "title=" in one]
    assert theirs, "it is shown"
    assert max(theirs) < closed < min(ours)
