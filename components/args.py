"""The arguments of components: plain data, checked whole, every mistake named at once.

    class QueueArgs(ComponentArgs):
        max_attempts: Annotated[int, Field(ge=1, le=1000)] = 5
        \"""Deliveries before a message moves to the dead-letter queue.\"""

        def mistakes(self) -> Iterator[Mistake]:
            if self.fifo and self.delay_seconds:
                yield Mistake("delay_seconds", self.delay_seconds, "...")

Python callers give them by name, in snake_case; a stack's file holds the same in camelCase. Bounds and choices stand
beside the field, what concerns several fields in `mistakes`, and nowhere else. What a component is connected with (a
key, a network) is no argument of this kind: it is given to the component itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final, Self, TypeVar, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SkipValidation,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema

from .annotations import allowed, chosen, entry, kind_key, kinds, limits, truths, unit_of, without_none
from .children import Transform
from .errors import ArgumentError, Mistake, nearest
from .spelling import to_camel

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo
    from pydantic_core import ErrorDetails


_T = TypeVar("_T")

FROM_YAML: Final = "from YAML"
"""The context of a validation whose data is a stack's file."""


class _Mistaken(ValueError):
    """Carries what `mistakes` says through pydantic."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        self.mistakes = mistakes


class Args(BaseModel):
    """Unknown names are refused, values cannot change, and names are camelCase in YAML."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=True,
        allow_inf_nan=False,
        # Most models are only parts of others, which build them again.
        defer_build=True,
    )

    def __init__(self, /, **data: Any) -> None:
        try:
            self.__pydantic_validator__.validate_python(data, self_instance=self)
        except ValidationError as error:
            raise ArgumentError.of(found_by(type(self), error, python=True)) from None

    # Else pydantic would come here for each nested section too, and its paths would end there.
    __init__.__pydantic_base_init__ = True  # pyright: ignore[reportFunctionMemberAccess] read by pydantic's metaclass

    def mistakes(self) -> Iterator[Mistake]:
        """What cannot work together, each with the field to mend. Called when every field by itself is right."""
        yield from ()

    @model_validator(mode="after")
    def _works_together(self) -> Self:
        found = list(self.mistakes())
        if found:
            raise _Mistaken(found)
        return self

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_is_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        """YAML reads `yes` and `on` as true, which Python takes for 1."""
        for found in truths(cls.model_fields[str(info.field_name)].annotation, value):
            raise ValueError(f"holds {str(found).lower()} where a number is due; write the number")
        return value


class ComponentArgs(Args):
    """The arguments of a component."""

    transform: Annotated[SkipJsonSchema[SkipValidation[Transform]], Field(exclude=True, repr=False)] = {}
    """Changes to the properties of named children, for what the component does not offer; from Python only."""

    @field_validator("transform", mode="before")
    @classmethod
    def _is_for_programs(cls, value: Any, info: ValidationInfo) -> Any:
        if info.context == FROM_YAML:
            raise ValueError("is for programs; a stack's file cannot change the properties of a component's children")
        return value


def found_by(root: type[Args], error: ValidationError, *, python: bool = False) -> Iterator[Mistake]:
    """Everything that pydantic found, in our words; paths are spelt as in YAML, or as in Python."""
    spelt = _in_python if python else in_yaml
    for detail in error.errors(include_url=False):
        path = tuple(part for part in detail["loc"] if part != "[key]")
        raised = detail.get("ctx", {}).get("error")
        key = kind_key(_annotation_at(root, path)) if detail["type"].startswith("union_tag") else None
        if key is not None:
            reason = _reason(root, path, detail, python=python)
            yield spelt(root, Mistake((*path, key), detail["input"].get(key), reason))
        elif isinstance(raised, _Mistaken):
            yield from (spelt(root, mistake.at(*path)) for mistake in raised.mistakes)
        else:
            yield spelt(root, Mistake(path, detail["input"], _reason(root, path, detail, python=python)))


