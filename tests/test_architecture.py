"""Who may import whom."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = (
    "settings",
    "packages",
    "architecture",
    "components",
    "workloads",
    "policies",
    "guardrails",
    "costs",
    "pictures",
    "rehearsal",
    "changes",
    "permissions",
    "engine",
    "kumiki",
    "tests",
)

ALLOWED: dict[str, set[str]] = {
    "__main__.py": {"settings", "architecture"},
    # A section of a stack's file is the arguments of a component, and what it names must have been built.
    "settings": {"settings", "components", "packages"},
    "architecture": {"architecture", "components", "settings", "packages"},
    "packages": {"packages"},
    "components": {"components"},
    "costs": {"costs"},
    "workloads": {"workloads"},
    # Where it stands beside the pack: the month is told in a real preview, too.
    "policies": {"guardrails", "costs"},
    # Drawn from reports as JSON: of any version, of anybody.
    "pictures": {"pictures"},
    # The graph that the rules judge is the one that the report tells of.
    "rehearsal": {"rehearsal", "costs", "guardrails", "pictures"},
    # A waiver is read as the pack reads it.
    # The command says what a change needs of its deployer, too.
    "changes": {"changes", "costs", "permissions", "pictures", "rehearsal", "guardrails"},
    # What is compared is two sides of a change; the types' names are the linter's.
    "permissions": {"permissions", "changes", "costs", "rehearsal"},
    # The facts about replacements; the account and the names of a rehearsal.
    "engine": {"engine", "changes", "costs", "rehearsal"},
    "kumiki": {"kumiki", "changes", "costs", "engine", "permissions", "pictures", "rehearsal", "settings"},
}

DECLARED_ONCE = ("architecture/lake.py", "workloads.jobs.tables")
"""What the jobs write is what the program declares; the module holds data and imports nothing."""

# In the order of layers: a group may use those before it, and the modules beside the groups.
GROUPS = (
    "identity",
    "network",
    "data",
    "edge",
    "messaging",
    "compute",
    "intelligence",
    "analytics",
    "operations",
    "delivery",
)


WITHOUT_CIRCLES = ("changes", "costs", "engine", "permissions", "pictures", "policies", "rehearsal")


def sources(package: str) -> list[Path]:
    path = ROOT / package
    return [path] if path.is_file() else sorted(path.rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = path.relative_to(ROOT).parts[: -node.level] if node.level else ()
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("package", sorted(ALLOWED))
def test_packages_import_only_what_lies_below_them(package: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sources(package)
        for name in imports(path)
        if name.split(".")[0] in OURS and name.split(".")[0] not in ALLOWED[package]
        if (str(path.relative_to(ROOT)), name.rpartition(".")[0]) != DECLARED_ONCE
    ]
    assert wrong == []


def test_components_import_each_other_by_where_they_stand() -> None:
    """So that they can lie in a package of another name, as in the wheel."""
    absolute = [
        f"{path.relative_to(ROOT)}, line {node.lineno}"
        for path in sources("components")
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.ImportFrom) and node.level == 0 and (node.module or "").split(".")[0] == "components")
        or (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "components" for alias in node.names))
    ]
    assert absolute == []


def test_the_tables_of_the_jobs_can_be_read_without_what_jobs_need() -> None:
    needed = set(imports(ROOT / "workloads" / "jobs" / "tables.py"))
    assert {name.split(".")[0] for name in needed} <= {"__future__", "collections", "dataclasses"}


def test_every_package_of_ours_is_judged() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/*.py")} - {"tests", "benchmarks", "docs", "requirements"}
    assert packages <= set(ALLOWED), "say in ALLOWED what the new package may import"


def test_components_import_only_groups_further_down() -> None:
    wrong = []
    for path in sources("components"):
        group = path.relative_to(ROOT / "components").parts[0]
        for name in imports(path):
            parts = name.split(".")
            if parts[0] != "components" or parts[1] not in GROUPS or parts[1] == group:
                continue
            if group not in GROUPS or GROUPS.index(parts[1]) > GROUPS.index(group):
                wrong.append(f"{path.relative_to(ROOT)} imports {name}")
    assert wrong == []


@pytest.mark.parametrize("package", WITHOUT_CIRCLES)
def test_modules_do_not_import_each_other_in_a_circle(package: str) -> None:
    """Those that only types are imported from count, too."""
    top = ROOT / "policies" if package == "policies" else ROOT
    modules = {
        ".".join(path.relative_to(top).with_suffix("").parts).removesuffix(".__init__"): path
        for path in sources(package)
    }
    order: TopologicalSorter[str] = TopologicalSorter()
    for module, path in modules.items():
        order.add(
            module, *({name if name in modules else name.rpartition(".")[0] for name in imports(path)} & modules.keys())
        )
    order.prepare()


def test_settings_are_loaded_by_the_program_alone() -> None:
    for path in sources("architecture") + sources("components"):
        loads = [
            node
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Attribute) and node.attr == "load"
        ]
        assert loads == [], path


@pytest.mark.parametrize(
    "module",
    [
        "components/network/subnets.py",
        "components/network/access_lists.py",
        "components/messaging/definition.py",
        "components/messaging/expressions.py",
    ],
)
def test_arithmetic_is_free_of_pulumi(module: str) -> None:
    assert not [name for name in imports(ROOT / module) if name.startswith("pulumi")]


def test_the_program_fits_on_one_page() -> None:
    program = (ROOT / "__main__.py").read_text()
    assert len(program.splitlines()) <= 60
    assert "pulumi_aws" not in program
    assert "environment ==" not in program
