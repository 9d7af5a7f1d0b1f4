"""Office hours through a night, a weekend and a morning, on the emulated account: the schedules' calls are made with
the AWS SDK at their moments, by what their role may, and the states are looked at in between."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.iam import allowed
from tests.rehearsal.conftest import Refuse
from tests.rehearsal.served import client, served
from tests.rehearsal.test_host import SMALL
from tests.stack_files import project

REGION = "ap-northeast-1"
ACCOUNT = "123456789012"
DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
HOURS = {"days": ["MON", "TUE", "WED", "THU", "FRI"], "from": "09:00", "to": "19:00", "timezone": "Asia/Tokyo"}
STACK: dict[str, Any] = {
    **SMALL,
    "kumiki:officeHours": HOURS,
    # 12:00 in Tokyo.
    "kumiki:database": {**SMALL["kumiki:database"], "backupWindow": "03:00-04:00"},
    "kumiki:network": {"tiers": ["public", "private", "isolated"], "endpoints": ["ecsPrivate", "sqs"]},
    "kumiki:queues": {"jobs": {"consumerTimeoutSeconds": 60}},
    "kumiki:services": {
        "worker": {
            "tag": "0.1.0", "command": ["python", "-m", "api.worker"], "queue": "jobs", "cpu": 256, "memory": 512,
            "scaling": {"minimum": 2, "maximum": 5, "messagesPerTask": 2},
        },
        "clock": {"imageOf": "worker", "cpu": 256, "memory": 512, "tasks": 1},
    },
}  # fmt: skip

# Service and operation of the SDK for Java → what boto3 calls the service.
PYTHON = {"applicationautoscaling": "application-autoscaling"}


@dataclass(eq=False)
class Office:
    """A rehearsed stack, its schedules, and what a week of them did."""

    address: str
    report: dict[str, Any]
    refused: list[tuple[str, str]] = field(default_factory=list)
    """What AWS refused: the schedule, and the queue in which it is kept."""

    def of(self, ending: str) -> list[dict[str, Any]]:
        return [one for one in self.report["resources"] if one["type"].endswith(ending)]

    @cache  # noqa: B019 a test's
    def client(self, service: str, region: str = REGION) -> Any:
        return client(self.address, service, region)

    @property
    def schedules(self) -> list[dict[str, Any]]:
        return [one["inputs"] for one in self.of("schedule:Schedule") if ":aws-sdk:" in one["inputs"]["target"]["arn"]]

    def pass_time(self, start: str, end: str) -> None:
        """Make every call between two moments of the office's clock, in their order."""
        first, last = datetime.datetime.fromisoformat(start), datetime.datetime.fromisoformat(end)
        calls = []
        for schedule in self.schedules:
            assert schedule["scheduleExpressionTimezone"] == "Asia/Tokyo"
            matched = re.fullmatch(r"cron\((\d+) (\d+) \? \* (\S+) \*\)", schedule["scheduleExpression"])
            assert matched, schedule["scheduleExpression"]
            minute, hour, days = matched.groups()
            day = first.replace(hour=int(hour), minute=int(minute))
            while day <= last:
                if first <= day and (days == "*" or DAYS[day.weekday()] in days.split(",")):
                    calls.append((day, schedule["name"], schedule))
                day += datetime.timedelta(1)
        for _, _, schedule in sorted(calls, key=lambda one: one[:2]):
            self._call(schedule)

    def _call(self, schedule: dict[str, Any]) -> None:
        target = schedule["target"]
        service, operation = target["arn"].split(":")[-2:]
        ours = self.client(PYTHON.get(service, service), schedule.get("region") or REGION)
        given = json.loads(target["input"])
        name = operation[0].upper() + operation[1:]
        members = ours.meta.service_model.operation_model(name).input_shape.members
        spelt = {member.lower(): member for member in members}
        # The SDK for Java writes DbInstanceIdentifier.
        assert not [key for key in given if re.search("[A-Z]{2}", key)]
        may = [json.loads(one["inputs"]["policy"]) for one in self.of(":RolePolicy")
               if one["inputs"]["role"] == self.role(target["roleArn"])]  # fmt: skip
        for action, resource in self.needed(service, name, given):
            assert allowed(may, action, resource), (action, resource)
            assert not allowed(may, action, resource + "x")
        method = re.sub("(?<=[a-z])(?=[A-Z])", "_", operation).replace("DBI", "DB_I").replace("DBC", "DB_C").lower()
        try:
            getattr(ours, method)(**{spelt[key.lower()]: value for key, value in given.items()})
        except ClientError:
            self.refused.append((schedule["name"], target["deadLetterConfig"]["arn"].rpartition(":")[2]))
            assert allowed(may, "sqs:SendMessage", target["deadLetterConfig"]["arn"])

    def role(self, arn: str) -> str:
        return next(one["id"] for one in self.of("iam/role:Role") if one["outputs"]["arn"] == arn)

    def needed(self, service: str, name: str, given: dict[str, Any]) -> Iterator[tuple[str, str]]:
        """What AWS asks IAM for."""
        here = f"{REGION}:{ACCOUNT}"
        match service:
            case "ecs":
                yield "ecs:UpdateService", f"arn:aws:ecs:{here}:service/{given['Cluster']}/{given['Service']}"
            case "applicationautoscaling":
                target = next(
                    one for one in self.of("appautoscaling/target:Target")
                    if one["inputs"]["resourceId"] == given["ResourceId"]
                )  # fmt: skip
                yield "application-autoscaling:RegisterScalableTarget", target["outputs"]["arn"]
            case "rds":
                yield f"rds:{name}", f"arn:aws:rds:{here}:db:{given['DbInstanceIdentifier']}"
            case "ec2":
                yield from ((f"ec2:{name}", f"arn:aws:ec2:{here}:instance/{one}") for one in given["InstanceIds"])
            case _:
                alarms = {one["inputs"]["name"]: one["outputs"]["arn"] for one in self.of(":MetricAlarm")}
                yield from ((f"cloudwatch:{name}", alarms[one]) for one in given["AlarmNames"])

    # --- What is to be seen in the account -------------------------------------------------------------------------

    @property
    def tasks(self) -> dict[str, int]:
        cluster = self.of("ecs/cluster:Cluster")[0]["inputs"]["name"]
        names = [one["inputs"]["name"] for one in self.of("ecs/service:Service")]
        found = self.client("ecs").describe_services(cluster=cluster, services=names)["services"]
        return {one["serviceName"]: one["desiredCount"] for one in found}

    @property
    def range(self) -> tuple[int, int]:
        (found,) = self.client("application-autoscaling").describe_scalable_targets(ServiceNamespace="ecs")[
            "ScalableTargets"
        ]
        return found["MinCapacity"], found["MaxCapacity"]

    @property
    def database(self) -> str:
        return self.client("rds").describe_db_instances()["DBInstances"][0]["DBInstanceStatus"]

    @property
    def server(self) -> str:
        found = self.client("ec2").describe_instances()["Reservations"]
        return found[0]["Instances"][0]["State"]["Name"]

    @property
    def quiet(self) -> set[str]:
        """Alarms that tell nobody."""
        found: set[str] = set()
        for region in (REGION, "us-east-1"):
            for page in self.client("cloudwatch", region).get_paginator("describe_alarms").paginate():
                found |= {one["AlarmName"] for one in page["MetricAlarms"] if not one["ActionsEnabled"]}
        return {one.removeprefix("kabu-dev-") for one in found}


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, command: list[str]) -> Iterator[Office]:
    folder: Path = project(tmp_path_factory.mktemp("office"), {"config": STACK})
    with served(command, "test", "--program", str(folder), report=folder / "report.json") as (address, report):
        yield Office(address, report)


