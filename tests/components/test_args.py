"""Arguments: what is refused, how it is said to Python callers, and what is still known beside a mistake."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, ValidationError

from components.annotations import TellsKind
from components.args import Args, ComponentArgs, as_far_as_known, found_by, in_yaml, known, mistakes_of_known
from components.errors import ArgumentError, Mistake


class Rule(Args):
    keep_days: Annotated[int, Field(ge=1, le=30)] = 7
    move_days: int | None = None

    def mistakes(self) -> Iterator[Mistake]:
        if self.move_days is not None and self.move_days >= self.keep_days:
            yield Mistake("move_days", self.move_days, f"is not before keep_days, {self.keep_days}")


class StoreArgs(ComponentArgs):
    size_gib: Annotated[int, Field(ge=20)] = 20
    names: dict[str, str] = {}
    rules: dict[str, Rule] = {}
    listed: list[Rule] = []
    kind: str = "plain"

    def mistakes(self) -> Iterator[Mistake]:
        if self.kind == "odd" and self.names:
            yield Mistake("names", sorted(self.names), "are not for an odd store")
        if self.kind == "odd" and self.size_gib > 100:
            yield Mistake("size_gib", self.size_gib, "is too much for an odd store; use 100")


class Tap(Args):
    kind: Literal["tap"]
    per_minute: Annotated[float, Field(gt=0, lt=9)] = 1


class Well(Args):
    kind: Literal["well", "spring"]
    depth_gib: Annotated[int, Field(ge=1, le=30)] = 7
    rules: dict[str, Rule] = {}

    def mistakes(self) -> Iterator[Mistake]:
        if self.kind == "spring" and self.depth_gib > 1:
            yield Mistake("depth_gib", self.depth_gib, "is too deep for a spring")


class Garden(Args):
    water: dict[str, Annotated[Tap | Well, TellsKind("kind")]] = {}
    rain: bool = True

    def mistakes(self) -> Iterator[Mistake]:
        yield from (Mistake(("water", name), one.kind, "is idle in the rain") for name, one in self.water.items())


def said(**arguments: Any) -> list[str]:
    with pytest.raises(ArgumentError) as error:
        StoreArgs(**arguments)
    return [str(mistake) for mistake in error.value.mistakes]


def test_every_mistake_is_named_at_once_in_the_words_of_python() -> None:
    known_names = ", ".join(sorted(StoreArgs.model_fields))
    assert said(size_gib=5, rules={"a_b": {"keep_days": 0}}, listed=[{"keep_days": 40}], sizegib=1) == [
        "size_gib: 5 is not allowed; use 20 or more GiB",
        "rules.a_b.keep_days: 0 is not allowed; use 1 to 30 days",
        "listed[0].keep_days: 40 is not allowed; use 1 to 30 days",
        f"sizegib: 1 is not a known argument; did you mean 'size_gib'? known: {known_names}",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size_gib": "20 GB"}, "size_gib: '20 GB' is not a number; write the number of GiB alone, such as 20"),
        ({"kind": 17}, 'kind: 17 is a number where text is due; it needs quotation marks, as "17"'),
        ({"size_gib": True}, "size_gib: True holds true where a number is due; write the number"),
        ({"rules": {"a_b": {"keep_days": 5, "move_days": 5}}}, "rules.a_b.move_days: 5 is not before keep_days, 5"),
        ({"kind": "odd", "names": {"x_y": "1"}}, "names: ['x_y'] are not for an odd store"),
    ],
)
def test_a_mistake_says_what_to_write(arguments: dict[str, Any], message: str) -> None:
    assert said(**arguments) == [message]


def test_arguments_cannot_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        StoreArgs().kind = "other"  # pyright: ignore[reportAttributeAccessIssue] what is tested


def test_beside_a_mistake_everything_is_judged_that_does_not_depend_on_it() -> None:
    wrong = {"sizeGib": "much", "kind": "odd", "names": {"x_y": "1"}, "rules": {"a_b": {"keepDays": 0, "moveDays": 5}}}
    part = known(StoreArgs, wrong)
    assert isinstance(part, StoreArgs)
    assert part.kind == "odd"
    with pytest.raises(AttributeError):
        _ = part.size_gib
    # Nothing is said of the size, nor of a day that may or may not be before another.
    assert [str(in_yaml(StoreArgs, one)) for one in mistakes_of_known(part)] == [
        "names: ['x_y'] are not for an odd store"
    ]


def test_a_fault_of_a_check_itself_is_not_taken_for_a_field_that_is_not_known() -> None:
    class Faulty(Args):
        size: int = 1

        def mistakes(self) -> Iterator[Mistake]:
            yield Mistake("size", self.size, "is told")
            _ = self.sise  # pyright: ignore[reportAttributeAccessIssue] what is tested
            yield Mistake("size", self.size, "is never told")

    told = as_far_as_known(Faulty.model_construct(size=1).mistakes())
    assert str(next(told)) == "size: 1 is told"
    with pytest.raises(AttributeError, match="sise"):
        next(told)


@pytest.mark.parametrize(
    ("water", "message"),
    [
        ({}, "water.tap.kind: None is missing; use tap, well or spring"),
        ({"kind": "wel"}, "water.tap.kind: 'wel' is not allowed; did you mean 'well'? use tap, well or spring"),
        ("tap", "water.tap: 'tap' is not allowed; write keys and values, for example {key: value}"),
        ({"kind": "well", "depthGib": 0}, "water.tap.depthGib: 0 is not allowed; use 1 to 30 GiB"),
        ({"kind": "tap", "perMinute": 0}, "water.tap.perMinute: 0 is not allowed; use more than 0, less than 9"),
        ({"kind": "spring"}, "water.tap.depthGib: 7 is too deep for a spring"),
        (
            {"kind": "well", "rules": {"a_b": {"keepDays": 5, "moveDays": 5}}},
            "water.tap.rules.a_b.moveDays: 5 is not before keep_days, 5",
        ),
        (
            {"kind": "tap", "depthGib": 1},
            "water.tap.depthGib: 1 is not for kind tap, but for well, spring; remove it, or change kind",
        ),
        (
            {"kind": "spring", "depthGib": 1, "rules": {"x": {"moveDays": 1, "keepDay": 2}}},
            "water.tap.rules.x.keepDay: 2 is not a known key; did you mean 'keepDays'? known: keepDays, moveDays",
        ),
        (
            {"kind": "tap", "perMinut": 1},
            "water.tap.perMinut: 1 is not a known key; did you mean 'perMinute'? known: kind, perMinute",
        ),
    ],
)
def test_one_of_several_models_is_judged_by_its_kind_and_the_kind_is_no_part_of_the_path(
    water: Any, message: str
) -> None:
    with pytest.raises(ValidationError) as error:
        Garden.model_validate({"water": {"tap": water}})
    assert [str(one) for one in found_by(Garden, error.value)] == [message]


def test_beside_a_mistake_models_of_several_kinds_are_judged_too() -> None:
    water = {
        "tap": {"kind": "wel", "depthGib": 0},
        "a_b": {"kind": "spring", "depthGib": 2, "rules": {"x": {"keepDays": 0}}},
    }
    part = known(Garden, {"water": water, "rain": "much"})
    assert isinstance(part, Garden)
    # Of what does not say of which kind it is nothing is known, but that it is there.
    assert [str(in_yaml(Garden, one)) for one in mistakes_of_known(part)] == [
        "water.a_b.depthGib: 2 is too deep for a spring",
    ]
    assert [*part.water] == ["tap", "a_b"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "'' has too few characters; write 1 or more"),
        ("x" * 5, "'xxxxx' has too many characters; AWS takes 4"),
    ],
)
def test_a_text_of_a_wrong_length_is_refused_by_its_argument(text: str, reason: str) -> None:
    class Short(Args):
        label: Annotated[str, Field(min_length=1, max_length=4)]

    with pytest.raises(ArgumentError, match=f"label: {reason}"):
        Short(label=text)
