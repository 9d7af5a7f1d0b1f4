"""The components as a document: arguments, connections, what they hand out and permit, and an example of each.

python docs/components.py            write docs/components.md and components/__init__.pyi
python docs/components.py --check    exit 1 if one is stale

An example is a program of its own, `docs/examples/<component>.py`; the tests run each.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import sys
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import components  # noqa: E402 after the path
from components.annotations import unit_of  # noqa: E402
from components.args import Args, bounds  # noqa: E402
from components.component import Component  # noqa: E402
from components.docstrings import attributes  # noqa: E402

FILE: Final = ROOT / "docs" / "components.md"
STUB: Final = ROOT / "components" / "__init__.pyi"
EXAMPLES: Final = ROOT / "docs" / "examples"
HEAD: Final = """# The components

Generated from the code by `make docs`. Each is given its arguments, which are plain data (what a stack's file says of
it, `docs/settings.md`), and what it is connected with: other components. `opts` are Pulumi's own options. With
`transform={"table": {…}}` among the arguments a program changes the properties of the named children.

A program of its own imports them from the wheel: `from kumiki.components import Vpc, VpcArgs`.

"""


def every() -> list[type[Component]]:
    """All of them, by group and name."""
    found = [
        member
        for module in pkgutil.walk_packages(components.__path__, "components.")
        for _, member in inspect.getmembers(importlib.import_module(module.name), inspect.isclass)
        # A base that others extend says of no children.
        if issubclass(member, Component) and member.__module__ == module.name and "CHILDREN" in vars(member)
    ]
    return sorted(found, key=lambda one: (one.__module__.split(".")[1], one.__name__))


def stub() -> str:
    """The names that programs import from `components` itself: every component, what its arguments are made of, and
    what its example connects it with."""
    places: dict[str, set[str]] = {}
    for component in every():
        named = component.__module__, component.__name__
        args = inspect.get_annotations(component.__init__, eval_str=False).get("args")
        model = getattr(importlib.import_module(component.__module__), str(args), None)
        for module, name in {named, *_arguments(model), *_imported(example(component))}:
            places.setdefault(name, set()).add(module.removeprefix("components"))
    # Two of one name are both imported from where they are.
    lines = sorted(f"from {next(iter(at))} import {name} as {name}" for name, at in places.items() if len(at) == 1)
    return "\n".join(['"""What programs import from here; written by `make docs`."""', "", *lines, ""])


def _arguments(model: Any) -> Iterator[tuple[str, str]]:
    """Where the classes of a component's arguments are, and their names, at any depth."""
    waiting, seen = [model], set[Any]()
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        waiting += typing.get_args(one)
        if inspect.isclass(one) and one.__module__.startswith("components.") and not one.__name__.startswith("_"):
            yield one.__module__, one.__name__
            if issubclass(one, Args):
                waiting += [field.annotation for name, field in one.model_fields.items() if name != "transform"]


