"""Settings of where data may be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_type_hints

from pydantic import Field

from components.args import Args
from components.spelling import to_camel
from components.values import Region

if TYPE_CHECKING:
    from settings import Settings


class ResidencySettings(Args):
    """The regions in which this stack may keep data; what AWS has elsewhere only stays there."""

    regions: Annotated[list[Region], Field(min_length=1)] = ["ap-northeast-1", "ap-northeast-3"]
    """Left out: those in Japan. The policy pack judges by the same."""


def combinations(settings: Settings) -> Iterator[tuple[str, str]]:
    """Regions that the stack names elsewhere: key and why."""
    allowed = settings.residency.regions
    for key, region in _regions(type(settings), settings, ""):
        if region not in allowed and not key.startswith("residency."):
            why = f"use {', '.join(allowed)}, or add it to residency.regions"
            yield key, f"{region} is not a region in which this stack may keep data; {why}"


def _regions(hint: Any, value: Any, key: str) -> Iterator[tuple[str, str]]:
    """Every region that the settings name, by its key: a new setting of this kind is judged without another word."""
    if isinstance(value, str):
        if hint == Region or Region in get_args(hint):
            yield key, value
    elif isinstance(value, Args):
        hints = get_type_hints(type(value), include_extras=True)
        for name in type(value).model_fields:
            place = f"{key}.{to_camel(name)}" if key else to_camel(name)
            yield from _regions(hints[name], getattr(value, name), place)
    elif isinstance(value, Mapping) and get_args(hint):
        for name, each in value.items():
            yield from _regions(get_args(hint)[-1], each, f"{key}.{name}")
    elif isinstance(value, list) and get_args(hint):
        for number, each in enumerate(value):
            yield from _regions(get_args(hint)[0], each, f"{key}[{number}]")
