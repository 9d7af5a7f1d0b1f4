"""Writes docs/mistakes.md, the corpus as a list: `python -m tests.corpus`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tests.corpus.programs import MISSED, MISTAKES
from tests.corpus.stacks import VARIANTS

FILE = Path(__file__).resolve().parents[2] / "docs" / "mistakes.md"

LAYERS = {
    "settings": "the stack's file is refused by its key, before anything is made",
    "request": "names against the SDK, requests against AWS's service models",
    "aws": "the emulated account refuses",
    "reference": "an id or ARN that nothing has made",
    "lint": "AWS's schemas, by cfn-lint",
    "iam": "IAM policies, by cloudsplaining with all of AWS's actions",
    "policy": "a rule of the pack",
}

_HEAD = """\
# Mistakes that are caught before anything is deployed

Generated from `tests/corpus/` by `python -m tests.corpus`; do not edit. Each is a test: the broken stack or program is
rehearsed, and the named check must accuse it. Where several would, the one that is listed has to. Some are told of in
trackers, where the plan was green and the deployment failed.

"""


def document() -> str:
    """The text of docs/mistakes.md."""
    counts = Counter(mistake.layer for mistake in MISTAKES.values())
    counts["settings"] += len(VARIANTS)
    whole = sum(counts.values())
    lines = [f"{whole} mistakes, {whole - len(MISSED)} caught, {len(MISSED)} not.", ""]
    lines += ["| layer | what it is | catches |", "|---|---|---:|"]
    lines += [f"| {layer} | {what} | {counts[layer]} |" for layer, what in LAYERS.items()]
    for layer in LAYERS:
        lines += ["", f"## {layer}", ""]
        if layer == "settings":
            lines += [f"- {name} (`{each.key}`)" for name, each in VARIANTS.items()]
        lines += [
            f"- {name.replace('-', ' ')}"
            + (f" (`{each.found_by}`)" if layer in ("lint", "iam", "policy") else "")
            + (f", as in {each.seen}" if each.seen else "")
            for name, each in MISTAKES.items()
            if each.layer == layer
        ]
    lines += ["", "## Not caught", ""]
    lines += [f"- {name.replace('-', ' ')}: {why}" for name, why in MISSED.items()]
    return _HEAD + "\n".join(lines) + "\n"


if __name__ == "__main__":
    FILE.write_text(document(), encoding="utf-8")
