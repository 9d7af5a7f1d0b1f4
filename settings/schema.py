"""The JSON schema of a stack's file, for completion and red lines in an editor.

python -m settings.schema            write stack.schema.json
python -m settings.schema --check    exit 1 if it is stale

A stack's file names it in its first line: `# yaml-language-server: $schema=stack.schema.json`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from components.args import Args
from components.docstrings import attributes
from components.spelling import to_camel
from settings import Settings
from settings.defaults import ALWAYS

ROOT: Final = Path(__file__).resolve().parent.parent
FILE: Final = ROOT / "stack.schema.json"


def schema() -> dict[str, Any]:
    """Every key of this project, and those of Pulumi, of providers and of the policy pack as they are."""
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))["name"]
    settings = Settings.model_json_schema(by_alias=True)
    _describe(settings)
    settings = _plain(settings)
    keys = {f"{project}:{key}": value for key, value in settings["properties"].items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A stack of this project",
        "type": "object",
        "properties": {
            "config": {
                "type": "object",
                "properties": keys,
                # A secret of another program, an AWS or Pulumi setting, the exemptions of policies.
                "patternProperties": {f"^(?!{project}:)[^:]+:": {}},
                "required": [f"{project}:{key}" for key in settings["required"]],
                "additionalProperties": False,
            },
            "environment": {},
            "secretsprovider": {"type": "string"},
            "encryptedkey": {"type": "string"},
            "encryptionsalt": {"type": "string"},
        },
        "required": ["config"],
        "additionalProperties": False,
        "$defs": settings["$defs"],
    }


def _describe(settings: dict[str, Any]) -> None:
    """Add the docstrings of the fields, which the models do not read: that would cost each start of the program."""
    for model in _models(Args):
        part = settings if model is Settings else settings["$defs"].get(model.__name__)
        if part is None:
            continue
        said = {one.name: one.says for base in reversed(model.__mro__) if _ours(base) for one in attributes(base)}
        for name in model.model_fields:
            field = part["properties"].get(to_camel(name))
            if field is not None and said.get(name):
                field.setdefault("description", said[name])


def _models(base: type[Args]) -> Iterator[type[Args]]:
    for model in base.__subclasses__():
        yield model
        yield from _models(model)


def _ours(base: type[Any]) -> bool:
    return isinstance(base, type) and issubclass(base, Args)


def _plain(part: Any) -> Any:
    """The schema without what an editor has no use for: titles that repeat the key, and a null beside each type."""
    if isinstance(part, list):
        return [_plain(one) for one in part]
    if not isinstance(part, dict):
        return part
    # Where something else is the default, null says "none".
    idle = "default" in part and part["default"] is None
    options = [one for one in part.get("anyOf", []) if not (idle and one == {"type": "null"})]
    kept = {
        key: _plain(value) if key not in ("default", "enum") else value
        for key, value in part.items()
        # `title` and `default` are keys of a schema; below `properties` they would be names of fields.
        if not (key == "title" and isinstance(value, str)) and not (key == "default" and value is None)
    }
    if "anyOf" in part:
        del kept["anyOf"]
        kept = {**_plain(options[0]), **kept} if len(options) == 1 else {**kept, "anyOf": _plain(options)}
    if isinstance(kept.get("required"), list):
        kept["required"] = [name for name in kept["required"] if name not in {to_camel(name) for name in ALWAYS}]
    if "patternProperties" in kept:
        # Names that the user chooses, but not any.
        kept.setdefault("additionalProperties", False)
    if isinstance(kept.get("description"), str):
        kept["description"] = " ".join(kept["description"].split())
    return kept


def text() -> str:
    """The file."""
    return json.dumps(schema(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        if not FILE.exists() or FILE.read_text(encoding="utf-8") != text():
            sys.exit(f"{FILE.name} is stale: run `make docs`")
    else:
        FILE.write_text(text(), encoding="utf-8")
