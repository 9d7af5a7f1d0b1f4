"""Our own stacks' permissions, from the rehearsals of the test run."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from permissions.model import Permissions, permissions
from tests.rehearsal.conftest import Rehearsed, rehearse, rehearsed  # noqa: F401 fixtures

Report = dict[str, Any]


@pytest.fixture(scope="session")
def report_of(request: pytest.FixtureRequest) -> Callable[[str], Report]:
    """The report of one of our stacks."""
    found: Callable[[str], Rehearsed] = request.getfixturevalue("rehearsed")
    return lambda name: found(name).report


@pytest.fixture(scope="session")
def of_stack(report_of: Callable[[str], Report]) -> Callable[[str], Permissions]:
    """What the deployer of one of our stacks needs."""
    return cache(lambda name: permissions(report_of(name)))