def test_the_night_stops_what_costs_and_the_morning_brings_all_of_it_back(office: Office) -> None:
    day = ({"kabu-dev-worker": 2, "kabu-dev-clock": 1}, (2, 5), "available", "running", set[str]())
    night = ({"kabu-dev-worker": 0, "kabu-dev-clock": 0}, (0, 0), "stopped", "stopped")

    def seen() -> Any:
        return office.tasks, office.range, office.database, office.server, office.quiet

    assert not [one for one in office.report["problems"] if one["level"] == "error"]
    assert seen() == day
    # A Thursday.
    office.pass_time("2026-07-09T18:00", "2026-07-09T19:14")
    assert (office.tasks, office.database, office.server) == (night[0], "available", "stopped")
    office.pass_time("2026-07-09T19:15", "2026-07-10T08:29")
    assert seen()[:4] == night
    # What rings because of this, and nothing else: a message that failed is told at night, too.
    assert {"database-storage-alarm", "jobs-age-alarm", "worker-tasks-alarm", "worker-errors-alarm", "host-status"} <= (
        office.quiet
    )
    assert any(name.startswith("site-") for name in office.quiet)
    assert not [name for name in office.quiet if "dead-letters" in name or "budget" in name]
    # First the database, then who calls it, and the alarms last.
    office.pass_time("2026-07-10T08:30", "2026-07-10T08:48")
    assert (office.database, office.tasks) == ("available", night[0])
    office.pass_time("2026-07-10T08:49", "2026-07-10T08:59")
    assert (office.tasks, office.range, office.server) == (day[0], day[1], "running")
    assert office.quiet
    office.pass_time("2026-07-10T09:00", "2026-07-10T09:00")
    assert seen() == day
    assert office.refused == []


