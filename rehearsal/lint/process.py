"""The linter's process: it loads while the program starts, and lints while more is being created."""

from __future__ import annotations

import queue
import threading
import time
from multiprocessing.connection import Connection
from typing import Final

from rehearsal.lint.linter import Linter
from rehearsal.lint.result import LintInput, LintResult

_BATCH: Final = 25


def serve(resources: Connection, runner: Connection) -> None:
    """Lint what comes in by `resources` until a None says that this was all, then tell the runner."""
    waiting: queue.SimpleQueue[LintInput | None] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(resources, waiting), daemon=True).start()
    linter, result = Linter(), LintResult()
    more = True
    while more:
        batch, more = _next(waiting)
        started = time.perf_counter()
        result.add(linter.lint(batch))
        result.seconds += time.perf_counter() - started
    runner.send(result)
    runner.close()


def _receive(resources: Connection, waiting: queue.SimpleQueue[LintInput | None]) -> None:
    """In a thread of its own, so that the program never waits for this process."""
    try:
        while (resource := resources.recv()) is not None:
            waiting.put(resource)
    except (EOFError, OSError):
        pass
    waiting.put(None)


def _next(waiting: queue.SimpleQueue[LintInput | None]) -> tuple[list[LintInput], bool]:
    """A batch to lint, or the rest, and whether there may be more: a question costs more than what it asks about."""
    batch = [waiting.get()]
    while len(batch) < _BATCH and batch[-1] is not None:
        batch.append(waiting.get())
    return [resource for resource in batch if resource is not None], batch[-1] is not None
