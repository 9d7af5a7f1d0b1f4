"""What a stack needs before its first update: the account's template, and the variables of its GitHub environment."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from moto import mock_aws

from tests.architecture.test_whole_stacks import deployed, stack
from tests.conftest import REGION, ROOT
from tests.iam import allowed, assumable
from tests.test_workflows import FOLDER, workflow

pytestmark = pytest.mark.filterwarnings("ignore:Tried to parse AWS..S3..BucketPolicy")

TEMPLATE = ROOT / "docs/runbooks/account.yaml"
STACKS = [
    path.name.split(".")[1]
    for path in sorted(ROOT.glob("Pulumi.*.yaml"))
    # What makes the deployers has none: an administrator deploys it.
    if "kumiki:deployers" not in path.read_text(encoding="utf-8")
]
PROVIDER = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
# With a provider that is there: the emulator's CloudFormation makes none.
GIVEN = {
    "Product": "kumiki", "Environment": "dev", "Stack": "dev", "Repository": "acme/wiki", "Provider": PROVIDER,
}  # fmt: skip


@pytest.fixture(name="account")
def _account() -> Any:
    """The template in an emulated account: its outputs, the role with its policies, and its boundary."""
    with mock_aws():
        cloud: Any = boto3.client("cloudformation", REGION, aws_access_key_id="a", aws_secret_access_key="b")
        parameters: Any = [{"ParameterKey": key, "ParameterValue": value} for key, value in GIVEN.items()]
        cloud.create_stack(
            StackName="account", TemplateBody=TEMPLATE.read_text(encoding="utf-8"), Parameters=parameters,
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )  # fmt: skip
        (made,) = cloud.describe_stacks(StackName="account")["Stacks"]
        iam: Any = boto3.client("iam", aws_access_key_id="a", aws_secret_access_key="b")
        name = "infrastructure-kumiki-dev"
        boundary = next(
            one for one in iam.list_policies(Scope="Local")["Policies"] if one.get("PolicyName") == f"{name}-boundary"
        )
        version = iam.get_policy_version(PolicyArn=boundary["Arn"], VersionId="v1")["PolicyVersion"]["Document"]
        policy: Any = iam.get_role_policy(RoleName=name, PolicyName="RolesOfTheStack")["PolicyDocument"]
        yield {
            "outputs": {one["OutputKey"]: one["OutputValue"] for one in made.get("Outputs", [])},
            "role": _as_made(iam.get_role(RoleName=name)["Role"]),
            # The emulator keeps it as a text of Python's, which is YAML too.
            "policy": yaml.safe_load(policy) if isinstance(policy, str) else policy,
            "boundary": version,
        }


def _as_made(role: Any) -> Any:
    # What a condition leaves out, the emulator keeps as nothing.
    role["AssumeRolePolicyDocument"]["Statement"] = [
        one for one in role["AssumeRolePolicyDocument"]["Statement"] if one
    ]
    return role


def test_awss_own_schemas_accept_the_template() -> None:
    lint = Path(sys.executable).with_name("cfn-lint")
    done = subprocess.run([lint, TEMPLATE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_template_tells_what_the_runbook_asks_it_for(account: Any) -> None:
    bucket = f"kumiki-dev-state-123456789012-{REGION}"
    assert account["outputs"]["PulumiBackendUrl"] == f"s3://{bucket}?region={REGION}"
    assert account["outputs"]["SecretsProvider"] == f"awskms://alias/kumiki-dev-state?region={REGION}"
    text = runbook()
    assert account["outputs"]["SecretsProvider"] in text
    for key in (*account["outputs"], "PlanRoleArn"):
        assert key in text or key == "SecretsProvider", key
    for key in (*GIVEN, "RepositoryWithIds", "PipelineOf"):
        assert key in text, key


def test_only_jobs_of_the_environment_assume_the_infrastructure_role(account: Any) -> None:
    trust, provider = account["role"]["AssumeRolePolicyDocument"], PROVIDER
    assert assumable(trust, provider, aud="sts.amazonaws.com", sub="repo:acme/wiki:environment:dev")
    for subject in (
        "repo:acme/wiki:environment:prod",
        "repo:acme/wiki:ref:refs/heads/main",
        "repo:evil/wiki:environment:dev",
    ):
        assert not assumable(trust, provider, aud="sts.amazonaws.com", sub=subject)


def trusted(role: Any) -> list[tuple[str, str]]:
    """Which roles of the account may take a role, and whom it names as their account."""
    return [
        (one["Principal"]["AWS"], one["Condition"]["ArnEquals"]["aws:PrincipalArn"])
        for one in role["AssumeRolePolicyDocument"]["Statement"]
        if one and one["Action"] == "sts:AssumeRole"
    ]


@pytest.mark.covers("B16", "D15")
def test_stages_of_the_pipeline_take_the_roles_and_before_the_approval_only_one_that_reads() -> None:
    root, stage = "arn:aws:iam::123456789012:root", "arn:aws:iam::123456789012:role/kumiki-prod-pipeline-{}-role"
    with mock_aws():
        cloud: Any = boto3.client("cloudformation", REGION, aws_access_key_id="a", aws_secret_access_key="b")
        iam: Any = boto3.client("iam", aws_access_key_id="a", aws_secret_access_key="b")
        for environment, of in (("prod", "prod"), ("staging", "prod"), ("dev", "")):
            given = {**GIVEN, "Environment": environment, "PipelineOf": of}
            cloud.create_stack(
                StackName=environment, TemplateBody=TEMPLATE.read_text(encoding="utf-8"),
                Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
                Capabilities=["CAPABILITY_NAMED_IAM"],
            )  # fmt: skip
        roles = {one["RoleName"]: one for one in iam.list_roles()["Roles"]}
        own = str(iam.get_role_policy(RoleName="plan-kumiki-prod", PolicyName="SecretsOfTheState")["PolicyDocument"])
    assert trusted(roles["infrastructure-kumiki-prod"]) == [(root, stage.format("production"))]
    assert trusted(roles["infrastructure-kumiki-staging"]) == [(root, stage.format("staging"))]
    assert trusted(roles["infrastructure-kumiki-dev"]) == []
    assert trusted(roles["plan-kumiki-prod"]) == [(root, stage.format("plan"))]
    # Beside AWS's policy for reading, which the emulator does not have.
    assert set(re.findall(r"\b[a-z0-9]+:[A-Z*]\w*", own)) == {"kms:Decrypt", "kms:Encrypt"}
    _, _, plan = TEMPLATE.read_text(encoding="utf-8").partition("  PlanRole:\n")
    assert re.findall(r"policy/(\w+)", plan.partition("\n  Boundary:\n")[0]) == ["ReadOnlyAccess"]
    assert "plan-kumiki-staging" not in roles
    assert "plan-kumiki-dev" not in roles


def test_the_role_makes_the_roles_of_its_stack_and_no_others_and_not_its_own(account: Any) -> None:
    role = "arn:aws:iam::123456789012:role"
    for action in ("iam:CreateRole", "iam:PutRolePolicy", "iam:PassRole", "iam:DeleteRole"):
        assert allowed([account["policy"]], action, f"{role}/kumiki-dev-api-task-role-1234567")
        for other in ("kumiki-prod-api-task-role", "infrastructure-kumiki-dev", "admin"):
            assert not allowed([account["policy"]], action, f"{role}/{other}")
    for action, resource in (
        ("iam:PutRolePolicy", f"{role}/infrastructure-kumiki-dev"),
        ("iam:CreatePolicyVersion", "arn:aws:iam::123456789012:policy/infrastructure-kumiki-dev-boundary"),
        ("iam:CreateAccessKey", "arn:aws:iam::123456789012:user/somebody"),
        ("cloudtrail:StopLogging", "arn:aws:cloudtrail:ap-northeast-1:123456789012:trail/audit"),
    ):
        assert not allowed([account["boundary"]], action, resource), action


# What the provider calls for a type of IAM, beside reading.
CALLS = {
    "role:Role": "iam:CreateRole",
    "rolePolicy:RolePolicy": "iam:PutRolePolicy",
    "rolePolicyAttachment:RolePolicyAttachment": "iam:AttachRolePolicy",
    "instanceProfile:InstanceProfile": "iam:CreateInstanceProfile",
    "serviceLinkedRole:ServiceLinkedRole": "iam:CreateServiceLinkedRole",
    # Not by the workflow: the account has one, which the template makes or names.
    "openIdConnectProvider:OpenIdConnectProvider": None,
}


@pytest.mark.parametrize("name", STACKS)
def test_a_workflow_finds_its_variables_and_may_make_what_the_stack_has_of_iam(name: str) -> None:
    config, recorder = stack(name), deployed(name)
    stem = f"{config['kumiki:product']}-{config['kumiki:environment']}-"
    for each in recorder.resources:
        if each.type.startswith("aws:iam/"):
            assert each.type.removeprefix("aws:iam/") in CALLS, each.type
            assert each.name.startswith(stem), "the template lets the role make these only"

    file = "deploy" if "kumiki:services" in config else "deploy-host" if "kumiki:host" in config else "deploy-functions"
    asked = set(re.findall(r"vars\.([A-Z_]+)", (FOLDER / f"{file}.yml").read_text(encoding="utf-8")))
    told = recorder.outputs["githubVariables"]
    if "kumiki:site" in config and config["kumiki:site"].get("content") != "none":
        asked -= {"SITE_BUCKET", "SITE_DISTRIBUTION"}
    if "address" not in config["kumiki:delivery"]:
        # Nothing is asked after a deployment.
        asked -= {"ANSWERS_ADDRESS", "ANSWERS_CHECKS"}
    assert asked - {"INFRASTRUCTURE_ROLE_ARN", "PULUMI_BACKEND_URL"} == set(told)
    assert all(told.values())
    for image in (told.get("ECS_IMAGES") or told.get("HOST_IMAGE") or "").split():
        repository, folder, platform, *_ = image.split(",")
        assert repository.startswith(stem)
        assert (ROOT / folder / "Dockerfile").is_file()
        assert platform in {"linux/amd64", "linux/arm64"}


@pytest.mark.parametrize("name", STACKS)
def test_the_runbooks_search_finds_the_placeholders_of_a_stacks_file(name: str) -> None:
    (pattern,) = re.findall(r"grep -nE '([^']+)'", runbook())
    found = [
        line
        for line in (ROOT / f"Pulumi.{name}.yaml").read_text(encoding="utf-8").splitlines()
        if re.search(pattern, line)
    ]
    config = stack(name)
    for key in ("repository", *(["emails"] if "kumiki:alerts" in config else [])):
        assert any(key in line for line in found), key
    domain = config.get("kumiki:domain", {}).get("name", "example.com")
    assert re.search(pattern, domain)


def template() -> dict[str, Any]:
    loader = type("Loader", (yaml.SafeLoader,), {})
    loader.add_multi_constructor("!", lambda *_: None)  # pyright: ignore[reportAttributeAccessIssue]
    return yaml.load(TEMPLATE.read_text(encoding="utf-8"), loader)  # noqa: S506 a safe loader that passes tags over


def test_what_the_template_keeps_is_not_in_the_way_of_a_second_try() -> None:
    # By Retain alone, the bucket of a creation that failed (a provider is there already) would stay, with its name.
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
    policies = {name: one.get("DeletionPolicy") for name, one in template()["Resources"].items()}
    assert {name for name, policy in policies.items() if policy} == {"StateBucket", "SecretsKey", "GitHubProvider"}
    assert set(policies.values()) == {None, "RetainExceptOnCreate"}


def runbook() -> str:
    return (TEMPLATE.parent / "first-deployment.md").read_text(encoding="utf-8")


def done(text: str) -> list[str]:
    """What a text calls of the scripts of a deployment, and of Pulumi, in its order."""
    text = text.replace(".github/scripts/stack.sh apply", "pulumi up")
    return re.findall(r"scripts/((?:images\.sh|service\.sh|host\.sh|migrate\.sh)(?: [a-z]+)?)|(pulumi up)", text)


@pytest.mark.parametrize(("name", "first"), [("deploy", "ECS_IMAGES"), ("deploy-host", "HOST_IMAGE")])
def test_a_deployment_by_hand_takes_the_workflows_steps_in_their_order(name: str, first: str) -> None:
    (block,) = [one for one in runbook().split("```") if f'images.sh build "$(variable {first})"' in one]
    whole = done("\n".join(line.partition("#")[0] for line in (FOLDER / f"{name}.yml").read_text().splitlines()))
    by_hand = done(block)
    # `pulumi up` waits for the services itself, and whoever sits before it sees what ran before.
    of_the_workflow = [one for one in whole if one[0] not in {
        "service.sh running", "service.sh settled", "service.sh back", "images.sh chosen", "images.sh back",
    }]  # fmt: skip
    assert by_hand == of_the_workflow
    assert by_hand[-1][0] == "images.sh ran"


def test_the_runbook_says_which_region_is_asked_before_it_asks() -> None:
    before, _, after = runbook().partition("export AWS_REGION=ap-northeast-1 AWS_DEFAULT_REGION=ap-northeast-1\n")
    assert not re.search(r"^(aws|pulumi|\.github)", before, re.MULTILINE)
    assert "--region" not in after


def test_the_role_lasts_as_long_as_the_longest_job_that_assumes_it() -> None:
    longest = max(
        step["with"].get("role-duration-seconds", 3600)
        for path in FOLDER.glob("*.yml")
        for job in workflow(path.stem)["jobs"].values()
        for step in job["steps"]
        if "INFRASTRUCTURE_ROLE_ARN" in json.dumps(step.get("with", {}))
    )
    assert template()["Resources"]["InfrastructureRole"]["Properties"]["MaxSessionDuration"] >= longest
