"""The type tokens of the pack: each stands in one place, under a name that follows from it, and exists."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

from guardrails import types

from tests.policies.sdk_schema import args_class

TOKENS = {name: value for name, value in vars(types).items() if name.isupper()}
SOURCES = sorted(Path(types.__file__).parent.rglob("*.py"))


def bare(token: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", token.rpartition(":")[2]).upper()


def test_every_type_has_the_name_that_follows_from_it() -> None:
    """The resource's own, behind the service's where that is one word or another service has it too."""
    of_aws = {name: token for name, token in TOKENS.items() if token != types.PROVIDER}
    shared = Counter(bare(token) for token in of_aws.values())
    for name, token in of_aws.items():
        service, own = token.split(":")[1].partition("/")[0].upper(), bare(token)
        assert name == (own if "_" in own and shared[own] == 1 else f"{service}_{own}")


def test_every_type_exists() -> None:
    for token in TOKENS.values():
        args_class(token)


def test_no_type_is_written_out_beside_the_list() -> None:
    for path in SOURCES:
        texts = [node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)]
        written = [text for text in texts if isinstance(text, str) and re.fullmatch(r"aws:\w+/\w+:\w+", text)]
        assert path.name == "types.py" or written == [], path.name


def test_no_type_stands_in_the_list_that_nothing_uses() -> None:
    used = "".join(path.read_text() for path in SOURCES)
    assert [name for name in TOKENS if f"types.{name}" not in used] == []
