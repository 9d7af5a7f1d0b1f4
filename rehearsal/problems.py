"""What a rehearsal can find wrong, in one shape for the text report and for machines."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

Kind = Literal["settings", "program", "request", "aws", "reference", "lint", "rights", "policy", "cost"]
Level = Literal["error", "warning"]

NOTE: Final = "(note)"
"""The key by which the answer to a look-up says what about it is not as it would be on AWS."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One finding: what is wrong, where, and how to mend it."""

    kind: Kind
    message: str
    level: Level = "error"
    rule: str | None = None
    urn: str | None = None
    remedy: str | None = None
    trace: str | None = None
    """The stack trace behind it, shown with `--debug` only and never written to the JSON report."""

    def as_json(self) -> dict[str, Any]:
        values = asdict(self)
        del values["trace"]
        return values


class Refused(Exception):
    """A resource or look-up that the emulated AWS, or a check before it, does not accept."""

    def __init__(self, kind: Kind, message: str, remedy: str | None = None, trace: str | None = None) -> None:
        super().__init__(message)
        self.kind: Kind = kind
        self.message = message
        self.remedy = remedy
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions cross the pipe between the processes by their arguments.
        return (Refused, (self.kind, self.message, self.remedy, self.trace))
