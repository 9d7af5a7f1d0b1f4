"""The pipelines of the stacks: their order and their rights, and the commands of their stages, run with stand-ins for
docker, pulumi and aws, each of whose calls is held against the policy of the role that the stage has."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.delivery.build import spec_mistakes
from components.delivery.pipeline_args import matches
from tests.conftest import ACCOUNT, REGION, ROOT
from tests.iam import allowed
from tests.rehearsal.conftest import Refuse, Rehearsed
from tests.test_failing_steps import HARMLESS, STAND_INS, TAG, Run

SPECS = ROOT / "workloads/builds/pipeline"
SCRIPTS = ROOT / ".github/scripts"
STAGES = sorted(path.stem for path in SPECS.glob("*.yml"))
STACKS = {"serverless": "chat-prod", "analytics": "chat-dev", "hybrid": "hybrid-prod", "wiki-prod": "deepwiki-omr-prod"}
STAGING = {
    "stack": "kumiki-staging",
    "backend": "s3://kumiki-staging-state", "infrastructureRole": "arn:aws:iam::000000000000:role/infrastructure-y",
}  # fmt: skip
PIPELINE = {
    "repository": "acme/wiki", "backend": "s3://kumiki-dev-state",
    "connection": "arn:aws:codeconnections:ap-northeast-1:000000000000:connection/0",
    "planRole": "arn:aws:iam::000000000000:role/plan-x",
    "infrastructureRole": "arn:aws:iam::000000000000:role/infrastructure-x",
}  # fmt: skip


def spec(stage: str) -> dict[str, Any]:
    return yaml.safe_load((SPECS / f"{stage}.yml").read_text(encoding="utf-8"))


def script(stage: str) -> str:
    """The commands of a stage as CodeBuild runs them: in one shell, the build's first failure ends the build, and what
    is to be done after it is done then, too
    (docs.aws.amazon.com/codebuild/latest/userguide/view-build-details-phases.html)."""
    phases = {name: phase.get("commands", []) for name, phase in spec(stage)["phases"].items()}
    lines = ["set +e", "mkdir -p build", "export CODEBUILD_BUILD_SUCCEEDING=1"]
    for command in (*phases.get("install", []), *phases.get("pre_build", [])):
        lines += [command, "[ $? = 0 ] || exit 1"]
    for command in phases["build"]:
        lines += ['if [ "$CODEBUILD_BUILD_SUCCEEDING" = 1 ]; then', command]
        lines += ["[ $? = 0 ] || CODEBUILD_BUILD_SUCCEEDING=0", "fi"]
    lines += [*phases.get("post_build", []), '[ "$CODEBUILD_BUILD_SUCCEEDING" = 1 ]']
    return "\n".join(lines)


ANSWERS = {
    "aws": """\
case "$*" in
    *"--query taskDefinition --output json"*) echo "$DEFINITION"; exit ;;
    *executionType*) echo "${KIND_OF_EXECUTION:-STANDARD}"; exit ;;
    *tagStatus=TAGGED*) echo "${LAST:-None}"; exit ;;
    *findingSeverityCounts*) echo "${FINDINGS:-None	None}"; exit ;;
    *scan-sbom*) echo "${FAULTS:-{\\}}"; exit ;;
    *get-parameter*image-tag*) echo 0ld; exit ;;
    *pipeline/released*) echo "${RUNS:-none}"; exit ;;
    *describe-services*\\&\\&*) echo arn:aws:ecs:r:1:task-definition/api:5; exit ;;
    *batch-get-image*imageId.imageTag*) echo 0ld; exit ;;
esac
"""
    + STAND_INS["aws"],
    "pulumi": """\
case "$*" in
    *output*) cat "$OUTPUTS" ;;
    *preview*) printf 'Resources:\\n    + 2 to create\\n    4 unchanged\\n' ;;
