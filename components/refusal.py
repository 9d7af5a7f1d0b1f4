"""How a component says no: which argument, which value, what is allowed, how to mend it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

import pulumi


class Refusal(pulumi.RunError, ValueError):
    """A value that a component cannot work with. The engine prints it as one error without a stack trace."""

    def __init__(self, field: str, value: object, reason: str) -> None:
        """
        :param field: The argument, in snake_case; a nested one with dots (`flow_logs.destination`).
        :param value: What was given.
        :param reason: What is allowed and how to mend it, as the rest of a sentence.
        """
        super().__init__(f"{field}: {value!r} {reason}")
        self.field = field
        self.value = value
        self.reason = reason


def nearest(word: str, known: Iterable[str]) -> str:
    """The known name most like `word`, as a question to add to an error; nothing if none is like it."""
    matches = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.5)
    return f"did you mean {matches[0]!r}? " if matches else ""
