"""The GitHub workflows and their scripts: what they may do, and what they do when something fails."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jmespath
import pytest
import yaml

from components.delivery import deploy_role
from tests.conftest import PATIENCE

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".github/workflows"
SCRIPTS = ROOT / ".github/scripts"


def workflow(name: str) -> dict[Any, Any]:
    return yaml.safe_load((FOLDER / f"{name}.yml").read_text())


def jobs() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path in sorted(FOLDER.glob("*.yml")):
        for name, job in workflow(path.stem)["jobs"].items():
            yield path.stem, name, job


def steps(job: dict[str, Any]) -> str:
    return yaml.safe_dump(job["steps"])


def test_every_action_is_pinned_to_a_commit_and_says_its_version() -> None:
    uses = [line for path in FOLDER.glob("*.yml") for line in path.read_text().splitlines() if "uses:" in line]
    assert uses
    for line in uses:
        assert re.search(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


def test_the_same_action_has_the_same_commit_everywhere() -> None:
    pins: dict[str, set[str]] = {}
    for path in FOLDER.glob("*.yml"):
        for action, commit in re.findall(r"uses: (\S+)@([0-9a-f]{40})", path.read_text()):
            pins.setdefault(action, set()).add(commit)
    assert {action: len(commits) for action, commits in pins.items()} == dict.fromkeys(pins, 1)


def test_nothing_is_permitted_that_a_job_does_not_ask_for() -> None:
    for path in FOLDER.glob("*.yml"):
        assert workflow(path.stem)["permissions"] == {}
    for name, job_name, job in jobs():
        writes = {key for key, value in job["permissions"].items() if value == "write"}
        of_reports = {"comment": {"pull-requests"}, "findings": {"security-events"}}
        allowed = {
            "deploy": {"id-token"},
            "deploy-functions": {"id-token"},
            "deploy-host": {"id-token"},
            "policies": {"id-token"},
            "pull-request": of_reports.get(job_name, set()),
        }
        assert writes <= allowed[name], job_name
        assert job["timeout-minutes"] <= 120


@pytest.mark.covers("A17")
def test_whatever_gets_credentials_of_aws_runs_in_the_environment_that_the_role_trusts() -> None:
    for name, job_name, job in jobs():
        if "configure-aws-credentials" in steps(job):
            chosen = {
                "deploy": "${{ inputs.environment || 'dev' }}",
                "deploy-functions": "${{ inputs.environment }}",
                "deploy-host": "${{ inputs.environment }}",
                "policies": "${{ matrix.environment }}",
            }
            assert job["environment"] == chosen[name], job_name
            assert job["permissions"]["id-token"] == "write"


def _deployed_by(config: dict[str, Any]) -> str:
    if "kumiki:services" in config:
        return "deploy"
    return "deploy-host" if "kumiki:host" in config else "deploy-functions"


def test_every_stack_that_trusts_github_is_offered_by_the_workflow_of_its_kind_under_its_own_name() -> None:
    """The workflows call the GitHub environment and the stack by one name."""
    wanted: dict[str, list[str]] = {}
    for path in sorted(ROOT.glob("Pulumi.*.yaml")):
        stack, config = path.name.split(".")[1], yaml.safe_load(path.read_text(encoding="utf-8"))["config"]
        if "kumiki:delivery" in config:
            trusted = config["kumiki:delivery"].get("githubEnvironment", config["kumiki:environment"])
            assert trusted == stack, f"{path.name}: delivery.githubEnvironment is {trusted}, deployments run in {stack}"
            wanted.setdefault(_deployed_by(config), []).append(stack)
    offered = {
        name: sorted(workflow(name)[True]["workflow_dispatch"]["inputs"]["environment"]["options"]) for name in wanted
    }
    assert offered == wanted
    judged = workflow("policies")["jobs"]["analyze"]["strategy"]["matrix"]["environment"]
    assert sorted(judged) == sorted(stack for stacks in wanted.values() for stack in stacks)


@pytest.mark.parametrize("name", ["comment", "findings"])
def test_a_job_that_may_write_runs_nothing_of_the_pull_request(name: str) -> None:
    job = workflow("pull-request")["jobs"][name]
    assert "checkout" not in steps(job)
    assert "make" not in steps(job)
    assert "pull_request_target" not in (FOLDER / "pull-request.yml").read_text()


def test_no_expression_is_pasted_into_a_script() -> None:
    for _, name, job in jobs():
        for step in job["steps"]:
            assert "${{" not in step.get("run", ""), name


def test_there_are_no_stored_keys() -> None:
    for path in FOLDER.glob("*.yml"):
        assert "secrets." not in path.read_text()
        assert "aws-access-key-id" not in path.read_text()


@pytest.mark.covers("B22", "A17")
def test_a_deployment_judges_before_it_changes_and_goes_back_when_it_fails() -> None:
    deploy = workflow("deploy")["jobs"]
    assert deploy["stack"]["needs"] == ["image", "migrate"]
    (update,) = [step["run"] for step in deploy["stack"]["steps"] if step.get("name") == "Update with the policy pack"]
    plan, apply = update.splitlines()[-2:]
    assert (plan.split()[1], apply.split()[1], plan.split()[2:]) == ("plan", "apply", apply.split()[2:])
    assert "images.sh scanned" in steps(deploy["image"])
    names = [step.get("name") for step in deploy["settle"]["steps"]]
    # What does not answer as it must goes back, too.
    assert names.index("Ask what it must answer") + 1 == names.index("Go back to what ran before")
    # In the account, where an update by hand reads it too.
    assert "pulumi config set" not in steps(deploy["stack"])
    assert deploy["migrate"]["steps"][-1]["run"] == '.github/scripts/images.sh choose "$IMAGES" "$GITHUB_SHA"'
    (back,) = [step for step in deploy["settle"]["steps"] if step.get("name") == "Go back to what ran before"]
    assert 'images.sh back "$CHOSEN"' in back["run"]
    assert back["if"] == "${{ failure() || needs.stack.result != 'success' }}"
    assert "service.sh back" in back["run"]
    # All services of the stack: the image is the worker's, too.
    assert deploy["settle"]["env"]["SERVICES"] == "${{ vars.ECS_SERVICES }}"
    assert workflow("deploy")["concurrency"]["cancel-in-progress"] is False


# --- The scripts, with an aws that answers what a test told it --------------------------------------------------------

AWS = """\
#!/bin/sh
echo "$*" >> "$CALLS"
case "$*" in
    *describe-services*worker*) echo "${WORKER:-None}" ;;
    *describe-services*) echo "$RUNNING" ;;
    *describe-task-definition*worker*) echo "$WORKER_IMAGES" ;;
    *describe-task-definition*) echo "$IMAGES" ;;
    *describe-images*) if [ -s "$PUSHED" ]; then echo sha256:abc; else exit 254; fi ;;
    *get-authorization-token*) echo https://123456789012.dkr.ecr.ap-northeast-1.amazonaws.com ;;
    *get-login-password*) echo password ;;
    *get-parameter*) echo "${CHOSEN:-0.1.0}" ;;
    *batch-get-image*imageId.imageTag*) echo "${THERE:-0ld}" ;;
    *batch-get-image*) echo "${MANIFEST:-manifest}" ;;
    *deploymentInfo.status*) echo "${DEPLOYMENT:-Succeeded}" ;;
    *get-alias*) echo "$ALIAS_AT" ;;
    *create-deployment*) echo d-1 ;;
    *get-deployment*) echo "Stopped alarm" ;;
    *wait*) exit "${UNSTABLE:-0}" ;;
