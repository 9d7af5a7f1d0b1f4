"""Who hears of costs, when, and whose costs they are."""

from __future__ import annotations

from typing import Any

import pytest

from components.alarms import AlarmTopics
from components.errors import ArgumentError
from components.operations.cost_guard import CostGuard, CostGuardArgs
from tests.conftest import ACCOUNT, Recorder

NAME = "wiki-dev-costs"
TAGS = {"Project": "wiki", "Environment": "dev"}
OPS = ["ops@example.com"]
TOPICS = AlarmTopics(critical="arn:aws:sns:::critical", warning="arn:aws:sns:::warning")


def build(recorder: Recorder, **args: Any) -> Recorder:
    beside = {name: args.pop(name) for name in ("topics", "billing_topics", "allocation_tags") if name in args}
    beside["counted_tags"] = args.pop("counted_tags", TAGS)
    return recorder.run(lambda: CostGuard(NAME, CostGuardArgs(**{"monthly_limit_usd": 50, **args}), **beside))


def budgets(recorder: Recorder) -> tuple[dict[str, Any], dict[str, Any]]:
    growth, limit = recorder.of(":Budget")
    return growth.inputs, limit.inputs


@pytest.mark.covers("D14")
def test_people_hear_at_80_percent_at_the_limit_and_when_the_forecast_passes_it(recorder: Recorder) -> None:
    _, limit = budgets(build(recorder, emails=OPS))
    assert (limit["limitAmount"], limit["limitUnit"], limit["timeUnit"]) == ("50.00", "USD", "MONTHLY")
    told = [
        (each["notificationType"], each["threshold"], each["thresholdType"], each["subscriberEmailAddresses"])
        for each in limit["notifications"]
    ]
    assert told == [
        ("ACTUAL", 80, "PERCENTAGE", OPS),
        ("ACTUAL", 100, "PERCENTAGE", OPS),
        ("FORECASTED", 100, "PERCENTAGE", OPS),
    ]
    assert {each["comparisonOperator"] for each in limit["notifications"]} == {"GREATER_THAN"}


@pytest.mark.covers("D14")
def test_a_month_that_costs_150_percent_more_than_the_one_before_is_told_of(recorder: Recorder) -> None:
    growth, _ = budgets(build(recorder, emails=OPS))
    assert growth["autoAdjustData"] == {
        "autoAdjustType": "HISTORICAL",
        "historicalOptions": {"budgetAdjustmentPeriod": 1},
    }
    assert "limitAmount" not in growth
    assert [each["threshold"] for each in growth["notifications"]] == [250], "the month before and 150 % of it"


def test_only_what_carries_the_stacks_tags_counts(recorder: Recorder) -> None:
    for budget in budgets(build(recorder, emails=OPS)):
        assert budget["filterExpression"] == {
            "ands": [
                {"tags": {"key": "Environment", "values": ["dev"], "matchOptions": ["EQUALS"]}},
                {"tags": {"key": "Project", "values": ["wiki"], "matchOptions": ["EQUALS"]}},
            ]
        }
        assert budget["metrics"] == "UnblendedCost"


def test_without_tags_the_whole_account_counts(recorder: Recorder) -> None:
    for budget in budgets(build(recorder, emails=OPS, counted_tags={})):
        assert "filterExpression" not in budget


def test_one_tag_needs_no_and(recorder: Recorder) -> None:
    _, limit = budgets(build(recorder, emails=OPS, counted_tags={"Project": "wiki"}))
    assert limit["filterExpression"] == {"tags": {"key": "Project", "values": ["wiki"], "matchOptions": ["EQUALS"]}}


@pytest.mark.covers("D14")
def test_a_service_that_costs_150_percent_more_than_usual_is_told_of_but_not_for_cents(recorder: Recorder) -> None:
    build(recorder, emails=OPS, monitor="create")
    monitor = recorder.one(":AnomalyMonitor")
    assert (monitor.inputs["monitorType"], monitor.inputs["monitorDimension"]) == ("DIMENSIONAL", "SERVICE")
    told = recorder.one(":AnomalySubscription").inputs
    least = {
        one["dimension"]["key"].rpartition("_")[2]: (one["dimension"]["matchOptions"], one["dimension"]["values"])
        for one in told["thresholdExpression"]["ands"]
    }
    assert least == {
        "PERCENTAGE": (["GREATER_THAN_OR_EQUAL"], ["150"]),
        "ABSOLUTE": (["GREATER_THAN_OR_EQUAL"], ["1"]),
    }
    assert told["frequency"] == "DAILY", "AWS sends e-mails once a day, not at once"
    assert told["subscribers"] == [{"type": "EMAIL", "address": OPS[0]}]


