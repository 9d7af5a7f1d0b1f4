"""`--watch`: rehearse, wait until a file changes, rehearse again, and say what changed.

This process imports what is slow to import and nobody changes meanwhile: the SDKs, the emulator, the linter. Each
rehearsal is a fork of it, so every run imports the program, its settings and the policy pack anew, and the next begins
where this one began, whatever the program did to Python's state.
"""

from __future__ import annotations

import gc
import importlib
import os
import signal
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import Any, Final, cast

from rich.console import Console
from rich.text import Text

from rehearsal.changes import is_whole, problem_changes, resource_changes
from rehearsal.lifeline import Lifeline
from rehearsal.preload import preload, sources

_FORK: Final = get_context("fork")
_LOOK_SECONDS: Final = 0.2
"""How often the files are looked at."""

Rehearse = Callable[[bool], dict[str, Any]]
"""Rehearses once, and gives the report as JSON with its summary; shows the whole report if that is asked for."""

Times = Mapping[Path, tuple[int, int]]
"""Each file, with when it was last changed and its size."""


@dataclass
class Watch:
    """A stack that is watched. `rehearse` runs in a process of its own."""

    console: Console
    rehearse: Rehearse
    stack_files: list[Path]
    main: Path
    pack: Path
    not_watched: list[Path]
    """What the rehearsal itself writes."""

    status: int = 0
    """The exit status of the last rehearsal."""

    _whole: dict[str, Any] | None = field(default=None, init=False)
    """The last report of a program that reached its end."""

    _packages: set[str] = field(default_factory=set[str], init=False)
    """What the program imports of what lies beside it."""

    _last: dict[str, Any] = field(default_factory=lambda: {"problems": []}, init=False)

    def run(self) -> None:
        """Until somebody ends it, by a KeyboardInterrupt."""
        self._warm()
        while True:
            self._packages = {path.relative_to(self.main.parent).parts[0] for path in sources(self.main)}
            seen = self._times()
            answer = self._rehearse_apart()
            if answer is not None:
                self._show(answer)
            self.console.print(Text(f"watching {self.main.parent}: Ctrl-C ends it", style="dim"))
            preload(self.main)
            changed = self._next_change(seen)
            now = time.strftime("%H:%M:%S")
            self.console.rule(Text(f"{now} · {_named(changed, self.main.parent)}"), align="left", style="dim")

    def _warm(self) -> None:
        """Import everything that no change of a watched file can change."""
        gc.disable()
        for name in ("rehearsal.cloud.server", "rich.live", "rich.padding", "rich.table", "rich.tree"):
            importlib.import_module(name)
        from rehearsal.iam_analysis import IamAnalyzer  # noqa: PLC0415 only whoever watches has them in this process
        from rehearsal.lint.linter import Linter  # noqa: PLC0415

        IamAnalyzer()
        Linter()
        preload(self.main)

    def _rehearse_apart(self) -> dict[str, Any] | None:
        """The answer of one rehearsal; None if its process ended without one, and has said why."""
        whole = self._whole is None
        lifeline = Lifeline.make()
        ours, theirs = cast("tuple[Connection, Connection]", _FORK.Pipe(duplex=False))
        process = _FORK.Process(target=_child, args=(lifeline, self.rehearse, whole, theirs))
        ends = (signal.SIGINT, signal.SIGTERM)
        # As in the runner: what a handler raises while Python forks is lost.
        signal.pthread_sigmask(signal.SIG_BLOCK, ends)
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ends)
        theirs.close()
        answer: dict[str, Any] | None = None
        try:
            answer = {**ours.recv(), "shown": whole}
        except EOFError:
            self.status = 1
        finally:
            if answer is None:
                # It ends what it has started first.
                process.terminate()
            process.join(timeout=10)
            ours.close()
            lifeline.close()
        return answer

    def _show(self, answer: dict[str, Any]) -> None:
        report, before, whole = answer["report"], self._last, self._whole
        self.status, self._last = answer["status"], report
        if is_whole(report):
            self._whole = report
        if answer["shown"]:
            return
        if whole is not None and is_whole(report):
            changes = list(resource_changes(whole, report))
            for sign, text in changes:
                self.console.print(Text(f"{sign} {text}", style=_COLOURS.get(sign, "dim")), soft_wrap=True)
            if not changes:
                self.console.print(Text("no resource changed", style="dim"))
        new, solved = problem_changes(before, report)
        for one in solved:
            self.console.print(Text.assemble(("solved ", "green"), _problem(one)), soft_wrap=True)
        for one in new:
            colour = "red" if one["level"] == "error" else "yellow"
            self.console.print(Text.assemble((f"{one['level']} ", colour), _problem(one)), soft_wrap=True)
            if one.get("remedy"):
                self.console.print(Text(f"      → {one['remedy']}", style="dim"), soft_wrap=True)
        still = len(report["problems"]) - len(new)
        if still:
            self.console.print(Text(f"{still} as before", style="dim"))
        if answer["summary"]:
            self.console.print(answer["summary"], soft_wrap=True)

    def _times(self) -> Times:
        roots = dict.fromkeys((self.main.parent, self.pack))
        found = {path: stat for root in roots for path, stat in _below(root)}
        found |= {path: path.stat() for path in self.stack_files if path.is_file()}
        return {path: (stat.st_mtime_ns, stat.st_size) for path, stat in found.items()}

    def _concerns(self, path: Path) -> bool:
        """Whether a rehearsal may read the file: what it writes itself, and Python that nobody imports, it does not."""
        if path in self.not_watched:
            return False
        if path.suffix != ".py" or self.pack in path.parents or path.parent == self.main.parent:
            return True
        # Any module may be what a broken program lacks.
        return not is_whole(self._last) or path.relative_to(self.main.parent).parts[0] in self._packages

    def _next_change(self, seen: Times) -> list[Path]:
        """Wait until files differ from what was `seen`, and until whoever writes them has come to rest."""
        while not (changed := self._changed(seen, now := self._times())):
            time.sleep(_LOOK_SECONDS)
        resting = None
        while resting != now:
            resting = now
            time.sleep(_LOOK_SECONDS / 2)
            now = self._times()
        return self._changed(seen, now) or changed

    def _changed(self, seen: Times, now: Times) -> list[Path]:
        return [
            path
            for path in sorted(now.keys() | seen.keys())
            if now.get(path) != seen.get(path) and self._concerns(path)
        ]