esac
""",
    "curl": 'case "$*" in *http_code*) echo "${ANSWER:-200}" ;; esac\n',
    "tar": "",
    "git": "",
    "chmod": "",
}  # fmt: skip


def told(done: Rehearsed, stage: str) -> dict[str, str]:
    """What the project of a stage tells its commands, and CodePipeline its action."""
    project = next(one for one in done.report["resources"] if one["name"].endswith(f"-pipeline-{stage}-project"))
    variables = project["inputs"]["environment"]["environmentVariables"]
    return {**{one["name"]: one["value"] for one in variables}, "COMMIT": TAG, "EXECUTION": "e-1"}


def run(folder: Path, done: Rehearsed, stage: str, failing: str = "", **given: str) -> Run:
    outputs = folder / "outputs.json"
    outputs.write_text(json.dumps(done.report["outputs"]), encoding="utf-8")
    place = {"OUTPUTS": str(outputs), "CODEBUILD_SRC_DIR_Planned": "planned"}
    variables = {**spec(stage)["env"].get("variables", {}), **told(done, stage), **place, **given}
    return Run(folder / "run", script(stage), None, failing, ANSWERS, **variables)


@pytest.fixture(scope="session", name="tried")
def _tried() -> Rehearsed:
    """What the stages of staging need of that stack."""
    outputs = {"githubVariables": {}, "deployRoleArn": f"arn:aws:iam::{ACCOUNT}:role/kumiki-staging-delivery-role-0"}
    return Rehearsed(0, "", {"outputs": outputs, "resources": []})


# --- What the commands ask, and what the roles let them ----------


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def asked(call: str) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Action, resource and condition keys of what a call of the CLI asks for."""
    words = call.removeprefix("aws ").split(" ")
    service, verb = words[0], words[1] if words[1] != "wait" else f"wait {words[2]}"

    def option(name: str) -> str:
        return words[words.index(f"--{name}") + 1]

    action = "".join(word.capitalize() for word in verb.split("-"))
    cluster = arn("ecs", f"cluster/{option('cluster')}") if "--cluster" in words else ""
    match service, verb:
        case "ecr", "get-authorization-token" | "get-login-password":
            yield "ecr:GetAuthorizationToken", "*", {}
        case "ecr", _:
            action = "DescribeImageScanFindings" if verb.startswith("wait") else action
            yield f"ecr:{action}", arn("ecr", f"repository/{option('repository-name')}"), {}
        case "ssm", _:
            yield f"ssm:{action}", arn("ssm", f"parameter{option('name')}"), {}
        case "ecs", "describe-services" | "update-service" | "wait services-stable":
            action = "UpdateService" if verb == "update-service" else "DescribeServices"
            for name in re.findall(r"--services? ([\w -]+?)(?= --|$)", call.strip())[0].split():
                yield f"ecs:{action}", f"{cluster.replace(':cluster/', ':service/')}/{name}", {}
        case "ecs", "describe-task-definition":
            yield "ecs:DescribeTaskDefinition", "*", {}
        case "ecs", "register-task-definition":
            given = json.loads(call.partition("--cli-input-json ")[2].partition(" --query")[0])
            yield "ecs:RegisterTaskDefinition", arn("ecs", f"task-definition/{given['family']}:7"), {}
            for key in ("taskRoleArn", "executionRoleArn"):
                yield "iam:PassRole", given[key], {"iam__PassedToService": "ecs-tasks.amazonaws.com"}
        case "ecs", "run-task":
            # The stand-in answers with a revision of this family, whatever was registered.
            family = option("cluster").replace("-cluster", "-api")
            yield "ecs:RunTask", arn("ecs", f"task-definition/{family}:7"), {"ecs__cluster": cluster}
        case "ecs", "describe-tasks":
            yield "ecs:DescribeTasks", f"{cluster.replace(':cluster/', ':task/')}/0", {}
        case "lambda", "get-alias":
            yield "lambda:GetAlias", arn("lambda", f"function:{option('function-name')}"), {}
        case "deploy", "create-deployment":
            both = f"{option('application-name')}/{option('deployment-group-name')}"
            yield "codedeploy:CreateDeployment", arn("codedeploy", f"deploymentgroup:{both}"), {}
            yield "codedeploy:RegisterApplicationRevision", arn("codedeploy", f"application:{both.split('/')[0]}"), {}
        case "deploy", "get-deployment":
            # AWS asks for the group; the call names the deployment only.
            yield "codedeploy:GetDeployment", arn("codedeploy", "deploymentgroup:*"), {}
        case "codepipeline", _:
            yield f"codepipeline:{action}", arn("codepipeline", option("pipeline-name")), {}
        case "inspector-scan", _:
            yield "inspector-scan:ScanSbom", "*", {}
        case _:
            raise AssertionError(f"the tests do not know what {service} {verb} asks for")


