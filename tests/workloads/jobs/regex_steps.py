"""How many steps a backtracking engine takes with a regular expression: what a clock cannot tell on a busy machine.

Walks the parse tree of Python's own `re` as that engine does, for what the masks use: literals, classes, groups,
alternatives, greedy and possessive repetition, and assertions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from re import _constants as op  # type: ignore[reportAttributeAccessIssue]  # no public way to the parse tree
from re import _parser as parser  # type: ignore[reportAttributeAccessIssue]
from typing import Any


class Steps:
    """Counts the comparisons while one pattern is searched for."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self.taken = 0
        self.found: list[tuple[int, int]] = []
        self._tree = list(parser.parse(pattern.pattern, pattern.flags))

    def search_all(self, text: str) -> int:
        """The steps to find every match in `text`; the spans are in `found`."""
        at = 0
        while at <= len(text):
            end = next(self._sequence(self._tree, text, at), None)
            if end is None:
                at += 1
            else:
                self.found.append((at, end))
                at = max(end, at + 1)
        return self.taken

    def _sequence(self, nodes: list[Any], text: str, at: int) -> Iterator[int]:
        """Each place at which `nodes` can end when they begin at `at`, in the engine's order."""
        if not nodes:
            yield at
            return
        for end in self._node(nodes[0], text, at):
            yield from self._sequence(nodes[1:], text, end)

    def _node(self, node: Any, text: str, at: int) -> Iterator[int]:
        kind, value = node
        match kind:
            case op.LITERAL:
                yield from self._one(text, at, lambda letter: letter == value)
            case op.NOT_LITERAL:
                yield from self._one(text, at, lambda letter: letter != value)
            case op.IN:
                yield from self._one(text, at, lambda letter: _is_in(value, letter))
            case op.SUBPATTERN:
                yield from self._sequence(list(value[3]), text, at)
            case op.BRANCH:
                for branch in value[1]:
                    yield from self._sequence(list(branch), text, at)
            case op.MAX_REPEAT:
                yield from self._greedy(value[0], value[1], list(value[2]), text, at)
            case op.POSSESSIVE_REPEAT:
                end = next(self._greedy(value[0], value[1], list(value[2]), text, at), None)
                if end is not None:
                    yield end
            case op.ASSERT | op.ASSERT_NOT:
                direction, inner = value
                begin = at - inner.getwidth()[0] if direction < 0 else at
                holds = begin >= 0 and next(self._sequence(list(inner), text, begin), None) is not None
                if holds == (kind is op.ASSERT):
                    yield at
            case _:
                raise NotImplementedError(kind)

    def _one(self, text: str, at: int, fits: Callable[[int], bool]) -> Iterator[int]:
        self.taken += 1
        if at < len(text) and fits(ord(text[at])):
            yield at + 1

    def _greedy(self, least: int, most: int, inner: list[Any], text: str, at: int) -> Iterator[int]:
        # As many rounds as there are, each with the ends that it could also have had; then one fewer, and so on.
        ends, rounds = [at], [self._sequence(inner, text, at)]
        while rounds:
            if len(rounds) <= most:
                end = next(rounds[-1], None)
                if end is not None and end != ends[-1]:
                    ends.append(end)
                    rounds.append(self._sequence(inner, text, end))
                    continue
            rounds.pop()
            end = ends.pop()
            if len(rounds) >= least:
                yield end


def _is_in(members: list[Any], letter: int) -> bool:
    for kind, value in members:
        if kind is op.LITERAL and letter == value:
            return True
        if kind is op.RANGE and value[0] <= letter <= value[1]:
            return True
        if kind not in (op.LITERAL, op.RANGE):
            raise NotImplementedError(kind)
    return False
