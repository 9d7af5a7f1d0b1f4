"""What EventBridge Scheduler is told to call by itself: operations that AWS takes, and things that AWS stops."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from guardrails import types
from guardrails.kit import MANDATORY, aws, example, graph_rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from guardrails.kit import Context, Resource

_TARGET = re.compile(r"arn:[\w-]+:scheduler:::aws-sdk:([^:]*):([^:]*)")
# https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html
_READING = (
    "get", "describe", "list", "poll", "receive", "search", "scan", "query", "select", "read", "lookup", "discover",
    "validate", "batchGet", "batchDescribe", "batchRead", "transactGet", "adminGet", "adminList", "testMigration",
    "retrieve", "testConnection", "translateDocument", "isAuthorized", "invokeModel",
)  # fmt: skip
_STOPS = ("rds:stopDBInstance", "rds:stopDBCluster", "ec2:stopInstances", "ec2:terminateInstances")


def _calls(schedule: Resource) -> tuple[str, Mapping[str, Any]] | None:
    """Service and operation, and what it is given as far as it is known; None for a target of another kind."""
    found = _TARGET.fullmatch(schedule.props.text("target.arn") or "")
    if found is None:
        return None
    text = schedule.props.maybe("target.input")
    try:
        given = json.loads(text) if isinstance(text, str) else {}
    except ValueError:
        given = {}
    return f"{found[1]}:{found[2]}", given if isinstance(given, dict) else {}


@graph_rule(
    id="schedule-call",
    title="Schedules call operations that EventBridge Scheduler takes",
    types=(types.SCHEDULER_SCHEDULE,),
    level=MANDATORY,
    severity="medium",
    topics=("fit", "availability"),
    remedy="Write target.arn as arn:aws:scheduler:::aws-sdk:service:operation, as rds:stopDBCluster, and target.input "
    "as an object with the parameters' names in the SDK for Java's spelling, as DbClusterIdentifier.",
)
def schedule_call(schedule: Resource, at: Context) -> Iterator[str]:
    """Operations that only read are refused, and a parameter of another spelling fails at each start
    (https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html)."""
    del at
    called = _calls(schedule)
    if called is None:
        return
    service, _, operation = called[0].partition(":")
    if service != service.lower() or not service:
        yield f"the service {service!r} is not in lower case"
    if operation[:1] != operation[:1].lower() or not operation:
        yield f"the operation {operation!r} does not begin with a small letter"
    if re.match(f"({'|'.join(_READING)})(?![a-z])", operation):
        yield f"{called[0]} only reads, which Scheduler does not call"
    for name in called[1]:
        if re.match("[a-z]|.*[A-Z]{2}", name):
            yield f"the parameter {name} is not in the spelling of the SDK for Java"


def _call(action: str, given: Mapping[str, Any] | None = None) -> Any:
    target = {"arn": f"arn:aws:scheduler:::aws-sdk:{action}", "input": json.dumps(given or {})}
    return aws("scheduler/schedule:Schedule", {"scheduleExpression": "rate(1 day)", "target": target}, name="schedule")


schedule_call.examples(
    compliant=[
        _call("rds:stopDBCluster", {"DbClusterIdentifier": "shop"}),
        _call("rds:startDBInstance", {"DbInstanceIdentifier": "shop"}),
        _call("cloudwatch:disableAlarmActions", {"AlarmNames": ["a"]}),
        aws("scheduler/schedule:Schedule", {"target": {"arn": "arn:aws:states:ap-northeast-1:1:stateMachine:a"}}),
    ],
    non_compliant=[
        _call("rds:describeDBClusters"),
        _call("RDS:stopDBCluster", {"DbClusterIdentifier": "shop"}),
        _call("rds:StopDBCluster", {"DbClusterIdentifier": "shop"}),
        _call("rds:stopDBCluster", {"DBClusterIdentifier": "shop"}),
        _call("ecs:updateService", {"desiredCount": 0}),
    ],
)


@graph_rule(
    id="schedule-stops",
    title="Schedules stop what AWS lets them stop, and nothing in production",
    types=(types.SCHEDULER_SCHEDULE,),
    level=MANDATORY,
    severity="high",
    topics=("fit", "availability"),
    remedy="Stop Aurora by its cluster, take protection or replicas away from what is to be stopped, or remove the "
    "schedule.",
)
def schedule_stops(schedule: Resource, at: Context) -> Iterator[str]:
    """AWS refuses to stop databases that have or are replicas, SQL Server in two zones, and clusters of a global
    database (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_StopInstance.html, and of Aurora
    https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-cluster-stop-start.html)."""
    called = _calls(schedule)
    if called is None or called[0] not in _STOPS:
        return
    action, given = called
    if at.stack.environment == "prod":
        yield f"{action} would stop production"
    match action:
        case "rds:stopDBInstance":
            yield from _instance(str(given.get("DbInstanceIdentifier")), at)
        case "rds:stopDBCluster":
            yield from _cluster(str(given.get("DbClusterIdentifier")), at)
        case _:
            for server in at.graph.of_kind(types.EC2_INSTANCE):
                protected = server.props.get("disableApiStop") is True
                if (
                    protected
                    and action == "ec2:stopInstances"
                    and server.identifiers & {*(given.get("InstanceIds") or [])}
                ):
                    yield f"{server.name} has disableApiStop, and EC2 refuses"


def _instance(name: str, at: Context) -> Iterator[str]:
    for one in at.graph.of_kind(types.CLUSTER_INSTANCE):
        if one.props.get("identifier") == name:
            yield f"{one.name} is one of a cluster, which is stopped as a whole"
    databases = [*at.graph.of_kind(types.RDS_INSTANCE)]
    for one in databases:
        if one.props.get("identifier") != name:
            continue
        if one.props.has("replicateSourceDb"):
            yield f"{one.name} is a replica"
        sources = {each.props.maybe("replicateSourceDb") for each in databases} - {None}
        if sources & {name, one.props.maybe("arn")}:
            yield f"{one.name} has a replica"
        if (one.props.text("engine") or "").startswith("sqlserver") and one.props.get("multiAz") is True:
            yield f"{one.name} is SQL Server in two zones"


def _cluster(name: str, at: Context) -> Iterator[str]:
    for one in at.graph.of_kind(types.RDS_CLUSTER):
        if one.props.get("clusterIdentifier") != name:
            continue
        if one.props.has("globalClusterIdentifier"):
            yield f"{one.name} is part of a global database"
        if one.props.has("replicationSourceIdentifier"):
            yield f"{one.name} is a replica"
        if one.props.get("engineMode") in ("serverless", "parallelquery", "multimaster"):
            yield f"{one.name} has the engine mode {one.props.get('engineMode')}"


def _database(name: str = "shop", **props: Any) -> Any:
    return aws("rds/instance:Instance", {"identifier": name, "engine": "postgres", **props}, name=name)


_NIGHT = _call("rds:stopDBInstance", {"DbInstanceIdentifier": "shop"})
_CLUSTERS_NIGHT = _call("rds:stopDBCluster", {"DbClusterIdentifier": "shop"})

schedule_stops.examples(
    compliant=[
        example(_database(multiAz=True), _NIGHT),
        example(aws("rds/cluster:Cluster", {"clusterIdentifier": "shop"}, name="shop"), _CLUSTERS_NIGHT),
        example(_call("rds:startDBInstance", {"DbInstanceIdentifier": "shop"}), environment="prod"),
    ],
    non_compliant=[
        example(_NIGHT, environment="prod"),
        example(_database(), _database("copy", replicateSourceDb="shop"), _NIGHT),
        example(_database(replicateSourceDb="other"), _NIGHT),
        example(_database(engine="sqlserver-se", multiAz=True), _NIGHT),
        example(aws("rds/clusterInstance:ClusterInstance", {"identifier": "shop"}, name="shop"), _NIGHT),
        example(
            aws("rds/cluster:Cluster", {"clusterIdentifier": "shop", "globalClusterIdentifier": "world"}, name="shop"),
            _CLUSTERS_NIGHT,
        ),
    ],
)
