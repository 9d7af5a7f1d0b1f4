"""The reports of several rehearsals as one comment on a pull request.

python -m rehearsal.comment reports/*.json > comment.md
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

# GitHub takes 65,536 characters; the rest is for what is added when it is cut.
LONGEST: Final = 60_000


def comment(reports: Iterable[dict[str, Any]]) -> str:
    """Markdown: a line for each stack, then what is wrong, then what could only be validated."""
    every = sorted(reports, key=lambda report: report["stack"])
    if not every:
        return "## Rehearsal\n\n❌ No stack was rehearsed: the log of the run says why.\n"
    lines = [
        "## Rehearsal",
        "",
        "| | stack | emulated | validated only | skipped | rules | errors | warnings | waived | seconds |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|",
        *(_row(report) for report in every),
    ]
    for report in every:
        lines += _problems(report)
    lines += _validated(every)
    text = "\n".join(lines) + "\n"
    if len(text) <= LONGEST:
        return text
    return text[:LONGEST].rpartition("\n")[0] + "\n\n… and more: the log of the run has all of it.\n"


def _row(report: dict[str, Any]) -> str:
    counts = report["counts"]
    cells = [
        "✅" if report["ok"] else "❌",
        _plain(report["stack"]),
        *(str(counts[name]) for name in ("emulated", "validated", "skipped", "rules", "errors", "warnings", "waived")),
        f"{report['seconds'].get('total', 0):.1f}",
    ]
    return f"| {' | '.join(cells)} |"


def _problems(report: dict[str, Any]) -> list[str]:
    if not report["problems"]:
        return []
    lines = ["", f"### {_plain(report['stack'])}", ""]
    for problem in report["problems"]:
        sign = "❌" if problem["level"] == "error" else "⚠️"
        rule = f" `{_code(problem['rule'])}`" if problem.get("rule") else ""
        where = f" **{_plain(problem['urn'].rpartition('::')[2])}**:" if problem.get("urn") else ""
        lines.append(f"- {sign} {problem['kind']}{rule}{where} {_plain(problem['message'])}")
        if problem.get("remedy"):
            lines.append(f"  - {_plain(problem['remedy'])}")
    return lines


def _validated(reports: list[dict[str, Any]]) -> list[str]:
    reasons = sorted(
        {
            (one["type"].rpartition(":")[2], one.get("reason") or "")
            for report in reports
            for one in report["resources"]
            if one["status"] == "validated"
        }
    )
    if not reasons:
        return []
    lines = ["", "<details><summary>Validated only: the requests were checked, nothing emulated them</summary>", ""]
    return [*lines, *(f"- {_plain(kind)}: {_plain(reason)}" for kind, reason in reasons), "", "</details>"]


def _plain(text: str) -> str:
    """Text that Markdown shows as it is: a name or a message must not mention people, link or draw."""
    flat = " ".join(str(text).split())
    for sign in "\\`*_{}[]()#|~!":
        flat = flat.replace(sign, f"\\{sign}")
    # A zero-width space keeps @somebody from being called.
    return flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "@\u200b")


def _code(text: str) -> str:
    return str(text).replace("`", "")


def main(paths: list[str]) -> None:
    """Print the comment for the reports in these files; a report that was never written is no reason to fail."""
    existing = [Path(path) for path in paths if Path(path).is_file()]
    sys.stdout.write(comment(json.loads(path.read_text(encoding="utf-8")) for path in existing))


if __name__ == "__main__":
    main(sys.argv[1:])
