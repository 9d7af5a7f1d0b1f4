"""What the linter is given and what it finds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rehearsal.problems import Problem


@dataclass(frozen=True)
class LintInput:
    """A resource that has been created."""

    urn: str
    type: str
    region: str
    inputs: dict[str, Any]
    partial: bool = False
    """Whether `inputs` are not all that AWS gets: some are unknown, or the provider adds what nobody here knows of."""
    made_up: tuple[str, ...] = ()
    """Texts in `inputs` that were made up: their form says nothing about the program."""


@dataclass
class LintResult:
    """The findings, and how far the linter looked."""

    problems: list[Problem] = field(default_factory=list)
    linted: int = 0
    untranslated: dict[str, set[str]] = field(default_factory=dict)
    """Inputs that CloudFormation does not have, by type: the linter sees nothing of them."""
    seconds: float = 0.0

    def count(self, type_: str, untranslated: list[str]) -> None:
        """One more is linted, but for these inputs."""
        self.linted += 1
        if untranslated:
            self.untranslated.setdefault(type_, set()).update(untranslated)

    def add(self, other: LintResult) -> None:
        self.problems += other.problems
        self.linted += other.linted
        self.seconds += other.seconds
        for type_, names in other.untranslated.items():
            self.untranslated.setdefault(type_, set()).update(names)
