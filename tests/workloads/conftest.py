"""A PostgreSQL of the tests' own, with TLS, where the machine has one."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator

import pytest

from tests.conftest import PATIENCE
from tests.workloads.postgres import PASSWORD, NoPostgres, Postgres, running


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    try:
        with running() as server:
            yield server
    except NoPostgres as why:
        pytest.skip(str(why))


@pytest.fixture
def postgres(postgres_server: Postgres) -> Postgres:
    """The server with an empty database and its first password."""
    postgres_server.execute("DROP TABLE IF EXISTS items, messages, conversations")
    postgres_server.execute(f"ALTER USER app PASSWORD '{PASSWORD}'")
    return postgres_server


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """The application takes over the process's logging; the next test gets its own back."""
    root, others = logging.getLogger(), [logging.getLogger(name) for name in ("psycopg.pool", "botocore")]
    before = root.handlers[:], root.level, *(one.level for one in others)
    yield
    root.handlers[:], root.level, *levels = before
    for one, level in zip(others, levels, strict=True):
        one.level = level


def until(true: object, seconds: float = PATIENCE) -> None:
    """Wait until `true()` holds."""
    assert callable(true)
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
