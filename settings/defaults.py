"""What a section of a stack's file takes from the stack where it says nothing itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, get_origin

from components.annotations import chosen, entry
from components.args import Args
from components.spelling import to_camel
from settings.simple_service import DEFAULT_KIND

FREE: Final[Mapping[tuple[str, str], Any]] = {("database", "cpu_alarm"): False, ("tables", "recovery_days"): 0}
"""Section and field → what it is in a stack of the free tier."""


ALWAYS: Final = ("github_environment", "domain_prefix")
"""Arguments that a component must be given and a stack's file may leave out: `spread` gives them."""


def spread(model: type[Args], sections: Mapping[str, Any]) -> dict[str, Any]:
    """The sections of a stack's file, where each part that has a retention, a log retention or a GitHub environment and
    says nothing of it has the stack's; so has each collector of traces the share that is sampled."""
    logs = sections.get("logs")
    days = logs.get("retentionDays") if isinstance(logs, Mapping) else None
    tracing = sections.get("tracing")
    wide = {
        "retention": sections.get("retention"),
        "log_retention_days": days,
        "github_environment": sections.get("environment"),
        "sample_percent": tracing.get("samplePercent") if isinstance(tracing, Mapping) else None,
    }
    wide = {name: value for name, value in wide.items() if value is not None}
    free = sections.get("freeTier") not in (None, False, "false")
    filled = {}
    for key, value in sections.items():
        name = next((name for name in model.model_fields if to_camel(name) == key), None)
        if name is None or name in wide:
            filled[key] = value
            continue
        more = {field: what for (section, field), what in FREE.items() if free and section == name}
        if name == "user_pool":
            more |= _of_users(sections)
        if name == "vector_collections":
            # As much again, to go on when a zone fails.
            more["standby_replicas"] = sections.get("environment") == "prod"
        if name == "simple_service" and isinstance(value, Mapping):
            value = {"kind": DEFAULT_KIND, **value}
        filled[key] = _filled(model.model_fields[name].annotation, value, {**wide, **more})
    return filled


def _of_users(sections: Mapping[str, Any]) -> dict[str, Any]:
    product, environment = sections.get("product"), sections.get("environment")
    factor = {"mfa": "required"} if environment == "prod" else {}
    return {"domain_prefix": f"{product}-{environment}", **factor}


def _filled(annotation: Any, value: Any, wide: Mapping[str, Any]) -> Any:
    inner = chosen(annotation, value)
    if isinstance(inner, type) and issubclass(inner, Args) and isinstance(value, Mapping):
        own = {
            key: _filled(info.annotation, value[key], wide)
            for name, info in inner.model_fields.items()
            if (key := to_camel(name)) in value
        }
        lacking = {to_camel(name): what for name, what in wide.items() if name in inner.model_fields}
        return {**lacking, **value, **own}
    if get_origin(inner) is dict and isinstance(value, Mapping):
        return {name: _filled(entry(inner), one, wide) for name, one in value.items()}
    if get_origin(inner) is list and isinstance(value, list):
        return [_filled(entry(inner), one, wide) for one in value]
    return value