def policies(done: Rehearsed, stage: str) -> list[dict[str, Any]]:
    name = next(one["name"] for one in done.report["resources"] if one["name"].endswith(f"-pipeline-{stage}-policy"))
    return [json.loads(done.resource(name)["inputs"]["policy"])]


@pytest.mark.covers("B16", "B20", "D15")
@pytest.mark.parametrize("stage", ["test", "build", "plan", "production"])
@pytest.mark.parametrize("name", STACKS)
def test_the_commands_of_a_stage_succeed_and_ask_for_nothing_that_its_role_may_not_do(
    name: str, stage: str, tmp_path: Path, rehearsed: Any
) -> None:
    done = rehearsed(name)
    fine = run(tmp_path, done, stage, **_definition(done))
    assert fine.status == 0, fine.error
    calls = [call for call in fine.calls if call.startswith("aws ")]
    documents = policies(done, stage)
    for call in calls:
        for action, resource, context in asked(call):
            if action == "codedeploy:GetDeployment":
                resource = next(one for one in _groups(done))
            assert allowed(documents, action, resource, **context), f"{stage}: {action} on {resource}"
    # Only the last stage changes what runs, and nothing else may pass a role.
    changes = {"PutParameter", "UpdateService", "RunTask", "RegisterTaskDefinition", "CreateDeployment"}
    found = {action.partition(":")[2] for call in calls for action, *_ in asked(call)}
    assert bool(found & changes) == (stage == "production")
    for role in (one["outputs"]["arn"] for one in done.report["resources"] if one["type"] == "aws:iam/role:Role"):
        may = allowed(documents, "iam:PassRole", role, iam__PassedToService="ecs-tasks.amazonaws.com")
        assert may == (stage == "production" and role in _roles_of_tasks(done)), role
        assert not allowed(documents, "iam:PassRole", role, iam__PassedToService="lambda.amazonaws.com")


def _groups(done: Rehearsed) -> list[str]:
    return [one["outputs"]["arn"] for one in done.report["resources"] if one["type"].endswith(":DeploymentGroup")]


def _roles_of_tasks(done: Rehearsed) -> set[str]:
    tasks = [one["inputs"] for one in done.report["resources"] if one["type"].endswith(":TaskDefinition")]
    return {one[key] for one in tasks for key in ("taskRoleArn", "executionRoleArn")}


def _definition(done: Rehearsed) -> dict[str, str]:
    """The task definition that runs, for what registers another: with the roles that it really has."""
    tasks = [one for one in done.report["resources"] if one["type"].endswith(":TaskDefinition")]
    if not tasks:
        return {}
    inputs = tasks[0]["inputs"]
    image = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{inputs['family']}:{TAG}"
    given = {
        "family": inputs["family"], "revision": 6, "containerDefinitions": [{"name": "app", "image": image}],
        "taskRoleArn": inputs["taskRoleArn"], "executionRoleArn": inputs["executionRoleArn"],
    }  # fmt: skip
    return {"DEFINITION": json.dumps(given)}


@pytest.mark.covers("B16")
@pytest.mark.parametrize("stage", STAGES)
def test_whatever_fails_in_a_stage_fails_the_stage(
    stage: str, tmp_path: Path, rehearsed: Any, tried: Rehearsed
) -> None:
    done = rehearsed("analytics") if stage not in {"staging", "answers"} else tried
    given = _of_staging(stage) if done is tried else _definition(done)
    fine = run_of(tmp_path, done, stage, **given)
    assert fine.status == 0, fine.error
    # One of each kind: the rest of what a script asks is made to fail by the tests of the workflows, which call it too.
    kinds = {tuple(call.split()[:3]): call for call in fine.calls}
    lost = [
        call
        for call in kinds.values()
        if not any(one.match(call) for one in HARMLESS)
        # Whether an image is there: where that cannot be asked, it is made, and ECR refuses what is wrong.
        and not re.match(r"aws ecr describe-images .*imageTags?=", call)
        and not run_of(tmp_path, done, stage, call, **given).status
    ]
    assert lost == []


