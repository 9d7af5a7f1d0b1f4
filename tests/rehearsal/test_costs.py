"""The costs of the deployed stacks are watched."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from rehearsal.stacks import stack_names
from tests.rehearsal.conftest import ROOT, Rehearse

MONITOR = "arn:aws:ce::210987654321:anomalymonitor/00000000-0000-0000-0000-000000000000"


def config_of_stack(name: str) -> str:
    return (ROOT / f"Pulumi.{name}.yaml").read_text(encoding="utf-8")


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


@pytest.mark.parametrize("stack", stack_names(ROOT))
def test_the_file_of_a_stack_states_its_month_and_nothing_of_it_is_without_a_price(rehearsed: Any, stack: str) -> None:
    month = rehearsed(stack).report["months"][0]
    assert month["unpriced"] == {}
    text = config_of_stack(stack)
    [stated] = re.findall(rf"`kumiki cost {stack}` prices all of it: ([\d.,]+) USD\.\n", text)
    assert stated == (f"{month['usd']:,.0f}" if month["usd"] >= 50 else f"{month['usd']:.2f}")


@pytest.mark.covers("C8")
@pytest.mark.parametrize("stack", [name for name in stack_names(ROOT) if "costGuard" in config_of_stack(name)])
def test_the_budget_is_enough_for_the_month_and_nobody_is_told_of_a_usual_one(rehearsed: Any, stack: str) -> None:
    done = rehearsed(stack)
    usd = done.report["months"][0]["usd"]
    limit = min(float(one["limitAmount"]) for one in inputs(done, "Budget") if one.get("limitAmount"))
    assert usd <= 0.8 * limit, "at 80 % people hear"
    assert limit < 1.6 * usd or limit == 1, "and half as much again is news"
    assert not [one for one in done.report["problems"] if one["kind"] == "cost"]
