"""The deploy role: who may assume it, and what it may do."""

from __future__ import annotations

from typing import Any

import pytest

from components.delivery.deploy_role import DeployRole, DeployRoleArgs
from components.delivery.deployed import Deployed, DeployedFunction, DeployedService, DeployedSite
from components.errors import ArgumentError
from tests.conftest import ACCOUNT, REGION, Recorder
from tests.iam import allowed, assumable

ECS = f"arn:aws:ecs:{REGION}:{ACCOUNT}"
REPOSITORY = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/wiki-dev-api"
SERVICE = f"{ECS}:service/wiki-dev-cluster/wiki-dev-api"
ROLES = [f"arn:aws:iam::{ACCOUNT}:role/wiki-dev-api-{kind}-role" for kind in ("task", "execution")]
ADOPTED = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"


def args(**changes: Any) -> DeployRoleArgs:
    return DeployRoleArgs(**{"repository": "acme/wiki", "github_environment": "dev", **changes})


DEPLOYED = ("image_repositories", "image_tags", "services", "functions", "sites")


def build(recorder: Recorder, **changes: Any) -> Recorder:
    service = DeployedService(service_arn=SERVICE, family="wiki-dev-api", roles=ROLES)
    given = {"image_repositories": [REPOSITORY], "services": [service]}
    given |= {name: changes.pop(name) for name in DEPLOYED if name in changes}
    return recorder.run(lambda: DeployRole("wiki-dev-delivery", args(**changes), deployed=Deployed(**given)))


SUBJECT = "repo:acme/wiki:environment:dev"
AUDIENCE = "sts.amazonaws.com"


def test_only_jobs_of_this_environment_of_this_repository_may_assume_it(recorder: Recorder) -> None:
    trust = build(recorder, oidc_provider=ADOPTED).one(":Role").policy("assumeRolePolicy")
    assert assumable(trust, ADOPTED, aud=AUDIENCE, sub=SUBJECT)
    for subject in (
        "repo:acme/wiki:environment:prod",
        "repo:acme/wiki:environment:dev2",
        "repo:acme/wiki:ref:refs/heads/main",
        "repo:acme/wiki:pull_request",
        "repo:acme/wiki-fork:environment:dev",
        "repo:evil/wiki:environment:dev",
    ):
        assert not assumable(trust, ADOPTED, aud=AUDIENCE, sub=subject)
    assert not assumable(trust, ADOPTED, aud="https://github.com/acme", sub=SUBJECT)
    assert not assumable(trust, ADOPTED, sub=SUBJECT)
    assert not assumable(trust, ADOPTED, aud=AUDIENCE)
    assert not assumable(trust, ADOPTED.replace("token.actions", "tokens.actions"), aud=AUDIENCE, sub=SUBJECT)
    assert len(trust["Statement"]) == 1


def test_a_repository_with_ids_is_known_by_both_names_that_github_signs_and_by_no_other(recorder: Recorder) -> None:
    trust = (
        build(recorder, repository="acme@12/wiki@345", oidc_provider=ADOPTED).one(":Role").policy("assumeRolePolicy")
    )
    for subject in ("repo:acme@12/wiki@345:environment:dev", SUBJECT):
        assert assumable(trust, ADOPTED, aud=AUDIENCE, sub=subject)
    for subject in (
        "repo:acme@12/wiki@346:environment:dev",
        "repo:acme@13/wiki@345:environment:dev",
        "repo:acme/wiki@345:environment:dev",
        "repo:acme@12/wiki:environment:dev",
        "repo:acme@12/wiki@345:environment:prod",
        "repo:acme@12/wiki@345:ref:refs/heads/main",
    ):
        assert not assumable(trust, ADOPTED, aud=AUDIENCE, sub=subject)


def test_the_provider_is_created_unless_the_account_has_it(recorder: Recorder) -> None:
    build(recorder)
    provider = recorder.one(":OpenIdConnectProvider")
    assert provider.inputs["url"] == "https://token.actions.githubusercontent.com"
    assert provider.inputs["clientIdLists"] == [AUDIENCE]
    (statement,) = recorder.one(":Role").policy("assumeRolePolicy")["Statement"]
    assert "OpenIdConnectProvider" in statement["Principal"]["Federated"]