def _of_staging(stage: str) -> dict[str, str]:
    if stage == "answers":
        return {"ADDRESS": "https://staging.example.com", "CHECKS": "/health=200"}
    return {"STACK": "kumiki-staging", "BACKEND": "s3://x", "INFRASTRUCTURE_ROLE": "arn:aws:iam::1:role/x"}


def run_of(folder: Path, done: Rehearsed, stage: str, failing: str = "", **given: str) -> Run:
    """As `run`, also for stages that no stack of ours has."""
    if not done.report["resources"]:
        outputs = folder / "outputs.json"
        outputs.write_text(json.dumps(done.report["outputs"]), encoding="utf-8")
        variables = {**spec(stage)["env"].get("variables", {}), "OUTPUTS": str(outputs), "COMMIT": TAG, **given}
        return Run(folder / "run", script(stage), None, failing, ANSWERS, **variables)
    return run(folder, done, stage, failing, **given)


@pytest.mark.covers("B16", "D15")
def test_production_gets_the_approved_plan_and_goes_back_when_it_fails(tmp_path: Path, rehearsed: Any) -> None:
    done = rehearsed("analytics")
    given = _definition(done)
    fine = run(tmp_path, done, "production", **given)
    (update,) = [call for call in fine.calls if "pulumi up" in call]
    assert update.startswith("infrastructure: ")
    assert "--plan planned/plan.json" in update
    assert not [call for call in fine.calls if "pulumi preview" in call]
    choice, released = "put-parameter --overwrite --name /chat/dev/api/image-tag", "--name /chat/dev/pipeline/released"
    places = [next(n for n, call in enumerate(fine.calls) if what in call) for what in (choice, "pulumi up", released)]
    assert places == sorted(places), "chosen, then done, then written down"

    failed = run(tmp_path, done, "production", update, **given)
    assert failed.status != 0
    (back,) = [call for call in failed.calls if "put-parameter" in call and "--value 0ld" in call]
    assert "/chat/dev/api/image-tag" in back
    assert [call for call in failed.calls if "update-service" in call and "api:5" in call]
    assert not [call for call in failed.calls if released in call and "put-parameter" in call]


@pytest.mark.covers("B16")
def test_a_roll_back_makes_the_plan_of_the_earlier_commit_anew(tmp_path: Path, rehearsed: Any) -> None:
    done = rehearsed("analytics")
    again = run(tmp_path, done, "production", KIND_OF_EXECUTION="ROLLBACK", **_definition(done))
    assert again.status == 0, again.error
    verbs = [re.search(r"pulumi (preview|up)", call) for call in again.calls]
    assert [found[1] for found in verbs if found] == ["preview", "up"]
    assert not [call for call in again.calls if "planned/plan.json" in call]


@pytest.mark.covers("B16")
def test_before_the_approval_nothing_but_a_plan_is_made(tmp_path: Path, rehearsed: Any) -> None:
    done = rehearsed("analytics")
    planned = run(tmp_path, done, "plan", RUNS="0ld")
    assert planned.status == 0, planned.error
    assert {call.split()[0] for call in planned.calls if " pulumi " in call} == {"plan:"}
    assert not [call for call in planned.calls if call.startswith("pulumi ")]
    assert not [call for call in planned.calls if re.search(r"pulumi (up|refresh)|put-|update-", call)]
    assert spec("plan")["env"]["exported-variables"] == ["DIFF", "SUMMARY"]
    kept = script("plan") + '\necho "$DIFF|$SUMMARY" >&2'
    outputs = tmp_path / "outputs.json"
    variables = {**spec("plan")["env"]["variables"], **told(done, "plan"), "OUTPUTS": str(outputs), "RUNS": "0ld"}
    assert (
        f"compare/0ld...{TAG}|+ 2 to create,4 unchanged"
        in Run(tmp_path / "again", kept, None, "", ANSWERS, **variables).error
    )


