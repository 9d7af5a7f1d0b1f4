"""The comment on a pull request."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rehearsal.comment import LONGEST, comment
from tests.rehearsal.conftest import ROOT, Rehearsed

COUNTS = {
    "resources": 3, "emulated": 2, "validated": 1, "skipped": 0, "component": 0, "errors": 0, "warnings": 0,
    "waived": 0, "rules": 48,
}  # fmt: skip


def report(stack: str = "dev", **changes: Any) -> dict[str, Any]:
    return {
        "stack": stack, "ok": True, "counts": COUNTS, "problems": [], "resources": [], "seconds": {"total": 1.25},
        **changes,
    }  # fmt: skip


PROBLEM = {
    "kind": "policy", "level": "error", "rule": "bucket-tls", "message": "plain HTTP is *not* refused",
    "urn": "urn:pulumi:dev::kumiki::aws:s3/bucket:Bucket::kumiki-dev-data-bucket", "remedy": "Deny it.",
}  # fmt: skip


def test_every_stack_has_a_line_in_the_order_of_their_names() -> None:
    lines = comment([report("prod", ok=False), report("dev")]).splitlines()
    assert [line for line in lines if line.startswith(("| ✅", "| ❌"))] == [
        "| ✅ | dev | 2 | 1 | 0 | 48 | 0 | 0 | 0 | 1.2 |",
        "| ❌ | prod | 2 | 1 | 0 | 48 | 0 | 0 | 0 | 1.2 |",
    ]


def test_a_problem_names_the_rule_the_resource_and_the_mend() -> None:
    text = comment([report(ok=False, problems=[PROBLEM])])
    assert (
        "- ❌ policy `bucket-tls` **kumiki-dev-data-bucket**: plain HTTP is \\*not\\* refused\n  - Deny it.\n" in text
    )


def test_what_was_only_validated_is_said_once_with_its_reason() -> None:
    one = {"type": "aws:amplify/app:App", "status": "validated", "reason": "the emulator does not know Amplify"}
    assert (
        comment([report(resources=[one]), report("prod", resources=[one])]).count("- App: the emulator does not") == 1
    )
    assert "Validated only" not in comment([report()])


def test_a_message_cannot_call_people_or_draw() -> None:
    nasty = {**PROBLEM, "message": "@everyone <img src=x> [here](http://x) ![y](z)\n# Title", "rule": "a`b"}
    text = comment([report(problems=[nasty])])
    assert "@everyone" not in text
    assert "<img" not in text
    assert "[here](" not in text
    assert "\n# Title" not in text
    assert "`ab`" in text


def test_a_comment_is_never_longer_than_github_takes() -> None:
    text = comment([report(problems=[{**PROBLEM, "message": "x" * 500}] * 1000)])
    assert len(text) <= LONGEST + 100
    assert text.endswith("the log of the run has all of it.\n")


def test_no_report_at_all_is_said() -> None:
    assert "No stack was rehearsed" in comment([])


def test_the_command_reads_what_a_rehearsal_wrote(tmp_path: Path, rehearsed: Callable[[str], Rehearsed]) -> None:
    report = rehearsed("dev").report
    (tmp_path / "report.json").write_text(json.dumps(report), encoding="utf-8")
    written = subprocess.run(
        [sys.executable, "-m", "rehearsal.comment", tmp_path / "report.json", tmp_path / "never-written.json"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert f"| ✅ | dev | {report['counts']['emulated']} |" in written