def test_an_adopted_provider_is_not_made_again(recorder: Recorder) -> None:
    assert build(recorder, oidc_provider=ADOPTED).of(":OpenIdConnectProvider") == []


def test_it_may_say_which_image_runs_and_write_no_other_parameter(recorder: Recorder) -> None:
    tag = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/wiki/dev/api/image-tag"
    policy = build(recorder, image_tags=[tag]).one(":RolePolicy").policy()
    for action in ("ssm:GetParameter", "ssm:PutParameter"):
        assert allowed([policy], action, tag)
        assert not allowed([policy], action, tag.replace("image-tag", "password"))


def test_it_may_push_to_its_repository_and_change_nothing_that_is_there(recorder: Recorder) -> None:
    policy = build(recorder).one(":RolePolicy").policy()
    assert allowed([policy], "ecr:GetAuthorizationToken", "*")
    for action in ("BatchCheckLayerAvailability", "InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload",
                   "PutImage"):  # fmt: skip
        assert allowed([policy], f"ecr:{action}", REPOSITORY)
        assert not allowed([policy], f"ecr:{action}", f"{REPOSITORY}-other")
    for action in ("BatchDeleteImage", "DeleteRepository", "SetRepositoryPolicy", "PutImageTagMutability"):
        assert not allowed([policy], f"ecr:{action}", REPOSITORY)


def test_it_may_register_revisions_of_this_family_and_update_this_service(recorder: Recorder) -> None:
    policy = build(recorder).one(":RolePolicy").policy()
    revision = f"{ECS}:task-definition/wiki-dev-api:7"
    assert allowed([policy], "ecs:RegisterTaskDefinition", revision)
    assert not allowed([policy], "ecs:RegisterTaskDefinition", f"{ECS}:task-definition/wiki-dev-api2:1")
    assert allowed([policy], "ecs:TagResource", revision, ecs__CreateAction="RegisterTaskDefinition")
    assert not allowed([policy], "ecs:TagResource", revision)
    for action in ("UpdateService", "DescribeServices"):
        assert allowed([policy], f"ecs:{action}", SERVICE)
        assert not allowed([policy], f"ecs:{action}", SERVICE.replace("api", "other"))
    for action in ("DeleteService", "CreateService", "DeregisterTaskDefinition", "ExecuteCommand", "RunTask"):
        assert not allowed([policy], f"ecs:{action}", SERVICE)


def test_it_may_give_tasks_these_roles_and_nothing_else_to_anybody(recorder: Recorder) -> None:
    policy = build(recorder).one(":RolePolicy").policy()
    for role in ROLES:
        assert allowed([policy], "iam:PassRole", role, iam__PassedToService="ecs-tasks.amazonaws.com")
        assert not allowed([policy], "iam:PassRole", role, iam__PassedToService="ec2.amazonaws.com")
        assert not allowed([policy], "iam:PassRole", role)
    other = f"arn:aws:iam::{ACCOUNT}:role/admin"
    assert not allowed([policy], "iam:PassRole", other, iam__PassedToService="ecs-tasks.amazonaws.com")
    for action in ("iam:CreateRole", "iam:PutRolePolicy", "secretsmanager:GetSecretValue", "s3:GetObject"):
        assert not allowed([policy], action, "*")


def test_every_action_is_named(recorder: Recorder) -> None:
    for statement in build(recorder).one(":RolePolicy").policy()["Statement"]:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        assert not [action for action in actions if "*" in action]


def test_without_anything_to_deploy_it_may_do_nothing(recorder: Recorder) -> None:
    assert build(recorder, image_repositories=[], services=[]).of("Policy") == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("repository", "wiki"),
        ("repository", "acme/*"),
        ("repository", "*/wiki"),
        ("repository", "https://github.com/acme/wiki"),
        ("repository", "acme/wiki:environment:prod"),
        ("repository", "acme@12/wiki"),
        ("repository", "acme/wiki@345"),
        ("repository", "acme@*/wiki@*"),
        ("repository", "acme@12/wiki@0"),
        ("repository", ""),
        ("github_environment", "*"),
        ("github_environment", "prod*"),
        ("github_environment", "dev?"),
        ("github_environment", "dev:ref"),
        ("github_environment", ""),
        ("oidc_provider", "arn:aws:iam::123456789012:oidc-provider/gitlab.com"),
        ("oidc_provider", "adopt"),
        ("session_minutes", 30),
    ],
)
def test_what_would_open_the_role_to_others_is_refused(field: str, value: Any) -> None:
    with pytest.raises(ArgumentError) as refused:
        args(**{field: value})
    assert refused.value.field == field
    assert repr(value) in str(refused.value)


