"""The one comment on a pull request."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from changes.comment import MARK, PLACES, comment
from rehearsal.marks import REPORT_VERSION
from tests.conftest import ROOT

COUNTS = {
    "resources": 3, "emulated": 2, "validated": 1, "skipped": 0, "component": 0, "errors": 0, "warnings": 0,
    "waived": 0, "rules": 48,
}  # fmt: skip


def report(stack: str = "dev", **changes: Any) -> dict[str, Any]:
    return {
        "stack": stack, "ok": True, "counts": COUNTS, "problems": [], "resources": [], "seconds": {"total": 1.25},
        "version": REPORT_VERSION,
        **changes,
    }  # fmt: skip


def change(stack: str = "dev", *kinds: str, **said: Any) -> dict[str, Any]:
    counts: dict[str, int] = dict.fromkeys(
        ("create", "update", "may-replace", "replace", "delete", "rename", "unknown", "errors"), 0
    )
    for kind in kinds:
        counts[kind] += 1
    return {
        "stack": stack,
        "changes": [
            {"kind": kind, "name": f"{kind}d-{index}", "type": "aws:sqs/queue:Queue", "properties": []}
            for index, kind in enumerate(kinds)
        ],
        "counts": counts,
        "problems": [],
        "security": [],
        "deployer": [],
        "cost": None,
        "notes": [],
        "picture": "",
        **said,
    }


PROBLEM = {
    "kind": "policy", "level": "error", "rule": "bucket-tls", "message": "plain HTTP is *not* refused",
    "urn": "urn:pulumi:dev::kumiki::aws:s3/bucket:Bucket::kumiki-dev-data-bucket", "remedy": "Deny it.",
    "source": {"file": "architecture/data.py", "line": 44, "within": []},
}  # fmt: skip


def test_it_begins_with_its_mark_and_the_verdict() -> None:
    assert comment([report()]).startswith(f"{MARK}\n## Kumiki: ✅ every stack\n")
    assert "## Kumiki: ❌ prod\n" in comment([report(), report("prod", ok=False)])


def test_every_stack_has_a_line_in_the_order_of_their_names() -> None:
    cost = {"before_usd": 10.0, "after_usd": 12.5, "delta_usd": 2.5, "components": {"kumiki-prod-database": 2.5}}
    text = comment([report("prod", ok=False), report("dev")], [change("prod", "replace", "create", cost=cost)])

    assert [line for line in text.splitlines() if line.startswith(("| ✅", "| ❌"))] == [
        "| ✅ | dev |  |  | 2 | 1 | 0 | 0 | 0 | 1.2 |",
        "| ❌ | prod | 1 replaced, 1 created | 12.50 (+2.50) | 2 | 1 | 0 | 0 | 0 | 1.2 |",
    ]
    assert "- A month: 10.00 → 12.50 USD (kumiki-prod-database +2.50)" in text


def test_a_problem_names_the_rule_the_resource_the_line_and_the_mend() -> None:
    text = comment([report(ok=False, problems=[PROBLEM])])
    assert (
        "- ❌ policy `bucket-tls` **kumiki-dev-data-bucket**: plain HTTP is \\*not\\* refused "
        "(`architecture/data.py:44`)\n  - Deny it.\n" in text
    )


def test_what_is_replaced_is_told_and_what_is_updated_is_folded() -> None:
    text = comment([report()], [change("dev", "update", "replace", "create")])
    told, folded = text.split("<details>", 1)

    assert "- 🔴 replaced: **replaced-1** sqs Queue" in told
    assert "- ⚪ updated in place: **updated-0** sqs Queue" in folded
    assert "- 🟢 created: **created-2** sqs Queue" in folded


def test_what_opens_and_what_the_deployer_needs_are_told() -> None:
    opened = {"direction": "more", "kind": "internet", "subject": "web", "text": "web is now open to the internet"}
    closed = {**opened, "direction": "less", "text": "web is no longer open"}
    need = {"direction": "more", "text": "needs s3:PutReplicationConfiguration on the bucket files"}
    told, folded = (
        comment([report()], [change(security=[opened, closed], deployer=[need], notes=["secrets"])]).split("| 1.2 |")[
            1
        ],
        "",
    )

    assert "  - web is now open to the internet" in told + folded
    assert "  - needs s3:PutReplicationConfiguration on the bucket files" in told
    assert "no longer open" not in comment([report()], [change(security=[opened])])


def test_a_refused_change_fails_its_stack_and_a_waived_one_does_not() -> None:
    problem = {
        "level": "error",
        "rule": "data-loss",
        "urn": "",
        "message": "orders is lost",
        "remedy": "no",
        "waived": None,
    }
    refused = change("dev", "delete", problems=[problem])
    refused["counts"]["errors"] = 1
    waived = change("dev", "delete", problems=[{**problem, "waived": "It is empty."}])

    assert "## Kumiki: ❌ dev · 1 of 1 change" in comment([report()], [refused])
    assert "- 🔴 `data-loss` orders is lost\n  - no" in comment([report()], [refused])
    assert "## Kumiki: ✅ every stack · 1 of 1 change" in comment([report()], [waived])
    assert "- ⚪ waived `data-loss` orders is lost\n  - It is empty." in comment([report()], [waived])


def test_the_picture_is_drawn_where_mermaid_is() -> None:
    drawn = change("dev", "create", picture="flowchart LR\n")

    assert "```mermaid\nflowchart LR\n```" in comment([report()], [drawn])
    assert "```mermaid\nflowchart LR\n```" in comment([report()], [drawn], place="gitlab")
    plain = comment([report()], [drawn], place="plain")
    assert "mermaid" not in plain
    assert "<details>" not in plain
    assert "created-0" in plain


def test_the_way_back_is_folded_with_what_needs_a_person() -> None:
    text = comment([report()], [change("dev", "create")], [change("dev", "delete")])

    assert "<summary>dev: the way back (1 deleted)</summary>\n\n- 🔴 deleted: **deleted-0** sqs Queue" in text


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


@pytest.mark.parametrize("place", PLACES)
def test_a_comment_is_never_longer_than_is_taken_and_never_cut_in_the_middle(place: str) -> None:
    # Each of these counts as two where GitHub counts.
    long = {**PROBLEM, "message": "🙂" * 900}
    stacks = [report(f"stack-{number:03}", problems=[long] * 19) for number in range(60)]
    text = comment([*stacks, report("zz")], [change("zz", "update")], place=place)

    assert len(text.encode("utf-16-le")) // 2 <= PLACES[place]
    assert text.count("<details>") == text.count("</details>")
    if place == "github":
        assert text.endswith("left out here, since the comment would be too long: the log of the run has all of it.\n")
        assert "updated-0" in text, "what is short still fits"


@pytest.mark.parametrize("content", ["[]", "{}", '{"stack": "dev", "resources": [], "version": 1}'])
def test_what_another_version_wrote_is_left_out_and_told(tmp_path: Path, content: str) -> None:
    (tmp_path / "old.json").write_text(content, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "changes.comment", str(tmp_path / "old.json")],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )

    assert (done.returncode, "No stack was rehearsed" in done.stdout) == (0, True)
    assert "old.json is nothing that this version wrote" in done.stderr


def test_no_report_at_all_is_said() -> None:
    assert "No stack was rehearsed" in comment([])


def test_the_command_reads_what_was_written_and_misses_nothing_that_was_not(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(json.dumps(report()), encoding="utf-8")
    (tmp_path / "dev.json").write_text(json.dumps(change("dev", "create")), encoding="utf-8")
    files = [tmp_path / "report.json", tmp_path / "never.json"]
    done = subprocess.run(
        [sys.executable, "-m", "changes.comment", *files, "--changes", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert "| ✅ | dev | 1 created |" in done


# The workflow's step, with a stand-in for `gh`.

GH = """#!/bin/sh
printf '%s\\n' "$*" >> "$LOG"
case "$*" in *--paginate*) cat "$COMMENTS" ;; esac
"""


def run_step(folder: Path, comments: list[dict[str, Any]]) -> list[str]:
    jobs = yaml.safe_load((ROOT / ".github/workflows/pull-request.yml").read_text(encoding="utf-8"))["jobs"]
    script = jobs["comment"]["steps"][-1]["run"]
    (folder / "bin").mkdir()
    (folder / "bin/gh").write_text(GH, encoding="utf-8")
    (folder / "bin/gh").chmod((folder / "bin/gh").stat().st_mode | stat.S_IXUSR)
    (folder / "said.json").write_text(json.dumps(comments), encoding="utf-8")
    (folder / "comment.md").write_text(comment([report()]), encoding="utf-8")
    environment = {
        **os.environ,
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "LOG": str(folder / "log"),
        "COMMENTS": str(folder / "said.json"),
        "GITHUB_REPOSITORY": "acme/shop",
        "NUMBER": "7",
    }
    subprocess.run(["bash", "-eo", "pipefail", "-c", script], cwd=folder, env=environment, check=True)
    return (folder / "log").read_text(encoding="utf-8").splitlines()


def said(number: int, body: str, kind: str = "Bot") -> dict[str, Any]:
    return {"id": number, "body": body, "user": {"type": kind}}


def test_the_comment_of_the_last_push_is_renewed_and_nobody_elses(tmp_path: Path) -> None:
    log = run_step(tmp_path, [said(1, "hello"), said(2, f"{MARK}\nmine?", "User"), said(3, f"{MARK}\nold")])

    assert log[-1] == "api --method PATCH repos/acme/shop/issues/comments/3 --field body=@comment.md --silent"


def test_the_first_push_makes_a_comment(tmp_path: Path) -> None:
    log = run_step(tmp_path, [said(2, f"{MARK}\nsomebody's", "User")])

    assert log[-1] == "pr comment 7 --repo acme/shop --body-file comment.md"


def test_one_very_long_message_does_not_hide_what_a_stack_needs() -> None:
    told = comment([report(problems=[{**PROBLEM, "message": "<*" * 50_000}])], [change("dev", "replace")])

    assert "replaced-0" in told
    assert "left out" not in told
    assert "&lt;\\*…" in told
