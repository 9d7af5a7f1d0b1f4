"""How changes come to the study tracker's stacks, as they were deployed in the rehearsal."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.iam import allowed
from tests.rehearsal.conftest import Refuse, Rehearsed

STACKS = ("study-dev", "study-prod")
SPEC = Path(__file__).resolve().parents[2] / "workloads" / "builds" / "functions.yml"

Stack = Callable[[str], Rehearsed]
both = pytest.mark.parametrize("name", STACKS)


def inputs(stack: Rehearsed, name: str) -> dict[str, Any]:
    return stack.resource(name)["inputs"]


@pytest.mark.covers("C7")
@both
def test_each_commit_is_rehearsed_as_this_stack_within_ten_minutes(name: str, rehearsed: Stack) -> None:
    stack = rehearsed(name)
    project = inputs(stack, f"{name}-build-project")
    assert project["source"]["buildspec"] == SPEC.read_text(encoding="utf-8")
    assert {one["name"]: one["value"] for one in project["environment"]["environmentVariables"]} == {"STACK": name}
    assert project["buildTimeout"] == 10
    [group] = inputs(stack, f"{name}-build-webhook")["filterGroups"]
    assert {"type": "HEAD_REF", "pattern": "^refs/heads/main$"} in group["filters"]
    assert stack.report["outputs"]["buildName"] == f"{name}-build"


@pytest.mark.covers("C7", "C9")
@both
def test_what_is_built_is_kept_in_a_bucket_of_its_own_and_the_build_reaches_no_other(
    name: str, rehearsed: Stack
) -> None:
    stack = rehearsed(name)
    bucket = stack.resource(f"{name}-builds-bucket")["outputs"]
    assert inputs(stack, f"{name}-build-project")["artifacts"]["location"] == bucket["bucket"]
    [expiry] = [one["expiration"]["days"] for one in inputs(stack, f"{name}-builds-lifecycle")["rules"]
                if one.get("expiration", {}).get("days")]  # fmt: skip
    assert expiry == 30
    policy = json.loads(inputs(stack, f"{name}-build-policy")["policy"])
    assert allowed([policy], "s3:PutObject", f"{bucket['arn']}/commits/0f3a/report.json")
    others = [one["outputs"]["arn"] for one in stack.report["resources"]
              if one["type"] == "aws:s3/bucket:Bucket" and one["outputs"]["arn"] != bucket["arn"]]  # fmt: skip
    assert others
    assert not any(allowed([policy], "s3:PutObject", f"{other}/commits/0f3a/report.json") for other in others)
    function = stack.resource(f"{name}-api-function")["outputs"]["arn"]
    assert not allowed([policy], "lambda:UpdateFunctionCode", function)


@pytest.mark.covers("C7")
@both
def test_people_hear_of_a_build_that_fails(name: str, rehearsed: Stack) -> None:
    alarm = inputs(rehearsed(name), f"{name}-build-failed-alarm")
    assert (alarm["metricName"], alarm["dimensions"]) == ("FailedBuilds", {"ProjectName": f"{name}-build"})
    assert [topic.rsplit(":", 1)[-1] for topic in alarm["alarmActions"]] == [f"{name}-warning-alerts"]


@pytest.mark.covers("C7")
@both
def test_calls_move_gradually_and_back_on_the_alarm(name: str, rehearsed: Stack) -> None:
    stack = rehearsed(name)
    group = inputs(stack, f"{name}-api-shift-group")
    alarm = stack.resource(f"{name}-api-rollback-alarm")
    assert group["deploymentConfigName"] == "CodeDeployDefault.LambdaCanary10Percent5Minutes"
    assert group["alarmConfiguration"]["alarms"] == [alarm["outputs"]["name"]]
    assert "DEPLOYMENT_STOP_ON_ALARM" in group["autoRollbackConfiguration"]["events"]
    assert stack.report["outputs"]["functionDeployments"] == {"api": f"{name}-api"}
    deploys = json.loads(inputs(stack, f"{name}-delivery-policy")["policy"])
    group_arn = stack.resource(f"{name}-api-shift-group")["outputs"]["arn"]
    assert allowed([deploys], "codedeploy:CreateDeployment", group_arn)
    assert not allowed([deploys], "lambda:UpdateFunctionCode", stack.resource(f"{name}-api-function")["outputs"]["arn"])


BUILD = {
    "repository": "acme/wiki",
    "connection": "arn:aws:codeconnections:ap-northeast-1:000000000000:connection/0f3a",
}


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"connection": None}, ["kumiki:build.connection: is missing"]),
        ({"connection": "github"}, ["kumiki:build.connection: 'github' is not allowed; make a connection"]),
        ({"repository": "github.com/acme/wiki"}, ["kumiki:build.repository: ", "write one as owner/name"]),
        ({"branch": "*"}, ["kumiki:build.branch: '*' is not allowed; write the name of one branch"]),
        ({"spec": "function"}, ["kumiki:build.spec: 'function' is no file of workloads/builds; did you mean"]),
        ({"minutes": 4}, ["kumiki:build.minutes: 4 is not allowed; use 5 to 480"]),
        ({"keepDays": 0}, ["kumiki:build.keepDays: 0 "]),
        ({"timeout": 4}, ["kumiki:build.timeout: is not a known key"]),
    ],
)
def test_a_mistake_about_builds_is_refused_with_its_key_and_its_mend(
    refuse_kumiki: Refuse, changes: dict[str, Any], parts: list[str]
) -> None:
    build = {key: value for key, value in {**BUILD, **changes}.items() if value is not None}
    said = refuse_kumiki({"kumiki:build": build})
    for part in parts:
        assert part in said
