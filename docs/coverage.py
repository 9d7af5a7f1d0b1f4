"""Which requirement is proven by which test: joins docs/requirements.yaml with the `covers` markers in tests/.

    python docs/coverage.py            write docs/coverage.md
    python docs/coverage.py --check    exit 1 if coverage.md is stale or a claim does not hold

The tests are read, not run: a marker counts on anything pytest would collect, unless it is skipped or expected to fail.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
NO_PROOF = {"skip", "xfail"}


@dataclass(frozen=True)
class Requirement:
    """A row of docs/requirements.yaml."""

    id: str
    text: str
    stacks: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    met: bool = False


@dataclass(frozen=True, order=True)
class Proof:
    """A test, and the file it is in."""

    path: str
    test: str


@dataclass
class Markers:
    """What the markers in the tests say."""

    proofs: dict[str, set[Proof]] = field(default_factory=lambda: defaultdict(set))
    problems: list[str] = field(default_factory=list)


def load(root: Path) -> tuple[dict[str, str], list[Requirement]]:
    """The groups and the rows, in the order of the file."""
    text = (root / "docs/requirements.yaml").read_text()
    ids = re.findall(r"^  (\w+):", text.partition("\nrows:")[2], re.MULTILINE)
    twice = sorted({row for row in ids if ids.count(row) > 1})  # YAML would silently keep the last
    if twice:
        raise SystemExit(f"docs/requirements.yaml: these rows appear twice: {', '.join(twice)}")
    document: dict[str, Any] = yaml.safe_load(text)
    rows = [
        Requirement(
            id=row,
            text=entry.pop("text"),
            stacks=tuple(entry.pop("stacks", ())),
            components=tuple(entry.pop("components", ())),
            met=entry.pop("met", False),
        )
        for row, entry in document["rows"].items()
    ]
    unknown = {f"{row}.{key}" for row, entry in document["rows"].items() for key in entry}
    if unknown:
        raise SystemExit(f"docs/requirements.yaml: no such key: {', '.join(sorted(unknown))}")
    return document["groups"], rows


# --- reading the tests


def scan(root: Path) -> Markers:
    """Every `pytest.mark.covers(...)` in tests/."""
    markers = Markers()
    for path in sorted((root / "tests").rglob("*.py")):
        name = path.relative_to(root).as_posix()
        tree = ast.parse(path.read_text(), name)
        collected = path.name.startswith("test_") or path.name.endswith("_test.py")
        _scan_body(markers, name, tree.body, prefix="", inherited=_pytestmark(tree.body), collected=collected)
    return markers


def _scan_body(
    markers: Markers, path: str, body: list[ast.stmt], *, prefix: str, inherited: list[ast.expr], collected: bool
) -> None:
    for node in body:
        if isinstance(node, ast.ClassDef):
            marks = [*inherited, *node.decorator_list, *_pytestmark(node.body)]
            ours = collected and node.name.startswith("Test")
            if not ours:
                _refuse(markers, path, node.name, [*node.decorator_list, *_pytestmark(node.body)])
            _scan_body(markers, path, node.body, prefix=f"{prefix}{node.name}::", inherited=marks, collected=ours)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if collected and node.name.startswith("test"):
                _read(markers, path, prefix + node.name, [*inherited, *node.decorator_list])
            else:
                _refuse(markers, path, prefix + node.name, node.decorator_list)


def _read(markers: Markers, path: str, test: str, marks: list[ast.expr]) -> None:
    names = {name for mark in marks for name in _mark_names(mark)}
    for call in (call for mark in marks for call in _covers(mark)):
        if not call.args or call.keywords:
            markers.problems.append(f'{path}: {test}: name rows, as in covers("A1", "A2")')
        for argument in call.args:
            if not (isinstance(argument, ast.Constant) and isinstance(argument.value, str)):
                markers.problems.append(f"{path}: {test}: covers() takes plain strings, found {ast.unparse(argument)}")
            elif not names & NO_PROOF:
                markers.proofs[argument.value].add(Proof(path, test))


def _refuse(markers: Markers, path: str, name: str, marks: list[ast.expr]) -> None:
    if any(_covers(mark) for mark in marks):
        markers.problems.append(f"{path}: {name} carries a covers marker, but pytest does not collect it as a test")


def _pytestmark(body: list[ast.stmt]) -> list[ast.expr]:
    """The values assigned to `pytestmark` directly in a module's or a class's body."""
    plain = [(target, node.value) for node in body if isinstance(node, ast.Assign) for target in node.targets]
    annotated = [(node.target, node.value) for node in body if isinstance(node, ast.AnnAssign) and node.value]
    return [value for target, value in plain + annotated if isinstance(target, ast.Name) and target.id == "pytestmark"]


def _covers(mark: ast.expr) -> list[ast.Call]:
    # Walked, not matched: a marker may also stand inside `parametrize(..., pytest.param(..., marks=...))`.
    return [
        node
        for node in ast.walk(mark)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _mark_name(node.func) == "covers"
    ]


def _mark_names(mark: ast.expr) -> set[str]:
    """The marks that hold for the whole test; those of a single parameter set do not."""
    elements = mark.elts if isinstance(mark, ast.List | ast.Tuple) else [mark]
    called = [element.func if isinstance(element, ast.Call) else element for element in elements]
    return {_mark_name(element) for element in called if isinstance(element, ast.Attribute)}


def _mark_name(node: ast.Attribute) -> str:
    return node.attr if re.fullmatch(r"(?:\w+\.)?mark\.\w+", ast.unparse(node)) else ""


# --- checking the claims


def problems(root: Path) -> list[str]:
    """Everything that does not hold, but for a stale coverage.md."""
    groups, rows = load(root)
    markers = scan(root)
    known = {row.id for row in rows}
    found = list(markers.problems)
    found += [
        f"docs/requirements.yaml: {row.id}: there is no group {row.id[0]}" for row in rows if row.id[0] not in groups
    ]
    for row in sorted(set(markers.proofs) - known):
        where = ", ".join(f"{proof.path}: {proof.test}" for proof in sorted(markers.proofs[row]))
        found.append(f"there is no row {row}, but a test says it covers it ({where})")
    components = _component_classes(root)
    stacks = {path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in root.glob("Pulumi.*.yaml")}
    for row in rows:
        if row.met:
            found += [
                f"{row.id} is claimed as met, but {lack}" for lack in _lacks(root, row, markers, components, stacks)
            ]
    return found


def _lacks(root: Path, row: Requirement, markers: Markers, components: set[str], stacks: set[str]) -> list[str]:
    def exists(name: str) -> bool:
        return (root / name).exists() if "/" in name or "." in name else name in components

    lacks = [] if markers.proofs[row.id] else ["no test covers it"]
    if not row.components:
        lacks.append("no component is named")
    lacks += [f"{name} is neither a class under components/ nor a file" for name in row.components if not exists(name)]
    if not set(row.stacks) & stacks:
        lacks.append(f"no stack file deploys it ({', '.join(row.stacks) or 'none is named'})")
    return lacks


def _component_classes(root: Path) -> set[str]:
    return {
        node.name
        for path in (root / "components").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
    }


# --- writing the page


def render(root: Path) -> str:
    """The text of docs/coverage.md."""
    groups, rows = load(root)
    proofs = scan(root).proofs
    state = {row.id: "met" if row.met else "in part" if proofs[row.id] else "open" for row in rows}
    counts = {name: list(state.values()).count(name) for name in ("met", "in part", "open")}
    lines = [
        "# What is proven",
        "",
        "<!-- Generated by `make docs` from docs/requirements.yaml and the markers in tests/; do not edit. -->",
        "",
        f"**{len(rows)} requirements: {counts['met']} met, {counts['in part']} in part, {counts['open']} open.**",
        "*Met*: deployed by a stack and proven by the tests named. *In part*: tests prove some of it. *Open*: no test.",
    ]
    for group, title in groups.items():
        lines += ["", f"## {group}. {title}", ""]
        lines += ["| row | requirement | state | components | stacks | tests |", "|---|---|---|---|---|---|"]
        for row in (row for row in rows if row.id[0] == group):
            cells = [row.id, row.text, state[row.id], ", ".join(f"`{name}`" for name in row.components)]
            cells += [", ".join(row.stacks), _tests(proofs[row.id])]
            lines.append("| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _tests(proofs: set[Proof]) -> str:
    by_path: dict[str, list[str]] = defaultdict(list)
    for proof in sorted(proofs):
        by_path[proof.path].append(f"`{proof.test}`")
    return "<br>".join(f"[{path}](../{path}): {', '.join(tests)}" for path, tests in by_path.items())


def main() -> int:
    parser = argparse.ArgumentParser(description="Write docs/coverage.md, or check it.")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail on a stale page or a claim without proof"
    )
    check = parser.parse_args().check
    page = ROOT / "docs/coverage.md"
    found = problems(ROOT)
    text = render(ROOT)
    if not check:
        page.write_text(text)
    elif not page.is_file() or page.read_text() != text:
        found.append("docs/coverage.md is stale: run `make docs`")
    for problem in found:
        print(problem, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
