"""What a stack's file may say, as a document: from the same models that judge it.

python docs/settings.py            write docs/settings.md
python docs/settings.py --check    exit 1 if it is stale
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from components.annotations import allowed, unit_of  # noqa: E402 after the path
from settings.schema import schema  # noqa: E402

FILE: Final = ROOT / "docs" / "settings.md"
BOUNDS: Final = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
HEAD: Final = """# What a stack's file may say

Generated from the models by `make docs`. Every key stands under `config:` in `Pulumi.<stack>.yaml`; a section that is
left out means that the part does not exist. An editor with a YAML language server completes and checks the keys by
`stack.schema.json`, which the first line of each file names.

"""


def document() -> str:
    """The whole text."""
    whole = schema()
    return HEAD + "\n".join(_lines(whole["properties"]["config"], whole["$defs"])).rstrip() + "\n"


def _lines(config: dict[str, Any], models: dict[str, Any]) -> Iterator[str]:
    plain = {key: one for key, one in config["properties"].items() if not list(_models(one))}
    yield from _table("The stack itself", "", plain, config.get("required", []))
    for key, one in config["properties"].items():
        if key not in plain:
            yield from _section(key, one, models, 2)


def _section(key: str, part: dict[str, Any], models: dict[str, Any], level: int) -> Iterator[str]:
    for name, of in _models(part):
        model = models[name]
        place = f"{key}{of}"
        said = part.get("description", "")
        about = " ".join(text for text in (model.get("description", ""), said) if text)
        yield from _table(f"`{place}`", about, model.get("properties", {}), model.get("required", []), level)
        for inner, one in model.get("properties", {}).items():
            yield from _section(f"{place}.{inner}", one, models, level + 1)


def _table(title: str, about: str, fields: dict[str, Any], required: list[str], level: int = 2) -> Iterator[str]:
    yield f"{'#' * min(level, 4)} {title}"
    yield ""
    if about:
        yield from (about, "")
    if fields:
        yield from ("| key | value | left out | what |", "|---|---|---|---|")
        for key, one in sorted(fields.items()):
            default = "**must be given**" if key in required else _default(one)
            yield f"| `{key}` | {_kind(one, key)} | {default} | {_cell(one.get('description', ''))} |"
        yield ""


def _models(part: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The models below a part of the schema, and how a path goes on from there to them."""
    if "$ref" in part:
        yield part["$ref"].rpartition("/")[2], ""
    for one in part.get("anyOf", []):
        yield from _models(one)
    for kind, ref in part.get("discriminator", {}).get("mapping", {}).items():
        yield ref.rpartition("/")[2], f" ({part['discriminator']['propertyName']}: {kind})"
    if (named := _named(part)) is not None:
        yield from ((name, f".<name>{of}") for name, of in _models(named))
    if isinstance(part.get("items"), dict):
        yield from ((name, f"[]{of}") for name, of in _models(part["items"]))


def _kind(part: dict[str, Any], key: str) -> str:
    if "$ref" in part:
        return "keys and values"
    if "oneOf" in part:
        return "keys and values"
    if "anyOf" in part:
        return " or ".join(dict.fromkeys(_kind(one, key) for one in part["anyOf"]))
    if "const" in part:
        return f"`{str(part['const']).lower() if isinstance(part['const'], bool) else part['const']}`"
    if "enum" in part:
        shown = part["enum"] if len(part["enum"]) <= 22 else part["enum"][:2]
        return ", ".join(f"`{value}`" for value in shown) + (" …" if len(shown) < len(part["enum"]) else "")
    match part.get("type"):
        case "integer" | "number":
            span = allowed({name: part[bound] for name, bound in BOUNDS.items() if bound in part})
            return " ".join(word for word in ("number", span, unit_of(key)) if word)
        case "array":
            return f"list of {_kind(part['items'], key)}" if part.get("items") else "list"
        case "object":
            inner = _named(part)
            return f"name → {_kind(inner, key)}" if inner else "keys and values"
        case "boolean":
            return "`true`, `false`"
        case "null":
            return "`null` for none"
        case _:
            return "text"


def _named(part: dict[str, Any]) -> dict[str, Any] | None:
    """What stands under the names that the user chooses."""
    by_pattern = list(part.get("patternProperties", {}).values())
    found = by_pattern[0] if by_pattern else part.get("additionalProperties")
    return found if isinstance(found, dict) else None


def _default(part: dict[str, Any]) -> str:
    if "default" not in part or part["default"] in (None, {}, []):
        return "—"
    value = part["default"]
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        if not FILE.exists() or FILE.read_text(encoding="utf-8") != document():
            sys.exit("docs/settings.md is stale: run `make docs`")
    else:
        FILE.write_text(document(), encoding="utf-8")
