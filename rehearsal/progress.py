"""What a terminal shows while a rehearsal works: a bar, the phase, how many resources there are, and which is awaited.

Nothing is shown in a pipe, in continuous integration or to a terminal that cannot move its cursor.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.live import Live

_LOOKS_A_SECOND: Final = 12
_BAR: Final = 24
"""Columns; a window of less than three times as many has none."""


@dataclass(frozen=True)
class Step:
    """Where a rehearsal is."""

    phase: str
    """`preview`, `deploy`, and what comes after the two."""
    made: int = 0
    """Resources of the phase so far."""
    name: str = ""
    """The resource that is being made: as long as it stands there it is what takes time."""


@dataclass
class Bar:
    """The line that is drawn again with each step."""

    stack: str
    expected: int | None = None
    """How many resources the stack had the last time; None where nobody knows."""
    _steps: dict[str, Step] = field(default_factory=dict[str, Step])
    _live: Live | None = None
    _looked: float = 0.0

    def tell(self, step: Step) -> None:
        """Take notice of a step, and show it if the last one has been on the screen for a moment."""
        self._steps.pop(step.phase, None)
        self._steps[step.phase] = step
        now = time.monotonic()
        # A step without a resource begins a phase: it is always shown.
        if self._live is not None and (not step.name or now - self._looked > 1 / _LOOKS_A_SECOND):
            self._looked = now
            self._live.refresh()

    def stop(self) -> None:
        """Take the line away."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    @property
    def words(self) -> str:
        """`deploy 312 of 540 · kumiki-dev-database-cluster`."""
        step = self._shown
        if step is None:
            return "starting"
        total = f" of {self.expected}" if self.expected is not None and step.made <= self.expected else ""
        count = f" {step.made}{total} resources" if step.made else ""
        return f"{step.phase}{count}" + (f" · {step.name}" if step.name else "")

    @property
    def _shown(self) -> Step | None:
        """The last step, but for the passes side by side: the deployment tells more than the preview."""
        last = next(reversed(self._steps.values()), None)
        return self._steps.get("deploy", last) if last is not None and last.phase == "preview" else last

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.progress_bar import ProgressBar  # noqa: PLC0415 only a terminal needs them
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        step = self._shown
        done = step.made if step is not None else 0
        line = Table.grid(padding=(0, 1))
        line.add_column(no_wrap=True, style="bold")
        line.add_column(no_wrap=True)
        line.add_column(no_wrap=True, overflow="ellipsis")
        known = self.expected is not None and 0 < done <= self.expected
        bar = ProgressBar(total=self.expected if known else None, completed=done, width=_BAR, pulse=not known)
        words = Text(self.words, style="dim")
        line.add_row(Text(self.stack), bar if options.max_width >= 3 * _BAR else "", words)
        yield line


@contextmanager
def shown(
    console: Console, bar: Bar, *, quiet: bool = False, environment: Mapping[str, str] = os.environ
) -> Iterator[Bar]:
    """Show the bar where somebody looks on; whatever happens, the line is taken away."""
    if quiet or not console.file.isatty() or console.is_dumb_terminal or environment.get("CI"):
        yield bar
        return
    from rich.live import Live  # noqa: PLC0415 as above

    # Without a thread that draws: the runner forks, and a fork would inherit the locks that it holds.
    bar._live = Live(bar, console=console, auto_refresh=False, transient=True)  # noqa: SLF001 its own module
    bar._live.start(refresh=True)  # noqa: SLF001
    try:
        yield bar
    finally:
        bar.stop()
