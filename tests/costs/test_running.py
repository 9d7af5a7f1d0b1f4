"""What schedules stop is billed for the hours in which it runs, and what that saves is told."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from costs.advice import advice, stopping
from costs.bill import bill
from costs.model import Resource
from costs.running import shares
from tests.costs.stacks import made, one

WEEK = Decimal(7 * 24)
DATABASE = one("rds/instance:Instance", identifier="shop", engine="postgres", instanceClass="db.t3.small",
               allocatedStorage=20, storageType="gp3")  # fmt: skip


def schedule(action: str, expression: str, given: dict[str, Any], **more: Any) -> Resource:
    target = {"arn": f"arn:aws:scheduler:::aws-sdk:{action}", "input": json.dumps(given)}
    return one("scheduler/schedule:Schedule", scheduleExpression=expression, target=target, **more)


def night(kind: str = "DBInstance", key: str = "DbInstanceIdentifier", name: str = "shop") -> list[Resource]:
    given = {key: name}
    return [
        schedule(f"rds:start{kind}", "cron(30 8 ? * MON-FRI *)", given),
        schedule(f"rds:stop{kind}", "cron(15 19 ? * MON,TUE,WED,THU,FRI *)", given),
        schedule(f"rds:stop{kind}", "cron(15 19 ? * SAT,SUN *)", given),
    ]


def test_hours_are_counted_from_each_start_to_the_next_stop() -> None:
    assert shares(night()) == {("database", "shop"): 5 * Decimal("10.75") / WEEK}
    everyday = [
        schedule("ec2:startInstances", "cron(0 22 * * ? *)", {"InstanceIds": ["i-1", "i-2"]}),
        schedule("ec2:stopInstances", "cron(0 6 ? * * *)", {"InstanceIds": ["i-1"]}),
    ]
    # Over midnight; the second is never stopped.
    assert shares(everyday) == {("server", "i-1"): Decimal(8) / 24}


@pytest.mark.parametrize(
    "schedules",
    [
        night()[:1],
        night()[1:],
        [*night(), schedule("rds:startDBInstance", "rate(12 hours)", {"DbInstanceIdentifier": "shop"})],
        [schedule("rds:stopDBInstance", "cron(0 0 ? * SAT *)", {"DbInstanceIdentifier": "shop"}, state="DISABLED"),
         night()[0]],
        night(name="another"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_or_only_stops_counts_as_running(schedules: list[Resource]) -> None:
    always = bill(made([DATABASE], {})).usd
    assert bill(made([DATABASE, *schedules], {})).usd == always


def test_the_hours_of_a_database_are_saved_and_its_storage_goes_on() -> None:
    stack = made([DATABASE, *night()], {})
    month = bill(stack)
    share = 5 * Decimal("10.75") / WEEK
    assert month.usd == 730 * Decimal("0.056") * share + 20 * Decimal("0.138")
    stopped = stopping(stack, month)
    assert stopped is not None
    assert stopped.saving == 730 * Decimal("0.056") * (1 - share)
    assert (stopped.running, stopped.of) == (share, 730 * Decimal("0.056") + 20 * Decimal("0.138"))
    assert stopping(made([DATABASE], {}), bill(made([DATABASE], {}))) is None


def test_tasks_cluster_instances_and_servers_stop_too() -> None:
    task = one("ecs/taskDefinition:TaskDefinition", family="api", cpu="512", memory="1024")
    service = one("ecs/service:Service", taskDefinition="api", name="api", cluster="arn:aws:ecs:r:1:cluster/shop",
                  launchType="FARGATE", desiredCount=2)  # fmt: skip
    cluster = one("rds/cluster:Cluster", engine="aurora-postgresql", clusterIdentifier="c")
    instances = [
        one("rds/clusterInstance:ClusterInstance", engine="aurora-postgresql", clusterIdentifier="c",
            instanceClass="db.t4g.medium")
        for _ in range(2)
    ]  # fmt: skip
    tasks = {"Cluster": "shop", "Service": "api"}
    stack = made(
        [
            task, service, cluster, *instances, *night("DBCluster", "DbClusterIdentifier", "c"),
            schedule("ecs:updateService", "cron(0 9 ? * MON-FRI *)", {**tasks, "DesiredCount": 2}),
            schedule("ecs:updateService", "cron(0 19 ? * * *)", {**tasks, "DesiredCount": 0}),
        ],
        {},
    )  # fmt: skip
    month = bill(stack)
    costs = {each.resource.type: each.usd for each in month.resources}
    assert f"{costs['ecs/service:Service']:.4f}" == f"{Decimal('44.9826') * 50 / 168:.4f}"
    one_instance = 730 * Decimal("0.113") * 5 * Decimal("10.75") / WEEK
    assert costs["rds/clusterInstance:ClusterInstance"] == one_instance


def test_a_stack_that_runs_all_night_is_told_what_office_hours_would_save() -> None:
    stack = made([DATABASE], {})
    found = {each.what: each for each in advice(stack, bill(stack))}
    told = found["services, databases and servers in office hours, 50 of a week's 168"]
    assert f"{told.saving:.6f}" == f"{730 * Decimal('0.056') * (1 - Decimal(50) / 168):.6f}"
    stopped = made([DATABASE, *night()], {})
    assert not [each for each in advice(stopped, bill(stopped)) if "office hours" in each.what]
    assert not [each for each in advice(stack, bill(stack), production=True) if "office hours" in each.what]


def test_a_reservation_is_paid_for_the_nights_too() -> None:
    stack = made([DATABASE, *night()], {})
    found = {each.what: each for each in advice(stack, bill(stack))}
    hours, share = 730 * Decimal("0.056"), 5 * Decimal("10.75") / WEEK
    told = found["databases and caches reserved for three years: at most 55% less"]
    assert told.saving == hours * share - hours * Decimal("0.45") < 0


def test_a_schedule_of_which_not_all_is_known_stops_nothing() -> None:
    strange = [
        one("scheduler/schedule:Schedule", scheduleExpression="cron(0 8 * * ? *)", target="04da6b54"),
        schedule("ec2:startInstances", "cron(0 22 * * ? *)", {"InstanceIds": "i-1"}),
        schedule("ec2:stopInstances", "cron(0 6 ? * * *)", {"InstanceIds": 7}),
    ]
    assert shares(strange) == {}
