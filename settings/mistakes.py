"""Mistakes in settings, said so that whoever wrote the YAML can mend it."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, get_args, get_origin

import pulumi
from pydantic import BaseModel
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails


@dataclass(frozen=True)
class Mistake:
    """One thing to mend in the stack's YAML."""

    key: str
    message: str

    def __str__(self) -> str:
        return f"{self.key}: {self.message}"


class SettingsError(pulumi.RunError):
    """Every mistake in the settings of a stack. The engine prints it as one error without a stack trace."""

    def __init__(self, stack: str, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        count = "1 mistake" if len(self.mistakes) == 1 else f"{len(self.mistakes)} mistakes"
        super().__init__(
            "\n".join([f"the settings of stack {stack} have {count}:", *(f"  {mistake}" for mistake in self.mistakes)])
        )


def in_our_words(root: type[BaseModel], project: str, detail: ErrorDetails, hidden: set[str]) -> Mistake:
    """One of pydantic's findings as the mistake of a key in the YAML; `hidden` are keys whose values are secret."""
    location = [part for part in detail["loc"] if part != "[key]"]
    section = f"{project}:{location[0]}"
    key = _path(project, location)
    value = "[secret]" if section in hidden else json.dumps(detail["input"], default=str, ensure_ascii=False)
    match detail["type"]:
        case "missing":
            return Mistake(key, _missing(location))
        case "extra_forbidden":
            known = _keys_of(root, location[:-1])
            where = f"key of {_path(project, location[:-1])}" if len(location) > 1 else "section"
            return Mistake(
                key, f"is not a known {where}; {nearest(str(location[-1]), known)}known: {', '.join(sorted(known))}"
            )
        case "literal_error":
            return Mistake(
                key, f"{_plain(value)} is not allowed; use {detail.get('ctx', {})['expected'].replace(chr(39), '')}"
            )
        case "value_error":
            return Mistake(key, f"{_plain(value)} {detail.get('ctx', {})['error']}")
        case "model_type" | "model_attributes_type" | "dict_type":
            return Mistake(key, f"{_plain(value)} is not allowed; write keys and values, for example {{key: value}}")
        case "list_type":
            return Mistake(key, f"{_plain(value)} is not allowed; write a list, for example [a, b]")
        case _:
            words = detail["msg"].removeprefix("Input ").replace("should be", "must be")
            return Mistake(key, f"{_plain(value)} {words[:1].lower()}{words[1:]}")


def _plain(value: str) -> str:
    return value.strip('"') or "an empty value"


def _path(project: str, location: Iterable[Any]) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return f"{project}:{text.lstrip('.')}"


_EXAMPLES = {"product": "wiki", "environment": "dev", "owner": "platform"}


def _missing(location: list[Any]) -> str:
    example = _EXAMPLES.get(str(location[0])) if len(location) == 1 else None
    return f"is missing; set it, for example {location[0]}: {example}" if example else "is missing; it has no default"


def _keys_of(root: type[BaseModel], location: Iterable[Any]) -> list[str]:
    """The keys that may stand at a place in the YAML."""
    model: type[BaseModel] | None = root
    in_dict = False
    for part in location:
        if isinstance(part, int) or model is None:
            continue
        if in_dict:  # a name that the user chose, such as a bucket's
            in_dict = False
            continue
        fields = {to_camel(name): info.annotation for name, info in model.model_fields.items()}
        annotation = fields.get(str(part))
        in_dict = get_origin(annotation) is dict
        model = _section_in(annotation)
    return [to_camel(name) for name in model.model_fields] if model is not None else []


def _section_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _section_in(part))), None)


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word most like this one, as a question to put into an error; nothing if none is like it."""
    by_lower = {name.lower(): name for name in known}
    matches = difflib.get_close_matches(word.lower(), sorted(by_lower), n=1, cutoff=0.6)
    return f"did you mean {by_lower[matches[0]]}? " if matches else ""
