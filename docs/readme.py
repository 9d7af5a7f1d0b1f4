"""Puts parts of the rehearsal's real output into the README, and what the stacks' files say of themselves.

python docs/readme.py            rehearse dev and write the parts into README.md
python docs/readme.py --check    exit 1 if README.md shows others; times may differ
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
STACKS = re.compile(r"(<!-- stacks -->\n).*?(<!-- end of stacks -->)", re.DOTALL)
BLOCK = re.compile(r"(<!-- rehearsal output -->\n```\n).*?(```\n<!-- end of rehearsal output -->)", re.DOTALL)


def output() -> str:
    """What `make rehearse STACK=dev` prints where nobody looks on."""
    return subprocess.run(
        [sys.executable, "-m", "rehearsal", "dev"],
        cwd=ROOT,
        env={**os.environ, "NO_COLOR": "1", "TERM": "dumb"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def clean(text: str) -> str:
    """The text without what a terminal does not show: spaces at the ends of lines."""
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def excerpt(text: str) -> str:
    """The whole of it, in lines that a reader of the README sees whole."""
    return "".join(
        f"{line}\n"
        for whole in clean(text).splitlines()
        for line in textwrap.wrap(whole, 100, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
    )


def stacks() -> str:
    """A row for each stack: the first sentence of its file, and its month as the file states it."""
    lines = ["| stack | what it is | USD a month |", "|---|---|---|"]
    for path in sorted(ROOT.glob("Pulumi.*.yaml")):
        text = path.read_text(encoding="utf-8")
        comment = " ".join(line.lstrip("# ") for line in text.partition("\nconfig:")[0].splitlines()[1:])
        sentence = re.split(r"\.(?: |$)", comment, maxsplit=1)[0]
        month = re.search(r"prices all of it: ([\d.,]+) USD", text)
        stack = path.name.split(".")[1]
        lines.append(f"| [{stack}]({path.name}) | {sentence} | {month[1] if month else '–'} |")
    return "".join(f"{line}\n" for line in lines)


def timeless(text: str) -> str:
    """The words, without seconds and where lines end, which hang on them."""
    return re.sub(r"\d+\.\d+ s \([^)]*\)", "#", " ".join(clean(text).split()))


def main(arguments: list[str]) -> int:
    readme = README.read_text(encoding="utf-8")
    found, table = BLOCK.search(readme), STACKS.search(readme)
    if found is None or table is None:
        print("README.md has no block between `rehearsal output` or between `stacks` markers", file=sys.stderr)
        return 1
    now, listed = excerpt(output()), stacks()
    shown = found[0].removeprefix(found[1]).removesuffix(found[2])
    if "--check" not in arguments:
        readme = STACKS.sub(lambda match: match[1] + listed + match[2], readme)
        README.write_text(BLOCK.sub(lambda match: match[1] + now + match[2], readme), encoding="utf-8")
    elif timeless(shown) != timeless(now) or table[0] != table[1] + listed + table[2]:
        print("README.md shows another rehearsal than this one: run make docs", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
