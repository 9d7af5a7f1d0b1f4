"""How the deploy role is joined to what it deploys."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from architecture.context import build_context
from architecture.delivery import build_delivery
from components.delivery.pipeline_work import role_name
from settings import Settings, SettingsError
from tests.conftest import ACCOUNT, REGION, Recorder
from tests.iam import allowed

CONFIG = {
    "kumiki:product": "wiki", "kumiki:environment": "prod", "kumiki:owner": "platform",
    "kumiki:delivery": json.dumps({"repository": "acme/wiki"}),
}  # fmt: skip


def application(names: list[str]) -> Any:
    def service(name: str) -> Any:
        roles = {
            kind: aws.iam.Role(f"wiki-prod-{name}-{kind}-role", assume_role_policy="{}")
            for kind in ("task", "execution")
        }
        return SimpleNamespace(
            arn=pulumi.Output.from_input(f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/c/{name}"),
            family=name,
            task_role=roles["task"],
            execution_role=roles["execution"],
        )

    arns = {name: pulumi.Output.from_input(f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{name}") for name in names}
    return SimpleNamespace(
        cluster=SimpleNamespace(name=pulumi.Output.from_input("wiki-prod-cluster")),
        deployed={name: service(name) for name in names},
        images={
            name: SimpleNamespace(
                repository=SimpleNamespace(arn=arn, name=pulumi.Output.from_input(f"wiki-prod-{name}")),
                source="workloads/api",
                platform="linux/amd64",
                parameter=f"/wiki/prod/{name}/image-tag",
                live=SimpleNamespace(parameter_arn=f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/{name}"),
            )
            for name, arn in arns.items()
        },
    )


def build(names: list[str]) -> None:
    settings = Settings.parse(CONFIG)
    build_delivery(build_context(settings), application(names), {}, None, None)


def test_the_role_deploys_each_service_that_the_stack_has(recorder: Recorder) -> None:
    policy = recorder.run(lambda: build(["api", "worker"])).named("wiki-prod-delivery-policy").policy()
    for name in ("api", "worker"):
        assert allowed([policy], "ecr:PutImage", f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{name}")
        assert allowed([policy], "ecs:UpdateService", f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/c/{name}")
        for revision in (3, 4):
            definition = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/{name}:{revision}"
            assert allowed([policy], "ecs:RegisterTaskDefinition", definition)
        for kind in ("task", "execution"):
            role = recorder.named(f"wiki-prod-{name}-{kind}-role").name
            arn = f"arn:aws:iam:{REGION}:{ACCOUNT}:Role/{role}"
            assert allowed([policy], "iam:PassRole", arn, iam__PassedToService="ecs-tasks.amazonaws.com")
    assert not allowed([policy], "ecs:UpdateService", f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/c/other")


def test_the_github_environment_is_the_stacks_unless_it_says_otherwise(recorder: Recorder) -> None:
    trust = recorder.run(lambda: build([])).named("wiki-prod-delivery-role").inputs["assumeRolePolicy"]
    assert "repo:acme/wiki:environment:prod" in trust


def test_a_preview_shows_the_same_resources(previewer: Recorder) -> None:
    made = {one.name for one in previewer.run(lambda: build(["api"])).resources}
    assert {"wiki-prod-delivery-role", "wiki-prod-delivery-policy", "wiki-prod-delivery-provider"} <= made


@pytest.mark.covers("B16", "D15")
def test_the_deploy_role_of_staging_trusts_the_stage_that_tries_commits_there_by_its_name(recorder: Recorder) -> None:
    config = {
        **CONFIG,
        "kumiki:environment": "staging",
        "kumiki:delivery": json.dumps({"repository": "acme/wiki", "stagingOf": "prod"}),
    }

    def program() -> None:
        build_delivery(build_context(Settings.parse(config)), application([]), {}, None, None)

    trust = recorder.run(program).named("wiki-staging-delivery-role").policy("assumeRolePolicy")["Statement"]
    (by_role,) = [one for one in trust if one["Action"] == "sts:AssumeRole"]
    assert by_role["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    name = f"arn:aws:iam::{ACCOUNT}:role/{role_name('wiki-prod-pipeline', 'staging')}"
    assert by_role["Condition"] == {"ArnEquals": {"aws:PrincipalArn": name}}


@pytest.mark.covers("B16", "D15")
def test_what_is_asked_after_a_deployment_is_told_to_github_and_its_role_may_ask_for_known_faults(
    recorder: Recorder,
) -> None:
    asked = {"address": "https://api.example.com", "checks": {"/items": 401, "/health": 200}}
    config = {**CONFIG, "kumiki:delivery": json.dumps({"repository": "acme/wiki", **asked})}

    def program() -> None:
        delivery = build_delivery(build_context(Settings.parse(config)), application(["api"]), {}, None, None)
        pulumi.export("told", dict(delivery.github_variables))

    policy = recorder.run(program).named("wiki-prod-delivery-policy").policy()
    told = recorder.outputs["told"]
    assert (told["ANSWERS_ADDRESS"], told["ANSWERS_CHECKS"]) == (asked["address"], "/health=200 /items=401")
    assert allowed([policy], "inspector-scan:ScanSbom", "*")


@pytest.mark.parametrize(
    ("changes", "key", "words"),
    [
        ({"checks": {"/health": 200}}, "delivery.address", "the two go together"),
        ({"address": "https://api.example.com"}, "delivery.checks", "the two go together"),
        ({"address": "http://x", "checks": {"/health": 200}}, "delivery.address", "https://"),
        ({"address": "https://api.example.com", "checks": {"health": 200}}, "delivery.checks", "such as /api/health"),
    ],
)
def test_a_question_without_an_answer_is_refused(changes: dict[str, Any], key: str, words: str) -> None:
    config = {**CONFIG, "kumiki:delivery": json.dumps({"repository": "acme/wiki", **changes})}
    with pytest.raises(SettingsError) as refused:
        Settings.parse(config)
    assert [one for one in refused.value.mistakes if one.key.startswith(f"kumiki:{key}") and words in one.message]
