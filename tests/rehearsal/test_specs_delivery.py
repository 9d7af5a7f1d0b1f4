"""The specs of what delivers: GitHub's identity provider and Amplify."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from rehearsal.problems import RehearsalError
from tests.rehearsal.test_specs import TAGS, Cloud, tags_of


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    made = Cloud()
    yield made
    made.account.close()


def test_an_identity_provider_knows_its_audience(cloud: Cloud) -> None:
    url = "https://token.actions.githubusercontent.com"
    made = cloud.make(
        "aws:iam/openIdConnectProvider:OpenIdConnectProvider", url=url, clientIdLists=["sts.amazonaws.com"]
    )
    assert made.status == "emulated"
    assert made.outputs["arn"] == "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
    found = cloud.ask("iam", "GetOpenIDConnectProvider", OpenIDConnectProviderArn=made.id)
    assert found["ClientIDList"] == ["sts.amazonaws.com"]
    assert tags_of(found["Tags"]) == TAGS


def test_amplify_is_validated_and_each_request_is_still_checked(cloud: Cloud) -> None:
    app = cloud.make("aws:amplify/app:App", name="web", repository="https://github.com/a/b", platform="WEB_COMPUTE")
    branch = cloud.make("aws:amplify/branch:Branch", appId=app.id, branchName="main", stage="PRODUCTION")
    domain = cloud.make(
        "aws:amplify/domainAssociation:DomainAssociation", appId=app.id, domainName="example.com",
        subDomains=[{"branchName": "main", "prefix": "www"}], waitForVerification=False,
    )  # fmt: skip
    assert {one.status for one in (app, branch, domain)} == {"validated"}
    assert branch.id == f"{app.id}/main"
    assert domain.id == f"{app.id}/example.com"
    assert app.outputs["defaultDomain"] == f"{app.id}.amplifyapp.com"
    with pytest.raises(RehearsalError, match="WEB_STATIC"):
        cloud.make("aws:amplify/app:App", name="web", platform="WEB_STATIC")
    with pytest.raises(RehearsalError, match="branchNames"):
        cloud.make("aws:amplify/branch:Branch", appId=app.id, branchName="main", branchNames="x")


def test_a_project_knows_what_it_builds_and_the_webhook_is_only_checked(cloud: Cloud) -> None:
    role = cloud.make("aws:iam/role:Role", "builds", name="builds", assumeRolePolicy=json.dumps(
        {"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Service": "codebuild.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    ))  # fmt: skip
    given = {
        "name": "build", "serviceRole": role.outputs["arn"], "buildTimeout": 10.0, "queuedTimeout": 60.0,
        "source": {"type": "GITHUB", "location": "https://github.com/a/b.git", "buildspec": "version: 0.2"},
        "artifacts": {"type": "S3", "location": "builds", "path": "commits", "overrideArtifactName": True},
        "environment": {"type": "ARM_CONTAINER", "computeType": "BUILD_GENERAL1_SMALL", "image": "x"},
        "logsConfig": {"cloudwatchLogs": {"status": "ENABLED", "groupName": "/aws/codebuild/build"}},
    }  # fmt: skip
    made = cloud.make("aws:codebuild/project:Project", **given)
    assert made.status == "emulated"
    assert made.outputs["arn"] == made.id
    [found] = cloud.ask("codebuild", "BatchGetProjects", names=["build"])["projects"]
    assert (found["timeoutInMinutes"], found["queuedTimeoutInMinutes"]) == (10, 60)
    assert found["logsConfig"]["cloudWatchLogs"]["groupName"] == "/aws/codebuild/build"
    assert {one["key"]: one["value"] for one in found["tags"]} == TAGS
    small = {**given["environment"], "computeType": "BUILD_GENERAL1_TINY"}
    with pytest.raises(RehearsalError, match="BUILD_GENERAL1_TINY"):
        cloud.make("aws:codebuild/project:Project", **{**given, "name": "other", "environment": small})
    filters = [{"filters": [{"type": "EVENT", "pattern": "PUSH"}]}]
    hook = cloud.make("aws:codebuild/webhook:Webhook", projectName="build", buildType="BUILD", filterGroups=filters)
    assert (hook.status, hook.id) == ("validated", "build")
    with pytest.raises(RehearsalError, match="EVENTS"):
        cloud.make(
            "aws:codebuild/webhook:Webhook", projectName="build",
            filterGroups=[{"filters": [{"type": "EVENTS", "pattern": "PUSH"}]}],
        )  # fmt: skip


ROLE = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "codepipeline.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}


def _action(name: str, category: str, provider: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "category": category, "owner": "AWS", "provider": provider, "version": "1", **more}


def _stages(**production: Any) -> list[dict[str, Any]]:
    source = _action("Source", "Source", "CodeStarSourceConnection", outputArtifacts=["Source"])
    deploy = _action("Deploy", "Build", "CodeBuild", inputArtifacts=["Source"], runOrder=1.0)
    return [{"name": "Source", "actions": [source]}, {"name": "Production", "actions": [{**deploy, **production}]}]


def test_a_pipeline_is_made_as_the_provider_would_and_refused_as_aws_would(cloud: Cloud) -> None:
    role = cloud.make("aws:iam/role:Role", "pipes", name="pipes", assumeRolePolicy=json.dumps(ROLE))
    stages = _stages()
    stages[1]["onFailure"] = {"result": "ROLLBACK"}
    push = {"branches": {"includes": ["main"]}, "filePaths": {"excludes": ["docs/**"]}}
    given = {
        "name": "wiki", "roleArn": role.outputs["arn"], "pipelineType": "V2", "stages": stages,
        "artifactStores": [{"type": "S3", "location": "store", "encryptionKey": {"type": "KMS", "id": "key"}}],
        "triggers": [{
            "providerType": "CodeStarSourceConnection",
            "gitConfiguration": {"sourceActionName": "Source", "pushes": [push]},
        }],
    }  # fmt: skip
    made = cloud.make("aws:codepipeline/pipeline:Pipeline", **given)
    assert (made.status, made.id) == ("emulated", "wiki")
    assert made.outputs["arn"] == "arn:aws:codepipeline:ap-northeast-1:123456789012:wiki"
    found = cloud.ask("codepipeline", "GetPipeline", name="wiki")["pipeline"]
    assert found["artifactStore"]["encryptionKey"] == {"type": "KMS", "id": "key"}
    assert found["stages"][1]["onFailure"] == {"result": "ROLLBACK"}
    assert found["stages"][1]["actions"][0]["inputArtifacts"] == [{"name": "Source"}]
    assert found["triggers"][0]["gitConfiguration"]["push"] == [push]
    told = cloud.ask("codepipeline", "ListTagsForResource", resourceArn=made.outputs["arn"])["tags"]
    assert {one["key"]: one["value"] for one in told} == TAGS
    for wrong, words in (
        ({"stages": _stages(inputArtifacts=["Built"])}, "takes Built, which nothing before makes"),
        ({"stages": _stages(category="Source")}, "the stage Production has the action Deploy"),
        ({"stages": [*_stages(), {"name": "x", "actions": [], "onFailure": {"result": "UNDO"}}]}, "UNDO"),
        ({"pipelineType": "V1"}, "the stage Production has conditions"),
    ):
        with pytest.raises(RehearsalError, match=words):
            cloud.make("aws:codepipeline/pipeline:Pipeline", **{**given, "name": "other", **wrong})


def test_a_project_of_a_pipeline_has_no_place_of_its_own(cloud: Cloud) -> None:
    trust = json.dumps(ROLE).replace("codepipeline", "codebuild")
    role = cloud.make("aws:iam/role:Role", "builds", name="builds", assumeRolePolicy=trust)
    made = cloud.make(
        "aws:codebuild/project:Project", name="stage", serviceRole=role.outputs["arn"],
        source={"type": "CODEPIPELINE", "buildspec": "version: 0.2"}, artifacts={"type": "CODEPIPELINE"},
        environment={"type": "ARM_CONTAINER", "computeType": "BUILD_GENERAL1_SMALL", "image": "x"},
    )  # fmt: skip
    assert made.status == "emulated"
