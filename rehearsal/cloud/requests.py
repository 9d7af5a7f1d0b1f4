"""From a resource's inputs to an AWS request, by the service model; and the model's rules, enforced to the letter.

Names match exactly, case apart: anything fuzzier lets a typo through. botocore itself enforces required members,
types and unions, but not maxima, enumerations and patterns: `violations` does.
"""

from __future__ import annotations

import base64
import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import regex
from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

from rehearsal.problems import RequestError


def unknown_input(path: str, operation: str, members: list[str]) -> RequestError:
    """An input that no member of the request matches."""
    nearest = difflib.get_close_matches(path.rpartition(".")[2], members, n=1, cutoff=0.6)
    hint = f"; the nearest member is {nearest[0]}" if nearest else ""
    return RequestError(f"input '{path}' matches nothing in the request {operation}{hint}")


@cache
def _members(shape: StructureShape) -> dict[str, str]:
    return {name.lower(): name for name in shape.members}


@dataclass
class Unmapped:
    """What of a resource's inputs no request carries: the SDK knows it, the rehearsal does not know where it goes."""

    given: frozenset[str] = frozenset()
    """Every key of the inputs, at any depth, as the SDK passed them on; what it does not know was refused before."""
    paths: list[str] = field(default_factory=list[str])

    def takes(self, key: str, path: str) -> bool:
        """Take note of an input that the request has no place for; not of what a program wrote into a JSON text."""
        if key in self.given:
            self.paths.append(path)
        return key in self.given


def keys_of(value: Any) -> Iterator[str]:
    """Every key of every object in `value`."""
    if isinstance(value, dict):
        yield from value
        for item in value.values():
            yield from keys_of(item)
    elif isinstance(value, list):
        for item in value:
            yield from keys_of(item)


def request_for(
    shape: StructureShape,
    inputs: Mapping[str, Any],
    renames: Mapping[str, str],
    operation: str,
    unmapped: Unmapped | None = None,
) -> dict[str, Any]:
    """The members of `shape` that `inputs` fill. `renames` maps an input to a member, or to a path such as `A.B`."""
    return _Mapping(operation, unmapped or Unmapped()).request(shape, inputs, renames)


class _NoPlaceError(Exception):
    """A value of a form that the request does not have."""


class _Mapping:
    """From inputs to the members of one operation's request."""

    def __init__(self, operation: str, unmapped: Unmapped) -> None:
        self._operation = operation
        self._unmapped = unmapped

    def request(self, shape: StructureShape, inputs: Mapping[str, Any], renames: Mapping[str, str]) -> dict[str, Any]:
        request: dict[str, Any] = {}
        members = _members(shape)
        for key, value in inputs.items():
            path = renames.get(key, key).split(".")
            target, level, level_members = request, shape, members
            for step in path[:-1]:
                inner = level.members[level_members[step.lower()]]
                assert isinstance(inner, StructureShape), (
                    f"{self._operation}.{renames[key]} does not lead through structures"
                )
                target = target.setdefault(level_members[step.lower()], {})
                level, level_members = inner, _members(inner)
            name = level_members.get(path[-1].lower())
            self._place(target, level, name, key, value, key)
        return request

    def _place(
        self, target: dict[str, Any], level: StructureShape, name: str | None, key: str, value: Any, path: str
    ) -> None:
        """Fill one member, or take note that there is none for it."""
        if name is None:
            if not self._unmapped.takes(key, path):
                raise unknown_input(path, self._operation, list(level.members))
            return
        try:
            target[name] = self._value(level.members[name], value, path)
        except _NoPlaceError as error:
            # The SDK's type allows the value, so it goes somewhere else than where it seems to.
            if not self._unmapped.takes(key, path):
                raise RequestError(str(error)) from None

    def _value(self, shape: Shape, value: Any, path: str) -> Any:
        if isinstance(shape, StructureShape):
            return self._structure(shape, value, path)
        if isinstance(shape, ListShape):
            items = value if isinstance(value, list) else [value]
            return [self._value(shape.member, item, f"{path}[{index}]") for index, item in enumerate(items)]
        if isinstance(shape, MapShape):
            if not isinstance(value, dict):
                raise _NoPlaceError(f"input '{path}' must be a map, got {_kind(value)}")
            return {key: self._value(shape.value, item, f"{path}.{key}") for key, item in value.items()}
        return _scalar(shape, value, path)

    def _structure(self, shape: StructureShape, value: Any, path: str) -> Any:
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if not isinstance(value, dict):
            # CloudFront's and others' `{Quantity, Items}` around a list.
            if isinstance(value, list) and {"Quantity", "Items"} <= set(shape.members):
                items = self._value(shape.members["Items"], value, path)
                return {"Quantity": len(items), "Items": items}
            raise _NoPlaceError(f"input '{path}' must be an object, got {_kind(value)}")
        members = _members(shape)
        built: dict[str, Any] = {}
        for key, item in value.items():
            self._place(built, shape, members.get(key.lower()), key, item, f"{path}.{key}")
        return built


