"""The second judge's process: it loads while the program starts, and judges while more is being made."""

from __future__ import annotations

import queue
import threading
import time
from multiprocessing.connection import Connection
from typing import Final

from rehearsal.lint.judge import Candidate, Judge, Verdict

_BATCH: Final = 25


def serve(candidates: Connection, conductor: Connection) -> None:
    """Judge what comes in by `candidates` until a None says that this was all, then tell the conductor."""
    waiting: queue.SimpleQueue[Candidate | None] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(candidates, waiting), daemon=True).start()
    judge, verdict = Judge(), Verdict()
    more = True
    while more:
        batch, more = _next(waiting)
        started = time.perf_counter()
        verdict.add(judge.judge(batch))
        verdict.seconds += time.perf_counter() - started
    conductor.send(verdict)
    conductor.close()


def _receive(candidates: Connection, waiting: queue.SimpleQueue[Candidate | None]) -> None:
    """In a thread of its own, so that the program never waits for this process."""
    try:
        while (candidate := candidates.recv()) is not None:
            waiting.put(candidate)
    except (EOFError, OSError):
        pass
    waiting.put(None)


def _next(waiting: queue.SimpleQueue[Candidate | None]) -> tuple[list[Candidate], bool]:
    """A batch to judge, or the rest, and whether there may be more: a question costs more than what it asks about."""
    batch = [waiting.get()]
    while len(batch) < _BATCH and batch[-1] is not None:
        batch.append(waiting.get())
    return [candidate for candidate in batch if candidate is not None], batch[-1] is not None
