"""How much passes through a stack: profiles, the stack's own expectation, and mistakes in it."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest

from costs.model import CostError
from costs.use import AVERAGES, KEYS, PROFILES, expected, profile
from settings.cost import ExpectedSettings


def test_the_settings_know_the_same_keys() -> None:
    keys = {re.sub(r"_(\w)", lambda found: found[1].upper(), name) for name in ExpectedSettings.model_fields}
    assert keys - {"profile"} == set(KEYS)


def test_profiles_grow() -> None:
    small, medium, large = (profile(name) for name in PROFILES)
    assert all(small[key] <= medium[key] <= large[key] for key in KEYS)
    assert {key for key in KEYS if small[key] == large[key]} == set(AVERAGES)


def test_what_a_stack_expects_stands_over_the_profile_that_it_names() -> None:
    found = expected({"profile": "medium", "transferGb": 3})
    assert found["transferGb"] == 3
    assert found["logsGb"] == profile("medium")["logsGb"]
    assert expected({"transferGb": 3})["logsGb"] == 0, "what is not said is nothing"
    assert expected({"transferGb": 3}, "large")["transferGb"] == profile("large")["transferGb"]
    for nobody_says in (None, {}):
        assert expected(nobody_says)["logsGb"] == profile("small")["logsGb"]
        assert "expects nothing" in expected(nobody_says).said_by


@pytest.mark.parametrize(
    ("said", "message", "remedy"),
    [
        ({"storageGB": 1}, "expected.storageGB: is not a known key", "did you mean storageGb?"),
        ({"zzz": 1}, "expected.zzz: is not a known key", "the keys are storageGb"),
        ({"storageGb": -1}, "expected.storageGb: -1 is not allowed", "use a number from 0 to 1000000000000000"),
        ({"storageGb": "much"}, "expected.storageGb: 'much' is not allowed", "use a number from 0 to 1000000000000000"),
        ({"storageGb": True}, "expected.storageGb: True is not allowed", "use a number from 0 to 1000000000000000"),
        (
            {"storageGb": float("inf")},
            "expected.storageGb: inf is not allowed",
            "use a number from 0 to 1000000000000000",
        ),
        ({"storageGb": 1e16}, "expected.storageGb: 1e+16 is not allowed", "use a number from 0 to 1000000000000000"),
        (
            {"storageGb": 10, "infrequentGb": 8, "archivedGb": 3},
            "expected.storageGb: 10 is less than the 11 of infrequentGb and archivedGb",
            "count in storageGb all that is kept",
        ),
        ({"profile": "huge"}, "there is no profile 'huge'", "small, medium, large"),
    ],
)
def test_a_mistake_is_refused_with_its_mend(said: dict[str, Any], message: str, remedy: str) -> None:
    with pytest.raises(CostError) as refused:
        expected(said)
    assert message in refused.value.message
    assert remedy in refused.value.remedy


def test_numbers_are_exact() -> None:
    assert expected({"storageGb": 0.1})["storageGb"] == Decimal("0.1")
