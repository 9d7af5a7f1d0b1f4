"""Functions with everything that they can be connected to, as they were deployed in a rehearsal of their own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from packages.build import build
from packages.plan import sources
from tests.iam import allowed
from tests.rehearsal.conftest import Rehearse, Rehearsed, project

CONFIG: dict[str, Any] = {
    "kumiki:product": "kumiki",
    "kumiki:environment": "dev",
    "kumiki:owner": "platform",
    "kumiki:region": "ap-northeast-1",
    "kumiki:retention": "ephemeral",
    "kumiki:logs": {"retentionDays": 7},
    "kumiki:alerts": {"emails": ["platform@example.com"]},
    "kumiki:network": {
        "cidr": "10.0.0.0/16", "zones": 2, "tiers": ["public", "private", "isolated"], "nat": "none",
        "endpoints": ["secretsmanager", "sqs"],
    },
    "kumiki:database": {"engine": "rds", "version": "17", "instanceClass": "db.t4g.micro", "multiAz": False},
    "kumiki:secrets": {"webhook-key": {"description": "Signs deliveries"}},
    "kumiki:queues": {"incoming": {"consumerTimeoutSeconds": 60, "maxAttempts": 3}},
    "kumiki:tables": {"deliveries": {"attributes": {"id": "S"}, "hashKey": "id", "ttl": "expires", "stream": "new"}},
    "kumiki:functions": {
        "api": {"package": "api", "handler": "api.function.handler", "private": True, "database": True,
                "schedule": {"expression": "rate(5 minutes)", "input": {"warm": True}}},
        "receive": {"package": "webhook", "handler": "webhook.receive.handler", "sendsTo": "incoming",
                    "secrets": ["webhook-key"]},
        "work": {"package": "webhook", "handler": "webhook.work.handler", "queue": "incoming", "timeoutSeconds": 60,
                 "batchSize": 20, "windowSeconds": 5, "tables": {"deliveries": "write"},
                 "shift": "linear10PercentEvery1Minute"},
        "count": {"package": "webhook", "handler": "webhook.count.handler",
                  "environment": {"METRICS_NAMESPACE": "kumiki-dev"},
                  "changes": {"deliveries": {"filters": [{"eventName": ["INSERT"]}], "windowSeconds": 5}}},
    },
}  # fmt: skip


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, rehearse: Rehearse) -> Rehearsed:
    for name in ("api", "webhook"):
        build(sources()[name], "arm64")
    return rehearse(project(tmp_path_factory.mktemp("functions"), {"config": CONFIG}), "test")


def inputs(stack: Rehearsed, name: str) -> dict[str, Any]:
    return stack.resource(f"kumiki-dev-{name}")["inputs"]


def told(stack: Rehearsed, function: str) -> dict[str, str]:
    return inputs(stack, f"{function}-function")["environment"]["variables"]


def may(stack: Rehearsed, function: str, action: str, resource: str, **context: str) -> bool:
    role = stack.resource(f"kumiki-dev-{function}-role")["id"]
    policies = [
        json.loads(one["inputs"]["policy"])
        for one in stack.report["resources"]
        if one["type"] == "aws:iam/rolePolicy:RolePolicy" and one["inputs"]["role"] == role
    ]
    return allowed(policies, action, resource, **context)


def test_it_deploys_and_nothing_is_wrong_with_it(stack: Rehearsed) -> None:
    assert (stack.status, stack.problems()) == (0, []), stack.text


def test_a_function_reaches_its_database_and_learns_the_password_from_its_secret_only(stack: Rehearsed) -> None:
    database = stack.resource("kumiki-dev-database-instance")
    variables = told(stack, "api")
    assert (variables["DATABASE_PORT"], variables["DATABASE_CONNECTIONS"]) == ("5432", "1")
    assert "DATABASE_SECRET" not in variables
    secret = variables["DATABASE_SECRET_ARN"]
    assert may(stack, "api", "secretsmanager:GetSecretValue", secret)
    assert not may(stack, "receive", "secretsmanager:GetSecretValue", secret)
    groups = {name: stack.resource(f"kumiki-dev-{name}-security-group")["id"] for name in ("api", "database")}
    assert database["inputs"]["vpcSecurityGroupIds"] == [groups["database"]]
    ways_in = [
        one["inputs"]["referencedSecurityGroupId"]
        for one in stack.report["resources"]
        if one["type"] == "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
        and one["inputs"]["securityGroupId"] == groups["database"]
    ]
    assert ways_in == [groups["api"]]
    assert inputs(stack, "api-database-egress-rule")["referencedSecurityGroupId"] == groups["database"]
    assert "vpcConfig" not in inputs(stack, "work-function")


def test_one_function_sends_to_the_queue_and_the_other_works_through_it(stack: Rehearsed) -> None:
    queue = stack.resource("kumiki-dev-incoming-queue")
    source = inputs(stack, "work-event-source")
    assert told(stack, "receive")["QUEUE_URL"] == queue["id"]
    assert may(stack, "receive", "sqs:SendMessage", queue["outputs"]["arn"])
    assert not may(stack, "receive", "sqs:ReceiveMessage", queue["outputs"]["arn"])
    assert may(stack, "work", "sqs:ReceiveMessage", queue["outputs"]["arn"])
    assert source["eventSourceArn"] == queue["outputs"]["arn"]
    assert source["functionName"] == stack.resource("kumiki-dev-work-alias")["outputs"]["arn"]
    assert (source["batchSize"], source["maximumBatchingWindowInSeconds"]) == (20, 5)
    assert queue["inputs"]["visibilityTimeoutSeconds"] == 360


def test_the_secret_and_the_table_are_named_as_the_code_expects_them(stack: Rehearsed) -> None:
    secret = stack.resource("kumiki-dev-secrets-webhook-key-secret")["outputs"]["arn"]
    assert told(stack, "receive")["WEBHOOK_KEY_SECRET_ARN"] == secret
    assert may(stack, "receive", "secretsmanager:GetSecretValue", secret)
    assert not may(stack, "work", "secretsmanager:GetSecretValue", secret)
    table = stack.resource("kumiki-dev-deliveries-table")["outputs"]["arn"]
    assert told(stack, "work")["TABLE_DELIVERIES"] == "kumiki-dev-deliveries"
    assert may(stack, "work", "dynamodb:PutItem", table)
    assert not may(stack, "work", "dynamodb:GetItem", table)


def test_a_function_follows_the_changes_of_its_table_and_may_not_read_the_table_itself(stack: Rehearsed) -> None:
    source = stack.resource("kumiki-dev-count-deliveries-changes")
    table = stack.resource("kumiki-dev-deliveries-table")["outputs"]
    assert source["status"] == "emulated"
    assert source["inputs"]["eventSourceArn"] == table["streamArn"]
    assert source["inputs"]["functionName"] == stack.resource("kumiki-dev-count-alias")["outputs"]["arn"]
    dead = stack.resource("kumiki-dev-count-dead-letters")["outputs"]["arn"]
    assert source["inputs"]["destinationConfig"]["onFailure"]["destinationArn"] == dead
    assert may(stack, "count", "sqs:SendMessage", dead)
    assert may(stack, "count", "dynamodb:GetRecords", table["streamArn"])
    assert not may(stack, "count", "dynamodb:GetItem", table["arn"])
    assert not may(stack, "work", "dynamodb:GetRecords", table["streamArn"])


def test_a_schedule_calls_the_alias_and_keeps_what_it_could_not_call(stack: Rehearsed) -> None:
    target = inputs(stack, "api-schedule-schedule")["target"]
    alias = stack.resource("kumiki-dev-api-alias")["outputs"]["arn"]
    assert target["arn"] == alias
    assert json.loads(target["input"]) == {"warm": True}
    role = json.loads(inputs(stack, "api-schedule-policy")["policy"])
    assert allowed([role], "lambda:InvokeFunction", alias)
    assert not allowed([role], "lambda:InvokeFunction", alias.removesuffix(":live"))


def test_the_outputs_tell_what_to_call_and_where_failures_wait(stack: Rehearsed) -> None:
    outputs = stack.report["outputs"]
    assert outputs["functionNames"] == {name: f"kumiki-dev-{name}" for name in ("api", "count", "receive", "work")}
    assert all(arn.endswith(":live") for arn in outputs["functionAliases"].values())
    assert outputs["functionVersions"] == {"api": "1", "count": "1", "receive": "1", "work": "1"}
    assert outputs["functionDeployments"] == {"work": "kumiki-dev-work"}
    assert set(outputs["functionDeadLetterUrls"]) == {"api", "api-schedule", "count", "receive", "work"}
