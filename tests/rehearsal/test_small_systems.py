"""The small system for several people (stack standard): the sizes of its design, its alarms, its backups."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.rehearsal.conftest import Rehearsed


@pytest.fixture
def standard(rehearsed: Any) -> Rehearsed:
    done = rehearsed("standard")
    assert done.status == 0, done.text
    assert done.report["counts"]["errors"] == done.report["counts"]["warnings"] == 0
    return done


def made(done: Rehearsed, kind: str) -> list[dict[str, Any]]:
    """The inputs of everything of a kind, such as `rds/instance:Instance`."""
    return [one["inputs"] for one in done.report["resources"] if one["custom"] and one["type"].endswith(kind)]


@pytest.mark.covers("E9")
def test_the_parts_have_the_sizes_of_the_design(standard: Rehearsed) -> None:
    (task,) = made(standard, "ecs/taskDefinition:TaskDefinition")
    assert (task["cpu"], task["memory"]) == ("512", "1024")
    (service,) = made(standard, "ecs/service:Service")
    assert service["desiredCount"] == 2
    (database,) = made(standard, "rds/instance:Instance")
    assert (database["instanceClass"], database["engine"]) == ("db.t3.small", "postgres")
    (cache,) = made(standard, "elasticache/replicationGroup:ReplicationGroup")
    assert (cache["nodeType"], cache["numCacheClusters"]) == ("cache.t3.micro", 1)
    assert len(made(standard, "lb/loadBalancer:LoadBalancer")) == 1
    (site,) = made(standard, "cloudfront/distribution:Distribution")
    assert [one["pathPattern"] for one in site["orderedCacheBehaviors"]] == ["/api/*"]
    assert len(site["origins"]) == 2, "the files, and the load balancer"


@pytest.mark.covers("E9")
def test_nobody_gets_past_the_site_to_the_load_balancer(standard: Rehearsed) -> None:
    (site,) = made(standard, "cloudfront/distribution:Distribution")
    (origin,) = [one for one in site["origins"] if "customOriginConfig" in one]
    # The value itself is in no report.
    assert origin["customHeaders"] == [{"name": "X-Origin-Secret", "value": "[secret]"}]
    (rule,) = made(standard, "lb/listenerRule:ListenerRule")
    assert [one["httpHeader"] for one in rule["conditions"] if "httpHeader" in one] == [
        {"httpHeaderName": "X-Origin-Secret", "values": ["[secret]"]}
    ]
    for listener in made(standard, "lb/listener:Listener"):
        assert {one["type"] for one in listener["defaultActions"]} <= {"fixed-response", "redirect"}
    (group,) = [
        one["id"] for one in standard.report["resources"]
        if one["type"].endswith(":SecurityGroup") and one["name"].endswith("-web-security-group")
    ]  # fmt: skip
    (way,) = [one for one in made(standard, "SecurityGroupIngressRule") if one["securityGroupId"] == group]
    assert way["prefixListId"].startswith("pl-")
    assert "cidrIpv4" not in way


@pytest.mark.covers("C9", "E9")
@pytest.mark.parametrize("stack", ["analytics", "standard"])
def test_the_firewall_stands_where_clients_connect_and_nowhere_behind(stack: str, rehearsed: Any) -> None:
    done = rehearsed(stack)
    (acl,) = [one for one in done.report["resources"] if one["type"].endswith("webAcl:WebAcl")]
    assert (acl["inputs"]["scope"], acl["inputs"]["region"]) == ("CLOUDFRONT", "us-east-1")
    (site,) = made(done, "cloudfront/distribution:Distribution")
    assert site["webAclId"] == acl["outputs"]["arn"]
    assert not made(done, ":WebAclAssociation")
    (rate,) = [rule for rule in acl["inputs"]["rules"] if rule["name"] == "rate-limit"]
    assert rate["statement"]["rateBasedStatement"]["aggregateKeyType"] == "IP"
    assert done.report["insights"]["firewall_bypasses"] == []


@pytest.mark.covers("E9")
def test_there_is_no_more_than_that(standard: Rehearsed) -> None:
    kinds = {one["type"] for one in standard.report["resources"] if one["custom"]}
    for paid in ("natGateway", "ec2/instance:", "rds/cluster:", "opensearch", "dynamodb", "guardduty"):
        assert not [kind for kind in kinds if paid in kind], paid


@pytest.mark.covers("E5", "E12")
def test_the_database_is_backed_up_for_a_week_and_does_not_grow(standard: Rehearsed) -> None:
    (database,) = made(standard, "rds/instance:Instance")
    assert (database["backupRetentionPeriod"], database["allocatedStorage"]) == (7, 20)
    assert (database["storageType"], database["storageEncrypted"]) == ("gp3", True)
    assert not database["multiAz"]
    assert not database["publiclyAccessible"]
    assert "maxAllocatedStorage" not in database


@pytest.mark.covers("E12")
def test_the_database_is_copied_to_s3_every_week(standard: Rehearsed) -> None:
    (schedule,) = made(standard, "scheduler/schedule:Schedule")
    assert (schedule["scheduleExpression"], schedule["state"]) == ("cron(0 4 ? * SUN *)", "ENABLED")
    (machine,) = made(standard, "sfn/stateMachine:StateMachine")
    assert schedule["target"]["arn"] == standard.report["outputs"]["databaseCopyWorkflowArn"]
    states = json.loads(machine["definition"])["States"]
    (database,) = made(standard, "rds/instance:Instance")
    assert states["Take a snapshot"]["Parameters"]["DbInstanceIdentifier"] == database["identifier"]
    assert states["Export it"]["Parameters"]["S3BucketName"] == standard.report["outputs"]["databaseCopiesBucket"]


@pytest.mark.covers("E6")
def test_copies_move_to_infrequent_access_after_30_days(standard: Rehearsed) -> None:
    copies = next(
        one["inputs"] for one in standard.report["resources"] if one["name"] == "kabu-std-dev-database-copies-lifecycle"
    )
    (moved,) = [rule["transitions"] for rule in copies["rules"] if rule.get("transitions")]
    assert moved == [{"days": 30, "storageClass": "STANDARD_IA"}]


@pytest.mark.covers("E11")
def test_people_hear_of_the_database_of_errors_and_of_the_bill(standard: Rehearsed) -> None:
    alarms = {one["name"]: one for one in made(standard, "cloudwatch/metricAlarm:MetricAlarm")}
    connections = alarms["kabu-std-dev-database-connections-alarm"]
    # A db.t3.small takes about 225 connections.
    assert (connections["threshold"], connections["period"] * connections["evaluationPeriods"]) == (180, 300)
    errors = alarms["kabu-std-dev-web-server-error-rate"]
    (period,) = {query["metric"]["period"] for query in errors["metricQueries"] if "metric" in query}
    assert (errors["threshold"], period * errors["evaluationPeriods"]) == (5, 60)
    bill = alarms["kabu-std-dev-costs-billing-alarm"]
    assert (bill["namespace"], bill["region"]) == ("AWS/Billing", "us-east-1")
    told = {one["topic"] for one in made(standard, "sns/topicSubscription:TopicSubscription")}
    for alarm in (connections, errors, bill):
        assert set(alarm["alarmActions"]) <= told, "somebody gets an e-mail"
