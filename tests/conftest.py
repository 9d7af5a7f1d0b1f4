"""What all tests have. The recorder and its fixtures are the project's own testing kit (`kumiki.testing.recorder`)."""

from __future__ import annotations

import gc
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from kumiki.testing.outputs import ACCOUNT as ACCOUNT
from kumiki.testing.outputs import REGION as REGION
from kumiki.testing.recorder import Recorder as Recorder
from kumiki.testing.recorder import Registered as Registered
from kumiki.testing.recorder import run as run_of

pytest_plugins = ["kumiki.testing.plugin"]

ROOT = Path(__file__).resolve().parent.parent
run = partial(run_of, project="kumiki")
JOBS = ROOT / "tests" / "workloads" / "jobs"
PATIENCE = 600
"""For how many seconds a test waits for what must come. Only what hangs takes as long, on whatever machine."""


def pytest_configure() -> None:
    # A shell starts what runs in its background deaf to Ctrl-C, and so would be the commands that tests end by it.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks by what a test uses and where it is, so that nobody has to set them by hand."""
    for item in items:
        if {"rehearse", "command"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("rehearsal")
        if JOBS in item.path.parents:
            item.add_marker("spark")


def pytest_unconfigure() -> None:
    # What `run` has frozen would not be taken down with the interpreter, and DuckDB would list 50 lines of it.
    gc.unfreeze()


@pytest.fixture(autouse=True)
def _frozen(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a run of the recorder leaves (modules, schemas) stays until the end: not to be looked through each time."""
    yield
    if {"recorder", "previewer"} & set(request.fixturenames):
        gc.freeze()
