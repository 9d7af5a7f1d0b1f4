"""The costs of the deployed stacks are watched."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.covers("D14")
@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_people_hear_of_a_stacks_costs_before_the_bill_does(rehearsed: Any, stack: str) -> None:
    made = rehearsed(stack).report["resources"]

    def inputs(kind: str) -> list[dict[str, Any]]:
        return [one["inputs"] for one in made if one["type"].endswith(f":{kind}")]

    thresholds = sorted(
        (notice["notificationType"], notice["threshold"])
        for budget in inputs("Budget")
        for notice in budget["notifications"]
        if notice["subscriberEmailAddresses"]
    )
    assert thresholds == [("ACTUAL", 80), ("ACTUAL", 100), ("ACTUAL", 250), ("FORECASTED", 100)]
    counted = {one["tags"]["key"]: one["tags"]["values"] for one in inputs("Budget")[0]["filterExpression"]["ands"]}
    assert counted == {"Environment": [stack], "Project": ["kumiki"]}
    assert [one["monitorDimension"] for one in inputs("AnomalyMonitor")] == ["SERVICE"]
    assert {one["tagKey"] for one in inputs("CostAllocationTag")} == {"Component", "Environment", "Owner", "Project"}
