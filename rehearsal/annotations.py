"""The findings of a rehearsal in the two forms that continuous integration shows beside a change.

GitHub's workflow commands mark lines of a change:
https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands.
JUnit's XML is read by GitLab, Jenkins and most others: https://github.com/testmoapp/junitxml.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from costs import files
from pictures.texts import valid
from rehearsal.problems import Problem, RehearsalError, each
from rehearsal.property_values import shown
from rehearsal.report import Report

_DATA: Final = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY: Final = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})


def github(report: Report) -> Iterator[str]:
    """A workflow command for each finding, for standard output of a step."""
    for problem in each(report.problems):
        properties = {"title": _title(problem)}
        if problem.source:
            line = problem.source.line
            properties = {"file": report.in_repository(line.file), "line": str(line.line), **properties}
        told = ",".join(f"{name}={value.translate(_PROPERTY)}" for name, value in properties.items())
        yield f"::{problem.level} {told}::{report.told(problem).translate(_DATA)}"


def pause() -> tuple[str, str]:
    """Two lines, between which GitHub takes no line of a step's output for a command."""
    token = secrets.token_hex(16)
    return f"::stop-commands::{token}", f"::{token}::"


def refused(error: RehearsalError) -> str:
    """The workflow command for what keeps a rehearsal from starting."""
    told = error.message + (f"\nFix: {error.remedy}" if error.remedy else "")
    return f"::error title=rehearsal::{told.translate(_DATA)}"


def junit(report: Report) -> ElementTree.Element:
    """A test suite with a test for each finding: errors are failures, warnings are skipped. Without any, one that is
    passed."""
    problems = list(each(report.problems))
    errors, warnings = (sum(one.level == level for one in problems) for level in ("error", "warning"))
    suite = ElementTree.Element(
        "testsuite",
        name=f"rehearsal of {report.stack}",
        tests=str(len(problems) or 1),
        failures=str(errors),
        skipped=str(warnings),
        errors="0",
        time=f"{report.seconds.get('total', 0):.3f}",
    )
    for problem in problems:
        test = _test(suite, report, _title(problem))
        if problem.source:
            line = problem.source.line
            test.set("file", report.in_repository(line.file))
            test.set("line", str(line.line))
        found = ElementTree.SubElement(test, "failure" if problem.level == "error" else "skipped")
        found.set("message", valid(str(shown(problem.message, report.secrets))))
        found.text = valid(report.told(problem))
    if not problems:
        _test(suite, report, "nothing is wrong")
    return suite


def write(report: Report, path: Path) -> None:
    """Write the findings as JUnit's XML."""
    root = ElementTree.Element("testsuites")
    root.append(junit(report))
    ElementTree.indent(root)
    files.write(path, ElementTree.tostring(root, encoding="utf-8", xml_declaration=True).decode() + "\n")


def _test(suite: ElementTree.Element, report: Report, name: str) -> ElementTree.Element:
    return ElementTree.SubElement(suite, "testcase", classname=f"{report.project}.{report.stack}", name=valid(name))


def _title(problem: Problem) -> str:
    name = f" {problem.urn.split('::', 3)[-1]}" if problem.urn else ""
    return f"{problem.rule or problem.kind}{name}"
