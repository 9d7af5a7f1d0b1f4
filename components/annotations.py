"""What the type of an argument says: its bounds, its unit, what stands below it, and which of several models is meant.

Several models under one key are told apart by what each says of itself:

    Store = Annotated[Plain | Odd, TellsKind("kind")]     # each has kind: Literal[…]
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

UNITS = {
    "_seconds": "seconds", "_minutes": "minutes", "_hours": "hours", "_days": "days", "_months": "months",
    "_mib": "MiB", "_gib": "GiB", "_percent": "percent", "_ms": "milliseconds", "_usd": "US dollars", "_gb": "GB",
}  # fmt: skip
"""By how a field's name ends."""


def unit_of(name: str) -> str:
    """The unit of a field: the end of its name says it."""
    snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
    return next((unit for ending, unit in UNITS.items() if f"_{snake}".endswith(ending)), "")


def limits(annotation: Any) -> dict[str, Any]:
    """The bounds that an annotation has: of `ge`, `gt`, `le` and `lt`."""
    return {
        name: getattr(part, name)
        for part in _parts(annotation)
        for name in ("ge", "gt", "le", "lt")
        if getattr(part, name, None) is not None
    }


def allowed(bounds: Mapping[str, Any]) -> str:
    """Such bounds in words: `60 to 1209600`; nothing where there are none."""
    match dict(bounds):
        case {"ge": least, "le": most}:
            return f"{least} to {most}"
        case {"ge": least, **rest}:
            least = f"{least} or more"
        case {"gt": least, **rest}:
            least = f"more than {least}"
        case rest:
            least = ""
    most = f"up to {rest['le']}" if "le" in rest else f"less than {rest['lt']}" if "lt" in rest else ""
    return ", ".join(part for part in (least, most) if part)


def _parts(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in (*get_args(annotation), *getattr(annotation, "metadata", ())):
        yield from _parts(part)


# --- What stands below -----------------------------------------------------------------------------------------------


def without_none(annotation: Any) -> Any:
    """The one type below `Annotated` and `… | None`; of several, the first."""
    if get_origin(annotation) is Annotated:
        return without_none(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        kinds = [kind for kind in get_args(annotation) if kind is not types.NoneType]
        return without_none(kinds[0])
    return annotation


def entry(annotation: Any) -> Any:
    """What stands under each name of a dictionary, or in each place of a list."""
    inner = without_none(annotation)
    of = get_args(inner)
    return None if not of else of[-1] if get_origin(inner) in (dict, Mapping) else of[0]


@dataclass(frozen=True)
class TellsKind:
    """The key by which several models are told apart. Pydantic's own mark takes no models whose fields are looked at
    before they are read, as all of ours are (https://errors.pydantic.dev/2.12/u/discriminator-validator)."""

    key: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        models = self.models(source)
        return core_schema.tagged_union_schema(
            {kind: handler.generate_schema(model) for kind, model in models.items()}, discriminator=self.key
        )

    def models(self, union: Any) -> dict[str, Any]:
        """Each of the models by what it says of itself."""
        return {kind: model for model in get_args(union) for kind in get_args(model.model_fields[self.key].annotation)}


def _several(annotation: Any) -> Any:
    """The annotation that tells models apart, also of a section that may be missing."""
    if get_origin(annotation) in (Union, types.UnionType):
        return next((one for one in get_args(annotation) if get_origin(one) is Annotated), annotation)
    return annotation


def kind_key(annotation: Any) -> str | None:
    """The key by which several models are told apart; none where there are not several."""
    return next((one.key for one in get_args(_several(annotation))[1:] if isinstance(one, TellsKind)), None)


def kinds(annotation: Any) -> dict[str, Any]:
    """Several models by what each says of itself; nothing where there are not several."""
    key = kind_key(annotation)
    return {} if key is None else TellsKind(key).models(get_args(_several(annotation))[0])


def chosen(annotation: Any, value: Any) -> Any:
    """The one type below `Annotated` and `… | None`; of several models that of `value`, and none if it is of none."""
    key = kind_key(annotation)
    if key is None:
        return without_none(annotation)
    return kinds(annotation).get(str(value.get(key))) if isinstance(value, Mapping) else None


# --- Truth values ----------------------------------------------------------------------------------------------------


def truths(annotation: Any, value: Any) -> Iterator[bool]:
    """The booleans in `value` that stand where `annotation` has numbers and nothing else."""
    parts = get_args(annotation)
    if isinstance(value, bool):
        of = set(_types(annotation))
        if of & {int, float} and bool not in of:
            yield value
    elif isinstance(value, dict) and get_origin(annotation) is dict:
        for one in value.values():
            yield from truths(parts[-1], one)
    elif isinstance(value, list) and get_origin(annotation) is list:
        for one in value:
            yield from truths(parts[0], one)
    elif get_origin(annotation) is not dict and get_origin(annotation) is not list:
        for part in parts:
            yield from truths(part, value)


def _types(annotation: Any) -> Iterator[Any]:
    """The types below an annotation; of a literal, those of its values."""
    if get_origin(annotation) is Literal:
        yield from (type(value) for value in get_args(annotation))
    elif isinstance(annotation, type):
        yield annotation
    else:
        for part in get_args(annotation):
            yield from _types(part)