def _scalar(shape: Shape, value: Any, path: str) -> Any:
    kind = shape.type_name
    if isinstance(value, dict | list):
        # A document given as an object where AWS wants its JSON text.
        if kind == "string":
            return json.dumps(value, separators=(",", ":"))
        raise _NoPlaceError(f"input '{path}' must be a {kind}, got {_kind(value)}")
    if kind in ("integer", "long"):
        return _whole_number(value, path)
    if kind in ("float", "double"):
        return _number(value, path)
    if kind == "boolean":
        return _boolean(value, path)
    if kind == "blob":
        return _bytes(value)
    if kind == "string":
        return ("true" if value else "false") if isinstance(value, bool) else str(value)
    return value


def _whole_number(value: Any, path: str) -> int:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise RequestError(f"input '{path}' must be a whole number, got {value!r}") from None
    if isinstance(value, bool) or not number.is_integer():
        raise RequestError(f"input '{path}' must be a whole number, got {value!r}")
    return int(number)


def _number(value: Any, path: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise RequestError(f"input '{path}' must be a number, got {value!r}") from None


def _boolean(value: Any, path: str) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return value == "true"
    raise RequestError(f"input '{path}' must be true or false, got {value!r}")


def _bytes(value: Any) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except ValueError:
        return str(value).encode()


def _kind(value: Any) -> str:
    return {dict: "an object", list: "a list", bool: "a boolean", str: "a text", type(None): "nothing"}.get(
        type(value), "a number"
    )


def violations(shape: Shape, value: Any, path: str = "") -> Iterator[str]:
    """Each way in which `value` breaks the rules of `shape`."""
    where = path or "the request"
    if isinstance(shape, StructureShape):
        for name in shape.required_members:
            if name not in value:
                yield f"{where} lacks {name}, which AWS requires"
        for name, item in value.items():
            if name not in shape.members:
                yield f"{where} has no member {name}"
                continue
            yield from violations(shape.members[name], item, f"{path}.{name}" if path else name)
    elif isinstance(shape, ListShape):
        yield from _size(shape, len(value), where, "items")
        for index, item in enumerate(value):
            yield from violations(shape.member, item, f"{path}[{index}]")
    elif isinstance(shape, MapShape):
        yield from _size(shape, len(value), where, "entries")
        for key, item in value.items():
            yield from violations(shape.key, key, f"{path} key {key!r}")
            yield from violations(shape.value, item, f"{path}.{key}")
    elif isinstance(shape, StringShape):
        yield from _text(shape, value, where)
    elif shape.type_name in ("integer", "long", "float", "double"):
        yield from _range(shape, value, where)


def _text(shape: StringShape, value: str, where: str) -> Iterator[str]:
    if shape.enum and value not in shape.enum:
        allowed = ", ".join(shape.enum[:12]) + (", …" if len(shape.enum) > 12 else "")
        nearest = difflib.get_close_matches(value, shape.enum, n=1)
        yield f"{where}: {value!r} is not allowed; use {f'{nearest[0]!r}, or one of: ' if nearest else ''}{allowed}"
        return
    yield from _size(shape, len(value), where, "characters")
    pattern = shape.metadata.get("pattern")
    if pattern:
        compiled = _compiled(pattern)
        if compiled is not None and not compiled.fullmatch(value):
            yield f"{where}: {value!r} does not match the pattern {pattern} of AWS"


@cache
def _compiled(pattern: str) -> Any:
    try:
        return regex.compile(pattern)
    except regex.error:
        # A few models (glue, autoscaling, athena …) write surrogate pairs that no Python engine reads.
        return None


def _size(shape: Shape, size: int, where: str, unit: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and size < low:
        yield f"{where} has {size} {unit}, fewer than the {low} that AWS requires"
    if high is not None and size > high:
        yield f"{where} has {size} {unit}, more than the {high} that AWS allows"


def _range(shape: Shape, value: float, where: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and value < low:
        yield f"{where}: {value} is below AWS's minimum of {low}"
    if high is not None and value > high:
        yield f"{where}: {value} is above AWS's maximum of {high}"


def example(shape: Shape, request: Mapping[str, Any], token: str, name: str = "") -> Any:
    """An answer of this shape for an operation that the emulator lacks: members that the request named come back
    as they were asked for, texts that must be invented carry `token`, everything else is empty."""
    if isinstance(shape, StructureShape):
        asked = {key.lower(): value for key, value in request.items()}
        answer: dict[str, Any] = {}
        for member, inner in shape.members.items():
            echoed = asked.get(member.lower())
            if echoed is not None and not isinstance(inner, StructureShape | ListShape):
                answer[member] = echoed
            elif isinstance(inner, StructureShape) or inner.type_name == "string":
                answer[member] = example(inner, request, token, member)
            elif isinstance(inner, ListShape) and name == "" and inner.member.type_name == "string":
                # A list of ids at the top of an answer: one of the thing that was asked for.
                answer[member] = [example(inner.member, request, token, member.removesuffix("s"))]
        return answer
    if isinstance(shape, StringShape) and shape.enum:
        return shape.enum[0]
    return f"{name}-{token}" if shape.type_name == "string" else None
