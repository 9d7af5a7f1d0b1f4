"""The first deployment of a stack, whose repositories are still empty, and what later ones take from the account."""

from __future__ import annotations

import pulumi
import pytest

from tests.architecture.test_whole_stacks import deploy, deployed, stack
from tests.conftest import ROOT, Recorder, Registered
from tests.iam import allowed

CONTAINERS = [
    path.name.split(".")[1]
    for path in sorted(ROOT.glob("Pulumi.*.yaml"))
    if "kumiki:services" in path.read_text(encoding="utf-8")
]
SERVICE = "ecs/service:Service"
TAG = "/kumiki/dev/api/image-tag"


def before(recorder: Recorder, resource: Registered) -> set[str]:
    """All that is made before a resource, itself included, by type."""
    by_urn = {each.urn: each for each in recorder.resources}
    found: set[str] = set()
    waiting = [resource.urn]
    while waiting:
        one = by_urn.get(waiting.pop())
        if one is None or one.urn in found:
            continue
        found.add(one.urn)
        waiting += one.dependencies
    return {by_urn[urn].type for urn in found}


def images(recorder: Recorder) -> dict[str, str]:
    return {
        each.inputs["family"]: next(
            part.split('"')[0]
            for part in each.inputs["containerDefinitions"].split('"image": "')[1:]
            if ".dkr.ecr." in part
        ).rpartition(":")[2]
        for each in recorder.of(":TaskDefinition")
    }


@pytest.mark.covers("B22")
@pytest.mark.parametrize("name", CONTAINERS)
def test_an_image_can_be_pushed_and_chosen_before_anything_runs_or_a_domain_is_delegated(name: str) -> None:
    recorder = deployed(name)
    needed = [
        *recorder.of("ecr/repository:Repository"),
        *(each for each in recorder.of("ssm/parameter:Parameter") if each.name.endswith("-image-tag-parameter")),
        *(each for each in recorder.resources if "-delivery-" in each.name),
    ]
    assert {each.type for each in needed} >= {
        "aws:ecr/repository:Repository", "aws:ssm/parameter:Parameter", "aws:iam/role:Role",
        "aws:iam/rolePolicy:RolePolicy",
    }  # fmt: skip
    late = {"aws:ecs/service:Service", "aws:acm/certificateValidation:CertificateValidation"}
    assert late & {each.type for each in recorder.resources} >= {"aws:ecs/service:Service"}
    for each in needed:
        assert not before(recorder, each) & late, each.name


@pytest.mark.parametrize("name", CONTAINERS)
def test_no_service_is_waited_for_while_its_repository_is_empty(name: str) -> None:
    recorder = deployed(name)
    services = recorder.of(SERVICE)
    assert services
    for service in services:
        assert service.inputs["waitForSteadyState"] is False, service.name
        # What cannot start is not tried for ever.
        assert service.inputs["deploymentCircuitBreaker"] == {"enable": True, "rollback": True}


def test_every_service_is_waited_for_once_its_image_is_there(recorder: Recorder) -> None:
    recorder.images = ["0.1.0"]
    deploy(recorder, stack("dev"))
    assert {each.inputs["waitForSteadyState"] for each in recorder.of(SERVICE)} == {True}


def test_an_update_by_hand_keeps_the_image_that_a_deployment_has_brought(recorder: Recorder) -> None:
    recorder.parameters = {TAG: "c0ffee"}
    recorder.images = ["0.1.0", "c0ffee"]
    deploy(recorder, stack("dev"))
    assert images(recorder) == {"kumiki-dev-api": "c0ffee", "kumiki-dev-worker": "c0ffee"}
    (parameter,) = [each for each in recorder.of("ssm/parameter:Parameter") if each.inputs["name"] == TAG]
    # The file's tag is there for the first time only, also after a refresh. No other change may bring the provider to
    # write again what the state knows.
    assert parameter.inputs["insecureValue"] == "0.1.0"
    assert set(parameter.ignore_changes) == set(parameter.inputs) - {"name", "type", "tags"}


def test_a_new_stack_begins_with_the_tag_of_its_file() -> None:
    recorder = deployed("dev")
    assert images(recorder) == {"kumiki-dev-api": "0.1.0", "kumiki-dev-worker": "0.1.0"}


def test_a_tag_that_lacks_among_others_is_refused_by_name(recorder: Recorder) -> None:
    recorder.parameters = {TAG: "c0ffee"}
    recorder.images = ["0ther", "dec0de", "ran-dec0de"]
    # Of those that are there it names what has run, by the tag that a deployment would write.
    with pytest.raises(pulumi.RunError, match=rf"kumiki-dev-api has no image c0ffee.*{TAG}.*\(dec0de\)"):
        deploy(recorder, stack("dev"))


def test_a_first_deployment_that_failed_does_not_keep_an_update_from_mending_it(recorder: Recorder) -> None:
    # Pushed, and then its migration failed: no deployment has written a tag.
    recorder.images = ["c0ffee"]
    deploy(recorder, stack("dev"))
    assert {each.inputs["waitForSteadyState"] for each in recorder.of(SERVICE)} == {False}


def test_the_first_tag_is_refused_where_it_lacks_among_images_that_have_run(recorder: Recorder) -> None:
    recorder.images = ["c0ffee", "ran-c0ffee"]
    with pytest.raises(pulumi.RunError, match=r"has no image 0\.1\.0"):
        deploy(recorder, stack("dev"))


def test_a_pipeline_deploys_to_the_services_whose_image_it_brings_and_to_no_others(recorder: Recorder) -> None:
    config = stack("dev")
    api = config["kumiki:services"]["api"]
    proxy = {"image": "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/proxy:1.2", "cpu": 256, "memory": 512}
    config["kumiki:services"] = {**config["kumiki:services"], "proxy": proxy}
    assert "tag" in api
    deploy(recorder, config)
    assert len(recorder.of(SERVICE)) == 3
    # Settling, it would wait for a tag that this one never has.
    assert recorder.outputs["githubVariables"]["ECS_SERVICES"] == "kumiki-dev-api kumiki-dev-worker"
    policy = recorder.named("kumiki-dev-delivery-policy").policy()
    arn = "arn:aws:ecs:ap-northeast-1:123456789012:service/kumiki-dev-cluster"
    assert allowed([policy], "ecs:UpdateService", f"{arn}/kumiki-dev-worker")
    assert not allowed([policy], "ecs:UpdateService", f"{arn}/kumiki-dev-proxy")


def test_a_first_preview_shows_the_same_services(previewer: Recorder) -> None:
    deploy(previewer, stack("dev"))
    assert len(previewer.of(SERVICE)) == 2
