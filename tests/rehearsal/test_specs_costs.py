"""Specs of what watches over costs: budgets on moto, the rest checked against the service model."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.cloud.account import ACCOUNT
from rehearsal.problems import RehearsalError
from tests.rehearsal.test_specs import TAGS, Cloud, cloud, tags_of

__all__ = ["cloud"]

NOTICE = {
    "notificationType": "ACTUAL", "comparisonOperator": "GREATER_THAN", "threshold": 80, "thresholdType": "PERCENTAGE",
}  # fmt: skip
BUDGET = {
    "name": "limit", "budgetType": "COST", "timeUnit": "MONTHLY", "limitAmount": "50.00", "limitUnit": "USD",
    "metrics": "UnblendedCost",
    "filterExpression": {"ands": [
        {"tags": {"key": "Project", "values": ["wiki"], "matchOptions": ["EQUALS"]}},
        {"tags": {"key": "Environment", "values": ["dev"], "matchOptions": ["EQUALS"]}},
    ]},
    "notifications": [{**NOTICE, "subscriberEmailAddresses": ["ops@example.com"],
                       "subscriberSnsTopicArns": ["arn:aws:sns:ap-northeast-1:123456789012:alerts"]}],
}  # fmt: skip


def test_a_budget_has_its_limit_its_filter_and_its_readers(cloud: Cloud) -> None:
    cloud.make("aws:budgets/budget:Budget", **BUDGET)
    found = cloud.ask("budgets", "DescribeBudget", AccountId=ACCOUNT, BudgetName="limit")["Budget"]
    assert found["BudgetLimit"] == {"Amount": "50.00", "Unit": "USD"}
    assert [one["Tags"]["Key"] for one in found["FilterExpression"]["And"]] == ["Project", "Environment"]
    assert found["Metrics"] == ["UnblendedCost"]
    (notice,) = cloud.ask("budgets", "DescribeNotificationsForBudget", AccountId=ACCOUNT, BudgetName="limit")[
        "Notifications"
    ]
    assert (notice["NotificationType"], notice["Threshold"]) == ("ACTUAL", 80)


def test_a_budget_that_follows_the_month_before_needs_no_limit(cloud: Cloud) -> None:
    adjusted = {"autoAdjustType": "HISTORICAL", "historicalOptions": {"budgetAdjustmentPeriod": 1}}
    cloud.make(
        "aws:budgets/budget:Budget", name="growth", budgetType="COST", timeUnit="MONTHLY", autoAdjustData=adjusted
    )
    found = cloud.ask("budgets", "DescribeBudget", AccountId=ACCOUNT, BudgetName="growth")["Budget"]
    assert found["AutoAdjustData"]["HistoricalOptions"] == {"BudgetAdjustmentPeriod": 1}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"budgetTyp": "COST"}, "budgetTyp"),
        ({"timeUnit": "WEEKLY"}, "TimeUnit"),
        ({"notifications": [NOTICE]}, "Subscribers"),
    ],
)
def test_a_wrong_budget_is_refused(cloud: Cloud, wrong: dict[str, object], message: str) -> None:
    with pytest.raises(RehearsalError, match=message):
        cloud.make("aws:budgets/budget:Budget", **{**BUDGET, **wrong})


def test_monitors_and_subscriptions_are_validated_and_their_requests_checked(cloud: Cloud) -> None:
    monitor = cloud.make(
        "aws:costexplorer/anomalyMonitor:AnomalyMonitor", name="services", monitorType="DIMENSIONAL",
        monitorDimension="SERVICE",
    )  # fmt: skip
    inputs = {
        "name": "daily", "frequency": "DAILY", "monitorArnLists": [monitor.outputs["arn"]],
        "subscribers": [{"type": "EMAIL", "address": "ops@example.com"}],
        "thresholdExpression": {"ands": [{"dimension": {
            "key": "ANOMALY_TOTAL_IMPACT_PERCENTAGE", "matchOptions": ["GREATER_THAN_OR_EQUAL"], "values": ["150"],
        }}]},
    }  # fmt: skip
    made = cloud.make("aws:costexplorer/anomalySubscription:AnomalySubscription", **inputs)
    assert (monitor.status, made.status) == ("validated", "validated")
    with pytest.raises(RehearsalError, match="Frequency"):
        cloud.make("aws:costexplorer/anomalySubscription:AnomalySubscription", "b", **{**inputs, "frequency": "HOURLY"})
    with pytest.raises(RehearsalError, match="MonitorType"):
        cloud.make("aws:costexplorer/anomalyMonitor:AnomalyMonitor", "c", name="x", monitorType="SERVICE")


def test_a_tag_is_activated_by_a_request_that_is_checked(cloud: Cloud) -> None:
    made = cloud.make("aws:costexplorer/costAllocationTag:CostAllocationTag", tagKey="Project", status="Active")
    assert (made.id, made.status) == ("Project", "validated")
    with pytest.raises(RehearsalError, match="Status"):
        cloud.make("aws:costexplorer/costAllocationTag:CostAllocationTag", "b", tagKey="Project", status="On")


def test_a_budget_is_tagged(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    # The emulator forgets the tags of budgets, so what it was sent must do.
    sent: list[Any] = []
    call = cloud.account.call
    monkeypatch.setattr(cloud.account, "call", lambda *given: sent.append(given) or call(*given))
    cloud.make("aws:budgets/budget:Budget", **BUDGET)
    assert [tags_of(request["ResourceTags"]) for _, _, _, request in sent] == [TAGS]
