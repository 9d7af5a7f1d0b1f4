"""The costs of the deployed stacks are watched."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from rehearsal.stacks import stack_names
from tests.rehearsal.conftest import ROOT, Rehearse

MONITOR = "arn:aws:ce::210987654321:anomalymonitor/00000000-0000-0000-0000-000000000000"


def inputs(done: Any, kind: str) -> list[dict[str, Any]]:
    return [one["inputs"] for one in done.report["resources"] if one["type"].endswith(f":{kind}")]


@pytest.mark.covers("D14")
@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_people_hear_of_a_stacks_costs_before_the_bill_does(rehearsed: Any, stack: str) -> None:
    done = rehearsed(stack)
    thresholds = sorted(
        (notice["notificationType"], notice["threshold"])
        for budget in inputs(done, "Budget")
        for notice in budget["notifications"]
        if notice["subscriberEmailAddresses"]
    )
    assert thresholds == [("ACTUAL", 80), ("ACTUAL", 100), ("ACTUAL", 250), ("FORECASTED", 100)]


@pytest.mark.parametrize("stack", stack_names(ROOT))
def test_what_a_new_account_refuses_is_in_no_stack_as_it_is_shipped(rehearsed: Any, stack: str) -> None:
    done = rehearsed(stack)
    assert inputs(done, "AnomalyMonitor") == [], "AWS allows one, which a new account has"
    assert inputs(done, "CostAllocationTag") == [], "AWS refuses tags in the first day after their first use"
    for budget in inputs(done, "Budget"):
        assert "filterExpression" not in budget, "a tag that is not activated is on no cost: the budget would stay at 0"


@pytest.mark.covers("D14")
def test_from_the_second_day_on_the_tags_are_on_the_bill_and_the_accounts_monitor_tells_of_services(
    rehearse_kumiki: Rehearse,
) -> None:
    config = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text(encoding="utf-8"))["config"]
    later = {"monitor": MONITOR, "activateTags": True, "counts": "tags"}
    done = rehearse_kumiki({"kumiki:costGuard": {**config["kumiki:costGuard"], **later}}, only=["alerts"])
    assert done.status == 0, done.text
    assert {one["tagKey"] for one in inputs(done, "CostAllocationTag")} == {
        "Component", "Environment", "Owner", "Project",
    }  # fmt: skip
    assert [one["monitorArnLists"] for one in inputs(done, "AnomalySubscription")] == [[MONITOR]]
    for budget in inputs(done, "Budget"):
        counted = {one["tags"]["key"]: one["tags"]["values"] for one in budget["filterExpression"]["ands"]}
        assert counted == {"Environment": ["dev"], "Project": ["kumiki"]}
