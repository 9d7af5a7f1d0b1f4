"""What a change touches, for a picture: the newer side with what goes still in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from changes.model import ChangeError, Kind
from changes.show import Comparison

_STATES: Final[Mapping[Kind, str]] = {
    "replace": "replace",
    "may-replace": "replace",
    "delete": "delete",
    "unknown": "update",
    "rename": "update",
    "update": "update",
    "create": "create",
}


def changed(comparison: Comparison) -> tuple[dict[str, Any], dict[str, str]]:
    """The report to draw, and for each resource that changes, by its URN there, how.

    :raises ChangeError: The newer side is a state, which does not say who reaches what.
    """
    before, after = comparison.before.report, comparison.after.report
    if after is None:
        raise ChangeError(f"{comparison.after.label} was not rehearsed, so it cannot be drawn", "name a revision")
    states = {one.urn: _STATES[one.kind] for one in comparison.changes}
    urns = {row["urn"] for row in after["resources"]}
    old = {} if before is None else {row["urn"]: row for row in before["resources"]}
    gone = [old[urn] for urn, state in states.items() if state == "delete" and urn in old and urn not in urns]
    # The components that they were in.
    for row in gone:
        parent = row["parent"]
        if parent in old and parent not in urns:
            urns.add(parent)
            gone.append(old[parent])
    return {**after, "resources": [*after["resources"], *gone]}, states
