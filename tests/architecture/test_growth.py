"""Growing a stack by one leaves alone what exists: the preview of the update, for every section that can grow.

What exists is known to such a preview, what is new is not. An input that becomes unknown counts as changed: where AWS
cannot change it in place, the engine would replace the resource, a database with its data for example.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from pulumi.output import Unknown

from tests.architecture.test_whole_stacks import Config, deploy, stack
from tests.architecture.test_whole_stacks import deployed as deployed_as_it_is
from tests.conftest import ROOT, Recorder, Registered, run

IN_PLACE = {
    "aws:ec2/networkAcl:NetworkAcl subnetIds": "the list covers another subnet",
    "aws:ec2/networkAcl:NetworkAcl ingress": "the isolated tier has another neighbour",
    "aws:ec2/networkAcl:NetworkAcl egress": "the isolated tier has another neighbour",
    "aws:ec2/vpcEndpoint:VpcEndpoint subnetIds": "the endpoint has an address in another subnet",
    "aws:ec2/vpcEndpoint:VpcEndpoint routeTableIds": "the gateway endpoint is in another table",
    "aws:rds/subnetGroup:SubnetGroup subnetIds": "the group has another subnet",
    "aws:elasticache/subnetGroup:SubnetGroup subnetIds": "the group has another subnet",
    "aws:lb/loadBalancer:LoadBalancer subnets": "an application load balancer takes another subnet in place",
    "aws:ecs/expressGatewayService:ExpressGatewayService networkConfigurations": "ECS brings tasks into another subnet",
    "aws:ecs/service:Service networkConfiguration": "the next tasks may stand in another subnet",
    "aws:lambda/function:Function vpcConfig": "the next version may stand in another subnet",
    "aws:ec2/natGateway:NatGateway subnetIds": "a regional gateway covers another zone",
    "aws:appautoscaling/target:Target minCapacity": "the readers that are always there count",
    "aws:elasticache/replicationGroup:ReplicationGroup numCacheClusters": "ElastiCache adds a node",
    "aws:elasticache/replicationGroup:ReplicationGroup numNodeGroups": "ElastiCache adds a shard",
    "aws:cloudwatch/dashboard:Dashboard dashboardBody": "the dashboard shows what is new",
    "aws:glue/catalogTable:CatalogTable parameters": "the table of logs has the new service as a partition",
    "aws:iam/rolePolicy:RolePolicy policy": "a role may do something with what is new",
    "aws:dynamodb/table:Table globalSecondaryIndexes": "DynamoDB builds an index beside the table",
    "aws:dynamodb/table:Table attributes": "an index has a key of its own",
    "aws:sfn/stateMachine:StateMachine definition": "the night copies another table",
    "aws:lambda/function:Function environment": "the judge of tokens knows another client",
    "aws:budgets/budget:Budget notifications": "somebody else hears",
    "aws:costexplorer/anomalySubscription:AnomalySubscription subscribers": "somebody else hears",
    "aws:cloudfront/distribution:Distribution origins": "CloudFront asks somebody else too",
    "aws:cloudfront/distribution:Distribution orderedCacheBehaviors": "CloudFront asks somebody else too",
    "aws:apigateway/deployment:Deployment triggers": "a REST API is published again; the stage moves to the new one",
    "aws:apigateway/stage:Stage deployment": "a REST API is published again; the stage moves to the new one",
}
"""What may change on something that exists: AWS changes all of it in place, but for a deployment of a REST API, which
is made again by design, before the old one is deleted."""

TABLE = {"attributes": {"id": "S"}, "hashKey": "id", "recoveryDays": 7}


def _zone(config: Config) -> None:
    config["kumiki:network"]["zones"] += 1


def _personal(config: Config) -> None:
    _zone(config)
    config["kumiki:network"]["subnets"]["public"].append("10.0.5.0/24")
    config["kumiki:network"]["subnets"]["isolated"].append("10.0.6.0/24")


def _readers(config: Config) -> None:
    # In turn over two zones, the third stands in the first; over three, it would not.
    config["kumiki:database"]["readers"] = 2


def _with(**network: Any) -> Callable[[Config], None]:
    return lambda config: config["kumiki:network"].update(network)


def _prod(config: Config) -> None:
    """Every section of the container platform."""
    config["kumiki:network"]["endpoints"].append("kms")
    config["kumiki:database"]["readers"] += 1
    config["kumiki:cache"]["replicas"] += 1
    config["kumiki:loadBalancer"]["allowFrom"].insert(0, "198.51.100.0/24")
    config["kumiki:queues"]["a-queue"] = {"consumerTimeoutSeconds": 30}
    config["kumiki:tables"]["a-table"] = TABLE
    config["kumiki:tables"]["settings"]["indexes"] = {"by-name": {"hashKey": "name", "attributes": []}}
    config["kumiki:buckets"] = {"a-bucket": {}}
    config["kumiki:secrets"]["a-secret"] = {"description": "Another"}
    config["kumiki:parameters"]["values"]["a-value"] = "x"
    schedule = {"expression": "rate(6 hours)"}
    config["kumiki:workflows"]["a-workflow"] = {"definition": "batch", "schedule": schedule}
    for section in ("alerts", "costGuard"):
        config[f"kumiki:{section}"]["emails"].insert(0, "another@example.com")
    traffic = {"priority": 50, "paths": ["/a/*"]}
    service = {"imageOf": "api", "port": 8001, "traffic": traffic, "database": True, "tables": {"settings": "read"}}
    config["kumiki:services"]["extra"] = service
    config["kumiki:services"]["another"] = {"imageOf": "api", "queue": "a-queue", "database": True}


def _serverless(config: Config) -> None:
    """Every section of a system of functions."""
    config["kumiki:cache"]["shards"] += 1
    config["kumiki:queues"]["a-queue"] = {"consumerTimeoutSeconds": 30}
    config["kumiki:tables"]["a-table"] = TABLE
    config["kumiki:buckets"]["a-bucket"] = {}
    config["kumiki:secrets"]["a-secret"] = {"description": "Another"}
    one = {"package": "webhook", "handler": "webhook.work.handler", "description": "One more", "timeoutSeconds": 30}
    config["kumiki:functions"]["a-function"] = {**one, "memoryMib": 256, "tables": {"deliveries": "write"}}
    routes = {"GET /a": {"function": "api"}}
    config["kumiki:apis"]["a-api"] = {"kind": "http", "subdomain": "a", "public": True, "routes": routes}
    config["kumiki:apis"]["app"]["routes"]["PATCH /items"] = {"function": "api"}
    config["kumiki:apis"]["talk"]["routes"]["a-word"] = {"function": "chat-message"}
    config["kumiki:apis"]["hooks"]["routes"]["POST /a"] = {"function": "webhook-receive"}
    urls = {"callbackUrls": ["https://a.chat.example.com/in"], "logoutUrls": ["https://a.chat.example.com/"]}
    config["kumiki:userPool"]["clients"]["a-client"] = urls
    origin = {"source": "apis.hooks", "paths": ["/hooks/*"], "stripPrefix": "/hooks"}
    config["kumiki:site"]["origins"]["a-origin"] = origin


def _analytics(config: Config) -> None:
    config["kumiki:tables"]["a-table"] = TABLE
    config["kumiki:lake"]["exportTables"].insert(0, "a-table")
    service = {"imageOf": "api", "port": 8001, "traffic": {"priority": 50, "paths": ["/a/*"]}, "database": True}
    config["kumiki:services"]["extra"] = service


def _personal_sections(config: Config) -> None:
    config["kumiki:buckets"]["a-bucket"] = {}
    config["kumiki:alerts"]["emails"].insert(0, "another@example.com")


GROWTH: Mapping[str, tuple[str, Callable[[Config], None] | None, Callable[[Config], None]]] = {
    "a zone of the container platform": ("prod", _readers, _zone),
    "a zone with a lake": ("analytics", None, _zone),
    "a zone with functions": ("serverless", None, _zone),
    "a zone with a host": ("personal", None, _personal),
    "a zone with a NAT gateway each": ("standard", _with(nat="perZone"), _zone),
    "a zone with one NAT gateway": ("standard", _with(nat="single"), _zone),
    "a zone with a regional NAT gateway": ("standard", _with(nat="regional"), _zone),
    "a tier": (
        "serverless",
        _with(tiers=["private", "isolated"]),
        _with(tiers=["public", "private", "isolated"]),
    ),
    "each section of prod": ("prod", None, _prod),
    "each section of serverless": ("serverless", None, _serverless),
    "each section of analytics": ("analytics", None, _analytics),
    "each section of personal": ("personal", None, _personal_sections),
}


@pytest.mark.parametrize("what", GROWTH)
def test_growing_by_one_touches_nothing_that_exists(what: str) -> None:
    name, before, grow = GROWTH[what]
    config = stack(name)
    if before is None:
        made = deployed_as_it_is(name)
    else:
        before(config)
        with run(preview=False) as recorder:
            made = deploy(recorder, config)
    larger = copy.deepcopy(config)
    grow(larger)
    with run(preview=True) as preview:
        preview.existing = made.made
        deploy(preview, larger)
    was, will_be = by_name(made), by_name(preview)

    assert was.keys() - will_be.keys() == set()
    assert will_be.keys() - was.keys()
    assert {
        f"{key[1]} ({change}): {here.inputs.get(change.split()[1])} → {there.inputs.get(change.split()[1])}"
        for key, here in was.items()
        for there in [will_be[key]]
        for change in changes(here, there) - IN_PLACE.keys()
    } == set()


def test_an_update_that_grows_nothing_changes_nothing() -> None:
    """The test above would see a difference, and only that."""
    made = deployed_as_it_is("personal")
    with run(preview=True) as preview:
        preview.existing = made.made
        deploy(preview, stack("personal"))
    will_be = by_name(preview)
    assert {change for key, here in by_name(made).items() for change in changes(here, will_be[key])} == set()


def by_name(recorder: Recorder) -> dict[tuple[str, str], Registered]:
    return {(each.type, each.name): each for each in recorder.resources}


def changes(here: Registered, there: Registered) -> set[str]:
    """Type and input of what an update would change; what is ignored stays as it is."""
    kept = {"code", "source", *there.ignore_changes}
    names = (here.inputs.keys() | there.inputs.keys()) - kept
    return {
        f"{here.type} {name}"
        for name in names
        if comparable(here.inputs.get(name)) != comparable(there.inputs.get(name))
    }


def comparable(value: Any) -> Any:
    if isinstance(value, Unknown):
        return "unknown"
    if isinstance(value, dict):
        return {key: comparable(item) for key, item in value.items()}
    return [comparable(item) for item in value] if isinstance(value, list) else value


RESTORED = {
    "aws:secretsmanager/secretRotation:SecretRotation secretId",
    "aws:ecs/taskDefinition:TaskDefinition containerDefinitions",
    "aws:iam/rolePolicy:RolePolicy policy",
    "aws:ssm/parameter:Parameter value",
    "aws:ssm/parameter:Parameter insecureValue",
    "aws:lambda/function:Function environment",
    "aws:lambda/invocation:Invocation input",
}
"""What follows from another secret with the password. Only the first two are made again, and the runbook names them."""


@pytest.mark.covers("D16")
def test_after_a_restore_under_the_old_names_nothing_that_keeps_data_is_replaced() -> None:
    """docs/runbooks/restore.md: cluster and instances have the old identifiers, the password is in another secret."""
    config = stack("prod")
    made = deployed_as_it_is("prod")
    cluster = ("aws:rds/cluster:Cluster", "kumiki-prod-database-cluster")
    identifier, outputs = made.made[cluster]
    secret = {"secretArn": "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:rds!other"}
    with run(preview=True) as preview:
        preview.existing = {**made.made, cluster: (identifier, {**outputs, "masterUserSecrets": [secret]})}
        deploy(preview, config)
    will_be = by_name(preview)
    found = {change for key, here in by_name(made).items() for change in changes(here, will_be[key])}
    assert "aws:secretsmanager/secretRotation:SecretRotation secretId" in found
    assert found - RESTORED == set()

    text = (ROOT / "docs" / "runbooks" / "restore.md").read_text(encoding="utf-8")
    (rotation,) = [each for each in made.resources if each.type.endswith(":SecretRotation") and "database" in each.name]
    assert f"::{rotation.name}'" in text
    assert "new task definitions" in text
    # What Pulumi knows by a name has to get it: each instance, and the cluster.
    for number, instance in enumerate(made.of(":ClusterInstance"), start=1):
        assert f"--new-db-instance-identifier INSTANCE-{number}" in text, instance.name
    assert f"--new-db-cluster-identifier {outputs['clusterIdentifier']} " in text
    # Everything that works with the database stops first.
    for service in made.of("ecs/service:Service"):
        assert f"--service {service.inputs['name']} --desired-count 0" in text
        assert f"/{service.inputs['name']} --min-capacity 0" in text
