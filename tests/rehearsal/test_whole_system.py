"""The container platform as a whole, deployed on the emulated account: the parts are joined as designed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.rehearsal.conftest import Rehearse, Rehearsed

STACKS = ("dev", "prod")
DAYS = {"dev": 7, "prod": 30}


def inputs(done: Rehearsed, ending: str) -> list[dict[str, Any]]:
    return [one["inputs"] for one in done.report["resources"] if one["type"].endswith(ending)]


def group(done: Rehearsed, name: str) -> str:
    return done.resource(name)["id"]


@pytest.mark.covers("A3", "A6")
@pytest.mark.parametrize("name", STACKS)
def test_requests_come_over_https_to_the_apis_tasks_which_answer_for_their_health(name: str, rehearsed: Any) -> None:
    done = rehearsed(name)
    (target,) = inputs(done, "lb/targetGroup:TargetGroup")
    assert target["targetType"] == "ip"
    assert target["healthCheck"]["path"] == "/health"
    rule = inputs(done, "lb/listenerRule:ListenerRule")[0]
    assert rule["actions"][0]["targetGroupArn"].startswith(
        f"arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/kumiki-{name}-api-"
    )
    https = next(one for one in done.report["resources"] if one["inputs"].get("protocol") == "HTTPS")
    assert https["type"] == "aws:lb/listener:Listener"
    assert rule["listenerArn"] == https["outputs"]["arn"]
    (service,) = inputs(done, "ecs/service:Service")
    (balanced,) = service["loadBalancers"]
    assert balanced["targetGroupArn"] == rule["actions"][0]["targetGroupArn"]
    (task,) = inputs(done, "ecs/taskDefinition:TaskDefinition")
    api = next(one for one in json.loads(task["containerDefinitions"]) if one["name"] == balanced["containerName"])
    assert api["image"].partition(":")[0].endswith(f"/kumiki-{name}-api"), (
        "the API of workloads/, from its own repository"
    )
    assert api["portMappings"][0]["containerPort"] == balanced["containerPort"] == target["port"]


@pytest.mark.covers("A8")
@pytest.mark.parametrize("name", STACKS)
def test_the_database_is_reached_by_the_api_and_by_nobody_else(name: str, rehearsed: Any) -> None:
    done = rehearsed(name)
    (cluster,) = inputs(done, "rds/cluster:Cluster")
    (guard,) = cluster["vpcSecurityGroupIds"]
    ways_in = [one for one in inputs(done, ":SecurityGroupIngressRule") if one["securityGroupId"] == guard]
    api = group(done, f"kumiki-{name}-api-security-group")
    assert [(one["referencedSecurityGroupId"], one["fromPort"], one["toPort"]) for one in ways_in] == [
        (api, 5432, 5432)
    ]
    ways_out = [
        one for one in inputs(done, ":SecurityGroupEgressRule") if one.get("referencedSecurityGroupId") == guard
    ]
    assert [(one["securityGroupId"], one["fromPort"]) for one in ways_out] == [(api, 5432)]
    (task,) = inputs(done, "ecs/taskDefinition:TaskDefinition")
    containers = json.loads(task["containerDefinitions"])
    given = {one["name"]: {secret["name"] for secret in one.get("secrets", [])} for one in containers}
    assert given["app"] == {"DATABASE_SECRET"}
    assert all(secrets == set() for container, secrets in given.items() if container != "app")


@pytest.mark.covers("A13")
@pytest.mark.parametrize("name", STACKS)
def test_every_log_group_is_kept_as_long_as_the_environment_says_and_encrypted(name: str, rehearsed: Any) -> None:
    groups = inputs(rehearsed(name), ":LogGroup")
    assert {one["retentionInDays"] for one in groups} == {DAYS[name]}
    assert {one["kmsKeyId"] for one in groups} == {rehearsed(name).report["outputs"]["logsKeyArn"]}
    stem = f"kumiki-{name}"
    assert {
        f"/ecs/{stem}-api/errors",
        f"/aws/vendedlogs/states/{stem}-batch",
        f"/aws/vpc-flow-logs/{stem}-network",
    } <= {one["name"] for one in groups}


def watched(alarm: dict[str, Any]) -> set[tuple[str, str]]:
    """Namespace and name of each metric that an alarm reads."""
    single = [(alarm["namespace"], alarm["metricName"])] if "metricName" in alarm else []
    several = [query["metric"] for query in alarm.get("metricQueries", []) if "metric" in query]
    return {*single, *((metric["namespace"], metric["metricName"]) for metric in several)}


@pytest.mark.covers("A14")
@pytest.mark.parametrize("name", STACKS)
def test_somebody_hears_of_errors_load_a_full_database_and_failed_requests(name: str, rehearsed: Any) -> None:
    done = rehearsed(name)
    (cluster,) = inputs(done, "ecs/cluster:Cluster")
    assert {one["value"] for one in cluster["settings"] if one["name"] == "containerInsights"} <= {
        "enabled",
        "enhanced",
    }
    assert cluster["settings"]
    topics = set(done.report["outputs"]["alertTopics"].values())
    assert {arn.rpartition(":")[2] for arn in topics} == {
        f"kumiki-{name}-critical-alerts",
        f"kumiki-{name}-warning-alerts",
    }
    alarms = inputs(done, ":MetricAlarm")
    assert all(set(alarm["alarmActions"]) | set(alarm["okActions"]) <= topics for alarm in alarms)
    (counted,) = inputs(done, ":LogMetricFilter")
    assert counted["logGroupName"] == f"/ecs/kumiki-{name}-api/errors"
    transformation = counted["metricTransformation"]
    heard = set().union(*(watched(alarm) for alarm in alarms if alarm["alarmActions"]))
    assert heard >= {
        (transformation["namespace"], transformation["name"]),
        ("AWS/ECS", "CPUUtilization"),
        ("AWS/ECS", "MemoryUtilization"),
        ("AWS/RDS", "FreeLocalStorage"),
        ("AWS/RDS", "DatabaseConnections"),
        ("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count"),
    }
    emails = [one for one in inputs(done, ":TopicSubscription") if one["protocol"] == "email"]
    assert {one["topic"] for one in emails} == topics


@pytest.mark.covers("A15")
@pytest.mark.parametrize("name", STACKS)
def test_one_dashboard_shows_containers_database_and_load_balancer_of_this_stack(name: str, rehearsed: Any) -> None:
    (dashboard,) = inputs(rehearsed(name), "cloudwatch/dashboard:Dashboard")
    metrics = [
        metric
        for widget in json.loads(dashboard["dashboardBody"])["widgets"]
        for metric in widget["properties"].get("metrics", [])
        if isinstance(metric[0], str)
    ]
    assert {"AWS/ECS", "AWS/RDS", "AWS/ApplicationELB"} <= {metric[0] for metric in metrics}
    shown = {value for metric in metrics for value in metric if isinstance(value, str)}
    assert {f"kumiki-{name}-cluster", f"kumiki-{name}-api", f"kumiki-{name}-database"} <= shown


WORKER = {
    "tag": "0.1.0",
    "command": ["python", "-m", "worker"],
    "queue": "jobs",
    "scaling": {"minimum": 0, "maximum": 5, "cpuPercent": None, "memoryPercent": None, "messagesPerTask": 20},
}


def test_a_worker_takes_from_its_queue_scales_with_it_and_has_no_load_balancer(rehearse_kumiki: Rehearse) -> None:
    endpoints = {"cidr": "10.0.0.0/16", "zones": 2, "endpoints": ["ecsPrivate", "sqs", "states"]}
    done = rehearse_kumiki({"kumiki:services": {"worker": WORKER}, "kumiki:network": endpoints})
    assert done.status == 0, done.text
    (service,) = inputs(done, "ecs/service:Service")
    assert "loadBalancers" not in service
    role = group(done, "kumiki-dev-worker-task-role")
    allowed = [
        (action, statement["Resource"])
        for one in inputs(done, "iam/rolePolicy:RolePolicy")
        if one["role"] == role
        for statement in json.loads(one["policy"])["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    ]
    jobs = "arn:aws:sqs:ap-northeast-1:123456789012:kumiki-dev-jobs"
    assert {resource for action, resource in allowed if action.startswith("sqs:")} == {jobs}
    assert ("sqs:ReceiveMessage", jobs) in allowed
    assert "sqs:SendMessage" not in dict(allowed)
    policies = json.dumps(inputs(done, "appautoscaling/policy:Policy"))
    assert "ApproximateNumberOfMessagesVisible" in policies
    (task,) = inputs(done, "ecs/taskDefinition:TaskDefinition")
    assert "kumiki-dev-jobs" in task["containerDefinitions"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"queue": "jobz"}, "kumiki:services.worker.queue: jobz is not a queue of this stack; the queues are: jobs"),
        ({"queue": None}, "kumiki:services.worker.scaling.messagesPerTask: needs the queue to count in"),
        ({}, "kumiki:network.endpoints: lacks sqs, states, which a worker calls where there is no NAT"),
    ],
)
def test_a_worker_that_could_not_work_is_refused(rehearse_kumiki: Rehearse, change: dict[str, Any], words: str) -> None:
    done = rehearse_kumiki({"kumiki:services": {"worker": {**WORKER, **change}}})
    assert done.status == 2
    assert words in done.text