@pytest.mark.covers("B16", "D15")
@pytest.mark.parametrize(("stage", "given"), [("build", {"FINDINGS": "None\t2"}), ("build", {"FINDINGS": "1\t0"})])
def test_an_image_with_grave_findings_ends_the_commits_way(
    stage: str, given: dict[str, str], tmp_path: Path, rehearsed: Any
) -> None:
    stopped = run(tmp_path, rehearsed("analytics"), stage, **given)
    assert stopped.status == 1
    assert f"chat-dev-api:{TAG} has findings" in stopped.error


@pytest.mark.covers("B16", "D15")
def test_a_dependency_with_a_grave_fault_ends_the_commits_way(tmp_path: Path, rehearsed: Any) -> None:
    grave = {"vulnerabilities": [{"id": "CVE-1", "affects": [{"ref": "x-1"}], "ratings": [{"severity": "high"}]}]}
    mild = {"vulnerabilities": [{"id": "CVE-2", "affects": [{"ref": "x-1"}], "ratings": [{"severity": "low"}]}]}
    stopped = run(tmp_path, rehearsed("analytics"), "test", FAULTS=json.dumps(grave))
    assert stopped.status == 1
    assert "CVE-1 in x-1" in stopped.error
    assert run(tmp_path, rehearsed("analytics"), "test", FAULTS=json.dumps(mild)).status == 0


@pytest.mark.covers("B16")
def test_an_image_takes_over_what_the_last_one_has_in_common(tmp_path: Path, rehearsed: Any) -> None:
    done = rehearsed("analytics")
    (first,) = [call for call in run(tmp_path, done, "build").calls if "buildx build" in call]
    assert "--cache-to type=inline" in first
    assert "--cache-from" not in first
    (next_one,) = [call for call in run(tmp_path, done, "build", LAST="0ld").calls if "buildx build" in call]
    assert "--cache-from type=registry,ref=1.dkr.ecr.ap-northeast-1.amazonaws.com/chat-dev-api:0ld" in next_one
    project = done.resource("chat-dev-pipeline-build-project")["inputs"]
    assert project["cache"] == {"type": "LOCAL", "modes": ["LOCAL_CUSTOM_CACHE", "LOCAL_DOCKER_LAYER_CACHE"]}


@pytest.mark.covers("B16", "D15")
def test_staging_is_asked_what_it_must_answer_and_a_wrong_answer_ends_the_commits_way(
    tmp_path: Path, tried: Rehearsed
) -> None:
    given = {"ADDRESS": "https://staging.example.com", "CHECKS": "/health=200 /items=401"}
    wrong = run_of(tmp_path, tried, "answers", **given)
    assert wrong.status == 1
    assert "/items answers 200 instead of 401" in wrong.error
    assert run_of(tmp_path, tried, "answers", ADDRESS=given["ADDRESS"], CHECKS="/health=200").status == 0
    assert run_of(tmp_path, tried, "answers", ADDRESS=given["ADDRESS"], CHECKS="").status != 0


# --- The specifications ----------


@pytest.mark.parametrize("stage", STAGES)
def test_a_specification_is_one_of_codebuilds_and_its_commands_are_clean(stage: str) -> None:
    text = (SPECS / f"{stage}.yml").read_text(encoding="utf-8")
    assert list(spec_mistakes(text, keeps=False)) == []
    assert spec(stage)["env"]["shell"] == "bash"
    known = {"version", "env", "phases", "artifacts", "cache"}
    assert set(spec(stage)) <= known
    for phase in spec(stage)["phases"].values():
        assert set(phase) <= {"commands", "on-failure", "runtime-versions"}
        assert phase.get("on-failure", "ABORT") == "ABORT"
    lint = Path(sys.executable).with_name("shellcheck")
    commands = "\n".join(one for phase in spec(stage)["phases"].values() for one in phase.get("commands", []))
    # Variables that CodeBuild reads when all is done, and those that it gives.
    done = subprocess.run(
        [lint, "--shell=bash", "--exclude=SC2034,SC2154", "-"],
        input=commands, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "")


