"""Delivery on the rehearsed stacks: who may deploy what, and the front end that is off until somebody asks for it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.iam import allowed, assumable
from tests.rehearsal.conftest import Refuse, Rehearse, Rehearsed

FRONT_END = {
    "repository": "acme/web",
    "branch": "main",
    "tokenSecretArn": "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:github-token",
}


def of_type(done: Rehearsed, ending: str) -> list[dict[str, Any]]:
    return [one for one in done.report["resources"] if one["type"].endswith(ending)]


def policies(done: Rehearsed) -> list[dict[str, Any]]:
    role = done.resource(f"kumiki-{done.report['environment']}-delivery-role")
    return [
        json.loads(one["inputs"]["policy"])
        for one in of_type(done, ":RolePolicy")
        if one["inputs"]["role"] == role["id"]
    ]


@pytest.mark.covers("A17")
@pytest.mark.parametrize("name", ["dev", "prod"])
def test_only_jobs_of_the_stacks_own_environment_may_deploy(name: str, rehearsed: Any) -> None:
    done = rehearsed(name)
    (provider,) = of_type(done, ":OpenIdConnectProvider")
    trust = json.loads(done.resource(f"kumiki-{name}-delivery-role")["inputs"]["assumeRolePolicy"])
    subject = f"repo:your--organisation/kumiki:environment:{name}"
    claims = {"aud": "sts.amazonaws.com", "sub": subject}
    arn = provider["outputs"]["arn"]
    assert assumable(trust, arn, **claims)
    other = {"dev": "prod", "prod": "dev"}[name]
    assert not assumable(
        trust, arn, **{**claims, "sub": subject.replace(f"environment:{name}", f"environment:{other}")}
    )
    assert not assumable(trust, arn, **{**claims, "sub": subject.replace("your--organisation", "evil")})
    assert not assumable(trust, arn, **{**claims, "aud": "other"})
    assert done.report["outputs"]["deployRoleArn"] == done.resource(f"kumiki-{name}-delivery-role")["outputs"]["arn"]


@pytest.mark.covers("A17")
@pytest.mark.parametrize("name", ["dev", "prod"])
def test_the_role_deploys_every_service_of_the_stack_and_nothing_more(name: str, rehearsed: Any) -> None:
    done = rehearsed(name)
    documents = policies(done)
    for one in of_type(done, "ecr/repository:Repository"):
        assert allowed(documents, "ecr:PutImage", one["outputs"]["arn"])
        assert not allowed(documents, "ecr:BatchDeleteImage", one["outputs"]["arn"])
        assert not allowed(documents, "ecr:PutImage", one["outputs"]["arn"] + "-other")
    passable: set[str] = set()
    for one in of_type(done, "ecs/service:Service"):
        assert allowed(documents, "ecs:UpdateService", one["id"])
        assert not allowed(documents, "ecs:DeleteService", one["id"])
    for one in of_type(done, "ecs/taskDefinition:TaskDefinition"):
        assert allowed(documents, "ecs:RegisterTaskDefinition", one["outputs"]["arn"])
        passable |= {one["inputs"]["taskRoleArn"], one["inputs"]["executionRoleArn"]}
    assert bool(passable) == ("clusterName" in done.report["outputs"]), "a stack with services has roles to pass"
    for one in of_type(done, "iam/role:Role"):
        arn = one["outputs"]["arn"]
        may = allowed(documents, "iam:PassRole", arn, iam__PassedToService="ecs-tasks.amazonaws.com")
        assert may == (arn in passable), arn
        assert not allowed(documents, "iam:PassRole", arn, iam__PassedToService="lambda.amazonaws.com")
    for action in (
        "iam:PutRolePolicy",
        "iam:CreateRole",
        "secretsmanager:GetSecretValue",
        "s3:GetObject",
        "kms:Decrypt",
    ):
        assert not allowed(documents, action, "*")


@pytest.mark.covers("A18")
@pytest.mark.parametrize("name", ["dev", "prod"])
def test_a_stack_has_no_front_end_unless_it_asks_for_one(name: str, rehearsed: Any) -> None:
    done = rehearsed(name)
    assert [one for one in done.report["resources"] if one["type"].startswith("aws:amplify/")] == []
    assert "frontEndUrl" not in done.report["outputs"]


@pytest.mark.covers("A18")
def test_a_stack_that_asks_for_a_front_end_gets_its_branch_and_keeps_its_token_secret(
    rehearse_kumiki: Rehearse,
) -> None:
    done = rehearse_kumiki({"kumiki:frontEnd": {**FRONT_END, "domain": "example.com", "subdomain": "www"}}, only=[])
    assert done.status == 0, done.text
    assert done.report["counts"]["errors"] == done.report["counts"]["warnings"] == 0
    app = done.resource("kumiki-dev-front-end-app")
    branch = done.resource("kumiki-dev-front-end-branch")
    assert app["inputs"]["repository"] == "https://github.com/acme/web"
    assert branch["inputs"]["appId"] == app["id"]
    assert (branch["inputs"]["branchName"], branch["inputs"]["framework"]) == ("main", "Next.js - SSR")
    assert app["status"] == branch["status"] == "validated"
    assert app["reason"]
    assert app["inputs"]["tags"] == {
        "Component": "front-end", "Environment": "dev", "Owner": "platform", "Project": "kumiki",
    }  # fmt: skip
    assert done.report["outputs"]["frontEndUrl"] == "https://www.example.com"
    assert "stand-in for a secret" not in json.dumps(done.report) + done.text


@pytest.mark.covers("A17")
def test_a_stack_takes_the_provider_that_the_account_has(rehearse_kumiki: Rehearse) -> None:
    adopted = "arn:aws:iam::210987654321:oidc-provider/token.actions.githubusercontent.com"
    done = rehearse_kumiki({"kumiki:delivery": {"repository": "acme/wiki", "oidcProvider": adopted}}, only=[])
    assert done.status == 0, done.text
    assert of_type(done, ":OpenIdConnectProvider") == []
    trust = json.loads(done.resource("kumiki-dev-delivery-role")["inputs"]["assumeRolePolicy"])
    assert assumable(trust, adopted, aud="sts.amazonaws.com", sub="repo:acme/wiki:environment:dev")


DELIVERY = {"repository": "acme/wiki"}


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"kumiki:delivery": {"repository": "wiki"}}, ["kumiki:delivery.repository: 'wiki' is not", "owner/name"]),
        ({"kumiki:delivery": {"repository": "acme/*"}}, ["kumiki:delivery.repository: 'acme/*' is not"]),
        (
            {"kumiki:delivery": {**DELIVERY, "githubEnvironment": "*"}},
            ["kumiki:delivery.githubEnvironment: '*' is not", "without wildcards"],
        ),
        ({"kumiki:delivery": {**DELIVERY, "oidcProvider": "adopt"}}, ["kumiki:delivery.oidcProvider: 'adopt' is not"]),
        ({"kumiki:delivery": {}}, ["kumiki:delivery.repository: is missing"]),
        ({"kumiki:frontEnd": {**FRONT_END, "branch": "*"}}, ["kumiki:frontEnd.branch: '*' is not"]),
        ({"kumiki:frontEnd": {**FRONT_END, "tokenSecretArn": "ghp_0"}}, ["kumiki:frontEnd.tokenSecretArn: "]),
        ({"kumiki:frontEnd": {**FRONT_END, "subdomain": "www"}}, ["kumiki:frontEnd.subdomain: 'www' needs a domain"]),
        ({"kumiki:frontEnd": {**FRONT_END, "variables": {"a b": "c"}}}, ["kumiki:frontEnd.variables", "use letters"]),
        (
            {"kumiki:freeTier": True, "kumiki:network": None, "kumiki:frontEnd": FRONT_END},
            ["kumiki:frontEnd: costs money", "freeTier"],
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_refused_with_its_key_and_its_mend(
    refuse_kumiki: Refuse, changes: dict[str, Any], parts: list[str]
) -> None:
    said = refuse_kumiki(changes)
    for part in parts:
        assert part in said
    assert "ghp_0" not in said
