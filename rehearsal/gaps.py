"""What a rehearsal did not look at, in one shape for the text report and for machines: gaps, not findings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

Cause = Literal[
    "no spec",
    "not emulated",
    "inputs not checked",
    "unknown inputs",
    "spec failed",
    "component not run",
    "look-up made up",
    "stack not known",
    "taken as existing",
    "environment not read",
    "own packages not used",
]

MEANINGS: Final[dict[Cause, str]] = {
    "no spec": "checked against the SDK and AWS's schema only; ids and ARNs are made up, other outputs unknown",
    "not emulated": "each request was checked against AWS's service model, nothing emulated it",
    "inputs not checked": "made without these inputs, which the SDK knows and the emulator does not",
    "unknown inputs": "made without these inputs: nobody knows their values before a deployment",
    "spec failed": "the rehearsal could not make it; ids and ARNs are made up, other outputs unknown",
    "component not run": "another language's plug-in makes it: what is in it is not seen, its outputs are unknown",
    "look-up made up": "the emulated account has no answer, so one of the right shape was made up",
    "stack not known": "the outputs of a stack that nobody declared are unknown",
    "taken as existing": "ids that the program names and nothing in it makes",
    "environment not read": "only Pulumi Cloud has the environments of Pulumi ESC: what they set is missing",
    "own packages not used": "the program ran with the packages of the rehearsal; its own may have other versions",
}


@dataclass(frozen=True)
class Gap:
    """One resource, look-up or reference that was not rehearsed as AWS would have it."""

    cause: Cause
    type: str
    """The type token of the resource, or the token of the look-up."""
    subject: str
    """The name of the resource, or what was asked for."""
    what: str = ""
    """The inputs, ids or reason behind it."""


def counted(gaps: Iterable[Gap]) -> list[dict[str, Any]]:
    """The gaps by cause and type, as the report's JSON has them."""
    grouped: dict[tuple[str, str], list[Gap]] = {}
    for gap in gaps:
        grouped.setdefault((gap.cause, gap.type), []).append(gap)
    return [
        {
            "cause": cause,
            "type": type_,
            "count": len(members),
            "subjects": sorted({one.subject for one in members}),
            "what": sorted({one.what for one in members if one.what}),
        }
        for (cause, type_), members in sorted(grouped.items())
    ]
