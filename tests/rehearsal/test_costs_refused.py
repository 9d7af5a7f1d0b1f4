"""Mistakes about money in a stack's file, through the command line: exit status 2, the key, the value, the mend."""

from __future__ import annotations

from typing import Any

import pytest

from tests.rehearsal.conftest import Rehearse


def guard(**changes: Any) -> dict[str, Any]:
    return {"kumiki:costGuard": {"monthlyLimitUsd": 50, "emails": ["ops@example.com"], **changes}}


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        (guard(monthlyLimitUsd=0), ["kumiki:costGuard.monthlyLimitUsd: 0.0 is not allowed; use 0.01 or more dollars"]),
        (guard(monthlyLimitUsd="much"), ["kumiki:costGuard.monthlyLimitUsd: much "]),
        ({"kumiki:costGuard": {}}, ["kumiki:costGuard.monthlyLimitUsd: is missing"]),
        (guard(emails=["ops"]), ["kumiki:costGuard.emails[0]: 'ops' is not an e-mail address"]),
        ({**guard(emails=[]), "kumiki:alerts": None}, ["kumiki:costGuard.emails: is empty", "add the section alerts"]),
        (guard(emails=[], billingAlarm=True), ["kumiki:costGuard.billingAlarm: true needs costGuard.emails"]),
        (guard(monitor="adopt"), ["kumiki:costGuard.monitor: 'adopt' is not allowed", "create, skip or the ARN"]),
        (guard(budget=5), ["kumiki:costGuard.budget: is not a known key"]),
    ],
)
def test_a_mistake_is_refused_with_its_key_and_its_mend(
    rehearse_kumiki: Rehearse, changes: dict[str, Any], parts: list[str]
) -> None:
    done = rehearse_kumiki(changes)
    assert done.status == 2, done.text
    assert "Traceback" not in done.text
    for part in parts:
        assert part in done.text
