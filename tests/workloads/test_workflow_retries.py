"""What a workflow asks of AWS is asked again, for longer than a database takes to fail over or AWS to throttle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.workflows import states

DEFINITIONS = sorted((Path(__file__).resolve().parents[2] / "workloads/workflows").glob("*.asl.json"))
SHORTEST_SECONDS = 120
"""RDS: a fail-over takes 60 to 120 seconds (docs.aws.amazon.com, Multi-AZ DB instance deployments)."""


def waits(retry: dict[str, Any]) -> float:
    """The seconds between the first attempt and the last, at the least: full jitter can make each wait nothing."""
    if retry.get("JitterStrategy") == "FULL":
        return 0
    first, rate = retry.get("IntervalSeconds", 1), retry.get("BackoffRate", 2)
    longest = retry.get("MaxDelaySeconds", float("inf"))
    return sum(min(first * rate**number, longest) for number in range(retry.get("MaxAttempts", 3)))


@pytest.mark.parametrize("path", DEFINITIONS, ids=lambda path: path.name.partition(".")[0])
def test_every_task_is_tried_again_for_as_long_as_a_fault_may_last(path: Path) -> None:
    tasks = [(name, state) for name, state in states(json.loads(path.read_text())) if state["Type"] == "Task"]
    assert tasks
    for name, state in tasks:
        retries = [each for each in state.get("Retry", []) if each.get("MaxAttempts", 3)]
        assert retries, f"{name} is asked only once"
        for retry in retries:
            assert waits(retry) >= SHORTEST_SECONDS, f"{name} gives up after {waits(retry)} s of {retry['ErrorEquals']}"


def test_waits_are_reckoned_as_step_functions_does() -> None:
    assert waits({"IntervalSeconds": 5, "BackoffRate": 4, "MaxAttempts": 5, "MaxDelaySeconds": 600}) == 1025
    assert waits({}) == 1 + 2 + 4
    assert waits({"IntervalSeconds": 60, "MaxAttempts": 5, "JitterStrategy": "FULL"}) == 0