@pytest.mark.covers("C7")
def test_it_may_move_the_calls_of_this_function_and_change_nothing_of_its_code(recorder: Recorder) -> None:
    function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:wiki-dev-api"
    deploy = f"arn:aws:codedeploy:{REGION}:{ACCOUNT}"
    group, application = f"{deploy}:deploymentgroup:wiki-dev-api/wiki-dev-api", f"{deploy}:application:wiki-dev-api"
    moved = DeployedFunction(function_arn=function, application_arn=application, group_arn=group)
    policy = build(recorder, services=[], image_repositories=[], functions=[moved]).one(":RolePolicy").policy()
    assert allowed([policy], "lambda:GetAlias", function)
    assert allowed([policy], "codedeploy:CreateDeployment", group)
    assert allowed([policy], "codedeploy:RegisterApplicationRevision", application)
    assert allowed(
        [policy], "codedeploy:GetDeploymentConfig", f"{deploy}:deploymentconfig:CodeDeployDefault.LambdaAllAtOnce"
    )
    assert not allowed([policy], "codedeploy:CreateDeployment", f"{group}-other")
    for action in ("lambda:UpdateFunctionCode", "lambda:UpdateAlias", "lambda:InvokeFunction"):
        assert not allowed([policy], action, function)
    for action in ("codedeploy:UpdateDeploymentGroup", "codedeploy:DeleteApplication"):
        assert not allowed([policy], action, group)


def test_it_may_run_a_migration_in_the_services_cluster_only(recorder: Recorder) -> None:
    held = [build(recorder).one(":RolePolicy").policy()]
    definition, cluster = f"{ECS}:task-definition/wiki-dev-api:7", f"{ECS}:cluster/wiki-dev-cluster"
    assert allowed(held, "ecs:RunTask", definition, ecs__cluster=cluster)
    assert not allowed(held, "ecs:RunTask", definition, ecs__cluster=f"{cluster}-other")
    assert not allowed(held, "ecs:RunTask", f"{ECS}:task-definition/wiki-dev-apis:7", ecs__cluster=cluster)
    assert allowed(held, "ecs:DescribeTasks", f"{ECS}:task/wiki-dev-cluster/abc")
    assert not allowed(held, "ecs:DescribeTasks", f"{ECS}:task/other/abc")


@pytest.mark.covers("E10")
def test_it_may_replace_the_files_of_this_site_and_drop_copies_of_them(recorder: Recorder) -> None:
    bucket, distribution = "arn:aws:s3:::wiki-dev-site", f"arn:aws:cloudfront::{ACCOUNT}:distribution/E1"
    site = DeployedSite(bucket_arn=bucket, distribution_arn=distribution)
    held = [build(recorder, sites=[site]).one(":RolePolicy").policy()]
    assert allowed(held, "s3:ListBucket", bucket)
    for action in ("s3:PutObject", "s3:DeleteObject"):
        assert allowed(held, action, f"{bucket}/assets/app.js")
        assert not allowed(held, action, f"{bucket}-other/assets/app.js")
    for action in ("s3:PutBucketPolicy", "s3:DeleteBucket", "s3:PutObjectAcl", "s3:GetObject"):
        assert not allowed(held, action, f"{bucket}/x")
        assert not allowed(held, action, bucket)
    for action in ("cloudfront:CreateInvalidation", "cloudfront:GetInvalidation"):
        assert allowed(held, action, distribution)
        assert not allowed(held, action, distribution.replace("E1", "E2"))
    assert not allowed(held, "cloudfront:UpdateDistribution", distribution)
