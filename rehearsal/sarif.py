"""The findings of a rehearsal as SARIF 2.1.0, which code-review tools show beside a change.

The place of a finding is the line that declares its resource or writes its setting, with the lines of components that
it led to beside; its logical place is the URN. What nobody can place is the stack file's. Waived findings are in it,
suppressed. The fingerprint is made of the URN and the rule: moving the code opens no alert anew.

What GitHub needs of it, beyond the standard:
https://docs.github.com/code-security/reference/code-scanning/sarif-files/sarif-support.
"""

from __future__ import annotations

import hashlib
import json
import linecache
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from costs import files
from rehearsal.lines import Line, Source, named
from rehearsal.marks import REPORT_VERSION
from rehearsal.problems import Kind, Problem, each
from rehearsal.report import Report

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_MEANINGS: Final[dict[Kind, str]] = {
    "settings": "The stack's settings can be used.",
    "program": "The program does what Pulumi's engine allows.",
    "request": "Requests are ones that AWS's service model knows.",
    "aws": "AWS accepts the request.",
    "reference": "What a resource refers to exists.",
    "lint": "Values are ones that AWS's schemas allow.",
    "iam": "IAM policies grant what they mean to grant.",
    "policy": "The policy pack works.",
    "cost": "The month is within its budget.",
}
"""What is asked for where no rule of a pack says it."""


_LONGEST: Final = 1024
"""Characters that GitHub takes of a description."""


def sarif(report: Report) -> dict[str, Any]:
    """The whole log: one run, one result for each finding."""
    waived = [
        (Problem(kind="policy", level="warning", rule=waiver["rule"], urn=urn, message="is waived"), waiver["reason"])
        for waiver in report.waivers
        for urn in waiver["waived"]
    ]
    found: list[tuple[Problem, str | None]] = [*((one, None) for one in each(report.problems)), *waived]
    rules = {_rule_id(problem): _rule(problem) for problem, _reason in sorted(found, key=lambda one: _rule_id(one[0]))}
    places = {id_: index for index, id_ in enumerate(rules)}
    sources = {one.urn: one.source for one in report.resources}
    seen: Counter[str] = Counter()
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "Kumiki rehearsal",
                        "semanticVersion": f"{REPORT_VERSION}.0.0",
                        "rules": list(rules.values()),
                    }
                },
                "automationDetails": {"id": f"rehearsal/{report.stack}/"},
                "columnKind": "unicodeCodePoints",
                "results": [
                    {
                        **_result(
                            replace(one, source=one.source or sources.get(one.urn or "")),
                            report,
                            places[_rule_id(one)],
                            seen,
                        ),
                        # GitHub takes no notice and opens an alert all the same: what is uploaded there leaves it out.
                        **({"suppressions": [{"kind": "external", "justification": reason}]} if reason else {}),
                    }
                    for one, reason in found
                ],
            }
        ],
    }


def write(report: Report, path: Path) -> None:
    files.write(path, json.dumps(sarif(report), indent=2, ensure_ascii=False) + "\n")


def _rule_id(problem: Problem) -> str:
    return problem.rule or problem.kind


def _rule(problem: Problem) -> dict[str, Any]:
    rule: dict[str, Any] = {"id": _rule_id(problem), "properties": {"tags": [problem.kind]}}
    asked = (problem.title or _MEANINGS[problem.kind])[:_LONGEST]
    rule["shortDescription"] = rule["fullDescription"] = {"text": asked}
    if problem.url:
        rule["helpUri"] = problem.url
    # Of the other kinds a remedy belongs to the single finding.
    rule["help"] = {"text": (problem.remedy if problem.kind == "policy" else None) or asked}
    return rule


def _result(problem: Problem, report: Report, rule_index: int, seen: Counter[str]) -> dict[str, Any]:
    source = problem.source or Source(Line(named(report.folder, files.stack_file(report.folder, report.stack)), 1))
    place = _place(source.line, report)
    if problem.urn:
        name = problem.urn.split("::", 3)[-1]
        place["logicalLocations"] = [{"name": name, "fullyQualifiedName": problem.urn, "kind": "resource"}]
    return {
        "ruleId": _rule_id(problem),
        "ruleIndex": rule_index,
        "level": problem.level,
        "message": {"text": report.told(problem)},
        "locations": [place],
        "relatedLocations": [
            {"id": index, **_place(line, report), "message": {"text": what}}
            for index, (line, what) in enumerate(_related(source), 1)
        ],
        # The only one that GitHub compares is this.
        "partialFingerprints": {"primaryLocationLineHash": _fingerprint(problem, seen)},
    }


def _related(source: Source) -> Iterator[tuple[Line, str]]:
    yield from ((line, "the component") for line in source.within)
    if source.setting is not None:
        yield source.setting, "the setting that asks for it"


def _place(line: Line, report: Report) -> dict[str, Any]:
    written = linecache.getline(str(report.folder / line.file), line.line).rstrip("\n")
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(report.in_repository(line.file))},
            "region": {
                "startLine": line.line,
                "startColumn": 1,
                "endLine": line.line,
                # One past the last; where nobody can read the line, its first letter.
                "endColumn": max(2, len(written) + 1),
            },
        }
    }


def _fingerprint(problem: Problem, seen: Counter[str]) -> str:
    """The same finding of the next run has the same one, whatever values its message names.

    Two findings of one rule on one resource are counted, or they would be one alert.
    """
    told = "\n".join((problem.kind, problem.rule or problem.message, problem.urn or ""))
    fingerprint = hashlib.sha256(told.encode(errors="backslashreplace")).hexdigest()[:32]
    seen[fingerprint] += 1
    return f"{fingerprint}:{seen[fingerprint]}"
