"""What a change touches, for a picture: the newer side with what goes still in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from changes.model import ChangeError, Kind
from changes.show import Comparison
from pictures.mermaid import mermaid
from pictures.model import picture, states

_STATES: Final[Mapping[Kind, str]] = {
    "replace": "replace",
    "may-replace": "replace",
    "delete": "delete",
    "unknown": "update",
    "rename": "update",
    "update": "update",
    "create": "create",
}
_MOST: Final = 40
"""Parts that change: a picture of more says nothing in a comment."""


def as_mermaid(comparison: Comparison) -> str:
    """What changes, and what that reaches or is reached by, in colours; empty where nothing or nearly all changes."""
    try:
        report, changes = changed(comparison)
    except ChangeError:
        return ""
    drawn = picture(report)
    of_nodes = states(drawn, changes)
    if not 0 < len(of_nodes) <= _MOST:
        return ""
    arrows = [one for one in drawn.arrows if one.source in of_nodes or one.target in of_nodes]
    shown = of_nodes.keys() | {key for one in arrows for key in (one.source, one.target)}
    part = replace(drawn, nodes=tuple(one for one in drawn.nodes if one.key in shown), arrows=tuple(arrows))
    return mermaid(part, of_nodes)


def judged(comparison: Comparison) -> tuple[dict[str, Any], dict[str, str]]:
    """As `changed`, with the verdict of the change and what a person must decide of it among the findings."""
    report, touched = changed(comparison)
    sources = {row["urn"]: row.get("source") for row in report["resources"]}
    found = [
        {**one.as_json(), "kind": "change", "source": sources.get(one.urn), "mistakes": []}
        for one in comparison.problems
        if not one.waived
    ]
    levels = Counter(one["level"] for one in found)
    counts = report["counts"]
    counted = {"errors": counts["errors"] + levels["error"], "warnings": counts["warnings"] + levels["warning"]}
    return {
        **report,
        "ok": report["ok"] and not comparison.refused,
        "problems": [*found, *report["problems"]],
        "counts": {**counts, **counted},
    }, touched


def changed(comparison: Comparison) -> tuple[dict[str, Any], dict[str, str]]:
    """The report to draw, and for each resource that changes, by its URN there, how.

    :raises ChangeError: The newer side is a state, which does not say who reaches what.
    """
    before, after = comparison.before.report, comparison.after.report
    if after is None:
        raise ChangeError(f"{comparison.after.label} was not rehearsed, so it cannot be drawn", "name a revision")
    touched = {one.urn: _STATES[one.kind] for one in comparison.changes}
    urns = {row["urn"] for row in after["resources"]}
    old = {} if before is None else {row["urn"]: row for row in before["resources"]}
    gone = [old[urn] for urn, state in touched.items() if state == "delete" and urn in old and urn not in urns]
    # The components that they were in.
    for row in gone:
        parent = row["parent"]
        if parent in old and parent not in urns:
            urns.add(parent)
            gone.append(old[parent])
    return {**after, "resources": [*after["resources"], *gone]}, touched
