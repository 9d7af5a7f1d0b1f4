"""Which properties of a type force its replacement: measured on the provider, else what AWS's schemas say."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

Effect = Literal["in-place", "replace", "may-replace", "unknown", "none"]
PropertyPath = Sequence[str | int]

_FILE: Final = Path(__file__).with_name("replacement.json")
_LISTS: Final[Mapping[str, Effect]] = {
    "replace": "replace",
    "conditional": "may-replace",
    "in_place": "in-place",
    "no_diff": "none",
    "unknown": "unknown",
}
_SCHEMA_LISTS: Final[Mapping[str, Effect]] = {
    "createOnlyProperties": "replace",
    "conditionalCreateOnlyProperties": "may-replace",
}


@dataclass(frozen=True)
class Fact:
    """What happens when a property changes, and who says so."""

    effect: Effect
    source: str
    keeps: bool = False
    """Whether the provider keeps what there is when the program no longer says anything."""


_UNKNOWN: Final = Fact("unknown", "neither the measurements nor AWS's schemas know this property")

# What the measurements saw to depend on another input is decided by that input here.
_DECIDED: Final[Mapping[tuple[str, str], tuple[Callable[[Mapping[str, Any]], bool], str]]] = {
    ("aws:ec2/instance:Instance", "userData"): (
        lambda inputs: inputs.get("userDataReplaceOnChange") is True,
        "userDataReplaceOnChange",
    ),
    ("aws:ec2/instance:Instance", "userDataBase64"): (
        lambda inputs: inputs.get("userDataReplaceOnChange") is True,
        "userDataReplaceOnChange",
    ),
    ("aws:ecs/service:Service", "capacityProviderStrategies"): (
        lambda inputs: inputs.get("forceNewDeployment") is not True,
        "forceNewDeployment",
    ),
}


# Where AWS's schema speaks of CloudFormation, and the provider does otherwise.
_BY_THE_PROVIDER: Final[Mapping[tuple[str, str], Fact]] = {
    ("aws:cloudfront/function:Function", "tags"): Fact(
        "in-place", "CloudFront tags what is there (AWS::CloudFront::Function: no interruption)"
    ),
    ("aws:ecs/expressGatewayService:ExpressGatewayService", "tags"): Fact(
        "in-place", "the provider's resource aws_ecs_express_gateway_service (ecs:TagResource)"
    ),
}


def fact(type_: str, path: PropertyPath, inputs: Mapping[str, Any]) -> Fact:
    """What the change of the property at `path` does; `inputs` are the new ones of its resource.

    The region is no property of AWS's: each resource of the provider since 6.0 has one, and is made again in another
    (https://registry.terraform.io/providers/hashicorp/aws/latest/docs/guides/enhanced-region-support).
    """
    if list(path) == ["region"]:
        return Fact("replace", "the provider's guide to regions")
    said = _BY_THE_PROVIDER.get((type_, str(path[0]))) if path else None
    if said is not None:
        return said
    measured = _measured(type_)
    if measured is None:
        return _schema_fact(type_, path)
    found = _nearest(measured, path)
    if found is None:
        return _UNKNOWN
    decided = _DECIDED.get((type_, str(path[0])))
    if decided is not None and found.effect == "may-replace":
        condition, name = decided
        return Fact("replace" if condition(inputs) else "in-place", f"{found.source}, with {name} as it is here")
    return found


def known_types() -> frozenset[str]:
    """The types that were measured."""
    return frozenset(_types())


def counts(type_: str) -> tuple[int, int, int, int] | None:
    """How many properties replace, depend, change in place and are not known; None for a type that was not measured."""
    lists = _types().get(type_)
    if lists is None:
        return None
    replaces, depends, in_place, unknown = (
        len(lists.get(name, ())) for name in ("replace", "conditional", "in_place", "unknown")
    )
    return replaces, depends, in_place, unknown


@cache
def _types() -> dict[str, Any]:
    return json.loads(_FILE.read_text(encoding="utf-8"))["types"]


@cache
def _measured(type_: str) -> dict[tuple[str, ...], Fact] | None:
    lists = _types().get(type_)
    if lists is None:
        return None
    keeps = set(lists.get("keeps", ()))
    found: dict[tuple[str, ...], Fact] = {}
    for name, effect in _LISTS.items():
        paths = lists.get(name, {})
        for path in paths:
            note = f" ({paths[path]})" if isinstance(paths, dict) and paths[path] else ""
            source = "could not be measured" if effect == "unknown" else "measured on the provider"
            found[tuple(path.split("."))] = Fact(effect, f"{source}{note}", path in keeps)
    return found


def _nearest(measured: Mapping[tuple[str, ...], Fact], path: PropertyPath) -> Fact | None:
    """The fact of the path itself, or of the value that it lies in where nothing inside that is told apart."""
    for length in range(len(path), 0, -1):
        for pattern in _patterns(path[:length]):
            if length < len(path) and (inside := measured.get((*pattern, "**"))) is not None:
                return inside
            found = measured.get(pattern)
            if found is None:
                continue
            if length < len(path) and _told_apart(measured, pattern):
                return None if found.effect != "replace" else found
            return found
    return None


def _patterns(path: PropertyPath) -> list[tuple[str, ...]]:
    """An index is `*`; a text may be the key of a map, which is `*` too."""
    patterns: list[tuple[str, ...]] = [()]
    for position, step in enumerate(path):
        steps = ["*"] if isinstance(step, int) else [step] if position == 0 else [step, "*"]
        patterns = [(*pattern, one) for pattern in patterns for one in steps]
    return patterns


def _told_apart(measured: Mapping[tuple[str, ...], Fact], pattern: tuple[str, ...]) -> bool:
    return any(other[: len(pattern)] == pattern and len(other) > len(pattern) for other in measured)


@cache
def _schema(type_: str) -> tuple[Any, dict[str, Any]] | None:
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER  # noqa: PLC0415 heavy: for types that nobody has measured
    from cfnlint.schema._exceptions import ResourceNotFoundError  # noqa: PLC0415

    from rehearsal.lint.types import TYPES  # noqa: PLC0415

    translation = TYPES.get(type_)
    if translation is None:
        return None
    try:
        return translation, PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", translation.type).schema
    except ResourceNotFoundError:
        return None


def _schema_fact(type_: str, path: PropertyPath) -> Fact:
    """By `createOnlyProperties` of AWS's schema; a property that it does not have is not known."""
    found = _schema(type_)
    if found is None:
        return _UNKNOWN
    translation, schema = found
    name = translation.renames.get(str(path[0]), str(path[0]))
    own = next((one for one in schema.get("properties", {}) if one.lower() == name.lower()), None)
    if own is None:
        return _UNKNOWN
    source = f"AWS's schema of {translation.type}"
    for key, effect in _SCHEMA_LISTS.items():
        for pointer in schema.get(key, ()):
            if pointer.split("/")[2] == own:
                return Fact(effect if pointer.count("/") == 2 else "may-replace", f"{source} ({key})")
    if "update" not in schema.get("handlers", {"update": {}}):
        return Fact("replace", f"{source} (it has no update)")
    return Fact("in-place", source)
