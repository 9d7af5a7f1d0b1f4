"""The front end on Amplify: what is connected to what, and where the token is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi
import pytest
import yaml

from components.delivery.amplify_app import AmplifyApp, AmplifyAppArgs
from components.errors import ArgumentError
from tests.conftest import Recorder

KEPT = "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:github-token-AbCdEf"


def args(**changes: Any) -> AmplifyAppArgs:
    given: dict[str, Any] = {
        "repository": "acme/web",
        "branch": "feature/New_Look",
        "token_secret_arn": KEPT,
        **changes,
    }
    return AmplifyAppArgs(**given)


def test_one_branch_is_built_from_the_repository_and_no_other(recorder: Recorder) -> None:
    recorder.run(
        lambda: AmplifyApp("wiki-dev-front-end", args(variables={"NEXT_PUBLIC_API": "https://api.example.com"}))
    )
    app, branch = recorder.one(":App"), recorder.one(":Branch")
    assert app.inputs["repository"] == "https://github.com/acme/web"
    assert app.inputs["platform"] == "WEB_COMPUTE"
    assert app.inputs["enableAutoBranchCreation"] is False
    assert branch.inputs["appId"] == "wiki-dev-front-end-app-id"
    assert branch.inputs["branchName"] == "feature/New_Look"
    assert branch.inputs["enableAutoBuild"] is True
    assert branch.inputs["enablePullRequestPreview"] is False
    assert branch.inputs["environmentVariables"] == {"NEXT_PUBLIC_API": "https://api.example.com"}
    assert recorder.of(":DomainAssociation") == []


def test_the_build_installs_what_the_lock_file_says_and_serves_what_next_built(recorder: Recorder) -> None:
    recorder.run(lambda: AmplifyApp("wiki-dev-front-end", args()))
    build = yaml.safe_load(recorder.one(":App").inputs["buildSpec"])["frontend"]
    assert build["phases"]["preBuild"]["commands"] == ["npm ci"]
    assert build["artifacts"]["baseDirectory"] == ".next"


def test_the_token_is_read_from_the_secret_and_stays_secret(recorder: Recorder) -> None:
    secrets: list[bool] = []

    async def look(token: Any) -> None:
        secrets.append(await pulumi.Output.from_input(token).is_secret())

    def watch(properties: Any) -> Any:
        pulumi.Output.from_input(properties["access_token"])
        recorder.watched = properties["access_token"]  # pyright: ignore[reportAttributeAccessIssue] for this test only
        return properties

    async def program() -> None:
        AmplifyApp("wiki-dev-front-end", args(transform={"app": watch}))
        await look(recorder.watched)  # pyright: ignore[reportAttributeAccessIssue] for this test only

    recorder.run(program)
    assert secrets == [True]
    assert recorder.calls == ["aws:secretsmanager/getSecretVersion:getSecretVersion"]


@pytest.mark.parametrize(
    ("changes", "url"),
    [
        ({}, "https://feature-new-look.wiki-dev-front-end-app.amplifyapp.com"),
        ({"domain": "example.com"}, "https://example.com"),
        ({"domain": "example.com", "subdomain": "www"}, "https://www.example.com"),
    ],
)
def test_it_tells_where_it_is(
    recorder: Recorder, resolved: Callable[[pulumi.Output[Any]], Any], changes: dict[str, Any], url: str
) -> None:
    made: list[AmplifyApp] = []
    recorder.run(lambda: made.append(AmplifyApp("wiki-dev-front-end", args(**changes))))
    assert resolved(made[0].url) == url
    if "domain" in changes:
        domain = recorder.one(":DomainAssociation")
        assert domain.inputs["subDomains"] == [
            {"branchName": "feature/New_Look", "prefix": changes.get("subdomain", "")}
        ]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("repository", "https://github.com/acme/web"),
        ("repository", "web"),
        ("branch", ""),
        ("branch", "a b"),
        ("branch", "a..b"),
        ("branch", "/a"),
        ("branch", "*"),
        ("token_secret_arn", "ghp_0123456789"),
        ("subdomain", "www"),
    ],
)
def test_what_amplify_could_not_use_is_refused(field: str, value: str) -> None:
    with pytest.raises(ArgumentError) as refused:
        args(**{field: value})
    assert refused.value.field == field


def test_a_token_written_in_place_of_its_secret_is_not_repeated() -> None:
    with pytest.raises(ArgumentError) as refused:
        args(token_secret_arn="ghp_0123456789")
    assert "ghp_" not in str(refused.value)
