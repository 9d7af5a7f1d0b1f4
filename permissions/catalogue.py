"""`python -m permissions.catalogue`: docs/permissions, the policies of every stack's deployer and a table of them.

With `--check` it looks only whether each stack has its file; whether that is stale the tests say, which rehearse every
stack anyway. A report that was made of the same tree today is not made again.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from changes.model import ChangeError
from changes.sides import this_tree
from permissions import actions
from permissions.model import PURPOSES, Permissions, permissions
from rehearsal.stacks import stack_names

ROOT: Final = Path(__file__).resolve().parent.parent
FOLDER: Final = ROOT / "docs" / "permissions"
_HEAD: Final = """# What each stack's deployer must be allowed to do

Written by `python -m permissions.catalogue`; [how it is worked out](../permissions.md). An administrator may do
{all:,} actions, on everything. Numbers are of actions, and of policies in brackets.

| stack | preview | up | destroy |
|---|---|---|---|
"""


def written(found: Permissions) -> str:
    """The policies of a stack, a statement a line."""
    content = found.as_json()
    parts: list[str] = []
    for purpose in PURPOSES:
        documents = ",\n".join(
            '{"Version": "2012-10-17", "Statement": [\n'
            + ",\n".join(f"  {json.dumps(one, ensure_ascii=False)}" for one in document["Statement"])
            + "\n]}"
            for document in content[purpose]
        )
        parts.append(f'"{purpose}": [\n{documents}\n]')
    counted = ",\n".join(f'  "{purpose}": {json.dumps(content["actions"][purpose])}' for purpose in PURPOSES)
    parts.append(f'"actions": {{\n{counted}\n}}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def table(contents: Mapping[str, Mapping[str, Any]]) -> str:
    """The page that lists them, from what is written."""
    rows = (
        f"| [{name}]({name}.json) | "
        + " | ".join(f"{len(one['actions'][purpose])} ({len(one[purpose])})" for purpose in PURPOSES)
        + " |"
        for name, one in sorted(contents.items())
    )
    return _HEAD.format(all=actions.number_of_all()) + "\n".join(rows) + "\n"


def contents(names: Iterable[str]) -> dict[str, Any]:
    """What is written of these stacks."""
    files = {name: FOLDER / f"{name}.json" for name in names}
    return {name: json.loads(file.read_text(encoding="utf-8")) for name, file in files.items() if file.is_file()}


def main() -> int:
    names = stack_names(ROOT)
    if "--check" in sys.argv:
        known = {path.stem for path in FOLDER.glob("*.json")}
        page = FOLDER / "README.md"
        stale = known != set(names) or page.read_text(encoding="utf-8") != table(contents(names))
        if stale:
            print("docs/permissions is stale: run `python -m permissions.catalogue`", file=sys.stderr)
        return int(stale)
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.glob("*.json"):
        if path.stem not in names:
            path.unlink()
    # What deploys others is made of their policies.
    for name in sorted(names, key=_makes_deployers):
        report = this_tree(ROOT, name).report
        assert report is not None, "a side that was rehearsed"
        (FOLDER / f"{name}.json").write_text(written(permissions(report)), encoding="utf-8")
    (FOLDER / "README.md").write_text(table(contents(names)), encoding="utf-8")
    return 0


def _makes_deployers(name: str) -> bool:
    return "\n  kumiki:deployers:" in (ROOT / f"Pulumi.{name}.yaml").read_text(encoding="utf-8")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ChangeError as error:
        print(
            f"error: {error.message}", *([f"      → {error.remedy}"] if error.remedy else []), sep="\n", file=sys.stderr
        )
        sys.exit(2)