esac
"""
DOCKER = """\
#!/bin/sh
echo "docker $*" >> "$CALLS"
case "$*" in
    *imagetools*) echo '{"digest": "sha256:base"}' ;;
    *login*) cat > /dev/null ;;
    *push*) echo pushed > "$PUSHED" ;;
esac
"""


class Script:
    """One run of a script."""

    def __init__(self, folder: Path, name: str, *arguments: str, lines: str = "", **answers: str) -> None:
        jq = "#!/bin/sh\ncat > /dev/null\necho sha256:base\n"
        for program, text in (("aws", AWS), ("docker", DOCKER), ("jq", jq)):
            (folder / program).write_text(text)
            (folder / program).chmod(0o755)
        calls = folder / "calls"
        calls.write_text("")
        environment = {
            "PATH": f"{folder}:{os.environ['PATH']}", "CALLS": str(calls), "PUSHED": str(folder / "pushed"),
            "RUNNING": "", "IMAGES": "", "SECONDS_BETWEEN": "0", **answers,
        }  # fmt: skip
        done = subprocess.run(
            [SCRIPTS / name, *arguments],
            cwd=ROOT, env=environment, input=lines, capture_output=True, text=True, check=False, timeout=PATIENCE,
        )  # fmt: skip
        self.status, self.out, self.error = done.returncode, done.stdout, done.stderr
        self.calls = calls.read_text().splitlines()


OLD = "arn:aws:ecs:ap-northeast-1:123456789012:task-definition/api:6"
NEW = "arn:aws:ecs:ap-northeast-1:123456789012:task-definition/api:7"


WORKER_OLD, WORKER_NEW = OLD.replace("api:", "worker:"), NEW.replace("api:", "worker:")
BOTH = "api worker"


def test_the_running_task_definitions_are_told_without_the_account_and_none_is_not_an_error(tmp_path: Path) -> None:
    told = Script(tmp_path, "service.sh", "running", "c", BOTH, RUNNING=OLD, WORKER=WORKER_OLD)
    assert told.out == "api=api:6 worker=worker:6\n"
    assert Script(tmp_path, "service.sh", "running", "c", BOTH, RUNNING=OLD).out == "api=api:6\n"
    assert Script(tmp_path, "service.sh", "running", "c", BOTH, RUNNING="None").out == "\n"


@pytest.mark.parametrize(
    ("running", "desired", "state"),
    # Of the second nobody has pushed an image yet; the third has been told to rest.
    [(2, 2, "api:6"), (0, 1, None), (0, 0, "api:6")],
)
def test_a_service_that_waits_for_its_first_image_is_nothing_to_go_back_to(
    tmp_path: Path, running: int, desired: int, state: str | None
) -> None:
    (call,) = Script(tmp_path, "service.sh", "running", "c", "api", RUNNING=OLD).calls
    query = call.partition("--query ")[2].partition(" --output")[0]
    told = {"status": "ACTIVE", "taskDefinition": "api:6", "runningCount": running, "desiredCount": desired}
    assert jmespath.search(query, {"services": [told]}) == state
    assert jmespath.search(query, {"services": [{**told, "status": "INACTIVE"}]}) is None


@pytest.mark.covers("A17")
def test_a_deployment_has_settled_only_when_every_service_runs_the_new_image(tmp_path: Path) -> None:
    images, new = "repo/api:abc123\trepo/log-router:3", {"RUNNING": NEW, "WORKER": WORKER_NEW}

    def settled(tag: str, **answers: str) -> Script:
        return Script(tmp_path, "service.sh", "settled", "c", BOTH, tag, **{**new, **answers})

    both = settled("abc123", IMAGES=images, WORKER_IMAGES=images)
    assert both.status == 0, both.error
    (wait,) = [call for call in both.calls if "wait services-stable" in call]
    assert wait.endswith("--services api worker")
    for api, worker, late in ((images, "repo/api:old", "worker"), ("repo/api:old", images, "api")):
        rolled_back = settled("abc123", IMAGES=api, WORKER_IMAGES=worker)
        assert rolled_back.status == 1
        assert f"{late} is stable with {late}:7, which does not run abc123" in rolled_back.error
    assert settled("123", IMAGES=images, WORKER_IMAGES=images).status == 1, "a part of a tag is not the tag"
    assert settled("abc123", IMAGES=images, WORKER_IMAGES=images, UNSTABLE="255").status != 0


def test_going_back_gives_every_service_its_task_definition_and_waits(tmp_path: Path) -> None:
    done = Script(
        tmp_path, "service.sh", "back", "c", BOTH, "api=api:6 worker=worker:6", RUNNING=NEW, WORKER=WORKER_NEW
    )
    assert done.status == 0, done.error
    updates = [call for call in done.calls if "update-service" in call]
    assert [("--service api" in one, "--task-definition api:6" in one) for one in updates] == [
        (True,) * 2,
        (False,) * 2,
    ]
    assert "--service worker --task-definition worker:6" in updates[1]
    assert done.calls[-1].endswith("wait services-stable --cluster c --services api worker")


def test_a_service_that_is_back_already_is_left_alone(tmp_path: Path) -> None:
    done = Script(
        tmp_path, "service.sh", "back", "c", BOTH, "api=api:6 worker=worker:6", RUNNING=OLD, WORKER=WORKER_NEW
    )
    (update,) = [call for call in done.calls if "update-service" in call]
    assert "--service worker" in update


def test_a_first_deployment_has_nothing_to_go_back_to(tmp_path: Path) -> None:
    done = Script(tmp_path, "service.sh", "back", "c", BOTH, "", RUNNING=NEW)
    assert (done.status, done.calls) == (0, [])
    new = Script(tmp_path, "service.sh", "back", "c", BOTH, "api=api:6", RUNNING=NEW, WORKER=WORKER_NEW)
    assert not [call for call in new.calls if "worker" in call]
    assert "worker did not run before" in new.error


def test_a_deployment_without_services_is_a_mistake(tmp_path: Path) -> None:
    done = Script(tmp_path, "service.sh", "settled", "c", "", "abc123")
    assert (done.status, done.calls) == (2, [])
    assert "ECS_SERVICES" in done.error


@pytest.mark.parametrize("verb", ["running", "settled", "back"])
def test_a_stack_with_images_and_no_service_of_its_own_has_none_to_wait_for(tmp_path: Path, verb: str) -> None:
    done = Script(tmp_path, "service.sh", verb, "c", "none", "abc123")
    assert (done.status, done.out, done.calls) == (0, "", [])
    images = "kumiki-dev-simple,workloads/api,linux/amd64,/kumiki/dev/simple/image-tag"
    migrated = Script(tmp_path, "migrate.sh", "c", "none", "abc123", images)
    assert (migrated.status, migrated.calls) == (0, [])


IMAGES = "kumiki-dev-api,workloads/api,linux/arm64,/kumiki/dev/api/image-tag"


def test_each_image_is_built_from_its_folder_on_a_pinned_base_and_its_digest_is_told(tmp_path: Path) -> None:
    done = Script(tmp_path, "images.sh", "build", IMAGES, "abc123")
    assert (done.status, done.out) == (0, "kumiki-dev-api@sha256:abc\n"), done.error
    (build,) = [call for call in done.calls if "buildx build" in call]
    assert "--platform linux/arm64" in build
    assert "--build-context workloads=workloads " in build
    assert "--build-arg PYTHON=python:3.13-slim-bookworm@sha256:base" in build
    assert "--tag 123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/kumiki-dev-api:abc123 workloads/api" in build
    two = Script(tmp_path, "images.sh", "build", f"{IMAGES} {IMAGES.replace('api', 'admin', 1)}", "abc123")
    assert two.out == "kumiki-dev-api@sha256:abc kumiki-dev-admin@sha256:abc\n"


def test_an_image_that_is_there_is_not_built_again(tmp_path: Path) -> None:
    (tmp_path / "pushed").write_text("yes")
    done = Script(tmp_path, "images.sh", "build", IMAGES, "abc123")
    assert (done.status, done.out) == (0, "kumiki-dev-api@sha256:abc\n")
    assert not [call for call in done.calls if call.startswith("docker")]


def test_the_image_that_runs_is_remembered_chosen_and_gone_back_to(tmp_path: Path) -> None:
    chosen = Script(tmp_path, "images.sh", "chosen", IMAGES, CHOSEN="0ld")
    assert chosen.out == "/kumiki/dev/api/image-tag=0ld\n"
    for done, tag in (
        (Script(tmp_path, "images.sh", "choose", IMAGES, "abc123"), "abc123"),
        (Script(tmp_path, "images.sh", "back", chosen.out.strip()), "0ld"),
    ):
        (write,) = [call for call in done.calls if "put-parameter" in call]
        assert f"--overwrite --name /kumiki/dev/api/image-tag --value {tag} " in write


def test_a_tag_without_an_image_is_nothing_to_go_back_to(tmp_path: Path) -> None:
    first = Script(tmp_path, "images.sh", "chosen", IMAGES, CHOSEN="0.1.0", THERE="None")
    assert (first.status, first.out) == (0, ""), first.error
    back = Script(tmp_path, "images.sh", "back", first.out)
    assert (back.status, back.calls) == (0, [])


def test_an_image_that_runs_gets_a_second_tag_once(tmp_path: Path) -> None:
    done = Script(tmp_path, "images.sh", "ran", IMAGES, "abc123")
    assert done.status == 0, done.error
    (put,) = [call for call in done.calls if "put-image" in call]
    assert "--repository-name kumiki-dev-api --image-tag ran-abc123 --image-manifest manifest" in put
    assert Script(tmp_path, "images.sh", "ran", IMAGES, "abc123", MANIFEST="None").status == 1
    (tmp_path / "pushed").write_text("yes")
    assert not [call for call in Script(tmp_path, "images.sh", "ran", IMAGES, "abc123").calls if "put-image" in call]


def test_images_that_nobody_names_are_a_mistake(tmp_path: Path) -> None:
    done = Script(tmp_path, "images.sh", "build", "", "abc123")
    assert (done.status, done.calls) == (2, [])
    assert "ECS_IMAGES" in done.error


@pytest.mark.covers("A17")
def test_the_scripts_ask_aws_for_nothing_that_the_role_may_not_do(tmp_path: Path) -> None:
    calls = [
        *Script(tmp_path, "service.sh", "settled", "c", "s", "a", RUNNING=NEW, IMAGES="r:a").calls,
        *Script(tmp_path, "service.sh", "back", "c", "s", "s=api:6", RUNNING=NEW).calls,
        *(
            call
            for verb in ("build", "chosen", "choose", "ran")
            for call in Script(tmp_path, "images.sh", verb, IMAGES, "t").calls
        ),
    ]
    text = Path(deploy_role.__file__).read_text()
    # `wait` describes services; a password for Docker is the authorisation token in another form.
    asked = {" ".join(call.split()[:2]) for call in calls if not call.startswith("docker")}
    for service, verb in sorted(one.split() for one in asked - {"ecs wait", "ecr get-login-password"}):
        action = "".join(word.capitalize() for word in verb.split("-"))
        assert f'"{service}:{action}"' in text, f"{service}:{action}"


# --- Functions --------------------------------------------------------------------------------------------------------

PUBLISHED = "study-prod-api live 7\nstudy-prod-count live 4\n"


@pytest.mark.covers("C7")
def test_calls_move_to_the_published_versions_by_appspecs_all_at_the_same_time(tmp_path: Path) -> None:
    done = Script(tmp_path, "function.sh", "shift", lines=PUBLISHED, ALIAS_AT="3")
    assert done.status == 0, done.error
    assert done.out.splitlines() == [
        "moved study-prod-api:live from version 3 to 7",
        "moved study-prod-count:live from version 3 to 4",
    ]
    order = [call.split()[1] for call in done.calls]
    assert order == ["get-alias", "create-deployment"] * 2 + ["get-deployment"] * 2
    creates = next(call for call in done.calls if "create-deployment" in call)
    assert "--application-name study-prod-api --deployment-group-name study-prod-api" in creates
    revision = json.loads(creates.partition("--revision ")[2].partition(" --query")[0])
    assert revision["revisionType"] == "AppSpecContent"
    appspec = json.loads(revision["appSpecContent"]["content"])
    assert appspec["Resources"] == [
        {
            "study-prod-api": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "Name": "study-prod-api", "Alias": "live", "CurrentVersion": "3", "TargetVersion": "7",
                },
            }
        }
    ]  # fmt: skip


@pytest.mark.covers("C7")
@pytest.mark.parametrize("status", ["Failed", "Stopped"])
def test_a_deployment_that_codedeploy_has_taken_back_fails_and_says_why(tmp_path: Path, status: str) -> None:
    done = Script(tmp_path, "function.sh", "shift", lines=PUBLISHED, ALIAS_AT="6", DEPLOYMENT=status)
    assert done.status == 1
    assert "did not move study-prod-api:live from version 6 to 7" in done.error
    assert "Stopped alarm" in done.out + done.error


def test_calls_that_go_there_already_are_left_alone(tmp_path: Path) -> None:
    done = Script(tmp_path, "function.sh", "shift", lines="study-prod-api live 7\n", ALIAS_AT="7")
    assert done.status == 0
    assert not [call for call in done.calls if "create-deployment" in call]


@pytest.mark.covers("C7")
def test_functions_are_published_by_the_stack_under_the_policies_and_moved_by_another_role() -> None:
    deploy = workflow("deploy-functions")["jobs"]
    assert "make packages" in steps(deploy["stack"])
    assert "stack.sh plan" in steps(deploy["stack"])
    assert deploy["shift"]["needs"] == "stack"
    assert "function.sh shift" in steps(deploy["shift"])
    assert "vars.DEPLOY_ROLE_ARN" in steps(deploy["shift"])
    assert "INFRASTRUCTURE_ROLE" not in steps(deploy["shift"])


# What the reference of Pulumi's CLI (3.274) lists for them, of what is used here.
OPTIONS = {
    "preview": {
        "--stack",
        "--policy-pack",
        "--policy-pack-config",
        "--diff",
        "--json",
        "--refresh",
        "--import-file",
        "--save-plan",
    },
    "up": {
        "--stack",
        "--policy-pack",
        "--policy-pack-config",
        "--refresh",
        "--yes",
        "--skip-preview",
        "--replace",
        "--plan",
    },
    # --file since 3.249, instead of --stack.
    "policy analyze": {"--stack", "--file", "--policy-pack", "--policy-pack-config", "--diff", "--json"},
}
COMMAND = re.compile(rf"pulumi ({'|'.join(OPTIONS)})\b([^\n`#]*)")


STACK = SCRIPTS / "stack.sh"
JUDGED = [*sorted(FOLDER.glob("*.yml")), STACK, ROOT / "README.md", *sorted((ROOT / "docs/runbooks").glob("*.md"))]


@pytest.mark.parametrize("path", JUDGED, ids=lambda path: path.name)
def test_whatever_changes_or_judges_a_stack_does_so_under_the_pack(path: Path) -> None:
    for command, rest in COMMAND.findall(path.read_text(encoding="utf-8")):
        if not rest.strip().startswith("-"):
            # Prose that speaks of the command.
            continue
        words = rest.split()
        assert words[words.index("--policy-pack") + 1].strip("`.") == "policies", f"pulumi {command}{rest}"
        assert {word for word in words if word.startswith("--")} <= OPTIONS[command], f"pulumi {command}{rest}"


@pytest.mark.parametrize("path", JUDGED, ids=lambda path: path.name)
def test_an_update_without_a_preview_of_its_own_comes_after_one_under_the_pack(path: Path) -> None:
    """The rules over the whole stack are judged at its end: in an update that is when everything exists."""
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        if "--skip-preview" in line and "pulumi up" in line:
            stack_ = re.search(r"--stack \S+", line)
            assert stack_ is not None
            wanted = f"pulumi preview {stack_[0]} --policy-pack policies"
            if "--plan" in line:
                # What is done was judged when it was planned, and nothing else is.
                assert any(before.strip().startswith(wanted) and "--save-plan" in before for before in lines[:number])
                continue
            # In the same step.
            step = next(place for place in range(number, 0, -1) if lines[place].strip() in ("run: |", "```"))
            assert any(before.strip() == wanted for before in lines[step:number]), f"{path.name}: {line.strip()}"


def test_the_pack_is_told_of_the_stack_that_it_judges_every_week() -> None:
    """`pulumi policy analyze` itself gives it no configuration."""
    for path in (FOLDER / "policies.yml", ROOT / "README.md"):
        before, analyze, _ = path.read_text(encoding="utf-8").partition("pulumi policy analyze --stack")
        assert analyze
        just_above = "\n".join(before.splitlines()[-4:])
        assert re.search(r"PULUMI_CONFIG=\"?\$\(pulumi config --stack \S+ --json\)", just_above), path.name


def test_the_pack_judges_before_a_change_and_every_week() -> None:
    found = {
        command
        for path in (STACK, FOLDER / "policies.yml")
        for command, rest in COMMAND.findall(path.read_text(encoding="utf-8"))
        if "--policy-pack policies" in rest
    }
    assert found == set(OPTIONS)
    # YAML takes `on` for a truth value.
    assert workflow("policies")[True]["schedule"]


def test_the_findings_of_a_rehearsal_reach_the_review() -> None:
    jobs_ = workflow("pull-request")["jobs"]
    rehearse, findings = steps(jobs_["rehearse"]), steps(jobs_["findings"])

    assert "--sarif reports/$stack.sarif" in rehearse
    assert "path: reports/*.sarif" in rehearse
    assert jobs_["findings"]["needs"] == "rehearse"
    assert "code-scanning/sarifs" in findings
    # GitHub would open alerts for them.
    assert "del(.runs[].results[] | select(.suppressions))" in findings