def test_topics_hear_by_urgency_and_of_unusual_costs_at_once(recorder: Recorder) -> None:
    _, limit = budgets(build(recorder, topics=TOPICS, monitor="create"))
    assert [each["subscriberSnsTopicArns"] for each in limit["notifications"]] == [
        [TOPICS.warning],
        [TOPICS.critical],
        [TOPICS.warning],
    ]
    assert all("subscriberEmailAddresses" not in each for each in limit["notifications"])
    told = recorder.one(":AnomalySubscription").inputs
    assert (told["frequency"], told["subscribers"]) == ("IMMEDIATE", [{"type": "SNS", "address": TOPICS.warning}])


def test_the_monitor_that_the_account_has_is_used(recorder: Recorder) -> None:
    there = f"arn:aws:ce::{ACCOUNT}:anomalymonitor/0a1b"
    build(recorder, emails=OPS, monitor=there)
    assert not recorder.of(":AnomalyMonitor")
    assert recorder.one(":AnomalySubscription").inputs["monitorArnLists"] == [there]


def test_without_a_monitor_nobody_subscribes(recorder: Recorder) -> None:
    build(recorder, emails=OPS, monitor="skip")
    assert {each.type.rpartition(":")[2] for each in recorder.resources} == {"Budget", "CostGuard"}


@pytest.mark.covers("E11")
def test_the_billing_alarm_is_where_aws_keeps_the_bill(recorder: Recorder) -> None:
    build(recorder, emails=OPS, billing_topics=TOPICS)
    alarm = recorder.one(":MetricAlarm").inputs
    assert alarm["region"] == "us-east-1"
    assert (alarm["namespace"], alarm["metricName"], alarm["dimensions"]) == (
        "AWS/Billing", "EstimatedCharges", {"Currency": "USD"},
    )  # fmt: skip
    assert (alarm["threshold"], alarm["statistic"]) == (50, "Maximum")
    assert alarm["comparisonOperator"] == "GreaterThanThreshold"
    assert alarm["alarmActions"] == [TOPICS.critical]


def test_without_its_topics_there_is_no_alarm_and_nothing_in_another_region(recorder: Recorder) -> None:
    build(recorder, emails=OPS)
    assert not recorder.of(":MetricAlarm")
    assert not [each.name for each in recorder.resources if "region" in each.inputs]


@pytest.mark.covers("D14")
def test_tags_are_activated_and_outlive_the_stack(recorder: Recorder) -> None:
    build(recorder, emails=OPS, allocation_tags=["Project", "Owner"])
    tags = recorder.of(":CostAllocationTag")
    assert [(each.inputs["tagKey"], each.inputs["status"]) for each in tags] == [
        ("Owner", "Active"), ("Project", "Active"),
    ]  # fmt: skip
    assert all(each.retained for each in tags), "without its tags another system's budgets would count nothing"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"monthly_limit_usd": 0}, r"monthly_limit_usd: 0 is not allowed; use 0\.01 to 10000000000 US dollars"),
        ({"monthly_limit_usd": -5}, "monthly_limit_usd: -5 is not allowed"),
        ({"monthly_limit_usd": float("nan")}, "monthly_limit_usd: nan must be a finite number"),
        ({"emails": ["ops"]}, r"emails\[0\]: 'ops' is not an e-mail address"),
        ({"emails": [f"ops{n}@example.com" for n in range(11)]}, "emails: 11 addresses are too many"),
        ({"growth_percent": 0}, "growth_percent: 0 is not allowed"),
        ({"anomaly_percent": 0}, "anomaly_percent: 0 is not allowed"),
        ({"anomaly_minimum_usd": -1}, "anomaly_minimum_usd: -1 is not allowed"),
        ({"monitor": "adopt"}, "monitor: 'adopt' is not allowed; use create, skip or the ARN"),
    ],
)
def test_what_cannot_be_is_refused(args: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        CostGuardArgs(**{"monthly_limit_usd": 50, "emails": OPS, **args})


def test_somebody_must_hear_of_costs(recorder: Recorder) -> None:
    with pytest.raises(ArgumentError, match=r"emails: \[\] is empty, so nobody would hear"):
        build(recorder)
