"""`python -m changes.catalogue`: docs/changes.md, which of the types that we make was measured, and which keep data."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from changes import facts
from changes.stores import STORES
from rehearsal.cloud.specs import SPECS

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "changes.md"
_HEAD: Final = """# What is known of changes

Written by `python -m changes.catalogue`; decision [0023](decisions/0023-what-a-change-does.md) says how.
Measured are {measured:,} types; of the {ours} types that the rehearsal creates {known} are among them. The others are
judged by AWS's schemas. Numbers are of properties whose change forces replacement, hangs on another input or on the
value, is made in place, or is not known.

| type | replaces | depends | in place | not known | keeps data |
|---|---|---|---|---|---|
"""


def page() -> str:
    ours = sorted(type_ for type_ in SPECS if type_.startswith("aws:"))
    rows: list[str] = []
    for type_ in ours:
        counts = facts.counts(type_)
        numbers = " | ".join(map(str, counts)) if counts is not None else "by AWS's schema | | | "
        store = STORES.get(type_)
        rows.append(f"| `{type_}` | {numbers} | {store.what if store is not None else ''} |")
    known = sum(facts.counts(type_) is not None for type_ in ours)
    head = _HEAD.format(measured=len(facts.known_types()), ours=len(ours), known=known)
    return head + "\n".join(rows) + "\n"


def main() -> int:
    text = page()
    if "--check" in sys.argv:
        stale = not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text
        if stale:
            print(f"{PAGE.name} is stale: run `python -m changes.catalogue`", file=sys.stderr)
        return int(stale)
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
