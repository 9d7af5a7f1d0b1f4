"""The deployer role: who may assume it, what it has, what it never does, and what the roles that it makes may do."""

from __future__ import annotations

import json
from typing import Any

import pytest

from components.delivery.deployer_role import DeployerRole, DeployerRoleArgs
from components.errors import ArgumentError
from tests.conftest import ACCOUNT, Recorder
from tests.iam import allowed, assumable, listed

PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
GITHUB = {"repository": "acme/wiki", "job_environment": "dev", "oidc_provider": PROVIDER}
QUEUES = "arn:aws:sqs:ap-northeast-1:123456789012:wiki-dev-*"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Sid": "Sqs", "Effect": "Allow", "Action": "sqs:CreateQueue", "Resource": QUEUES}],
}
ROLES = f"arn:aws:iam::{ACCOUNT}:role"


def args(**changes: Any) -> DeployerRoleArgs:
    given = {"product": "wiki", "environment": "dev", **GITHUB, **changes}
    return DeployerRoleArgs(**{key: value for key, value in given.items() if value is not None})


def build(recorder: Recorder, policies: int = 1, **changes: Any) -> Recorder:
    return recorder.run(lambda: DeployerRole("ops-prod-dev", args(**changes), policies=[POLICY] * policies))


def documents(made: Recorder) -> list[dict[str, Any]]:
    return [one.policy() for one in made.of(":Policy") if not one.name.endswith("-boundary")]


def test_only_jobs_of_this_environment_may_assume_it(recorder: Recorder) -> None:
    trust = build(recorder).one(":Role").policy("assumeRolePolicy")
    subject = "repo:acme/wiki:environment:dev"
    assert assumable(trust, PROVIDER, aud="sts.amazonaws.com", sub=subject)
    assert not assumable(trust, PROVIDER, aud="sts.amazonaws.com", sub=subject.replace("dev", "prod"))
    assert not assumable(trust, PROVIDER, aud="sts.amazonaws.com", sub="repo:acme/wiki:ref:refs/heads/main")


def test_a_principal_may_assume_it_in_place_of_jobs(recorder: Recorder) -> None:
    admin = f"{ROLES}/admin"
    made = build(recorder, repository=None, job_environment=None, oidc_provider=None, principal=admin)
    (statement,) = made.one(":Role").policy("assumeRolePolicy")["Statement"]
    assert (statement["Principal"], statement["Action"]) == ({"AWS": admin}, "sts:AssumeRole")


def test_who_previews_only_reads_the_state(recorder: Recorder) -> None:
    state = {"state_bucket": "wiki-state", "state_key": "alias/wiki-state"}
    objects = "arn:aws:s3:::wiki-state/.pulumi/locks/x.json"
    held = documents(build(recorder, 1, purpose="preview", **state))
    given = {
        action
        for one in held
        for each in one["Statement"]
        if each["Effect"] == "Allow"
        for action in listed(each["Action"])
    }

    assert allowed(held, "s3:GetObject", objects)
    assert not allowed(held, "s3:PutObject", objects)
    assert not allowed(held, "s3:DeleteObject", objects)
    assert given & {"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"} == {"kms:Decrypt"}


def test_a_boundary_of_no_service_is_refused() -> None:
    with pytest.raises(ArgumentError, match="role_services"):
        args(role_services=[])


def test_it_has_its_policies_in_its_own_account_and_nothing_else(recorder: Recorder) -> None:
    made = build(recorder, policies=3)
    held = documents(made)
    assert len(made.of(":RolePolicyAttachment")) == len(held) == 4
    assert allowed(held, "sqs:CreateQueue", QUEUES.replace("123456789012", ACCOUNT).replace("*", "jobs"))
    for action in ("sqs:DeleteQueue", "iam:CreateRole", "s3:GetObject", "kms:Decrypt"):
        assert not allowed(held, action, "*")


def test_it_never_changes_itself_nor_makes_users(recorder: Recorder) -> None:
    held = [*documents(build(recorder)), {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}]
    role = recorder.one(":Role")
    arn = f"arn:aws:iam:ap-northeast-1:{ACCOUNT}:Role/{role.name}"
    for action in ("iam:PutRolePolicy", "iam:DetachRolePolicy", "iam:UpdateAssumeRolePolicy"):
        assert not allowed(held, action, arn)
        assert allowed(held, action, f"{ROLES}/wiki-dev-api-role")
    assert not allowed(held, "iam:CreateUser", "*")
    assert not allowed(held, "iam:CreateAccessKey", f"arn:aws:iam::{ACCOUNT}:user/admin")


