"""The linter's process: it lints while more is being created, and only what was not found clean before."""

from __future__ import annotations

import queue
import threading
import time
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Final

from rehearsal.lint.cache import LintCache, digest, digest_of_all
from rehearsal.lint.result import LintInput, LintResult

if TYPE_CHECKING:
    from rehearsal.lint.linter import Linter

_BATCH: Final = 25


def serve(resources: Connection, runner: Connection) -> None:
    """Lint what comes in by `resources` until a None says that this was all, then tell the runner."""
    waiting: queue.SimpleQueue[LintInput | None] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(resources, waiting), daemon=True).start()
    linting = Linting(LintCache())
    while (resource := waiting.get()) is not None:
        linting.take(resource)
    runner.send(linting.end())
    runner.close()


def _receive(resources: Connection, waiting: queue.SimpleQueue[LintInput | None]) -> None:
    """In a thread of its own, so that the program never waits for this process."""
    try:
        while (resource := resources.recv()) is not None:
            waiting.put(resource)
    except (EOFError, OSError):
        pass
    waiting.put(None)


class Linting:
    """The linting of one stack."""

    def __init__(self, cache: LintCache) -> None:
        self._cache = cache
        self._result = LintResult()
        self._all: list[LintInput] = []
        self._digests: list[str] = []
        self._changed: list[tuple[str, LintInput]] = []
        self._loaded: Linter | None = None

    def take(self, resource: LintInput) -> None:
        started = time.perf_counter()
        known = digest(resource)
        self._all.append(resource)
        self._digests.append(known)
        if known in self._cache:
            untranslated = self._cache.untranslated(known)
            if untranslated is not None:
                self._result.count(resource.type, untranslated)
        else:
            self._changed.append((known, resource))
            # A question costs more than what it asks about.
            if len(self._changed) == _BATCH:
                self._lint()
        self._result.seconds += time.perf_counter() - started

    def end(self) -> LintResult:
        started = time.perf_counter()
        self._lint()
        together = digest_of_all(self._digests)
        if self._all and ("" in self._digests or together not in self._cache):
            found = self._linter().lint_together(self._all)
            self._result.problems += found
            if not found and "" not in self._digests:
                self._cache.add(together, None)
        self._cache.save()
        self._result.seconds += time.perf_counter() - started
        return self._result

    def _lint(self) -> None:
        if not self._changed:
            return
        linter = self._linter()
        found = linter.lint([resource for _, resource in self._changed])
        self._result.add(found)
        accused = {problem.urn for problem in found.problems}
        # One without a URN is a rule that failed: on which resource, nobody knows.
        if None not in accused:
            for known, resource in self._changed:
                if resource.urn not in accused:
                    self._cache.add(known, linter.untranslated(resource))
        self._changed = []

    def _linter(self) -> Linter:
        if self._loaded is None:
            from rehearsal.lint.linter import Linter  # noqa: PLC0415 this takes a second, and most runs do without

            self._loaded = Linter()
        return self._loaded