def test_the_stages_call_the_scripts_that_the_workflows_call() -> None:
    """No second copy: what asks AWS for something stands in a script, and each gate stands on both ways."""
    for stage in STAGES:
        commands = [one for phase in spec(stage)["phases"].values() for one in phase.get("commands", [])]
        for command in commands:
            assert "aws" not in shlex.split(command), command
            assert "docker" not in shlex.split(command), command
    workflows = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / ".github/workflows").glob("*.yml")}
    places = (SCRIPTS / "release.sh", *SPECS.glob("*.yml"))
    ours = "\n".join(path.read_text(encoding="utf-8") for path in places)
    # What CodePipeline alone lacks, and the host, which no pipeline brings anything to.
    apart = {"pipeline.sh", "release.sh", "host.sh", "image.sh"}
    for name in sorted({path.name for path in SCRIPTS.glob("*.sh")} - apart):
        assert name in "\n".join(workflows.values()), name
        assert name in ours, name
    audited = ".github/scripts/audit.sh requirements.txt workloads/*/requirements.txt"
    asked_for = '.github/scripts/answers.sh "$ADDRESS" "$CHECKS"'
    for command in (audited, asked_for):
        assert command in ours
        for name, text in workflows.items():
            assert (command in text) == name.startswith("deploy"), (name, command)


# --- The pipeline itself ----------


@pytest.mark.covers("B16", "B20", "D15")
@pytest.mark.parametrize("name", STACKS)
def test_a_commit_is_tested_built_planned_approved_and_brought_to_production_in_this_order(
    name: str, rehearsed: Any
) -> None:
    done = rehearsed(name)
    pipeline = done.resource(f"{STACKS[name]}-pipeline-pipeline")["inputs"]
    stages = {stage["name"]: stage for stage in pipeline["stages"]}
    tried = ["Staging"] if name == "wiki-prod" else []
    assert list(stages) == ["Source", "Test", "Build", *tried, "Plan", "Approval", "Production"]
    assert pipeline["pipelineType"] == "V2"
    assert stages["Production"]["onFailure"] == {"result": "ROLLBACK"}
    for before in ("Test", "Build", *tried, "Plan"):
        assert stages[before]["onFailure"]["result"] == "RETRY"
    (approval,) = stages["Approval"]["actions"]
    topic = done.report["outputs"]["alertTopics"]["warning"]
    assert approval["configuration"]["NotificationArn"] == topic
    link = approval["configuration"]["ExternalEntityLink"]
    assert link == "https://github.com/your--organisation/kumiki/#{Plan.DIFF}"
    assert stages["Plan"]["actions"][0]["namespace"] == "Plan"
    (production,) = stages["Production"]["actions"]
    assert production["inputArtifacts"] == ["Built", "Planned"]
    assert production["configuration"]["PrimarySource"] == "Built"
    (trigger,) = pipeline["triggers"]
    (push,) = trigger["gitConfiguration"]["pushes"]
    assert push["branches"]["includes"] == ["main"]
    assert not any(matches(path, by) for path in ("workloads/api/main.py",) for by in push["filePaths"]["excludes"])
    assert any(matches("docs/rules.md", by) for by in push["filePaths"]["excludes"])
    assert done.report["outputs"]["pipelineName"] == f"{STACKS[name]}-pipeline"


@pytest.mark.covers("B16")
@pytest.mark.parametrize("name", STACKS)
def test_the_pipelines_own_role_starts_its_work_and_passes_nothing_on(name: str, rehearsed: Any) -> None:
    done = rehearsed(name)
    documents = policies(done, "pipeline")
    pipeline = done.resource(f"{STACKS[name]}-pipeline-pipeline")["inputs"]
    assert pipeline["artifactStores"][0]["encryptionKey"]["type"] == "KMS"
    for one in done.report["resources"]:
        if one["type"] == "aws:codebuild/project:Project":
            assert allowed(documents, "codebuild:StartBuild", one["id"])
        if one["type"] == "aws:iam/role:Role":
            assert not allowed(documents, "iam:PassRole", one["outputs"]["arn"])
            assert not allowed(documents, "sts:AssumeRole", one["outputs"]["arn"])
    assert not allowed(documents, "codebuild:StartBuild", arn("codebuild", "project/other"))
    connection = pipeline["stages"][0]["actions"][0]["configuration"]["ConnectionArn"]
    assert allowed(documents, "codeconnections:UseConnection", connection)
    assert not allowed(documents, "codeconnections:UseConnection", connection + "1")