_COLOURS: Final = {"+": "green", "-": "red", "~": "yellow"}


def _below(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """The files below, but for hidden ones, and for folders that tools keep for themselves."""
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith(".") or entry.name in ("__pycache__", "node_modules"):
            continue
        try:
            if entry.is_dir(follow_symlinks=False):
                if not Path(entry.path, "pyvenv.cfg").exists():
                    yield from _below(Path(entry.path))
            else:
                yield Path(entry.path), entry.stat()
        except OSError:
            # Gone since the folder was read.
            continue


def _named(paths: list[Path], folder: Path) -> str:
    names = [str(path.relative_to(folder)) if folder in path.parents else path.name for path in paths]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "") + " changed"


def _problem(one: Mapping[str, Any]) -> str:
    where = f" {one['urn'].rpartition('::')[2]}" if one.get("urn") else ""
    return f"{one.get('rule') or one['kind']}{where}: {one['message']}"


def _child(lifeline: Lifeline, rehearse: Rehearse, whole: bool, answer: Connection) -> None:
    """One rehearsal, in a process that ends with it, by Ctrl-C or with the process that watches."""
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)
    status = 1
    try:
        lifeline.follow()
        answer.send(rehearse(whole))
        status = 0
    except KeyboardInterrupt:
        status = 130
    except BaseException:  # noqa: BLE001 whatever it was, it is told, and the process ends below
        traceback.print_exc()
    finally:
        answer.close()
        # Tearing down what was imported would take longer than the rehearsal.
        os._exit(status)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    # Once: what has been started is being ended, and that must not be interrupted.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt
