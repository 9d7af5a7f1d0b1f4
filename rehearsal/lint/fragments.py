"""From a resource's inputs to the properties of a CloudFormation resource, led by the schema of that type.

Names are matched without regard to case; where Pulumi says `rules` and AWS `Rule`, where one of them has a list of one
and the other the thing itself, where one has a map and the other a list of names and values, the schema decides.
Typos cannot hide in this: names have been held against the SDK before.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

Schema = dict[str, Any]

_MAP_KEYS: Final = (("Name", "Value"), ("Key", "Value"), ("ParameterName", "ParameterValue"))


@dataclass(frozen=True, kw_only=True)
class Cfn:
    """How one Pulumi type is written in CloudFormation."""

    type: str
    inside: str = ""
    """The property that this resource fills, where CloudFormation has no type of its own for it."""
    renames: Mapping[str, str] = field(default_factory=dict)
    """Inputs (`rules.filter` for a nested one) whose property has another name; dots lead into nested properties."""
    given: Mapping[str, Any] = field(default_factory=dict)
    """Properties that the type demands and that another resource gives in Pulumi."""
    left_out: frozenset[str] = frozenset()
    """Inputs that name the resource it belongs to, or that only the provider reads."""
    reshape: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    """Brings the inputs into the property's form where names alone do not."""


@dataclass
class Fragment:
    """A resource as CloudFormation would have it."""

    type: str
    properties: dict[str, Any]
    untranslated: list[str] = field(default_factory=list)
    """Inputs that no property takes, so that they are not linted."""
    inputs: dict[str, str] = field(default_factory=dict)
    """Property path → input path, to say findings in the program's own words."""


def fragment(cfn: Cfn, schema: Schema, inputs: Mapping[str, Any]) -> Fragment:
    """The properties that `inputs` make under the schema of `cfn.type`."""
    values = {key: value for key, value in inputs.items() if key not in cfn.left_out}
    if cfn.reshape is not None:
        values = cfn.reshape(values)
    return _Translation(cfn, schema).run(values)