def _reason(root: type[Args], path: tuple[str | int, ...], detail: ErrorDetails, *, python: bool) -> str:
    context = detail.get("ctx", {})
    match detail["type"]:
        case "missing":
            return _missing(path)
        case "extra_forbidden":
            known = _names_at(root, path[:-1], python=python)
            if others := _other_kinds(root, path):
                return others
            what = "argument" if python else "key" if len(path) > 1 else "section"
            return f"is not a known {what}; {nearest(_last_name(path), known)}known: {', '.join(sorted(known))}"
        case "literal_error":
            expected = str(context["expected"])
            hint = (
                nearest(detail["input"], re.findall("'([^']+)'", expected)) if isinstance(detail["input"], str) else ""
            )
            return f"is not allowed; {hint}use {expected.replace(chr(39), '')}"
        case "union_tag_not_found" | "union_tag_invalid":
            *others, last = kinds(_annotation_at(root, path))
            hint = nearest(context.get("tag", ""), [*others, last])
            return f"is {'not allowed' if 'tag' in context else 'missing'}; {hint}use {', '.join(others)} or {last}"
        case "value_error":
            return str(context["error"])
        case "model_type" | "model_attributes_type" | "dict_type":
            return "is not allowed; write keys and values, for example {key: value}"
        case "list_type" | "tuple_type":
            return "is not allowed; write a list, for example [a, b]"
        case "greater_than_equal" | "less_than_equal" | "greater_than" | "less_than":
            return f"is not allowed; use {bounds(root, path) or detail['msg'].removeprefix('Input should be ')}"
        case "int_type" | "int_parsing" | "int_from_float" | "float_type" | "float_parsing":
            return f"is not a number; write {_number(root, path)}"
        case "string_type":
            return _needs_quotes(detail["input"])
        case "string_too_short":
            return f"has too few characters; write {context['min_length']} or more"
        case "string_too_long":
            return f"has too many characters; AWS takes {context['max_length']}"
        case "too_short":
            return f"has too few entries; write {context['min_length']} or more"
        case "too_long":
            return f"has too many entries; AWS takes {context['max_length']}"
        case _:
            words = detail["msg"].removeprefix("Input ").replace("should be", "must be")
            return f"{words[:1].lower()}{words[1:]}"


def _other_kinds(root: type[Args], path: tuple[str | int, ...]) -> str:
    """What to say of a key that is unknown to one of several models and known to others."""
    for place, part in enumerate(path):
        union = _annotation_at(root, path[:place])
        if part not in kinds(union):
            continue
        key, elsewhere = kind_key(union), [(kind, (*path[:place], kind, *path[place + 1 :])) for kind in kinds(union)]
        others = ", ".join(kind for kind, way in elsewhere if [*_steps(root, way)][-1][1] is not None)
        return f"is not for {key} {part}, but for {others}; remove it, or change {key}" if others else ""
    return ""


EXAMPLES: Final = {"product": "wiki", "environment": "dev", "owner": "platform"}
"""Of what every stack must say."""


def _missing(path: tuple[str | int, ...]) -> str:
    example = EXAMPLES.get(str(path[0])) if len(path) == 1 else None
    return f"is missing; set it, for example {path[0]}: {example}" if example else "is missing; it has no default"


