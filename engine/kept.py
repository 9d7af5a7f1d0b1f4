"""The account with what is in it, and a way to it for those who are in its process."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from rehearsal.cloud import upkeep
from rehearsal.cloud.client import Cloud, CreateRequest, CreateResult
from rehearsal.cloud.server import Server
from rehearsal.cloud.upkeep import NotReadableError, Thing
from rehearsal.problems import RehearsalError


class Kept(Server):
    """The account, and what is in it by those who made it, so that it can be looked at, changed and deleted."""

    def __init__(self, stand_ins: list[str]) -> None:
        super().__init__(stand_ins, assume_existing=False)
        self._holders: dict[tuple[str, str], set[str]] = defaultdict(set)
        """By type and id, the URNs: a few things share an id, such as the scaling of a table's reads and writes."""
        self._answers: dict[tuple[str, str, str], dict[str, Any]] = {}
        """What the account said of each thing when it was made or changed last."""
        self._hollow: set[tuple[str, str, str]] = set()
        """What was validated only."""
        self._names: Counter[str] = Counter()
        """How often each URN was made: another of its names is drawn for the next."""

    def _create(self, request: CreateRequest) -> CreateResult:
        made = super()._create(request)
        self._names[request.urn] += 1
        return made

    def _keep(self, thing: Thing, emulated: bool = True) -> None:
        """Take note of a thing that was made, or that somebody reads; of one that is not `emulated` the account has
        nothing."""
        if not emulated:
            self._hollow.add((thing.type, thing.id, thing.urn))
        self._holders[thing.type, thing.id].add(thing.urn)
        with suppress(NotReadableError, RehearsalError):
            answer = self._look(thing)
            if answer is not None:
                self._answers[thing.type, thing.id, thing.urn] = answer

    def _made_before(self, urn: str) -> bool:
        return self._names[urn] > 0

    def _has(self, type_: str, identifier: str) -> bool:
        return bool(self._holders.get((type_, identifier)))

    def _look(self, thing: Thing) -> dict[str, Any] | None:
        if (thing.type, thing.id, thing.urn) in self._hollow:
            raise NotReadableError
        return upkeep.look(self._account, thing)

    def _drift(self, thing: Thing) -> tuple[dict[str, Any], list[str]] | None:
        """What the account has otherwise than when the thing was made or changed last; None where it is gone."""
        now = self._look(thing)
        if now is None:
            return None
        before = self._answers.setdefault((thing.type, thing.id, thing.urn), now)
        return upkeep.drift(thing.type, thing.inputs, before, now)

    def _change(
        self, thing: Thing, before: Mapping[str, Any], tags: Mapping[str, str], old: Mapping[str, str]
    ) -> list[str]:
        """Bring the thing from `before` and the tags `old` to what it says now; returns what only the state knows."""
        if (thing.type, thing.id, thing.urn) in self._hollow:
            return sorted(key for key in {*before, *thing.inputs} if before.get(key) != thing.inputs.get(key))
        left = upkeep.change(self._account, thing, before, tags)
        if dict(old) != dict(tags) and not upkeep.retag(self._account, thing, old, tags):
            left.append("tags")
        self._keep(thing)
        return left

    def _delete(self, thing: Thing) -> bool:
        hollow = (thing.type, thing.id, thing.urn) in self._hollow
        done = not hollow and upkeep.delete(self._account, thing)
        self._hollow.discard((thing.type, thing.id, thing.urn))
        self._holders[thing.type, thing.id].discard(thing.urn)
        self._answers.pop((thing.type, thing.id, thing.urn), None)
        return done


class InProcess(Cloud):
    """A way to the account for those who are in its process."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept
        self.looked_up = []

    def _ask(self, *question: Any) -> Any:
        answer = self._kept.answer(0, *question)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def ask(self, *question: Any) -> Any:
        """The answer to one of the questions of `Kept`."""
        return self._ask(*question)
