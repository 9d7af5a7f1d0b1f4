"""Tables are brought up to date before the stack is: the workflow's job, with an aws that a test answers."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from components.delivery import deploy_role
from tests.conftest import PATIENCE
from tests.test_workflows import ROOT, SCRIPTS, steps, workflow

AWS = """\
#!/bin/sh
echo "$*" >> "$CALLS"
case "$*" in
    *networkConfiguration*) echo '{"awsvpcConfiguration": {"subnets": ["subnet-1"]}}' ;;
    *describe-services*) echo "$RUNNING" ;;
    *describe-task-definition*) echo "$DEFINITION" ;;
    *register-task-definition*) echo arn:aws:ecs:ap-northeast-1:123456789012:task-definition/api:8 ;;
    *run-task*) echo "${TASK:-task-1}" ;;
    *describe-tasks*lastStatus*) echo "${STATUS:-STOPPED}" ;;
    *describe-tasks*) echo "${EXIT_CODE:-0}" ;;
esac
"""
OLD = "arn:aws:ecs:ap-northeast-1:123456789012:task-definition/api:6"
DEFINITION = json.dumps({
    "taskDefinitionArn": OLD, "revision": 6, "status": "ACTIVE", "family": "api", "taskRoleArn": "arn:role",
    "containerDefinitions": [
        {"name": "api", "image": "1.dkr.ecr.ap-northeast-1.amazonaws.com/wiki-api:old"},
        {"name": "log-router", "image": "public.ecr.aws/aws-observability/aws-for-fluent-bit:3"},
    ],
})  # fmt: skip

IMAGES = "wiki-api,workloads/api,linux/amd64,/wiki/dev/api/image-tag wiki-site,workloads/site,linux/amd64,/wiki/tag"


def migrate(folder: Path, **answers: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    (folder / "aws").write_text(AWS)
    (folder / "aws").chmod(0o755)
    calls = folder / "calls"
    calls.write_text("")
    environment = {
        "PATH": f"{folder}:{os.environ['PATH']}", "CALLS": str(calls), "RUNNING": OLD, "DEFINITION": DEFINITION,
        **answers,
    }  # fmt: skip
    done = subprocess.run(
        [SCRIPTS / "migrate.sh", "c", "api worker", "abc", IMAGES],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE,
    )  # fmt: skip
    return done, calls.read_text().splitlines()


@pytest.mark.covers("E10")
def test_a_migration_runs_the_new_image_once_with_all_that_a_task_has(tmp_path: Path) -> None:
    done, calls = migrate(tmp_path)
    assert done.returncode == 0, done.stderr
    text = "\n".join(calls)
    registered = json.loads(text.partition("--cli-input-json ")[2].partition(" --query")[0])
    assert [one["image"].rpartition("/")[2] for one in registered["containerDefinitions"]] == [
        "wiki-api:abc",
        "aws-for-fluent-bit:3",
    ]
    assert set(registered) == {"family", "taskRoleArn", "containerDefinitions"}, "AWS takes back nothing else"
    (ran,) = [call for call in calls if "run-task" in call]
    assert "--task-definition arn:aws:ecs:ap-northeast-1:123456789012:task-definition/api:8" in ran
    assert '{"name":"api","command":["python","-m","api.migrate"]}' in ran
    assert "subnet-1" in text


@pytest.mark.covers("E10")
@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"EXIT_CODE": "1"}, "the migration of abc ended with 1"),
        ({"EXIT_CODE": "None"}, "ended with None"),
        ({"TASK": "None"}, "AWS started no task"),
    ],
)
def test_a_migration_that_fails_ends_the_deployment_before_the_stack(
    tmp_path: Path, answers: dict[str, str], words: str
) -> None:
    done, _ = migrate(tmp_path, **answers)
    assert done.returncode == 1
    assert words in done.stderr
    jobs = workflow("deploy")["jobs"]
    assert jobs["stack"]["needs"] == ["image", "migrate"]
    assert "migrate.sh" in steps(jobs["migrate"])


@pytest.mark.parametrize("answers", [{"RUNNING": "None"}, {"DEFINITION": DEFINITION.replace("wiki-api", "other")}])
def test_a_first_deployment_has_no_task_to_migrate_with(tmp_path: Path, answers: dict[str, str]) -> None:
    done, calls = migrate(tmp_path, **answers)
    assert done.returncode == 0
    assert "runs an image of wiki-api yet" in done.stderr
    assert not [call for call in calls if "run-task" in call]


def test_the_role_may_do_what_the_script_asks_for(tmp_path: Path) -> None:
    text = Path(deploy_role.__file__).read_text()
    asked = {" ".join(call.split()[:2]) for call in migrate(tmp_path)[1]}
    assert len(asked) == 5
    for service, verb in (one.split() for one in asked if " " in one):
        action = "".join(word.capitalize() for word in verb.split("-"))
        assert f'"{service}:{action}"' in text, action
