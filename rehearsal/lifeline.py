"""What a rehearsal starts ends with it, even if it is killed and can end nothing itself: a pipe that closes.

Only the runner holds the writing end, and never writes. The others wait for the reading end to end.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import Final

FOLLOW: Final = """
import os, runpy, threading
threading.Thread(target=lambda: (os.read(0, 1), os._exit(1)), daemon=True).start()
runpy.run_module("pulumi.policy", run_name="__main__", alter_sys=True)
"""
"""`python -c` this, reading from the reading end, is `python -m pulumi.policy` that ends with the runner. Not by
`sys.stdin`, whose lock a pack that fails could not take at its end: that would be its last word."""


@dataclass(frozen=True)
class Lifeline:
    """Both ends, by their descriptors."""

    read: int
    write: int

    @classmethod
    def make(cls) -> Lifeline:
        return cls(*os.pipe())

    def follow(self) -> None:
        """In a child that was forked: end when the runner does, whatever this process is busy with."""
        os.close(self.write)
        follow(self.read)

    def close(self) -> None:
        os.close(self.read)
        os.close(self.write)


def follow(read: int) -> None:
    """End this process when nobody holds the other end any more."""

    def wait() -> None:
        os.read(read, 1)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
