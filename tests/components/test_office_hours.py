"""Office hours: when what is called, by whom and on what alone; and what cannot be stopped."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pulumi_aws as aws
import pytest

from components.alarms import AlarmTopics
from components.data.aurora import AuroraPostgres, AuroraPostgresArgs
from components.errors import ArgumentError
from components.operations.office_hours import OfficeHours, OfficeHoursArgs
from components.operations.timetable import DAYS, cron, starts_outside
from tests.conftest import ACCOUNT, REGION, Recorder
from tests.iam import allowed
from tests.networks import existing_network

NAME = "wiki-dev-office-hours"
TOPICS = AlarmTopics(critical="arn:aws:sns:::critical", warning="arn:aws:sns:::warning")
WORK = ["MON", "TUE", "WED", "THU", "FRI"]


def build(recorder: Recorder, *, name: str = NAME, alarms: int = 0, **changes: Any) -> Recorder:
    """An Aurora cluster that is stopped, and so many alarms."""

    def program() -> None:
        database = AuroraPostgres(
            "wiki-dev-database", AuroraPostgresArgs(instance_class="db.t4g.medium"), network=existing_network()
        )
        made = [
            aws.cloudwatch.MetricAlarm(
                f"wiki-dev-{number}", name=f"wiki-dev-{number}", comparison_operator="x", evaluation_periods=1
            )
            for number in range(alarms)
        ]
        args = OfficeHoursArgs.model_validate(changes)
        OfficeHours(name, args, databases={"database": database}, alarms=made).alarms(TOPICS)

    return recorder.run(program)


def schedules(recorder: Recorder) -> dict[str, dict[str, Any]]:
    return {one.inputs["name"].removeprefix(f"{NAME}-"): one.inputs for one in recorder.of("schedule:Schedule")}


def test_a_cluster_is_stopped_on_each_evening_and_started_before_work(recorder: Recorder) -> None:
    made = schedules(build(recorder))
    assert {name: one["scheduleExpression"] for name, one in made.items()} == {
        "database-stop": "cron(15 19 ? * MON,TUE,WED,THU,FRI *)",
        "database-stop-again": "cron(15 19 ? * SAT,SUN *)",
        "database-start": "cron(30 8 ? * MON,TUE,WED,THU,FRI *)",
    }
    for name, one in made.items():
        verb = "start" if name == "database-start" else "stop"
        assert one["target"]["arn"] == f"arn:aws:scheduler:::aws-sdk:rds:{verb}DBCluster"
        assert set(json.loads(one["target"]["input"])) == {"DbClusterIdentifier"}
        assert one["scheduleExpressionTimezone"] == "Asia/Tokyo"


def test_a_call_is_tried_again_and_kept_but_one_that_is_refused_mostly_is_not_told(recorder: Recorder) -> None:
    made = schedules(build(recorder))
    retries = {name: one["target"]["retryPolicy"] for name, one in made.items()}
    assert retries["database-stop"] == {"maximumRetryAttempts": 10, "maximumEventAgeInSeconds": 3600}
    assert retries["database-stop-again"]["maximumRetryAttempts"] == 0
    kept = {name: one["target"]["deadLetterConfig"]["arn"] for name, one in made.items()}
    assert kept["database-stop"] == kept["database-start"] != kept["database-stop-again"]
    (alarm,) = recorder.of(":MetricAlarm")
    assert alarm.inputs["dimensions"] == {"QueueName": f"{NAME}-dead-letters"}


def test_the_role_may_stop_and_start_this_cluster_and_nothing_more(recorder: Recorder) -> None:
    build(recorder)
    policies = [one.policy() for one in recorder.of(":RolePolicy") if one.name.startswith(NAME)]
    cluster = next(one for one in recorder.of("rds/cluster:Cluster"))
    arn = f"arn:aws:rds:{REGION}:{ACCOUNT}:cluster:{cluster.inputs['clusterIdentifier']}"
    may = {action for one in policies for each in one["Statement"] for action in _listed(each["Action"])}
    assert may == {"rds:StartDBCluster", "rds:StopDBCluster", "sqs:SendMessage"}
    for one in policies:
        for each in one["Statement"]:
            assert all("*" not in resource for resource in _listed(each["Resource"]))
    assert not allowed(policies, "rds:StopDBCluster", f"{arn}-other")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_alarms_are_quiet_in_batches_that_aws_and_a_policy_have_room_for(recorder: Recorder) -> None:
    made = schedules(build(recorder, alarms=130))
    calls = {name: json.loads(one["target"]["input"])["AlarmNames"] for name, one in made.items() if "alarms" in name}
    assert {name: len(names) for name, names in calls.items()} == {
        "alarms-1-disable": 60, "alarms-1-enable": 60, "alarms-2-disable": 60, "alarms-2-enable": 60,
        "alarms-3-disable": 10, "alarms-3-enable": 10,
    }  # fmt: skip
    quiet = [name for call, names in calls.items() if call.endswith("disable") for name in names]
    assert sorted(quiet) == sorted(f"wiki-dev-{number}" for number in range(130))
    assert made["alarms-1-disable"]["scheduleExpression"] == "cron(0 19 ? * * *)"
    assert made["alarms-1-enable"]["scheduleExpression"] == "cron(0 9 ? * MON,TUE,WED,THU,FRI *)"
    policies = [one.inputs["policy"] for one in recorder.of(":RolePolicy") if one.name.startswith(NAME)]
    assert all(len(policy) < 10_240 for policy in policies)


def test_a_start_before_midnight_is_on_the_day_before(recorder: Recorder) -> None:
    made = schedules(build(recorder, **{"from": "00:10", "to": "18:00", "days": ["MON", "TUE"]}))
    assert made["database-start"]["scheduleExpression"] == "cron(40 23 ? * MON,SUN *)"


def test_without_a_day_off_nothing_is_stopped_again(recorder: Recorder) -> None:
    assert "database-stop-again" not in schedules(build(recorder, days=list(DAYS)))


def test_names_stay_within_what_scheduler_takes(recorder: Recorder) -> None:
    made = build(recorder, name="a-product-of-a-long-name-dev-us-east-office-hours", alarms=1).of("schedule:Schedule")
    names = [one.inputs["name"] for one in made]
    assert len(set(names)) == len(names) == 5
    assert all(len(name) <= 64 for name in names)


def test_what_aws_refuses_to_stop_is_refused(recorder: Recorder) -> None:
    host: Any = SimpleNamespace(protected=True)
    with pytest.raises(ArgumentError, match="hosts: 'host' is protected: AWS refuses to stop it"):
        recorder.run(lambda: OfficeHours(NAME, OfficeHoursArgs(), hosts={"host": host}) and None)
    with pytest.raises(ArgumentError, match="nothing would be stopped"):
        recorder.run(lambda: OfficeHours(NAME, OfficeHoursArgs()) and None)


@pytest.mark.parametrize(
    ("moment", "days", "expression"),
    [
        (0, DAYS, "cron(0 0 ? * * *)"),
        (-1, ["MON"], "cron(59 23 ? * SUN *)"),
        (24 * 60, ["SUN"], "cron(0 0 ? * MON *)"),
        (13 * 60 + 5, ["FRI", "MON"], "cron(5 13 ? * MON,FRI *)"),
    ],
)
def test_a_moment_is_a_schedule(moment: int, days: list[str], expression: str) -> None:
    assert cron(moment, days) == expression


@pytest.mark.parametrize(
    ("expression", "timezone", "outside"),
    [
        ("cron(0 2 * * ? *)", "Asia/Tokyo", "MON 02:00"),
        ("cron(0 9 ? * MON-FRI *)", "Asia/Tokyo", None),
        ("cron(0 19 ? * MON-FRI *)", "Asia/Tokyo", "MON 19:00"),
        ("cron(0 12 * * ? *)", "Asia/Tokyo", "SAT 12:00"),
        ("cron(0 12 ? * 2-6 *)", "Asia/Tokyo", None),
        ("cron(0 12 ? * SUN *)", "Asia/Tokyo", "SUN 12:00"),
        ("cron(0 12 ? * MON#1 *)", "Asia/Tokyo", None),
        ("cron(0/20 9-17 ? * MON,WED *)", "Asia/Tokyo", None),
        ("cron(0 1 ? * MON-FRI *)", "UTC", None),  # 10:00 in Tokyo
        ("cron(30 11 ? * MON-FRI *)", "Europe/Berlin", "MON 19:30"),  # in winter only
        ("rate(6 hours)", "Asia/Tokyo", "at night, too"),
        ("at(2026-07-06T10:00:00)", "Asia/Tokyo", None),
        ("at(2026-07-05T10:00:00)", "Asia/Tokyo", "SUN 10:00"),
    ],
)
def test_what_starts_outside_the_hours_is_found(expression: str, timezone: str, outside: str | None) -> None:
    found = starts_outside(expression, timezone, days=WORK, start=9 * 60, stop=19 * 60, office="Asia/Tokyo")
    assert found == outside
