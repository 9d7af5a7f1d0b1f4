"""The findings of a rehearsal as SARIF 2.1.0, which code-review tools show beside a change.

A finding belongs to a resource, which has no line: its place is the stack's file, its logical place the URN.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Final

from rehearsal.problems import Problem
from rehearsal.property_values import shown
from rehearsal.report import Report

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def sarif(report: Report) -> dict[str, Any]:
    """The whole log: one run, one result for each finding."""
    rules = {_rule_id(problem): _rule(problem) for problem in sorted(report.problems, key=_rule_id)}
    places = {id_: index for index, id_ in enumerate(rules)}
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "Kumiki rehearsal", "rules": list(rules.values())}},
                "automationDetails": {"id": f"rehearsal/{report.stack}/"},
                "columnKind": "unicodeCodePoints",
                "results": [_result(problem, report, places[_rule_id(problem)]) for problem in report.problems],
            }
        ],
    }


def write(report: Report, path: Path) -> None:
    path.write_text(json.dumps(sarif(report), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _rule_id(problem: Problem) -> str:
    return problem.rule or problem.kind


def _rule(problem: Problem) -> dict[str, Any]:
    rule: dict[str, Any] = {"id": _rule_id(problem), "properties": {"tags": [problem.kind]}}
    if problem.remedy and problem.kind == "policy":
        # Of the other kinds a remedy belongs to the single finding.
        rule["help"] = {"text": problem.remedy}
    return rule


def _result(problem: Problem, report: Report, rule_index: int) -> dict[str, Any]:
    message = str(shown(problem.message, report.secrets))
    if problem.remedy:
        message = f"{message}\nFix: {shown(problem.remedy, report.secrets)}"
    place: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": f"Pulumi.{report.stack}.yaml"},
            "region": {"startLine": 1},
        }
    }
    if problem.urn:
        name = problem.urn.rpartition("::")[2]
        place["logicalLocations"] = [{"name": name, "fullyQualifiedName": problem.urn, "kind": "resource"}]
    return {
        "ruleId": _rule_id(problem),
        "ruleIndex": rule_index,
        "level": problem.level,
        "message": {"text": message},
        "locations": [place],
        "partialFingerprints": {"finding/v1": _fingerprint(problem)},
    }


def _fingerprint(problem: Problem) -> str:
    """The same finding of the next run has the same one, whatever values its message names."""
    told = "\n".join((problem.kind, problem.rule or problem.message, problem.urn or ""))
    return hashlib.sha256(told.encode()).hexdigest()[:32]