@pytest.mark.covers("B16", "D15")
def test_with_staging_a_commit_is_tried_there_first_by_roles_that_trust_the_stage(rehearsed: Any) -> None:
    prod, staging = rehearsed("wiki-prod"), rehearsed("wiki-staging")
    stages = {one["name"]: one for one in prod.resource("deepwiki-omr-prod-pipeline-pipeline")["inputs"]["stages"]}
    tried, asked_for = stages["Staging"]["actions"]
    assert (tried["runOrder"], asked_for["runOrder"]) == (1, 2)
    assert told(prod, "answers")["CHECKS"] == "/health=200 /repositories=401"
    assert told(prod, "answers")["ADDRESS"] == "https://api.staging.wiki.example.com"
    # The images that production will run, by their digests.
    api = staging.resource("deepwiki-omr-staging-api-repository")["inputs"]["name"]
    assert told(prod, "build")["COPIES"] == f"deepwiki-omr-prod-api={api}"
    assert allowed(policies(prod, "build"), "ecr:PutImage", arn("ecr", f"repository/{api}"))
    documents, role = policies(prod, "staging"), staging.resource("deepwiki-omr-staging-delivery-role")
    own = told(prod, "staging")["INFRASTRUCTURE_ROLE"]
    assert allowed(documents, "sts:AssumeRole", own)
    assert allowed(documents, "sts:AssumeRole", role["outputs"]["arn"])
    production = told(prod, "production")["INFRASTRUCTURE_ROLE"]
    assert own != production
    assert not allowed(documents, "sts:AssumeRole", production)
    for stage in ("plan", "answers"):
        assert not allowed(policies(prod, stage), "sts:AssumeRole", own)
    # And staging lets in the role of that stage, and of no other.
    trust = [one for one in json.loads(role["inputs"]["assumeRolePolicy"])["Statement"] if "AWS" in one["Principal"]]
    stage_role = prod.resource("deepwiki-omr-prod-pipeline-staging-role")["outputs"]["arn"]
    assert [one["Condition"] for one in trust] == [{"ArnEquals": {"aws:PrincipalArn": stage_role}}]


@pytest.mark.covers("D15")
@pytest.mark.parametrize("environment", ["staging", "prod"])
def test_the_api_shifts_step_by_step_workers_stand_beside_the_old_ones_and_both_go_back_by_themselves(
    environment: str, rehearsed: Any
) -> None:
    done = rehearsed(f"wiki-{environment}")
    services = {
        name: done.resource(f"deepwiki-omr-{environment}-{name}-service")["inputs"] for name in ("api", "worker")
    }
    for name, strategy in (("api", "CANARY"), ("worker", "BLUE_GREEN")):
        going = services[name]["deploymentConfiguration"]
        assert (going["strategy"], int(going["bakeTimeInMinutes"]) > 0) == (strategy, True)
        assert services[name]["deploymentCircuitBreaker"] == {"enable": True, "rollback": True}
    share = services["api"]["deploymentConfiguration"]["canaryConfiguration"]
    assert 0 < float(share["canaryPercent"]) < 100
    (balanced,) = services["api"]["loadBalancers"]
    groups = {balanced["targetGroupArn"], balanced["advancedConfiguration"]["alternateTargetGroupArn"]}
    health = {
        one["outputs"]["arn"]: one["inputs"]["healthCheck"]["path"]
        for one in done.report["resources"]
        if one["type"].endswith(":TargetGroup")
    }
    assert {arn: path for arn, path in health.items() if arn in groups} == dict.fromkeys(groups, "/health")
    assert len(groups) == 2


