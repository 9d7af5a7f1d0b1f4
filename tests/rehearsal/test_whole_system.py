"""The container platform as a whole, deployed on the emulated account: the parts are joined as designed."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from settings import Settings, SettingsError
from tests.iam import allowed, listed
from tests.rehearsal.conftest import ROOT, Rehearsed

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
    rule = done.resource(f"kumiki-{name}-api-listener-rule")["inputs"]
    assert rule["actions"][1]["targetGroupArn"].startswith(
        f"arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/kumiki-{name}-api-"
    )
    https = next(one for one in done.report["resources"] if one["inputs"].get("protocol") == "HTTPS")
    assert https["type"] == "aws:lb/listener:Listener"
    assert rule["listenerArn"] == https["outputs"]["arn"]
    (balanced,) = done.resource(f"kumiki-{name}-api-service")["inputs"]["loadBalancers"]
    assert balanced["targetGroupArn"] == rule["actions"][1]["targetGroupArn"]
    task = done.resource(f"kumiki-{name}-api-task-definition")["inputs"]
    api = next(one for one in json.loads(task["containerDefinitions"]) if one["name"] == balanced["containerName"])
    assert api["image"].partition(":")[0].endswith(f"/kumiki-{name}-api"), (
        "the API of workloads/, from its own repository"
    )
    assert api["portMappings"][0]["containerPort"] == balanced["containerPort"] == target["port"]


@pytest.mark.covers("A8")
@pytest.mark.parametrize("name", STACKS)
def test_the_database_is_reached_by_the_services_and_what_creates_extensions_and_by_nobody_else(
    name: str, rehearsed: Any
) -> None:
    done = rehearsed(name)
    (cluster,) = inputs(done, "rds/cluster:Cluster")
    (guard,) = cluster["vpcSecurityGroupIds"]
    ways_in = [one for one in inputs(done, ":SecurityGroupIngressRule") if one["securityGroupId"] == guard]
    callers = ("api", "worker", "database-extensions")
    known = {group(done, f"kumiki-{name}-{caller}-security-group") for caller in callers}
    assert {one.get("referencedSecurityGroupId") for one in ways_in} == known
    assert {(one["fromPort"], one["toPort"]) for one in ways_in} == {(5432, 5432)}
    ways_out = [
        one for one in inputs(done, ":SecurityGroupEgressRule") if one.get("referencedSecurityGroupId") == guard
    ]
    assert {(one["securityGroupId"], one["fromPort"]) for one in ways_out} == {(one, 5432) for one in known}
    for task in inputs(done, "ecs/taskDefinition:TaskDefinition"):
        containers = json.loads(task["containerDefinitions"])
        given = {one["name"]: {secret["name"] for secret in one.get("secrets", [])} for one in containers}
        others = {"SESSION_KEY_SECRET", "CACHE_SECRET"} if "-api" in task["family"] else set()
        assert given == {"app": {"DATABASE_SECRET", *others}, "log-router": set()}


@pytest.mark.covers("A13")
@pytest.mark.parametrize("name", STACKS)
def test_every_log_group_is_kept_as_long_as_the_environment_says_and_encrypted(name: str, rehearsed: Any) -> None:
    groups = inputs(rehearsed(name), ":LogGroup")
    assert {one["retentionInDays"] for one in groups} == {DAYS[name]}
    # The site's firewall writes in us-east-1, and keys do not leave their region.
    keys = {one.get("region"): one["kmsKeyId"] for one in groups}
    assert len({(one.get("region"), one["kmsKeyId"]) for one in groups}) == 2
    assert keys[None] == rehearsed(name).report["outputs"]["logsKeyArn"]
    assert keys["us-east-1"] == rehearsed(name).resource(f"kumiki-{name}-site-logs-key")["outputs"]["arn"]
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
    # CloudFront's metrics are in us-east-1, and with them whom their alarms tell.
    topics.add(done.resource(f"kumiki-{name}-us-east-alerts-critical-topic")["outputs"]["arn"])
    alarms = inputs(done, ":MetricAlarm")
    assert all(set(alarm["alarmActions"]) | set(alarm["okActions"]) <= topics for alarm in alarms)
    counted = {one["logGroupName"]: one["metricTransformation"] for one in inputs(done, ":LogMetricFilter")}
    trail = {"/aws/cloudtrail/kumiki-prod-baseline"} if name == "prod" else set()
    assert set(counted) == trail | {f"/ecs/kumiki-{name}-{service}/errors" for service in ("api", "worker")}
    heard = set().union(*(watched(alarm) for alarm in alarms if alarm["alarmActions"]))
    assert heard >= {
        *((one["namespace"], one["name"]) for one in counted.values()),
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


@pytest.mark.covers("A10", "B6")
@pytest.mark.parametrize("name", STACKS)
def test_a_worker_takes_the_jobs_of_the_batch_and_scales_with_them(name: str, rehearsed: Any) -> None:
    done = rehearsed(name)
    service = done.resource(f"kumiki-{name}-worker-service")["inputs"]
    assert "loadBalancers" not in service
    task = done.resource(f"kumiki-{name}-worker-task-definition")["inputs"]
    app = next(one for one in json.loads(task["containerDefinitions"]) if one["name"] == "app")
    assert app["command"] == ["python", "-m", "api.worker"]
    told = {one["name"]: one["value"] for one in app["environment"]}
    assert told["QUEUE_URL"] == done.report["outputs"]["queueUrls"]["jobs"]
    assert told["SERVICE_NAME"] == "worker"
    # One image for both programs, so that one deployment brings both.
    api = json.loads(done.resource(f"kumiki-{name}-api-task-definition")["inputs"]["containerDefinitions"])
    assert app["image"] == next(one["image"] for one in api if one["name"] == "app")
    assert len(inputs(done, "ecr/repository:Repository")) == 1
    (policy,) = [
        one["targetTrackingScalingPolicyConfiguration"]
        for one in inputs(done, "appautoscaling/policy:Policy")
        if one["resourceId"].endswith("-worker")
    ]
    assert f"kumiki-{name}-jobs" in json.dumps(policy)
    assert done.resource(f"kumiki-{name}-worker-scaling-target")["inputs"]["minCapacity"] == 1
    # Somebody works on what the schedule asks for.
    schedule = done.resource(f"kumiki-{name}-batch-schedule-schedule")["inputs"]
    assert schedule["state"] == "ENABLED"
    known = (ROOT / "workloads/api/jobs.py").read_text(encoding="utf-8")
    assert all(f'"{job}":' in known for job in json.loads(schedule["target"]["input"])["jobs"])


@pytest.mark.covers("A10")
@pytest.mark.parametrize("name", STACKS)
def test_the_worker_may_take_jobs_answer_the_batch_and_write_its_log_and_nothing_more(
    name: str, rehearsed: Any
) -> None:
    done = rehearsed(name)
    role = done.resource(f"kumiki-{name}-worker-task-role")["id"]
    documents = [json.loads(one["policy"]) for one in inputs(done, "iam/rolePolicy:RolePolicy") if one["role"] == role]
    assert [one for one in inputs(done, ":RolePolicyAttachment") if one["role"] == role] == []
    jobs = f"arn:aws:sqs:ap-northeast-1:123456789012:kumiki-{name}-jobs"
    batch = done.report["outputs"]["workflowArns"]["batch"]
    # Step Functions asks for the state machine of the token, whatever the list of actions and resources says.
    may = {
        jobs: {"ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "GetQueueAttributes", "GetQueueUrl"},
        batch: {"SendTaskSuccess", "SendTaskFailure", "SendTaskHeartbeat"},
    }
    given = {
        (action, resource)
        for document in documents
        for statement in document["Statement"]
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
        # Of the log router, which has the same role: it reads its files and writes the log.
        if action.partition(":")[0] not in ("logs", "s3", "kms")
    }
    assert given == {(f"{arn.split(':')[2]}:{verb}", arn) for arn, verbs in may.items() for verb in verbs}
    for arn, verbs in may.items():
        service = arn.split(":")[2]
        for verb in verbs:
            assert allowed(documents, f"{service}:{verb}", arn)
            assert not allowed(documents, f"{service}:{verb}", f"{arn}-dead-letters")
    assert not allowed(documents, "sqs:SendMessage", jobs)
    assert not allowed(documents, "states:StartExecution", batch)
    archive = f"arn:aws:s3:::{done.report['outputs']['logArchiveBucket']}/app-logs"
    assert allowed(documents, "s3:PutObject", f"{archive}/service=worker/x")
    assert not allowed(documents, "s3:PutObject", f"{archive}/service=api/x")


@pytest.mark.covers("A16")
@pytest.mark.parametrize("name", STACKS)
def test_the_logs_of_every_service_can_be_asked(name: str, rehearsed: Any) -> None:
    (table,) = inputs(rehearsed(name), "glue/catalogTable:CatalogTable")
    assert table["parameters"]["projection.service.values"] == "api,worker"


WORKER: dict[str, Any] = {
    "tag": "0.1.0",
    "queue": "jobs",
    "scaling": {"minimum": 1, "maximum": 5, "cpuPercent": None, "memoryPercent": None, "messagesPerTask": 20},
}
FOUR = {"kumiki:network": {"cidr": "10.0.0.0/16", "zones": 2, "endpoints": ["ecsPrivate"]}}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"queue": "jobz"}, "kumiki:services.worker.queue: jobz is not a queue of this stack; the queues are: jobs"),
        ({"queue": None}, "kumiki:services.worker.scaling.messagesPerTask: needs the queue to count in"),
        (FOUR, "kumiki:network.endpoints: lacks sqs, states, which a worker calls where there is no NAT"),
        (
            {"scaling": {**WORKER["scaling"], "minimum": 0}},
            "kumiki:services.worker.scaling.minimum: 0 would leave a few messages waiting for ever; use 1",
        ),
        ({"imageOf": "api"}, "kumiki:services.worker.imageOf: and tag both say what runs; keep one of them"),
        (
            {"tag": None, "imageOf": "worker"},
            "kumiki:services.worker.imageOf: worker is not a service with an image of its own; there are: api",
        ),
        (
            {"tag": None, "imageOf": "api", "architecture": "ARM64"},
            "kumiki:services.worker.architecture: ARM64 does not fit the image of api, which is for X86_64",
        ),
    ],
)
def test_a_worker_that_could_not_work_is_refused(changes: dict[str, Any], words: str) -> None:
    dev = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text(encoding="utf-8"))["config"]
    own = {key: value for key, value in changes.items() if ":" not in key}
    services = {"api": dev["kumiki:services"]["api"], "worker": {**WORKER, **own}}
    with pytest.raises(SettingsError) as refused:
        Settings.parse({**dev, **{key: changes[key] for key in changes if ":" in key}, "kumiki:services": services})
    assert words in str(refused.value)
