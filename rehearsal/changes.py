"""What changed between two reports: resources with their properties, outputs, problems."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from rehearsal.differences import ABSENT, Difference, differences

Report = Mapping[str, Any]
"""A report as JSON: secrets are redacted in it."""

_RESOURCES: Final = 40
_PROPERTIES: Final = 6
"""How many of each are named; the rest is counted."""
_LONGEST: Final = 80
"""Characters of a value that are shown."""


def resource_changes(before: Report, after: Report) -> Iterator[tuple[str, str]]:
    """A sign (`+`, `-`, `~` or a blank) and what was added, removed or changed."""
    found = [*_resources(before, after), *_outputs(before, after)]
    yield from ((sign, text) for sign, text, _ in found[:_RESOURCES])
    if len(found) > _RESOURCES:
        yield " ", f"… and {len(found) - _RESOURCES} more"


def problem_changes(before: Report, after: Report) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """The problems that are new, and those that are solved."""
    old, new = (
        {json.dumps(one, sort_keys=True): one for one in report.get("problems", [])} for report in (before, after)
    )
    return (
        [one for key, one in new.items() if key not in old],
        [one for key, one in old.items() if key not in new],
    )


def is_whole(report: Report) -> bool:
    """Whether the program reached its end: the resources of a part of it say nothing about what was removed."""
    return "resources" in report and not any(
        one["level"] == "error" and one["kind"] in ("settings", "program") for one in report["problems"]
    )


def _resources(before: Report, after: Report) -> Iterator[tuple[str, str, str]]:
    old, new = ({one["urn"]: one for one in report["resources"]} for report in (before, after))
    for urn in sorted(old.keys() | new.keys(), key=lambda urn: urn.split("::", 3)[-1]):
        if urn not in old:
            yield "+", _named(new[urn]), urn
        elif urn not in new:
            yield "-", _named(old[urn]), urn
        else:
            was, is_ = ({**one["inputs"], "protect": one["protect"]} for one in (old[urn], new[urn]))
            found = differences(was, is_)
            if found:
                yield "~", f"{_named(new[urn])}: {_listed(found)}", urn


def _outputs(before: Report, after: Report) -> Iterator[tuple[str, str, str]]:
    found = differences(before["outputs"], after["outputs"])
    if found:
        yield "~", f"outputs: {_listed(found)}", ""


def _named(resource: Mapping[str, Any]) -> str:
    package, module, kind = resource["type"].split(":", 2)
    return f"{module.partition('/')[0] if package == 'aws' else package} {kind} {resource['name']}"


def _listed(found: list[Difference]) -> str:
    more = f"; … and {len(found) - _PROPERTIES} more" if len(found) > _PROPERTIES else ""
    told = (f"{one.written()} {_shown(one.old)} → {_shown(one.new)}" for one in found[:_PROPERTIES])
    return "; ".join(told) + more


def _shown(value: Any) -> str:
    text = "nothing" if value == ABSENT else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
