"""How one commit gets to a small server and its site: the workflow, and its scripts with an aws that a test answers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from components.delivery import deploy_role
from tests.test_workflows import ROOT, SCRIPTS, steps, workflow

AWS = """\
#!/bin/sh
echo "$*" >> "$CALLS"
case "$*" in
    *send-command*) echo command-1 ;;
    *--details*) echo "what the host said" ;;
    *list-command-invocations*)
        echo asked >> "$CALLS.asked"
        printf '%s\\n' $STATUSES | sed -n "$(wc -l < "$CALLS.asked")p;\\$p" | head -1 ;;
    *create-invalidation*) echo I1 ;;
    *"s3 cp"*) exit "${UPLOAD:-0}" ;;
esac
"""


def run(folder: Path, name: str, *arguments: str, **answers: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    (folder / "aws").write_text(AWS)
    (folder / "aws").chmod(0o755)
    calls = folder / "calls"
    calls.write_text("")
    environment = {
        "PATH": f"{folder}:{os.environ['PATH']}", "CALLS": str(calls), "PYTHON": sys.executable,
        "SECONDS_BETWEEN": "0", **answers,
    }  # fmt: skip
    done = subprocess.run(
        [SCRIPTS / name, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    return done, calls.read_text().splitlines()


HOST = ("host.sh", "wiki-dev-host-instance", "wiki-dev-host-deploy", "abc123")


@pytest.mark.covers("E10")
def test_the_host_is_found_by_its_name_and_told_one_tag(tmp_path: Path) -> None:
    done, calls = run(tmp_path, *HOST, STATUSES="None Pending InProgress Success")
    assert (done.returncode, done.stdout) == (0, "what the host said\n"), done.stderr
    (sent,) = [call for call in calls if "send-command" in call]
    assert "--document-name wiki-dev-host-deploy" in sent
    assert "--targets Key=tag:Name,Values=wiki-dev-host-instance" in sent
    assert "--parameters tag=abc123" in sent
    assert len([call for call in calls if "CommandInvocations[0].Status" in call]) == 4


@pytest.mark.covers("E10")
@pytest.mark.parametrize("status", ["Failed", "TimedOut", "Cancelled", "Undeliverable"])
def test_a_host_that_has_gone_back_fails_the_deployment_and_says_why(tmp_path: Path, status: str) -> None:
    done, _ = run(tmp_path, *HOST, STATUSES=f"InProgress {status}")
    assert done.returncode == 1
    assert "what the host said" in done.stderr
    assert "does not run abc123" in done.stderr


def test_a_host_that_is_away_is_not_waited_for(tmp_path: Path) -> None:
    done, calls = run(tmp_path, *HOST, STATUSES="None")
    assert done.returncode == 1
    assert "no instance called wiki-dev-host-instance" in done.stderr
    assert len(calls) < 20


@pytest.mark.covers("E10")
def test_tests_come_first_then_the_image_the_host_and_the_site() -> None:
    jobs = workflow("deploy-host")["jobs"]
    assert "make test" in steps(jobs["test"])
    assert jobs["image"]["needs"] == "test"
    assert jobs["host"]["needs"] == ["test", "image"]
    assert "needs.test.result == 'success'" in jobs["host"]["if"]
    assert "(needs.image.result == 'success' || inputs.tag != '')" in jobs["host"]["if"]
    assert jobs["site"]["needs"] == "host"
    assert "needs.host.result == 'success'" in jobs["site"]["if"]
    text = (ROOT / ".github/workflows/deploy-host.yml").read_text()
    assert "image.sh" in steps(jobs["image"])
    assert "host.sh" in steps(jobs["host"])
    assert not [word for word in ("ssh ", "ssh-", "id_rsa", "INFRASTRUCTURE_ROLE") if word in text]


SITE = ("site.sh", "workloads/site", "bucket", "E1")


@pytest.mark.covers("E10")
def test_each_file_says_what_it_is_and_how_long_it_may_be_kept_and_pages_come_last(tmp_path: Path) -> None:
    done, calls = run(tmp_path, *SITE)
    assert done.returncode == 0, done.stderr
    copies = [call for call in calls if call.startswith("s3 cp")]
    names = [call.rpartition("s3://bucket/")[2] for call in copies]
    assert sorted(names) == sorted(
        path.relative_to(ROOT / "workloads/site").as_posix() for path in (ROOT / "workloads/site").rglob("*.*")
    )
    told = dict(zip(names, copies, strict=True))
    assert "--content-type text/html; charset=utf-8 --cache-control no-cache" in told["index.html"]
    assert "--content-type image/svg+xml --cache-control no-cache" in told["favicon.svg"]
    (style,) = [call for name, call in told.items() if name.endswith(".css")]
    assert "--content-type text/css; charset=utf-8 --cache-control public, max-age=31536000, immutable" in style
    pages = [name.endswith(".html") for name in names]
    assert pages == sorted(pages), "a page must not name what is not there yet"
    order = ["s3 cp", "s3 sync", "cloudfront create-invalidation", "cloudfront wait"]
    assert [step for step in order for call in calls if call.startswith(step)] == [
        next(step for step in order if call.startswith(step)) for call in calls
    ]
    (removed,) = [call for call in calls if call.startswith("s3 sync")]
    assert "--delete --size-only --exclude assets/*" in removed
    assert any("--distribution-id E1 --paths /*" in call for call in calls)


@pytest.mark.covers("E10")
def test_an_upload_that_fails_is_not_announced_and_a_folder_without_a_page_not_begun(tmp_path: Path) -> None:
    done, calls = run(tmp_path, *SITE, UPLOAD="1")
    assert done.returncode != 0
    assert not [call for call in calls if "invalidation" in call]
    for folder, words in (("workloads/api", "has no index.html"), ("workloads/nowhere", "is not a folder")):
        done, calls = run(tmp_path, "site.sh", folder, "bucket", "E1")
        assert done.returncode == 1
        assert words in done.stderr
        assert calls == []


@pytest.mark.covers("E10")
def test_the_scripts_ask_aws_for_nothing_that_the_role_may_not_do(tmp_path: Path) -> None:
    asked = {
        tuple(call.split()[:2]) for script in (HOST, SITE) for call in run(tmp_path, *script, STATUSES="Success")[1]
    }
    needs = {
        ("ssm", "send-command"): ["ssm:SendCommand"],
        ("ssm", "list-command-invocations"): ["ssm:ListCommandInvocations"],
        ("s3", "cp"): ["s3:PutObject"],
        ("s3", "sync"): ["s3:DeleteObject", "s3:ListBucket", "s3:PutObject"],
        ("cloudfront", "create-invalidation"): ["cloudfront:CreateInvalidation"],
        ("cloudfront", "wait"): ["cloudfront:GetInvalidation"],
    }
    assert asked == set(needs)
    text = Path(deploy_role.__file__).read_text()
    for actions in needs.values():
        for action in actions:
            assert f'"{action}"' in text, action
