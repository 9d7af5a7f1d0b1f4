"""What the attributes of a class say of themselves.

Python keeps no docstrings of attributes, so the source is read: for documents and schemas, never while a program runs.
"""

from __future__ import annotations

import ast
import inspect
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple


class Attribute(NamedTuple):
    """One annotated name of a class's body."""

    name: str
    annotation: str
    says: str


def attributes(of: type[Any]) -> list[Attribute]:
    """Those of the class itself, in their order; without those that it inherits."""
    [body] = [
        node.body
        for node in ast.walk(_tree(inspect.getfile(of)))
        if isinstance(node, ast.ClassDef) and node.name == of.__name__
    ]
    found = []
    for statement, after in zip(body, [*body[1:], None], strict=True):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            says = after.value.value if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) else ""
            found.append(Attribute(statement.target.id, ast.unparse(statement.annotation), str(says)))
    return found


@cache
def _tree(file: str) -> ast.Module:
    return ast.parse(Path(file).read_text(encoding="utf-8"))