@pytest.mark.covers("B16")
def test_what_an_account_has_once_is_productions_where_its_staging_stands_beside_it(rehearsed: Any) -> None:
    once = {
        "OpenIdConnectProvider", "Detector", "Recorder", "DeliveryChannel", "Trail", "Analyzer", "ServiceLinkedRole",
        "InvocationLoggingConfiguration", "Account",
    }  # fmt: skip
    for name, its in (("wiki-prod", once), ("wiki-staging", set[str]())):
        made = {one["type"].rpartition(":")[2] for one in rehearsed(name).report["resources"]}
        assert once & made == its, name


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"environment": "prod", "approval": False}, ["kumiki:pipeline.approval: ", "this is production"]),
        ({"branches": []}, ["kumiki:pipeline.branches"]),
        ({"branches": ["release/*"]}, ["kumiki:pipeline.branches", "takes one branch"]),
        ({"branches": ["refs/heads/main"]}, ["kumiki:pipeline.branches", "without refs/heads/"]),
        ({"ignoreBranches": ["ma*"]}, ["kumiki:pipeline.branches", "match nothing: ma*, which is ignored"]),
        ({"paths": ["workload/**"]}, ["kumiki:pipeline.paths", "matches no file of the repository"]),
        ({"paths": ["/workloads/**"]}, ["kumiki:pipeline.paths", "without / before it"]),
        ({"ignorePaths": ["**"]}, ["kumiki:pipeline.ignorePaths", "leave no file of the repository"]),
        ({"ignorePaths": ["**/*"]}, ["kumiki:pipeline.ignorePaths", "leave no file of the repository"]),
        ({"ignorePaths": ["*", "*/**"]}, ["kumiki:pipeline.ignorePaths", "leave no file of the repository"]),
        ({"ignorePaths": ["doc/**"]}, ["kumiki:pipeline.ignorePaths", "matches no file of the repository"]),
        (
            {"paths": ["docs/**"], "ignorePaths": ["docs/*", "docs/*/**"]},
            ["kumiki:pipeline.paths", "takes all of them away"],
        ),
        (
            {"paths": ["*.md", "docs/rules.md"], "ignorePaths": ["**/*.md"]},
            ["kumiki:pipeline.ignorePaths", "leave no file of the repository"],
        ),
        ({"ignoreBranches": ["[z-a]"]}, ["kumiki:pipeline.ignoreBranches[0]", "is no pattern: close each { and ["]),
        ({"paths": ["workloads/{api"]}, ["kumiki:pipeline.paths[0]", "is no pattern: close each { and ["]),
        ({"connection": "github"}, ["kumiki:pipeline.connection", "make a connection"]),
        ({"planRole": "plan"}, ["kumiki:pipeline.planRole", "write the ARN of a role"]),
        ({"planRole": PIPELINE["infrastructureRole"]}, ["kumiki:pipeline.planRole", "nothing may change"]),
        (
            {"staging": {**STAGING, "infrastructureRole": PIPELINE["infrastructureRole"]}},
            ["kumiki:pipeline.staging.infrastructureRole", "which nobody has approved yet"],
        ),
        ({"staging": {**STAGING, "stack": "prod"}}, ["kumiki:pipeline.staging.stack", "whose environment is prod"]),
        ({"staging": STAGING}, ["kumiki:pipeline.staging.stack", "has no file Pulumi.kumiki-staging.yaml"]),
        (
            {"staging": {**STAGING, "stack": "wiki-staging"}},
            ["kumiki:pipeline.staging.stack", "whose product is deepwiki-omr and not kumiki"],
        ),
        (
            {"staging": {**STAGING, "stack": "prod", "environment": "prod"}},
            ["kumiki:pipeline.staging.stack", "write delivery: {stagingOf: dev} into its file"],
        ),
        ({"staging": {**STAGING, "environment": "dev"}}, ["kumiki:pipeline.staging.environment", "this stack's own"]),
    ],
)  # fmt: skip
def test_a_mistake_is_refused_with_its_key_and_its_mend(
    refuse_kumiki: Refuse, changes: dict[str, Any], parts: list[str]
) -> None:
    environment = changes.get("environment", "dev")
    given = {key: value for key, value in changes.items() if key != "environment"}
    said = refuse_kumiki({"kumiki:environment": environment, "kumiki:pipeline": {**PIPELINE, **given}})
    for part in parts:
        assert part in said
