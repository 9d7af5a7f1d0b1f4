"""How a component says no: which argument, which value, what is allowed, how to mend it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

import pulumi


@dataclass(frozen=True)
class Mistake:
    """One argument that is wrong."""

    field: str | tuple[str | int, ...]
    """The argument, in snake_case; of a nested one the whole way: `("indexes", "by-user", "range_key")`."""

    value: object
    """What was given."""

    reason: str
    """What is allowed and how to mend it, as the rest of a sentence."""

    @property
    def path(self) -> tuple[str | int, ...]:
        """The way to the argument."""
        return self.field if isinstance(self.field, tuple) else (self.field,)

    def at(self, *outer: str | int) -> Mistake:
        """The same mistake, seen from further out."""
        return Mistake((*outer, *self.path), self.value, self.reason)

    def __str__(self) -> str:
        return f"{dotted(self.path)}: {self.value!r} {self.reason}"


class ArgumentError(pulumi.RunError, ValueError):
    """Values that a component cannot work with. The engine prints it as one error without a stack trace."""

    def __init__(self, field: str, value: object, reason: str, *more: Mistake) -> None:
        """The first mistake, as in `Mistake`, and any further ones."""
        self.mistakes = (Mistake(field, value, reason), *more)
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))
        self.field, self.value, self.reason = field, value, reason

    @classmethod
    def of(cls, mistakes: Iterable[Mistake]) -> ArgumentError:
        """All of them in one error."""
        first, *more = mistakes
        return cls(dotted(first.path), first.value, first.reason, *more)


def dotted(path: Iterable[str | int]) -> str:
    """`indexes.by-user.range_key`, `routes[0].path`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def nearest(word: str, known: Iterable[str], cutoff: float = 0.5) -> str:
    """The known name most like `word`, as a question to add to an error; nothing if none is like it."""
    by_lower = {name.lower(): name for name in sorted(known)}
    matches = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=cutoff)
    return f"did you mean {by_lower[matches[0]]!r}? " if matches else ""
