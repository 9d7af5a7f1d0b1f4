"""The simple alternative in a stack's file: which kind it is, what it is connected with, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from settings import Settings, SettingsError
from tests.architecture.test_whole_stacks import deploy
from tests.conftest import ACCOUNT, REGION, Recorder
from tests.iam import allowed
from tests.stack_files import config_of

WORKER = {"api": {"tag": "1.0.0"}, "worker": {"imageOf": "api"}}
IMAGE = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/api:1.0.0"
ANALYTICS = config_of("analytics", {})


def texts(config: dict[str, Any]) -> dict[str, str]:
    return {key: one if isinstance(one, str) else json.dumps(one) for key, one in config.items()}


def said(simple: dict[str, Any], **sections: Any) -> dict[str, str]:
    """What is said of the stack analytics with this section, by key; a section that is None is taken away."""
    changes = {"kumiki:simpleService": simple, **{f"kumiki:{key}": one for key, one in sections.items()}}
    try:
        Settings.parse(texts({key: one for key, one in {**ANALYTICS, **changes}.items() if one is not None}))
    except SettingsError as error:
        return {mistake.key: mistake.message for mistake in error.mistakes}
    return {}


def small(simple: dict[str, Any]) -> dict[str, Any]:
    """No more of the stack analytics than such a service works with."""
    parts = ("network", "logArchive", "database", "cache", "tables", "alerts", "cluster")
    return config_of("analytics", {"kumiki:simpleService": simple}, only=parts)


def network(**changes: Any) -> dict[str, Any]:
    return {**ANALYTICS["kumiki:network"], **changes}


@pytest.mark.covers("B6")
def test_express_is_what_a_file_means_that_says_no_kind() -> None:
    parsed = Settings.parse(texts({**ANALYTICS, "kumiki:simpleService": {"image": IMAGE}}))
    assert parsed.simple_service is not None
    assert parsed.simple_service.kind == "express"
    assert said({"kind": "appRunner", "image": IMAGE}) == {}


@pytest.mark.covers("B6")
@pytest.mark.parametrize(
    ("simple", "sections", "key", "words"),
    [
        ({"kind": "appRuner", "image": IMAGE}, {}, "simpleService.kind", "did you mean 'appRunner'?"),
        ({"image": IMAGE}, {"network": network(tiers=["private", "isolated"])}, "network.tiers", "lacks public"),
        ({"image": IMAGE}, {"network": network(zones=1)}, "network.zones", "use 2 or more"),
        ({"image": IMAGE}, {"lake": None, "network": network(endpoints=["kms"])}, "network.endpoints", "image and log"),
        ({}, {}, "simpleService.tag", "say what runs: image, imageOf, tag"),
        ({"image": IMAGE, "tag": "1.0.0"}, {}, "simpleService.tag", "and image both say what runs"),
        ({"imageOf": "apo"}, {}, "simpleService.imageOf", "there are: api"),
        ({"tag": "1.0.0", "source": "workloads/none"}, {}, "simpleService.source", "has no Dockerfile"),
        ({"tag": "1.0.0", "database": True}, {}, "simpleService.tag", "use imageOf, for a service whose image brings"),
        ({"image": IMAGE, "tables": {"setings": "read"}}, {}, "simpleService.tables.setings", "not a table"),
        ({"image": IMAGE, "secrets": ["key"]}, {}, "simpleService.secrets", "there are: session-key"),
        ({"image": IMAGE, "buckets": {"x": "read"}}, {}, "simpleService.buckets", "not one of this stack"),
        ({"image": IMAGE, "parameters": {"A": "b/c"}}, {}, "simpleService.parameters.A", "not a value"),
        ({"image": IMAGE, "cache": True}, {"cache": None}, "simpleService.cache", "add the section cache"),
        ({"kind": "appRunner", "tag": "1.0.0"}, {}, "simpleService.tag", "is not for kind appRunner, but for express"),
        ({"kind": "appRunner", "imageOf": "api"}, {}, "simpleService.imageOf", "is empty at first"),
        ({"kind": "appRunner"}, {}, "simpleService.imageOf", "say what runs: image, imageOf"),
        ({"imageOf": "worker"}, {"services": WORKER}, "simpleService.imageOf", "runs the image of api itself"),
        ({"kind": "appRunner", "image": "docker.io/library/nginx:1"}, {}, "simpleService.image", "is not in ECR"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_its_key_with_its_mend(
    simple: dict[str, Any], sections: dict[str, Any], key: str, words: str
) -> None:
    found = said(simple, **sections)
    assert words in found.get(f"kumiki:{key}", ""), found


def test_a_name_of_its_parts_is_for_no_other_part() -> None:
    found = said({"image": IMAGE}, services={"simple": {"image": IMAGE}})
    assert "is a name that the program uses itself" in found["kumiki:services.simple"]


@pytest.mark.covers("B6")
def test_an_image_of_its_own_is_read_from_a_parameter_and_not_waited_for_while_there_is_none(
    recorder: Recorder,
) -> None:
    simple = {"tag": "1.0.0", "source": "workloads/wiki", "database": True, "cache": True}
    made = deploy(recorder, small(simple))
    service = made.one(":ExpressGatewayService")
    assert service.inputs["primaryContainer"]["image"].endswith("/chat-dev-simple:1.0.0")
    assert service.inputs["waitForSteadyState"] is False
    assert made.named("chat-dev-simple-image-tag-parameter").inputs["name"] == "/chat/dev/simple/image-tag"
    told = {one["name"] for one in service.inputs["primaryContainer"]["environments"]}
    assert {"DATABASE_HOST", "CACHE_HOST", "PORT"} <= told
    hidden = {one["name"] for one in service.inputs["primaryContainer"]["secrets"]}
    assert hidden == {"DATABASE_SECRET", "CACHE_SECRET"}
    for store, port in (("database", 5432), ("cache", 6379)):
        inward = made.named(f"chat-dev-{store}-ingress-from-simple").inputs
        assert inward["referencedSecurityGroupId"] == "chat-dev-simple-security-group-id"
        assert made.named(f"chat-dev-simple-{store}-egress-rule").inputs["fromPort"] == port


@pytest.mark.covers("B6", "B16", "D15")
def test_deployments_fill_the_repository_of_its_own_and_say_which_image_runs(recorder: Recorder) -> None:
    parts = ("network", "logArchive", "tables", "alerts", "cluster", "delivery", "pipeline")
    config = config_of("analytics", {"kumiki:simpleService": {"tag": "1.0.0"}}, only=parts)
    made = deploy(recorder, config)
    # By GitHub's workflow and by the pipeline with the same words; there is no service beside it to wait for.
    image = "chat-dev-simple,workloads/api,linux/amd64,/chat/dev/simple/image-tag"
    told = recorder.outputs["githubVariables"]
    assert (told["ECS_IMAGES"], told["ECS_SERVICES"]) == (image, "none")
    project = made.named("chat-dev-pipeline-build-project").inputs["environment"]
    variables = {one["name"]: one["value"] for one in project["environmentVariables"]}
    assert (variables["IMAGES"], project["type"]) == (image, "LINUX_CONTAINER")
    repository = f"arn:aws:ecr:{REGION}:{ACCOUNT}:Repository/chat-dev-simple-repository"
    parameter = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/chat/dev/simple/image-tag"
    pushes = made.named("chat-dev-delivery-policy").policy(), made.named("chat-dev-pipeline-build-policy").policy()
    for policy in pushes:
        assert allowed([policy], "ecr:PutImage", repository)
    chooses = (
        made.named("chat-dev-delivery-policy").policy(),
        made.named("chat-dev-pipeline-production-policy").policy(),
    )
    for policy in chooses:
        assert allowed([policy], "ssm:PutParameter", parameter)
    assert recorder.outputs["repositoryUrls"].keys() == {"simple"}


@pytest.mark.covers("B6")
def test_app_runner_reaches_the_database_by_a_connector_and_has_no_task_in_the_cluster(recorder: Recorder) -> None:
    changes = {"kind": "appRunner", "image": IMAGE, "database": True, "tables": {"settings": "read"}}
    made = deploy(recorder, small(changes))
    assert made.of(":ExpressGatewayService") == []
    connector = made.one(":VpcConnector")
    inward = made.named("chat-dev-database-ingress-from-simple").inputs
    assert connector.inputs["securityGroups"] == [inward["referencedSecurityGroupId"]]
    variables = made.one("apprunner/service:Service").inputs["sourceConfiguration"]["imageRepository"]
    assert variables["imageConfiguration"]["runtimeEnvironmentVariables"]["TABLE_SETTINGS"] == "chat-dev-settings"
