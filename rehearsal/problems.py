"""What a rehearsal can find wrong, in one shape for the text report and for machines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from rehearsal.lines import Source

if TYPE_CHECKING:
    from rehearsal.lines import Line

Kind = Literal["settings", "program", "request", "aws", "reference", "lint", "iam", "policy", "cost"]
Level = Literal["error", "warning"]

ONLY_AT_PREVIEW: Final = "(only in a preview, while values are unknown)"
"""Ends the message of what a deployment does not find."""
NOTE: Final = "(note)"
"""The key by which the answer to a look-up says what about it is not as it would be on AWS."""

_AWS_OWN: Final = ":iam::aws:policy/"
"""What is AWS's own is the same in every account."""
ASSUMED: Final = "(assumed)"
"""The key by which the answer to a look-up says what was taken as existing for it."""
_NOT_THERE: Final = re.compile(
    r"matched 0 |no managed prefix list|No hosted zone found|NotFound|NoSuch|does not exist|\bnot found\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Mistake:
    """One setting to mend."""

    key: str
    value: str | None
    """As YAML has it; None where the key is missing or its value secret."""
    message: str
    line: Line | None = None
    """Where the key stands, or what it should stand in."""

    def as_json(self) -> dict[str, Any]:
        return {
            "key": self.key,
            "value": self.value,
            "message": self.message,
            "line": self.line.line if self.line else None,
        }


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One finding: what is wrong, where, and how to fix it."""

    kind: Kind
    message: str
    level: Level = "error"
    rule: str | None = None
    urn: str | None = None
    remedy: str | None = None
    title: str | None = None
    """What the rule asks for, in a line."""
    url: str | None = None
    """Where more is said of the rule."""
    trace: str | None = None
    """The stack trace behind it, shown with `--debug` only and never written to the JSON report."""
    source: Source | None = None
    """Where the resource is declared or the setting written; None where nobody knows."""
    mistakes: tuple[Mistake, ...] = ()
    """The settings that are wrong, where the message lists them."""

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "message": self.message,
            "level": self.level,
            "rule": self.rule,
            "urn": self.urn,
            "remedy": self.remedy,
            "source": self.source.as_json() if self.source else None,
            "mistakes": [one.as_json() for one in self.mistakes],
        }


def each(problems: Iterable[Problem]) -> Iterator[Problem]:
    """The findings, with one for each setting that is wrong: each stands on a line of its own."""
    for one in problems:
        for mistake in one.mistakes:
            source = Source(mistake.line) if mistake.line else one.source
            yield replace(one, message=f"{mistake.key}: {mistake.message}", source=source, mistakes=())
        if not one.mistakes:
            yield one


class RehearsalError(Exception):
    """What ends an attempt: of a resource, of a look-up, of the whole rehearsal. Each kind of problem has its class."""

    kind: ClassVar[Kind]

    def __init__(self, message: str, remedy: str | None = None, trace: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions cross the pipe between the processes by their arguments.
        return (type(self), (self.message, self.remedy, self.trace))

    def problem(self, urn: str | None = None) -> Problem:
        """The finding that the report shows."""
        return Problem(kind=self.kind, urn=urn, message=self.message, remedy=self.remedy, trace=self.trace)


class SettingsError(RehearsalError):
    """The stack file or the command line is wrong."""

    kind = "settings"


class ProgramError(RehearsalError):
    """The program does what the engine does not allow."""

    kind = "program"


class RequestError(RehearsalError):
    """A request that breaks AWS's service model, or that the rehearsal cannot make."""

    kind = "request"


class UnsupportedOperationError(RequestError):
    """The emulator lacks the operation."""


class NoAnswerError(RequestError):
    """A look-up that the rehearsal cannot answer, or about what the emulated account does not hold."""


class AwsError(RehearsalError):
    """What AWS, as the emulator has it, does not accept."""

    kind = "aws"

    @property
    def not_there(self) -> bool:
        """Whether the account just does not hold what was asked for; somebody's real one may."""
        return _AWS_OWN not in self.message and bool(_NOT_THERE.search(self.message))


class ReferenceNotFoundError(RehearsalError):
    """A reference to what nothing in the stack has made."""

    kind = "reference"


class PolicyPackError(RehearsalError):
    """The policy pack does not work."""

    kind = "policy"
