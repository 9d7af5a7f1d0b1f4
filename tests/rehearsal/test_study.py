"""The study tracker's stacks, as they were deployed in the rehearsal."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from packages.plan import sources, usable
from tests.rehearsal.conftest import Rehearsed

STACKS = ("study-dev", "study-prod")
SIZES = {"study-dev": (512, 30), "study-prod": (1024, 60)}

Stack = Callable[[str], Rehearsed]
both = pytest.mark.parametrize("name", STACKS)


def inputs(stack: Rehearsed, name: str) -> dict[str, Any]:
    return stack.resource(name)["inputs"]


def types(stack: Rehearsed) -> set[str]:
    return {one["type"].rsplit(":", 1)[-1] for one in stack.report["resources"]}


@both
def test_the_stack_deploys_and_nothing_is_wrong_with_it(name: str, rehearsed: Stack) -> None:
    done = rehearsed(name)
    assert (done.status, done.report["problems"]) == (0, [])


@pytest.mark.covers("C1")
@both
def test_the_application_runs_on_a_function_of_its_size_with_its_libraries_in_a_layer(
    name: str, rehearsed: Stack
) -> None:
    stack = rehearsed(name)
    function = inputs(stack, f"{name}-api-function")
    assert (function["memorySize"], function["timeout"]) == SIZES[name]
    assert (function["handler"], function["runtime"]) == ("api.function.handler", "python3.13")
    built = usable(sources()["api"], "arm64")
    layer = stack.resource(f"{name}-api-layer")
    assert function["layers"] == [layer["outputs"]["arn"]]
    assert layer["inputs"]["code"]["path"] == str(built.layer)
    assert function["code"]["path"] == str(built.code)


@pytest.mark.covers("C1")
def test_copies_are_kept_started_in_prod_for_the_alias(rehearsed: Stack) -> None:
    provisioned = inputs(rehearsed("study-prod"), "study-prod-api-provisioned-concurrency")
    assert (provisioned["qualifier"], provisioned["provisionedConcurrentExecutions"]) == ("live", 1)
    assert "ProvisionedConcurrencyConfig" not in types(rehearsed("study-dev"))


@pytest.mark.covers("C5")
def test_the_table_is_on_demand_in_dev_and_scales_in_prod(rehearsed: Stack) -> None:
    dev, prod = (inputs(rehearsed(name), f"{name}-items-table") for name in STACKS)
    assert (dev["billingMode"], prod["billingMode"]) == ("PAY_PER_REQUEST", "PROVISIONED")
    scaled = {
        one["inputs"]["scalableDimension"]: (one["inputs"]["minCapacity"], one["inputs"]["maxCapacity"])
        for one in rehearsed("study-prod").report["resources"]
        if one["type"] == "aws:appautoscaling/target:Target"
    }
    assert scaled == {"dynamodb:table:ReadCapacityUnits": (2, 100), "dynamodb:table:WriteCapacityUnits": (2, 100)}
    assert "Target" not in types(rehearsed("study-dev"))


@pytest.mark.covers("C5", "C9")
@both
def test_the_function_knows_its_table_and_may_read_and_write_it_and_no_other(name: str, rehearsed: Stack) -> None:
    stack = rehearsed(name)
    assert inputs(stack, f"{name}-api-function")["environment"]["variables"]["TABLE_ITEMS"] == f"{name}-items"
    table = stack.resource(f"{name}-items-table")["outputs"]["arn"]
    statements = [
        statement
        for one in stack.report["resources"]
        if one["type"] == "aws:iam/rolePolicy:RolePolicy"
        and one["inputs"]["role"] == stack.resource(f"{name}-api-role")["id"]
        for statement in json.loads(one["inputs"]["policy"])["Statement"]
    ]
    tables = [one for one in statements if "dynamodb:PutItem" in one["Action"]]
    assert [one["Resource"] for one in tables] == [table]
    assert not [one for one in statements if "*" in str(one["Action"])]


@pytest.mark.covers("C6")
def test_secrets_and_traces_are_prods_only_and_logs_are_kept_30_days_in_both(rehearsed: Stack) -> None:
    modes = {name: inputs(rehearsed(name), f"{name}-api-function")["tracingConfig"]["mode"] for name in STACKS}
    assert modes == {"study-dev": "PassThrough", "study-prod": "Active"}
    assert "Secret" in types(rehearsed("study-prod"))
    assert "Secret" not in types(rehearsed("study-dev"))
    for name in STACKS:
        assert inputs(rehearsed(name), f"{name}-api-log-group")["retentionInDays"] == 30


@pytest.mark.covers("C6")
@both
def test_what_the_application_counts_has_a_namespace_of_its_stack(name: str, rehearsed: Stack) -> None:
    assert inputs(rehearsed(name), f"{name}-api-function")["environment"]["variables"]["METRICS_NAMESPACE"] == name


@pytest.mark.covers("C7")
def test_calls_of_prod_move_gradually_and_back_on_the_alarm(rehearsed: Stack) -> None:
    stack = rehearsed("study-prod")
    group = inputs(stack, "study-prod-api-shift-group")
    alarm = stack.resource("study-prod-api-rollback-alarm")
    assert group["deploymentConfigName"] == "CodeDeployDefault.LambdaCanary10Percent5Minutes"
    assert group["alarmConfiguration"]["alarms"] == [alarm["outputs"]["name"]]
    assert "DEPLOYMENT_STOP_ON_ALARM" in group["autoRollbackConfiguration"]["events"]
    assert stack.report["outputs"]["functionDeployments"] == {"api": "study-prod-api"}
    deploys = json.loads(inputs(stack, "study-prod-delivery-policy")["policy"])["Statement"]
    assert any("codedeploy:CreateDeployment" in one["Action"] for one in deploys)


@pytest.mark.covers("C10")
@both
def test_people_hear_when_more_than_one_call_in_a_hundred_fails(name: str, rehearsed: Stack) -> None:
    alarm = inputs(rehearsed(name), f"{name}-api-errors-alarm")
    assert alarm["threshold"] == 1
    assert [topic.rsplit(":", 1)[-1] for topic in alarm["alarmActions"]] == [f"{name}-critical-alerts"]


@pytest.mark.covers("C10")
@both
def test_one_dashboard_shows_what_the_function_does(name: str, rehearsed: Stack) -> None:
    body = inputs(rehearsed(name), f"{name}-overview-dashboard")["dashboardBody"]
    for metric in ("Invocations", "Errors", "Throttles", "Duration"):
        assert f'["AWS/Lambda", "{metric}", "FunctionName", "{name}-api"' in body


@pytest.mark.covers("C10")
def test_prods_table_is_backed_up_each_day(rehearsed: Stack) -> None:
    assert "Plan" in types(rehearsed("study-prod"))
