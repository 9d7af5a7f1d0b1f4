"""Mistakes in settings, said so that whoever wrote the YAML can mend it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pulumi

from components.errors import dotted

if TYPE_CHECKING:
    from components import errors

MOST_SHOWN: Final = 30
"""Mistakes that one error lists; the rest are counted."""


@dataclass(frozen=True)
class Mistake:
    """One thing to mend in the stack's YAML."""

    key: str
    message: str
    """What is wrong, the value in it."""
    value: str | None = None
    """As YAML has it; None where the key is missing or its value secret."""

    def __str__(self) -> str:
        return f"{self.key}: {self.message}"


class SettingsError(pulumi.RunError):
    """Every mistake in the settings of a stack. The engine prints it as one error without a stack trace."""

    def __init__(self, stack: str, mistakes: Iterable[Mistake], hint: str = "") -> None:
        self.mistakes = tuple(dict.fromkeys(mistakes))
        count = "1 mistake" if len(self.mistakes) == 1 else f"{len(self.mistakes)} mistakes"
        lines = [f"the settings of stack {stack} have {count}:", *(f"  {one}" for one in self.mistakes[:MOST_SHOWN])]
        if len(self.mistakes) > MOST_SHOWN:
            lines.append(f"  and {len(self.mistakes) - MOST_SHOWN} more")
        super().__init__("\n".join([*lines, *([hint] if hint else [])]))


def of_argument(project: str, mistake: errors.Mistake, hidden: Collection[str]) -> Mistake:
    """What is wrong with an argument as the mistake of a key in the YAML; `hidden` are keys whose values are secret."""
    secret = f"{project}:{mistake.path[0]}" in hidden
    silent = mistake.reason.startswith(("is missing", "is not a known"))
    shown = "" if silent else f"{'[secret]' if secret else _shown(mistake.value)} "
    return Mistake(
        f"{project}:{dotted(mistake.path)}",
        f"{shown}{mistake.reason}",
        None if secret or mistake.reason.startswith("is missing") else _shown(mistake.value),
    )


def _shown(value: object) -> str:
    """A value as YAML has it; text in quotation marks, so that blanks are seen."""
    if value in (None, ""):
        return "an empty value"
    return repr(value) if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