def _needs_quotes(value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f'is a number where text is due; it needs quotation marks, as "{value}"' + (
            " (YAML reads 1.10 as 1.1)" if isinstance(value, float) else ""
        )
    if isinstance(value, bool):
        word = "true" if value else "false"
        return f'is a truth value where text is due; put what you wrote into quotation marks: "{word}"'
    return "is not text; write a text in quotation marks"


def bounds(root: type[Args], path: tuple[str | int, ...]) -> str:
    """What the field at a path takes: `60 to 1209600 seconds`."""
    words = allowed(limits(_annotation_at(root, path)))
    return f"{words} {unit_of(_last_name(path))}".rstrip() if words else ""


_SUCH_AS = {"MiB": 1024, "GiB": 20, "seconds": 60, "days": 30, "percent": 70}


def _number(root: type[Args], path: tuple[str | int, ...]) -> str:
    unit = unit_of(_last_name(path))
    found = limits(_annotation_at(root, path))
    example = _SUCH_AS.get(unit, 1)
    if example < found.get("ge", example) or example > found.get("le", example):
        example = found.get("ge", found.get("le"))
    return f"the number of {unit} alone, such as {example}" if unit else f"a number such as {example}"


def _last_name(path: tuple[str | int, ...]) -> str:
    return next((part for part in reversed(path) if isinstance(part, str)), "")


# --- Where a path leads ----------------------------------------------------------------------------------------------


def in_yaml(root: type[Args], mistake: Mistake) -> Mistake:
    """The mistake with its path spelt as in a stack's file."""
    path = tuple(to_camel(name) if name else part for part, name, _ in _steps(root, mistake.path) if part is not None)
    return Mistake(path, mistake.value, mistake.reason)


def _in_python(root: type[Args], mistake: Mistake) -> Mistake:
    path = tuple(name or part for part, name, _ in _steps(root, mistake.path) if part is not None)
    return Mistake(path, mistake.value, mistake.reason)


def _names_at(root: type[Args], path: tuple[str | int, ...], *, python: bool) -> list[str]:
    """The names that may stand at a place."""
    model = _model_in(_annotation_at(root, path))
    if model is None:
        return []
    return [*model.model_fields] if python else [to_camel(name) for name in model.model_fields if name != "transform"]


def _annotation_at(root: type[Args], path: tuple[str | int, ...]) -> Any:
    return [root, *(annotation for _, _, annotation in _steps(root, path))][-1]


def _steps(root: type[Args], path: tuple[str | int, ...]) -> Iterator[tuple[str | int | None, str | None, Any]]:
    """Each part of a path, the field that it names (in Python; none for what the user called so, and for the number of
    an entry), and the annotation there. No part is what pydantic adds to say which of several models it took."""
    annotation: Any = root
    for part in path:
        of = kinds(annotation)
        if part in of:
            annotation = of[str(part)]
            yield None, None, annotation
        elif (model := _model_in(annotation)) is not None:
            name = _field(model, part)
            annotation = None if name is None else _annotation_of(model.model_fields[name])
            yield part, name, annotation
        else:
            annotation = entry(annotation)
            yield part, None, annotation


def _field(model: type[Args], part: str | int) -> str | None:
    """The field that a part of a path names, in either spelling."""
    return next((name for name in model.model_fields if part in (name, to_camel(name))), None)


def _annotation_of(field: FieldInfo) -> Any:
    return Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation


def _model_in(annotation: Any) -> type[Args] | None:
    inner = without_none(annotation)
    return inner if isinstance(inner, type) and issubclass(inner, Args) else None


# --- What is known although something is wrong -----------------------------------------------------------------------


def known(model: type[Args], data: Any) -> Args | None:
    """`data` as far as it is right: an instance without the fields that are wrong, which raises an AttributeError where
    one of them is read. So what does not depend on a mistake can be judged in the same round."""
    if not isinstance(data, Mapping):
        return None
    values, unknown = {}, []
    for name, info in model.model_fields.items():
        if to_camel(name) in data:
            right, value = _known(_annotation_of(info), data[to_camel(name)])
            if right:
                values[name] = value
                continue
        elif not info.is_required():
            continue
        unknown.append(name)
    instance = model.model_construct(**values)
    for name in unknown:
        vars(instance).pop(name, None)
    return instance


def _known(annotation: Any, value: Any) -> tuple[bool, Any]:
    try:
        return True, TypeAdapter(annotation).validate_python(value)
    except ValidationError:
        pass
    inner = chosen(annotation, value)
    if inner is None and isinstance(value, Mapping):
        # It does not say of which kind it is. What is there is known, and nothing of it.
        return True, known(without_none(annotation), {})
    if (model := _model_in(inner)) is not None:
        found = known(model, value)
        return found is not None, found
    if get_origin(inner) is dict and isinstance(value, Mapping) and _model_in(entry(inner)) is not None:
        each = {name: _known(entry(inner), one) for name, one in value.items()}
        return True, {name: one for name, (right, one) in each.items() if right}
    return False, None


def mistakes_of_known(instance: Args, path: tuple[str | int, ...] = ()) -> Iterator[Mistake]:
    """What the parts of such an instance say themselves, as far as they can."""
    if _is_whole(instance):
        # It has been asked by pydantic.
        return
    for mistake in as_far_as_known(instance.mistakes()):
        yield mistake.at(*path)
    for below, part in _parts(instance):
        yield from mistakes_of_known(part, (*path, *below))


def _is_whole(instance: Args) -> bool:
    missing = type(instance).model_fields.keys() - vars(instance).keys()
    return not missing and all(_is_whole(part) for _, part in _parts(instance))


def _parts(instance: Args) -> Iterator[tuple[tuple[str | int, ...], Args]]:
    """The models below an instance, each with the way there."""
    for name, info in type(instance).model_fields.items():
        value, annotation = vars(instance).get(name), _annotation_of(info)
        if isinstance(value, Mapping):
            below = [((name, key), one, entry(annotation)) for key, one in value.items()]
        else:
            below = [((name,), value, annotation)]
        for way, one, of in below:
            if isinstance(one, Args):
                kind = [kind for kind, model in kinds(of).items() if isinstance(one, model)][:1]
                yield (*way, *kind), one


def as_far_as_known(found: Iterator[_T]) -> Iterator[_T]:
    """What a check says before it asks for a field that is not known, because it is wrong."""
    try:
        yield from found
    except AttributeError as error:
        # Any other is a fault of the check's own.
        if not isinstance(error.obj, Args) or error.name not in type(error.obj).model_fields:
            raise
