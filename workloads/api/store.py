"""What every store of the application has in common: how long a request may wait for it, and that it may be away."""

from __future__ import annotations

import time

from api.requests import asked_at

THREADS = 40
"""Requests that are worked on at a time; a store that opens a connection for each has room for so many."""


class StoreUnavailable(Exception):
    """The store cannot answer now; the same request may succeed later."""


def left_of(seconds: float) -> float:
    """How many of these seconds a request has left to begin with the store."""
    now = time.monotonic()
    return seconds - (now - (asked_at.get() or now))
