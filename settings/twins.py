"""Stack files beside each other that would make the same things twice.

Names are `{product}-{environment}-{service}-{type}`, so what two stacks both call so collides in the middle of a
deployment, or, where there is only one in an account, takes the place of the other's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError

from components.spelling import to_camel

if TYPE_CHECKING:
    from settings import Settings

Files = Mapping[str, Mapping[str, Any]]
"""What each stack's file says of this project, by the stack's name, its keys without the namespace."""

_MAKE_NOTHING = ("cluster", "log_router", "expected", "logs", "keys", "residency", "free_tier", "log_archive")
"""Sections that two stacks may both have: they only say how, or make a bucket whose name Pulumi chooses."""

_OF_THE_ACCOUNT = ("cost_guard", "site")
"""Sections whose parts have names in the whole account, in whatever region the stack is."""

_SHOWN = (
    *("load_balancer", "site", "user_pool", "apis", "services", "simple_service", "host", "functions", "model_access"),
    *("vector_collections", "knowledge_bases", "queues", "workflows", "database", "cache", "tables", "lake"),
    *("log_analytics", "front_end", "build", "database_copy", "tracing", "backup", "alerts"),
)
"""Sections whose parts a dashboard shows, whatever else they say."""

_FOR_OTHERS: Mapping[str, Callable[[Settings], bool]] = {
    "a key for data": lambda one: one.own_keys and one.keeps_data,
    # A network of another stack brings that stack's key.
    "a key for logs": lambda one: one.own_keys and one.writes_logs and not (one.network and one.network.stack),
    "a key for copies": lambda one: one.own_keys and one.copies_region is not None,
    "a cluster": lambda one: one.has_cluster,
    "a dashboard": lambda one: any(getattr(one, section) for section in _SHOWN),
}
"""What is made once for several sections → which settings make it."""


def read(folder: Path, project: str) -> Files:
    """The files of all stacks in `folder`. One that cannot be read is its own stack's affair."""
    found: dict[str, Mapping[str, Any]] = {}
    for path in sorted(folder.glob("Pulumi.*.yaml")):
        try:
            said = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        except (OSError, ValueError, yaml.YAMLError):
            continue
        config = said.get("config") if isinstance(said, dict) else None
        if isinstance(config, dict):
            keys = {str(key).removeprefix(f"{project}:"): value for key, value in config.items()}
            found[path.name.removeprefix("Pulumi.").removesuffix(".yaml")] = keys
    return found


def of(settings: Settings, others: Files) -> Iterator[tuple[str, str]]:
    """Which of the other stacks would make the same as this one: key and why."""
    for name, other in others.items():
        if (other.get("product"), other.get("environment")) != (settings.product, settings.environment):
            continue
        here = other.get("region", type(settings).model_fields["region"].default) == settings.region
        if _elsewhere(settings, other):
            continue
        both = [*_both(settings, other, here=here), *(_for_others(settings, other) if here else ())]
        if both:
            why = (
                f"{settings.environment} of the product {settings.product} is what the stack {name} is too "
                f"(Pulumi.{name}.yaml), and both have {', '.join(both)}, under the same names; change one of the two, "
                "or say in accounts that they are for different ones"
            )
            yield "environment", why


def _elsewhere(settings: Settings, other: Mapping[str, Any]) -> bool:
    """Whether both say for which accounts they are, and those differ."""
    theirs = other.get("accounts") or []
    return bool(settings.accounts and theirs) and not set(settings.accounts) & {str(account) for account in theirs}


def _both(settings: Settings, other: Mapping[str, Any], *, here: bool) -> Iterator[str]:
    """The sections that both have; of those with names of the user's, the entries."""
    for field in type(settings).model_fields:
        ours, theirs = getattr(settings, field), other.get(to_camel(field))
        if field in _MAKE_NOTHING or not ours or not isinstance(theirs, dict):
            continue
        if not here and field not in _OF_THE_ACCOUNT:
            continue
        if field == "network" and (
            settings.network is None
            or settings.network.stack
            or settings.network.existing
            or {"stack", "existing"} & set(theirs)
        ):
            continue  # one of the two makes it, or neither does
        if isinstance(ours, dict):
            yield from (f"{to_camel(field)}.{name}" for name in ours if name in theirs)
        else:
            yield to_camel(field)


def _for_others(settings: Settings, other: Mapping[str, Any]) -> Iterator[str]:
    """What both make because their sections need it, under names that nobody has chosen."""
    try:
        theirs = type(settings).model_validate(dict(other))
    except ValidationError:
        return  # which is that stack's own affair
    for what, made in _FOR_OTHERS.items():
        if made(settings) and made(theirs):
            yield what