def test_roles_without_the_boundary_are_refused_where_it_is_asked_for(recorder: Recorder) -> None:
    made = build(recorder, bound_roles=True)
    (boundary,) = [one for one in made.of(":Policy") if one.name.endswith("-boundary")]
    (limits,) = [one.policy() for one in made.of(":Policy") if one.name.endswith("-limits")]
    (bound,) = [one for one in limits["Statement"] if one["Sid"] == "OnlyRolesWithTheBoundary"]
    assert set(bound["Action"]) >= {"iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy"}
    assert boundary.name in json.dumps(bound["Condition"]["StringNotEquals"]["iam:PermissionsBoundary"])
    assert [one for one in limits["Statement"] if one["Action"] == "iam:DeleteRolePermissionsBoundary"]


def test_the_boundary_lets_roles_of_this_stack_use_services_and_change_no_rights(recorder: Recorder) -> None:
    (boundary,) = [one.policy() for one in build(recorder).of(":Policy") if one.name.endswith("-boundary")]
    mine = {"aws__PrincipalTag/Project": "wiki", "aws__PrincipalTag/Environment": "dev"}
    statements = [{"Statement": [one]} for one in boundary["Statement"]]

    def may(action: str, resource: str, **tags: str) -> bool:
        # The evaluation of the tests knows patterns of actions, as IAM does.
        return allowed(statements, action, resource, **tags)

    assert may("s3:GetObject", "arn:aws:s3:::wiki-dev-files/x", **mine)
    assert not may("s3:GetObject", "arn:aws:s3:::wiki-dev-files/x", **{**mine, "aws__PrincipalTag/Environment": "prod"})
    for action in ("iam:CreateRole", "iam:PutRolePolicy", "organizations:LeaveOrganization", "account:CloseAccount"):
        assert not may(action, "*", **mine)
    assert may("iam:PassRole", f"{ROLES}/wiki-dev-task", **mine)
    assert not may("iam:PassRole", f"{ROLES}/admin", **mine)


def test_the_state_is_its_bucket_and_its_key(recorder: Recorder) -> None:
    held = documents(build(recorder, state_bucket="wiki-state", state_key="alias/wiki-state"))
    for action in ("s3:GetObject", "s3:PutObject", "s3:DeleteObject"):
        assert allowed(held, action, "arn:aws:s3:::wiki-state/.pulumi/stacks/dev.json")
        assert not allowed(held, action, "arn:aws:s3:::wiki-state/other")
    (key,) = [one for document in held for one in document["Statement"] if one["Sid"] == "UseTheKeyOfTheState"]
    assert key["Condition"] == {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/wiki-state"}}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("principal", f"{ROLES}/admin"),
        ("repository", None),
        ("job_environment", None),
        ("oidc_provider", None),
        ("oidc_provider", "create"),
        ("repository", "acme/*"),
        ("job_environment", "prod*"),
        ("session_minutes", 30),
        ("state_bucket", "Wiki State"),
        ("state_key", "wiki-state"),
        ("role_services", ["iam"]),
        ("environment", "live"),
    ],
)
def test_what_would_open_the_role_or_leave_it_to_nobody_is_refused(field: str, value: Any) -> None:
    with pytest.raises(ArgumentError) as refused:
        args(**{field: value})
    assert field in str(refused.value).replace("roleServices", "role_services") or refused.value.field.startswith(field)


@pytest.mark.parametrize(
    "principal", ["*", "admin", f"{ROLES}/*", "arn:aws:iam::12:role/admin", f"arn:aws:s3:::{ROLES}"]
)
def test_an_unknown_principal_is_refused(principal: str) -> None:
    with pytest.raises(ArgumentError) as refused:
        args(repository=None, job_environment=None, oidc_provider=None, principal=principal)
    assert "arn:aws:iam::<account>:role/<name>" in str(refused.value)


@pytest.mark.parametrize("number", [0, 10])
def test_more_policies_than_a_role_can_have_are_refused(number: int, recorder: Recorder) -> None:
    with pytest.raises(ArgumentError, match="a role can have no more"):
        build(recorder, policies=number)
