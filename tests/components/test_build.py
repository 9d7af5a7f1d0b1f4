"""Builds: what starts one, what it may do, and what is refused before the first commit comes."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest

from components.alarms import AlarmTopics
from components.delivery.build import Build, BuildArgs
from components.errors import ArgumentError
from components.identity.key import ExistingKey
from tests.conftest import ACCOUNT, REGION, Recorder
from tests.iam import allowed

CONNECTION = f"arn:aws:codeconnections:{REGION}:{ACCOUNT}:connection/0f"
BUCKET = "arn:aws:s3:::wiki-dev-builds"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1"
SPEC = "{version: 0.2, phases: {build: {commands: [make]}}, artifacts: {files: [x]}}"


def make(spec: str = SPEC, key: str | None = None, environment: Any = None, **changes: Any) -> Build:
    bucket: Any = SimpleNamespace(name="wiki-dev-builds", arn=BUCKET)
    return Build(
        "wiki-dev-build",
        BuildArgs(**{"repository": "acme/wiki", "connection": CONNECTION, **changes}),
        spec=spec,
        bucket=bucket,
        key=ExistingKey(arn=key) if key is not None else None,
        environment=environment,
    )


def build(recorder: Recorder, **changes: Any) -> Recorder:
    return recorder.run(lambda: make(**changes))


def test_only_pushes_to_its_branch_start_a_build(recorder: Recorder) -> None:
    [group] = build(recorder, branch="release-1.0").one(":Webhook").inputs["filterGroups"]
    filters = {one["type"]: one["pattern"] for one in group["filters"]}
    assert filters["EVENT"] == "PUSH"
    assert re.fullmatch(filters["HEAD_REF"], "refs/heads/release-1.0")
    for other in ("refs/heads/release-1.0-x", "refs/heads/release-1x0", "refs/tags/release-1.0", "x/refs/heads/main"):
        assert not re.fullmatch(filters["HEAD_REF"], other)


def test_without_the_webhook_nothing_starts_by_itself(recorder: Recorder) -> None:
    assert build(recorder, on_push=False).of(":Webhook") == []


def test_it_may_read_the_repository_write_its_log_and_keep_its_results_and_nothing_more(recorder: Recorder) -> None:
    [policy] = [one.policy() for one in build(recorder).of(":RolePolicy")]
    group = recorder.one(":LogGroup")
    assert group.inputs["name"] == "/aws/codebuild/wiki-dev-build"
    log = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group.inputs['name']}:log-stream:1"
    assert allowed([policy], "logs:PutLogEvents", log)
    assert allowed([policy], "codeconnections:GetConnectionToken", CONNECTION)
    assert allowed([policy], "s3:PutObject", f"{BUCKET}/commits/0f3a/report.json")
    for action, resource in (
        ("logs:CreateLogGroup", log),
        ("codeconnections:UseConnection", CONNECTION),
        ("codeconnections:GetConnectionToken", CONNECTION + "1"),
        ("s3:PutObject", f"{BUCKET}/other"),
        ("s3:GetObject", f"{BUCKET}/commits/0f3a/report.json"),
        ("s3:DeleteObject", f"{BUCKET}/commits/0f3a/report.json"),
        ("kms:Decrypt", KEY),
        ("lambda:UpdateFunctionCode", "*"),
    ):
        assert not allowed([policy], action, resource), action


def test_it_uses_the_buckets_key_through_s3_only(recorder: Recorder) -> None:
    policy = build(recorder, key=KEY).one(":RolePolicy").policy()
    assert recorder.one(":Project").inputs["encryptionKey"] == KEY
    assert allowed([policy], "kms:GenerateDataKey", KEY, kms__ViaService=f"s3.{REGION}.amazonaws.com")
    assert not allowed([policy], "kms:GenerateDataKey", KEY)


def test_only_codebuild_takes_the_role_and_only_for_this_project(recorder: Recorder) -> None:
    [trust] = build(recorder).one(":Role").policy("assumeRolePolicy")["Statement"]
    assert trust["Principal"] == {"Service": "codebuild.amazonaws.com"}
    assert trust["Condition"] == {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnLike": {"aws:SourceArn": f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/wiki-dev-build"},
    }


def test_what_is_done_stands_in_the_project_and_not_in_what_somebody_pushes(recorder: Recorder) -> None:
    project = build(recorder, environment={"STACK": "dev"}).one(":Project").inputs
    assert project["source"]["buildspec"] == SPEC
    assert project["source"]["auth"] == {"type": "CODECONNECTIONS", "resource": CONNECTION}
    assert project["environment"]["environmentVariables"] == [{"name": "STACK", "value": "dev"}]
    assert project["environment"]["privilegedMode"] is False
    assert (project["buildTimeout"], project["concurrentBuildLimit"]) == (10, 1)


def test_people_hear_of_a_build_that_failed(recorder: Recorder) -> None:
    topics = AlarmTopics(critical="arn:critical", warning="arn:warning")
    recorder.run(lambda: make().alarms(topics))
    alarm = recorder.one(":MetricAlarm").inputs
    assert (alarm["namespace"], alarm["metricName"]) == ("AWS/CodeBuild", "FailedBuilds")
    assert alarm["dimensions"] == {"ProjectName": "wiki-dev-build"}
    assert alarm["alarmActions"] == ["arn:warning"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"repository": "https://github.com/acme/wiki"}, "write one as owner/name"),
        ({"branch": "feature/*"}, "without wildcards"),
        ({"connection": "github"}, "make a connection under Settings"),
        ({"minutes": 4}, "use 5 to 480"),
        ({"spec": "{"}, "is no YAML"),
        ({"spec": "version: 0.1"}, "must begin with `version: 0.2`"),
        ({"spec": "{version: 0.2, phases: {build: {}}}"}, "has no commands"),
        ({"spec": SPEC.replace("build", "bild")}, "has no commands"),
        ({"spec": SPEC.replace("phases: {", "phases: {bild: {commands: [x]}, ")}, "use install, pre_build"),
        ({"spec": SPEC.partition(", artifacts")[0] + "}"}, "nothing would be kept"),
    ],
)
def test_what_codebuild_would_refuse_later_is_refused_at_once(
    changes: dict[str, Any], words: str, recorder: Recorder
) -> None:
    with pytest.raises(ArgumentError, match=re.escape(words)):
        build(recorder, **changes)
