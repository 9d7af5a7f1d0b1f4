"""Rehearsals in processes that begin with everything imported: importing is most of what a small one does.

Each is a fork of a server that the standard library starts once for each process of pytest, so none sees what another
did. `test_processes.py` and `make rehearse` start the real command.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_WARM = get_context("forkserver")
_WARM.set_forkserver_preload(
    [
        "tests.rehearsal.warm",
        "pulumi_aws",
        "rehearsal.cli",
        "rehearsal.cloud.account",
        "rehearsal.cloud.creation",
        "rehearsal.cloud.lookups",
        "rehearsal.cloud.references",
        "rehearsal.cloud.specs",
        "rehearsal.lint.process",
        "rehearsal.passes",
        "rehearsal.insights",
        "rehearsal.report",
    ]
)


def rehearse(arguments: Sequence[str], environment: Mapping[str, str], folder: Path, *, timeout: float) -> int:
    """`python -m rehearsal ARGUMENTS`; what it says goes to `said` in `folder`. The exit status.

    Raises TimeoutError after `timeout` seconds.
    """
    process = _WARM.Process(target=_run, args=(list(arguments), dict(environment), folder / "said"))
    process.start()
    process.join(timeout)
    if process.is_alive():
        process.terminate()
        process.join(10)
        raise TimeoutError(f"rehearsal {' '.join(arguments)} is not done after {timeout:.0f} s")
    assert process.exitcode is not None
    return process.exitcode


def _run(arguments: list[str], environment: dict[str, str], said: Path) -> None:
    from rehearsal.cli import main  # noqa: PLC0415 pytest's own process does without

    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(environment)
    with said.open("wb") as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
        os.dup2(file.fileno(), sys.stderr.fileno())
    sys.argv = ["rehearsal", *arguments]
    main()