def test_what_starts_by_itself_on_a_day_without_work_is_stopped_again_and_a_refusal_disturbs_nobody(
    office: Office,
) -> None:
    office.pass_time("2026-07-10T09:01", "2026-07-11T12:00")
    assert (office.database, office.refused) == ("stopped", [])
    # As RDS does after seven days, and somebody who has begun to work on a Saturday.
    office.client("rds").start_db_instance(DBInstanceIdentifier="kabu-dev-database")
    office.client("ecs").update_service(cluster="kabu-dev-cluster", service="kabu-dev-clock", desiredCount=3)
    office.pass_time("2026-07-11T12:01", "2026-07-12T12:00")
    assert (office.database, office.tasks["kabu-dev-clock"], office.refused) == ("stopped", 0, [])
    office.pass_time("2026-07-12T12:01", "2026-07-13T09:00")
    assert (office.database, office.server, office.quiet) == ("available", "running", set())
    # Sunday's stop of what Saturday has stopped: kept, and no alarm looks at that queue.
    assert office.refused == [("kabu-dev-office-hours-database-stop-again", "kabu-dev-office-hours-again-dead-letters")]
    watched = {one["Value"] for alarm in office.of(":MetricAlarm") for one in _dimensions(alarm["inputs"])}
    assert "kabu-dev-office-hours-dead-letters" in watched
    assert "kabu-dev-office-hours-again-dead-letters" not in watched


def _dimensions(alarm: dict[str, Any]) -> Iterator[dict[str, str]]:
    yield from ({"Value": value} for value in (alarm.get("dimensions") or {}).values())


def test_only_the_scheduler_on_behalf_of_these_schedules_gets_the_roles(office: Office) -> None:
    roles = {schedule["target"]["roleArn"] for schedule in office.schedules}
    groups = {one["outputs"]["arn"] for one in office.of("scheduleGroup:ScheduleGroup")}
    assert len(groups) == 2
    for role in office.of("iam/role:Role"):
        if role["outputs"]["arn"] in roles:
            (trust,) = json.loads(role["inputs"]["assumeRolePolicy"])["Statement"]
            assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
            assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
            assert trust["Condition"]["ArnLike"]["aws:SourceArn"] in groups


def test_an_update_at_night_starts_nothing_and_rings_no_alarm(office: Office) -> None:
    """What the schedules set is no change that an update would undo."""
    left = {one["type"]: one["ignore_changes"] for one in office.report["resources"] if one.get("ignore_changes")}
    assert "desiredCount" in left["aws:ecs/service:Service"]
    assert {"minCapacity", "maxCapacity"} <= {*left["aws:appautoscaling/target:Target"]}
    assert "actionsEnabled" in left["aws:cloudwatch/metricAlarm:MetricAlarm"]


def hours(**changes: Any) -> dict[str, Any]:
    return {"kumiki:officeHours": {**HOURS, **changes}}


KEY = "kumiki:officeHours"


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        (hours(days=[]), [f"{KEY}.days: [] has too few entries; write 1 or more"]),
        (hours(days=["MON", "TEU"]), [f"{KEY}.days[1]: 'TEU' is not allowed", "did you mean 'TUE'?"]),
        (hours(days=["MON", "MON"]), [f"{KEY}.days: ", "names MON twice"]),
        (hours(timezone="Asia/Tokio"), [f"{KEY}.timezone: 'Asia/Tokio'", "did you mean 'Asia/Tokyo'"]),
        (hours(to="08:00"), [f"{KEY}.to: '08:00' is not after from (\"09:00\")", "use a later time"]),
        (hours(to="09:00"), [f"{KEY}.to: '09:00' is not after from"]),
        (hours(**{"from": "25:00"}), [f"{KEY}.from: '25:00' is not allowed; use a time of day"]),
        (hours(to=1140), [f'{KEY}.to: 1140 is what YAML makes of a time without quotation marks; write "19:00"']),
        (hours(**{"from": "00:30", "to": "23:30"}), [f"{KEY}.to: '23:30' leaves less than two hours"]),
        (hours(until="20:00"), [f"{KEY}.until: is not a known key", "days, from, timezone, to"]),
        (
            {"kumiki:environment": "prod", **hours()},
            [f"{KEY}: would stop production every night; remove it"],
        ),
        (
            {
                **hours(),
                "kumiki:workflows": {"batch": {"definition": "batch", "schedule": {"expression": "rate(1 hour)"}}},
            },
            ["kumiki:workflows.batch.schedule.expression: rate(1 hour) starts at night, too, outside officeHours",
             "services.worker is stopped"],
        ),
        (
            {"kumiki:backup": {}, **hours()},
            [f"{KEY}: stops the database, which AWS Backup cannot copy then; remove backup"],
        ),
    ],
)  # fmt: skip
def test_hours_that_cannot_work_are_refused(changes: dict[str, Any], parts: list[str], refuse_kumiki: Refuse) -> None:
    said = refuse_kumiki(changes)
    for part in parts:
        assert part in said