def _imported(program: Path) -> Iterator[tuple[str, str]]:
    for node in ast.parse(program.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("components."):
            made = [getattr(importlib.import_module(str(node.module)), alias.name) for alias in node.names]
            yield from ((one.__module__, one.__name__) for one in made if inspect.isclass(one))


def example(component: type[Component]) -> Path:
    """Where the example of a component is: that of `FreeTierHost` is `free_tier_host.py`."""
    return EXAMPLES / f"{re.sub(r'(?<!^)(?=[A-Z])', '_', component.__name__).lower()}.py"


def document() -> str:
    """The whole text."""
    lines: list[str] = []
    group = ""
    for component in every():
        here = component.__module__.split(".")[1]
        if here != group:
            group = here
            lines += [f"## {group}", ""]
        lines += _component(component)
    return HEAD + "\n".join(lines).rstrip() + "\n"


def _component(component: type[Component]) -> Iterator[str]:
    yield from (f"### {component.__name__}", "", _prose(component.__doc__), "")
    yield from (f"`from {component.__module__} import {component.__name__}`", "")
    file = example(component)
    if not file.exists():
        sys.exit(f"{component.__name__} has no example: write {file.relative_to(ROOT)}")
    source = file.read_text(encoding="utf-8").strip()
    yield from (f"{ast.get_docstring(ast.parse(source))}", "", "```python")
    yield from (source.partition('"""\n\n')[2].splitlines())
    yield from ("```", "")
    signature = inspect.signature(component.__init__, eval_str=False)
    args = inspect.get_annotations(component.__init__, eval_str=False).get("args")
    model = getattr(importlib.import_module(component.__module__), str(args), None)
    if isinstance(model, type):
        yield from (f"**Arguments: {model.__name__}.** {_prose(model.__doc__)}", "")
        yield from _fields(model)
    told = dict(re.findall(r":param (\w+): ((?:.|\n)*?)(?=\s*:param|\s*$)", component.__init__.__doc__ or ""))
    given = [one for name, one in signature.parameters.items() if name not in ("self", "name", "args", "opts")]
    if given:
        yield from ("**Connections.**", "", "| name | type | |", "|---|---|---|")
        yield from (f"| `{one.name}` | `{_cell(one.annotation)}` | {_cell(told.get(one.name, ''))} |" for one in given)
        yield ""
    # What bases hand out belongs to it, too; what every component has is said above.
    bases = [one for one in reversed(component.__mro__) if issubclass(one, Component) and one is not Component]
    handed = list({name: (name, *rest) for one in bases for name, *rest in _documented(one)}.values())
    if handed:
        yield from ("**Hands out.**", "")
        yield from (f"- `{name}: {kind}` {_cell(what)}".rstrip() for name, kind, what in handed)
        yield ""
    methods = [
        (name, inspect.signature(method), _prose(method.__doc__))
        for name, method in {name: method for one in bases for name, method in vars(one).items()}.items()
        if inspect.isfunction(method) and not name.startswith("_")
    ]
    if methods:
        yield from ("**Others.**", "")
        for name, shape, what in methods:
            taken = ", ".join(str(one).replace("'", "") for key, one in shape.parameters.items() if key != "self")
            yield f"- `{name}({taken})`: {what}"
        yield ""
    watching = next((vars(one)["widgets"] for one in reversed(bases) if "widgets" in vars(one)), None)
    if watching is not None:
        yield from (f"**On a dashboard** (`widgets`). {_prose(watching.__doc__)}", "")


def _fields(model: type[Any]) -> Iterator[str]:
    said = {name: (kind, what) for one in reversed(model.__mro__) for name, kind, what in _documented(one)}
    said.pop("transform", None)
    if not said:
        return
    yield from ("| argument | type | left out | what |", "|---|---|---|---|")
    for name, (kind, what) in said.items():
        allowed = bounds(model, (name,)) if issubclass(model, Args) else ""
        unit = "" if allowed else unit_of(name)
        shown = " ".join(part for part in (f"`{_cell(kind)}`", allowed or unit) if part)
        yield f"| `{name}` | {shown} | {_default(model, name)} | {_cell(what)} |"
    yield ""


def _default(model: type[Any], name: str) -> str:
    if issubclass(model, Args):
        field = model.model_fields[name]
        if field.is_required():
            return "**must be given**"
        value = field.get_default(call_default_factory=True)
    else:
        field = model.__dataclass_fields__.get(name)
        if field is None or (field.default is field.default_factory):
            return "**must be given**"
        value = getattr(model, name, None)
    return "—" if value in (None, {}, [], ()) else f"`{value}`"


def _documented(of: type[Any]) -> list[tuple[str, str, str]]:
    """The annotated names of a class's body, with their types and docstrings."""
    if not of.__module__.startswith("components."):
        return []
    return [(one.name, _short(one.annotation), one.says) for one in attributes(of) if "ClassVar" not in one.annotation]


def _short(kind: str) -> str:
    """A type without what its bounds say elsewhere."""
    return re.sub(r"Annotated\[([^\[\],]+(?:\[[^\]]*\])?), .*?\)\]", r"\1", kind).replace("pulumi.Output", "Output")


def _prose(text: str | None) -> str:
    return " ".join(re.split(r"\n\s*:param", text or "")[0].split())


def _cell(text: object) -> str:
    return " ".join(str(text).split()).replace("|", "\\|")


if __name__ == "__main__":
    for file, text in {FILE: document(), STUB: stub()}.items():
        if "--check" not in sys.argv[1:]:
            file.write_text(text, encoding="utf-8")
        elif not file.exists() or file.read_text(encoding="utf-8") != text:
            sys.exit(f"{file.relative_to(ROOT)} is stale: run `make docs`")
