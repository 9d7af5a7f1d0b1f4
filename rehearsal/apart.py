"""A pass in the program's own environment: another interpreter, with other packages, in a process that is no fork.

It gets the ends of its pipes by their descriptors, and the rest in a first message over the one to the runner.
"""

from __future__ import annotations

import os
import subprocess
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from rehearsal import lifeline
from rehearsal.pack import Choice, StartedPack

if TYPE_CHECKING:
    from rehearsal.passes import PassName
    from rehearsal.stacks import Stack

_PARTS: Final = Path(__file__).resolve().parents[1]
# The first folder gives way to the program's as soon as that runs.
_START: Final = f"import sys; sys.path[0] = {str(_PARTS)!r}; from rehearsal.apart import main; main()"


@dataclass(frozen=True)
class _Begun:
    """What the process is told first."""

    name: PassName
    stack: Stack
    pack: tuple[Path, Mapping[str, Choice]] | None


class Apart:
    """The process, by the names that those of `multiprocessing` have."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    @property
    def exitcode(self) -> int | None:
        return self._process.poll()

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def join(self, timeout: float | None = None) -> None:
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return

    def terminate(self) -> None:
        if self.is_alive():
            self._process.terminate()

    def kill(self) -> None:
        if self.is_alive():
            self._process.kill()


def start(
    name: PassName,
    stack: Stack,
    *,
    environment: Mapping[str, str],
    lifeline: int,
    runner: tuple[Connection, Connection],
    cloud: Connection,
    pack: StartedPack | None,
    lint: Connection | None,
) -> Apart:
    """`runner` has the end that stays here and the end that goes there; the process ends with `lifeline`."""
    ours, theirs = runner
    own = stack.environment
    assert own.python is not None
    assert own.folder is not None
    descriptors = {"runner": theirs.fileno(), "cloud": cloud.fileno(), "lifeline": lifeline}
    if lint is not None:
        descriptors["lint"] = lint.fileno()
    if pack is not None:
        descriptors |= {"pack": pack.said.fileno(), "errors": pack.errors.fileno()}
    process = subprocess.Popen(  # noqa: S603 the interpreter that the project names, and a text of ours
        [own.python, "-c", _START, *(f"{what}={number}" for what, number in descriptors.items())],
        # As an activated environment has it.
        env={
            **environment,
            "VIRTUAL_ENV": str(own.folder),
            "PATH": os.pathsep.join([str(own.python.parent), environment.get("PATH", "")]),
        },
        pass_fds=list(descriptors.values()),
        # Ctrl-C is for the rehearsal, which then ends this.
        start_new_session=True,
    )
    ours.send(_Begun(name, stack, (pack.folder, pack.choices) if pack is not None else None))
    return Apart(process)


def main() -> None:
    """Run the pass for which this process was started."""
    descriptors = {what: int(number) for what, number in (one.split("=") for one in sys.argv[1:])}
    sys.argv[:] = ["__main__.py"]
    lifeline.follow(descriptors["lifeline"])
    try:
        from rehearsal.passes import run  # noqa: PLC0415 whatever it lacks is told below

        runner = Connection(descriptors["runner"])
        begun: _Begun = runner.recv()
        pack = None
        if begun.pack is not None:
            pack = StartedPack(_text(descriptors["pack"]), _text(descriptors["errors"]), *begun.pack)
        lint = Connection(descriptors["lint"]) if "lint" in descriptors else None
        run(begun.name, begun.stack, runner, Connection(descriptors["cloud"]), pack, lint)
    except BaseException:  # noqa: BLE001 whatever it was, it is told, and the process ends below
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(1)


def _text(descriptor: int) -> IO[str]:
    return os.fdopen(descriptor, encoding="utf-8")
