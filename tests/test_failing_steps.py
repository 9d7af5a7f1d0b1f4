"""Whatever fails in a step of a workflow fails the step: each command of each is made to fail, one after the other."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from tests.conftest import PATIENCE
from tests.test_workflows import FOLDER, ROOT, SCRIPTS, workflow

TAG = "c0ffee"
DEFINITION = (
    '{"family": "api", "revision": 6, "containerDefinitions": [{"name": "app", "image": '
    f'"1.dkr.ecr.ap-northeast-1.amazonaws.com/wiki-api:{TAG}"' + "}]}"
)
OUTPUTS = (
    '{"functionDeployments": {"api": "study-prod-api"}, "functionVersions": {"api": "7"}, '
    '"functionAliases": {"api": "arn:aws:lambda:r:1:function:study-prod-api:live"}}'
)
# What a stand-in does before it answers: it writes its call down, and fails if it is the call that shall fail.
BEGIN = """\
#!/bin/bash
words=$(printf '%s ' "$@" | tr '\\n' ' ' | sed -E 's/tmp\\.[A-Za-z0-9]+/tmp.X/g')
call="${AWS_PROFILE:+$AWS_PROFILE: }$(basename "$0") $words"
echo "$call" >> "$CALLS"
if [ "$call" = "$FAILING" ]; then exit 3; fi
"""
STAND_INS = {
    "aws": f"""\
case "$*" in
    *networkConfiguration*) echo '{{"awsvpcConfiguration": {{"subnets": ["subnet-1"]}}}}' ;;
    *describe-services*) echo arn:aws:ecs:r:1:task-definition/api:6 ;;
    *containerDefinitions*) echo "wiki-api:{TAG}" ;;
    *describe-task-definition*) echo '{DEFINITION}' ;;
    *imageTag=ran-*) exit 254 ;;
    *describe-images*) if [ -s "$PUSHED" ]; then echo sha256:abc; else exit 254; fi ;;
    *get-authorization-token*) echo https://1.dkr.ecr.ap-northeast-1.amazonaws.com ;;
    *lastStatus*) echo STOPPED ;;
    *exitCode*) echo 0 ;;
    *list-command-invocations*Status*) echo Success ;;
    *get-alias*) echo 3 ;;
    *scan-sbom*) echo '{{}}' ;;
    *deploymentInfo.status*) echo Succeeded ;;
    *) echo answer ;;
esac
""",
    "docker": """\
case "$*" in
    *imagetools*) echo '{"digest": "sha256:base"}' ;;
    *login*) cat > /dev/null ;;
    *push*) echo pushed > "$PUSHED" ;;
