"""How one commit gets to a small server and its site: the workflow, and its scripts with an aws that a test answers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from components.delivery import deploy_role
from tests.conftest import PATIENCE
from tests.test_workflows import ROOT, SCRIPTS, steps, workflow

AWS = """\
#!/bin/sh
echo "$*" >> "$CALLS"
case "$*" in
    *send-command*) echo command-1 ;;
    *--details*) echo "what the host said" ;;
    *list-command-invocations*)
        echo asked >> "$CALLS.asked"
        said=$(printf '%s\\n' $STATUSES | sed -n "$(wc -l < "$CALLS.asked")p;\\$p" | head -1)
        if [ "$said" = Throttled ]; then echo "ThrottlingException: Rate exceeded" >&2; exit 254; fi
        echo "$said" ;;
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
        [SCRIPTS / name, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
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


@pytest.mark.covers("E10")
def test_a_question_that_is_refused_is_asked_again_and_the_deployment_goes_on(tmp_path: Path) -> None:
    done, _ = run(tmp_path, *HOST, STATUSES="InProgress Throttled Throttled InProgress Throttled Success")
    assert (done.returncode, done.stdout) == (0, "what the host said\n"), done.stderr


def test_questions_that_are_always_refused_end_with_what_is_not_known(tmp_path: Path) -> None:
    done, calls = run(tmp_path, *HOST, STATUSES="InProgress Throttled")
    assert done.returncode == 1
    assert "does not say what came of abc123; the host may run it" in done.stderr
    assert len(calls) < 12


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
    assert "images.sh build" in steps(jobs["image"])
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


# Secrets and a repository's past, as they lie about in a working copy.
HIDDEN = (".env", ".git/config", "assets/.DS_Store", "sub/.htpasswd")
SHOWN = ("index.html", "assets/app-1a2b.js", ".well-known/security.txt")


def built(folder: Path) -> Path:
    site = folder / "dist"
    for name in (*HIDDEN, *SHOWN):
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(name)
    return site


@pytest.mark.skipif(shutil.which("aws") is None, reason="needs the AWS CLI")
def test_no_hidden_file_is_published_and_pages_that_are_gone_go(tmp_path: Path) -> None:
    """With the real AWS CLI: its `sync` takes along whatever lies in a folder."""
    cli = shutil.which("aws")
    site, folder = built(tmp_path), tmp_path / "bin"
    folder.mkdir()
    # The emulator has no invalidations that end.
    (folder / "aws").write_text(f'#!/bin/sh\ncase "$1" in cloudfront) echo I1 ;; *) exec {cli} "$@" ;; esac\n')
    (folder / "aws").chmod(0o755)
    account = ThreadedMotoServer(port=0)
    account.start()
    try:
        host, port = account.get_host_and_port()
        address = f"http://{host}:{port}"
        keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": "us-east-1"}
        bucket: Any = boto3.client(
            "s3", endpoint_url=address, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
        )  # fmt: skip
        bucket.create_bucket(Bucket="site")
        for key in ("gone.html", "assets/old-0000.js"):
            bucket.put_object(Bucket="site", Key=key, Body=b"old")
        done = subprocess.run(
            [SCRIPTS / "site.sh", site, "site", "E1"],
            cwd=ROOT, capture_output=True, text=True, check=False, timeout=PATIENCE,
            env={"PATH": f"{folder}:{os.environ['PATH']}", "PYTHON": sys.executable, "HOME": str(tmp_path),
                 "AWS_ENDPOINT_URL": address, **keys},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        there = {one.get("Key") for one in bucket.list_objects_v2(Bucket="site").get("Contents", [])}
        assert there == {*SHOWN, "assets/old-0000.js"}
        assert bucket.head_object(Bucket="site", Key="index.html")["CacheControl"] == "no-cache"
    finally:
        account.stop()


@pytest.mark.parametrize("to", [".env", "../outside.txt"])
def test_what_is_not_published_is_not_under_another_name(tmp_path: Path, to: str) -> None:
    site = built(tmp_path)
    (tmp_path / "outside.txt").write_text("secret")
    (site / "page.txt").symlink_to(to)
    done, calls = run(tmp_path, "site.sh", str(site), "bucket", "E1")
    assert (done.returncode, calls) == (1, [])
    assert "page.txt' is a link to" in done.stderr
    # What is published under two names is no secret.
    (site / "page.txt").unlink()
    (site / "page.txt").symlink_to("index.html")
    assert run(tmp_path, "site.sh", str(site), "bucket", "E1")[0].returncode == 0


def test_only_what_is_listed_is_uploaded(tmp_path: Path) -> None:
    done, calls = run(tmp_path, "site.sh", str(built(tmp_path)), "bucket", "E1")
    assert done.returncode == 0, done.stderr
    assert sorted(call.rpartition("s3://bucket/")[2] for call in calls if call.startswith("s3 cp")) == sorted(SHOWN)
    (synced,) = [call for call in calls if call.startswith("s3 sync")]
    assert str(tmp_path / "dist") not in synced, "the folder itself has more in it"


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