class _Translation:
    def __init__(self, cfn: Cfn, schema: Schema) -> None:
        self._cfn = cfn
        self._schema = schema
        self._made = Fragment(cfn.type, {})
        # What AWS answers is not for anybody to give, though some of it has the name of an input.
        self._answers = {path.removeprefix("/properties/") for path in schema.get("readOnlyProperties", [])}

    def run(self, values: dict[str, Any]) -> Fragment:
        node: Schema = self._schema
        properties: dict[str, Any] = self._made.properties
        at: tuple[str, ...] = ()
        for step in filter(None, self._cfn.inside.split(".")):
            node = self._resolved(self._properties(node)[step])
            at = (*at, step)
        translated = self._object(node, values, "", at)
        for step in at[:-1]:
            properties = properties.setdefault(step, {})
        if at:
            properties[at[-1]] = [translated] if "array" in _types(node) else translated
        else:
            properties.update(translated)
        for name, value in self._cfn.given.items():
            self._made.properties.setdefault(name, value)
        return self._made

    def _value(self, node: Schema, value: Any, path: str, at: tuple[str, ...]) -> Any:
        node = self._resolved(node)
        types = _types(node)
        if isinstance(value, str) and value[:1] in "{[" and value and types & {"object", "array"}:
            try:
                value = json.loads(value)
            except ValueError:
                return value
        if isinstance(value, list) and "array" not in types and "object" in types and len(value) == 1:
            value = value[0]
        if isinstance(value, list):
            item = self._items(node)
            return [self._value(item, each, path, (*at, str(index))) for index, each in enumerate(value)]
        if "array" in types and not types & {"object", "string"}:
            return self._listed(self._items(node), value, path, at)
        if isinstance(value, dict):
            return self._object(node, value, path, at)
        return _scalar(types, value)

    def _listed(self, item: Schema, value: Any, path: str, at: tuple[str, ...]) -> Any:
        """One thing, or a map, where CloudFormation has a list."""
        properties = self._properties(self._resolved(item))
        if isinstance(value, dict) and not all(_match(key, properties) for key in value):
            for key_name, value_name in _MAP_KEYS:
                if key_name in properties and value_name in properties:
                    return [{key_name: key, value_name: str(each)} for key, each in sorted(value.items())]
        return [self._value(item, value, path, (*at, "0"))]

    def _object(self, node: Schema, values: Mapping[str, Any], path: str, at: tuple[str, ...]) -> dict[str, Any]:
        properties = self._properties(node)
        if not properties and node is not self._schema:
            # A map with keys of the program's own choosing, or a document.
            inner = _of_any_key(node)
            return {key: self._value(inner, value, path, (*at, key)) for key, value in values.items()}
        made: dict[str, Any] = {}
        for key, value in values.items():
            where = f"{path}.{key}" if path else key
            if value in (None, {}, []):
                continue
            renamed = self._cfn.renames.get(where)
            name = renamed or _match(key, properties) or (None if path else self._match_prefixed(key, properties))
            if name is None or name.partition(".")[0] not in properties:
                self._made.untranslated.append(where)
                continue
            self._place(node, made, name.split("."), value, where, at)
        return made

    def _place(
        self, node: Schema, made: dict[str, Any], steps: list[str], value: Any, where: str, at: tuple[str, ...]
    ) -> None:
        for step in steps[:-1]:
            node = self._resolved(self._properties(node)[step])
            if "array" in _types(node):
                made, at = made.setdefault(step, [{}])[0], (*at, step, "0")
            else:
                made, at = made.setdefault(step, {}), (*at, step)
        last = steps[-1]
        at = (*at, last)
        translated = self._value(self._properties(node)[last], value, where, at)
        if isinstance(made.get(last), dict) and isinstance(translated, dict):
            translated = {**made[last], **translated}
        elif isinstance(made.get(last), list) and isinstance(translated, list):
            translated = made[last] + translated
        made[last] = translated
        self._made.inputs["/".join(at)] = where

    def _match_prefixed(self, key: str, properties: Mapping[str, Schema]) -> str | None:
        """`QueueName` for `name` of a queue."""
        return _match(self._cfn.type.rpartition("::")[2] + key[:1].upper() + key[1:], properties)

    def _resolved(self, node: Schema) -> Schema:
        while "$ref" in node:
            target: Any = self._schema
            for step in node["$ref"].removeprefix("#/").split("/"):
                target = target[step]
            node = target
        return node

    def _items(self, node: Schema) -> Schema:
        if "items" in node:
            return node["items"]
        branches = (self._resolved(branch) for branch in _branches(node))
        return next((branch["items"] for branch in branches if "items" in branch), {})

    def _properties(self, node: Schema) -> dict[str, Schema]:
        if "array" in _types(node):
            node = self._resolved(self._items(node))
        found = dict(node.get("properties", {}))
        if node is self._schema:
            found = {name: each for name, each in found.items() if name not in self._answers}
        for branch in _branches(node):
            for name, each in self._properties(self._resolved(branch)).items():
                found.setdefault(name, each)
        return found


def _branches(node: Schema) -> Iterator[Schema]:
    for word in ("anyOf", "oneOf", "allOf"):
        yield from node.get(word, [])


def _of_any_key(node: Schema) -> Schema:
    """What the schema says of values under keys that it does not name; nothing, mostly."""
    found = [*node.get("patternProperties", {}).values(), node.get("additionalProperties")]
    return next((each for each in found if isinstance(each, dict)), {})


def _types(node: Schema) -> frozenset[str]:
    types = node.get("type", [])
    if types:
        return frozenset([types] if isinstance(types, str) else types)
    if "properties" in node:
        return frozenset({"object"})
    return frozenset().union(*(_types(branch) for branch in _branches(node)))


def _match(key: str, properties: Mapping[str, Schema]) -> str | None:
    """The property of this name, case and number apart."""
    names = {name.lower(): name for name in properties}
    word = key.lower()
    for candidate in (
        word,
        f"{word}s",
        f"{word}es",
        word.removesuffix("s"),
        word.removesuffix("es"),
        f"{word}document",
    ):
        if candidate in names:
            return names[candidate]
    if word.endswith("ies"):
        return names.get(f"{word[:-3]}y")
    return names.get(f"{word[:-1]}ies") if word.endswith("y") else None


def _scalar(types: frozenset[str], value: Any) -> Any:
    """The value in the type that the schema asks for: Pulumi has texts for some numbers and numbers for some texts."""
    if isinstance(value, bool):
        return value if "boolean" in types or not types & {"string"} else str(value).lower()
    if isinstance(value, int | float):
        return value if types & {"integer", "number"} or "string" not in types else str(value)
    if isinstance(value, str) and "string" not in types:
        if types & {"integer", "number"} and re.fullmatch(r"-?\d+", value):
            return int(value)
        if "number" in types and re.fullmatch(r"-?\d+\.\d+", value):
            return float(value)
        if "boolean" in types and value in ("true", "false"):
            return value == "true"
    return value