esac
""",
    "pulumi": f"""case "$*" in *output*) echo '{OUTPUTS}' ;; *config*) echo '{{}}' ;; esac\n""",
    "gh": "cat > /dev/null < /dev/null\n",
    "curl": 'case "$*" in *http_code*) echo 200 ;; esac\n',
    "make": "",
    "sudo": "",
    "python": "echo a comment\n",
    **{name: f'exec {shutil.which(name) or name} "$@"\n' for name in ("jq", "gzip", "base64")},
}
IMAGE = "wiki-api,workloads/api,linux/amd64,/wiki/dev/api/image-tag"
VALUES = {
    "CLUSTER": "c", "SERVICES": "api worker", "IMAGES": IMAGE, "IMAGE": IMAGE, "PREVIOUS": "api=api:5 worker=worker:5",
    "CHOSEN": "/wiki/dev/api/image-tag=0ld", "PUBLISHED": "study-prod-api live 7", "BUCKET": "site", "STACK": "dev",
    "ADDRESS": "https://api.example.com", "CHECKS": "/health=200",
}  # fmt: skip
# Failures that change nothing, each with its reason.
HARMLESS = (
    # Where code scanning is off, findings have nowhere to go, and a notice says so.
    re.compile(r"gh api .*code-scanning"),
    # Whether an image has its second tag: where that cannot be asked, it is given, and AWS refuses what is wrong.
    re.compile(r"aws ecr describe-images .*imageTag=ran-"),
)


Answers = Mapping[str, str]
"""What stand-ins do beside those above, or instead of them."""


class Run:
    """One run of a step as a runner would do it, in a folder with the parts of the repository that steps use."""

    def __init__(
        self,
        folder: Path,
        text: str,
        shell: str | None,
        failing: str = "",
        answers: Answers = MappingProxyType({}),
        /,
        **given: str,
    ) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "bin").mkdir(parents=True)
        (folder / "tmp").mkdir()
        (folder / ".venv/bin").mkdir(parents=True)
        for part in (".github", "workloads", "components", "requirements.txt"):
            (folder / part).symlink_to(ROOT / part)
        for stack in ("dev", "prod"):
            (folder / f"Pulumi.{stack}.yaml").touch()
            (folder / f"{stack}.sarif").touch()
        (folder / "comment.md").write_text("<!-- kumiki -->\n", encoding="utf-8")
        for name, answer in {**STAND_INS, **answers}.items():
            place = folder / (".venv/bin" if name == "python" else "bin") / name
            place.write_text(BEGIN + answer)
            place.chmod(0o755)
        calls = folder / "calls"
        calls.touch()
        environment = {
            "PATH": f"{folder}/bin:{os.environ['PATH']}", "CALLS": str(calls), "PUSHED": str(folder / "pushed"),
            "FAILING": failing, "GITHUB_OUTPUT": str(folder / "output"), "GITHUB_STEP_SUMMARY": str(folder / "summary"),
            "GITHUB_SHA": TAG, "GITHUB_REPOSITORY": "acme/wiki", "TMPDIR": str(folder / "tmp"),
            "RUNNER_TEMP": str(folder / "tmp"), "SECONDS_BETWEEN": "0", "PYTHON": sys.executable,
            "HOME": str(folder / "tmp"), **given,
        }  # fmt: skip
        # https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstepsshell
        options = ["--noprofile", "--norc", "-eo", "pipefail"] if shell == "bash" else ["-e"]
        done = subprocess.run(
            ["bash", *options, "-c", text],
            cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE,
        )  # fmt: skip
        self.status, self.error = done.returncode, done.stderr
        self.calls = list(dict.fromkeys(calls.read_text().splitlines()))


def unseen(folder: Path, text: str, shell: str | None, **given: str) -> list[str]:
    """The commands of a step that may fail while the step succeeds."""
    fine = Run(folder, text, shell, **given)
    assert fine.status == 0, fine.error
    found = [call for call in fine.calls if not Run(folder, text, shell, call, **given).status]
    return [call for call in found if not any(one.match(call) for one in HARMLESS)]


def steps() -> Iterator[Any]:
    for path in sorted(FOLDER.glob("*.yml")):
        whole = workflow(path.stem)
        shell = whole.get("defaults", {}).get("run", {}).get("shell")
        for job_name, job in whole["jobs"].items():
            for number, step in enumerate(job["steps"]):
                if "run" in step:
                    names = {*job.get("env", {}), *step.get("env", {})}
                    given = {name: VALUES.get(name, "given") for name in names}
                    # A step that goes back ends red on purpose; its commands are tried below.
                    text = step["run"].removesuffix("exit 1\n")
                    yield pytest.param(text, step.get("shell", shell), given, id=f"{path.stem}-{job_name}-{number}")


@pytest.mark.parametrize(("text", "shell", "given"), list(steps()))
def test_whatever_fails_in_a_step_fails_the_step(
    tmp_path: Path, text: str, shell: str | None, given: dict[str, str]
) -> None:
    assert unseen(tmp_path / "run", text, shell, **given) == []


@pytest.mark.parametrize(
    ("text", "shell", "call"),
    [
        # The three ways in which a failure used to be lost.
        ('echo "digest=$(aws ecr describe-task-definition x)" >> "$GITHUB_OUTPUT"', "bash", "aws"),
        ("pulumi stack output --json | jq -c .", None, "pulumi"),
        ("f() { x=$(aws ssm get-alias x); echo \"$x\"; }; y=$(f); echo \"$y\"", "bash", "aws"),
    ],
)  # fmt: skip
def test_a_failure_that_is_lost_is_found(tmp_path: Path, text: str, shell: str | None, call: str) -> None:
    (found,) = unseen(tmp_path / "run", text, shell)
    assert found.startswith(call)


def test_every_script_ends_at_the_first_failure_also_within_what_it_reads_and_asks_aws_again() -> None:
    for script in sorted(SCRIPTS.glob("*.sh")):
        text = script.read_text(encoding="utf-8")
        assert "\nset -euo pipefail\n" in text, script.name
        assert "\nshopt -s inherit_errexit\n" in text, script.name
        assert "\nexport AWS_RETRY_MODE=standard AWS_MAX_ATTEMPTS=8\n" in text, script.name


class Throttles(BaseHTTPRequestHandler):
    """Lambda as it answers when it is asked too often, and from the third time on as always."""

    asked = 0

    def do_GET(self) -> None:
        type(self).asked += 1
        refused = self.asked < 3
        body = b'{"Type": "User", "message": "Rate exceeded"}' if refused else b'{"FunctionVersion": "7"}'
        self.send_response(429 if refused else 200)
        self.send_header("x-amzn-ErrorType", "TooManyRequestsException")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *_: object) -> None:  # noqa: A002 as above
        pass


def test_a_question_that_aws_refuses_for_a_moment_ends_no_script() -> None:
    """The real CLI, which would ask once here. All scripts begin alike, so one stands for them."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Throttles) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        done = subprocess.run(
            [SCRIPTS / "function.sh", "shift"], input="study-prod-api live 7\n",
            env={
                "PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "AWS_MAX_ATTEMPTS": "1",
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}", "AWS_DEFAULT_REGION": "ap-northeast-1",
                "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
            }, capture_output=True, text=True, check=False, timeout=PATIENCE,
        )  # fmt: skip
        server.shutdown()
    assert (done.returncode, done.stdout) == (0, "study-prod-api:live is at version 7 already\n"), done.stderr
    assert Throttles.asked == 3
