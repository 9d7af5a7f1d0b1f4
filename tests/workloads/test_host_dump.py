"""The host copies its database to S3: the script itself, with stand-ins for Docker and the AWS CLI."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.conftest import PATIENCE

SCRIPT = Path(__file__).resolve().parents[2] / "workloads" / "host" / "kumiki.sh"
LOGIN = '{"password": "s3cret", "username": "dbadmin"}'
TO = "s3://copies/database/0a1b.dump"

AWS = f"""#!/usr/bin/env bash
echo "aws $*" >> "$LOG"
case "$1 $2" in
    "ssm get-parameter") echo '{LOGIN}' ;;
    "s3 cp") cat > "$ARRIVED.parts" && mv "$ARRIVED.parts" "$ARRIVED" && exit "${{UPLOAD_ENDS_WITH:-0}}" ;;
    *) exit 1 ;;
esac
"""
DOCKER = """#!/usr/bin/env bash
echo "docker $*" >> "$LOG"
[[ $PGUSER == dbadmin && $PGPASSWORD == s3cret && $PGSSLMODE == require && $PGHOST == db.example.org ]] || exit 9
printf PGDMP
exit "${DUMP_ENDS_WITH:-0}"
"""


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """A folder in which the script believes to be on a host."""
    (tmp_path / "bin").mkdir()
    for name, text in (("aws", AWS), ("docker", DOCKER)):
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    parameter = "arn:aws:ssm:ap-northeast-1:123456789012:parameter/wiki/dev/database/master"
    (tmp_path / "host.env").write_text(
        f"AWS_REGION=ap-northeast-1\nDATABASE_SECRET_ARN={parameter}\nDATABASE_HOST=db.example.org\n"
        "DATABASE_PORT=5432\nDATABASE_NAME=app\nORIGIN_SECRET_PARAMETER=/wiki/dev/origin\n"
    )
    text = SCRIPT.read_text().replace("/etc/kumiki/host.env", str(tmp_path / "host.env"))
    (tmp_path / "kumiki.sh").write_text(text.replace("/run/kumiki", str(tmp_path / "run")))
    return tmp_path


def run(host: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    given = {"PATH": f"{host / 'bin'}:{os.environ['PATH']}", "LOG": str(host / "log"), "ARRIVED": str(host / "arrived")}
    return subprocess.run(
        ["bash", str(host / "kumiki.sh"), *arguments],
        env={**os.environ, **given, **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.covers("E12")
def test_a_dump_goes_straight_to_s3(host: Path) -> None:
    done = run(host, "dump", TO)
    assert done.returncode == 0, done.stderr
    assert (host / "arrived").read_text() == "PGDMP"
    log = (host / "log").read_text()
    assert f"aws s3 cp --only-show-errors - {TO}" in log
    assert "pg_dump --format custom" in log


def test_the_password_is_on_no_command_line_and_in_no_message(host: Path) -> None:
    done = run(host, "dump", TO)
    assert "s3cret" not in (host / "log").read_text() + done.stdout + done.stderr


def test_the_image_cannot_be_exchanged_for_another(host: Path) -> None:
    run(host, "dump", TO)
    (line,) = [one for one in (host / "log").read_text().splitlines() if one.startswith("docker run")]
    assert "docker.io/library/postgres:17-alpine@sha256:" in line
    assert "--read-only --cap-drop ALL" in line


@pytest.mark.covers("E12")
def test_a_dump_that_fails_half_way_fails_the_command(host: Path) -> None:
    done = run(host, "dump", TO, DUMP_ENDS_WITH="1")
    assert done.returncode == 1
    assert "nothing is kept of it" in done.stderr
    assert not (host / "arrived").exists()


def test_a_dump_that_s3_does_not_take_fails_the_command(host: Path) -> None:
    done = run(host, "dump", TO, UPLOAD_ENDS_WITH="1")
    assert done.returncode == 1
    assert "is copied" not in done.stderr


@pytest.fixture
def s3(host: Path) -> Iterator[tuple[Any, dict[str, str]]]:
    """The real AWS CLI on the host, and an account for it."""
    (host / "bin" / "aws").unlink()
    if shutil.which("aws") is None:
        pytest.skip("there is no AWS CLI here")
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    address, port = server.get_host_and_port()
    account = {
        "AWS_ENDPOINT_URL": f"http://{address}:{port}", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    }  # fmt: skip

    def client(service: str) -> Any:
        return boto3.client(
            service, "ap-northeast-1", endpoint_url=account["AWS_ENDPOINT_URL"], aws_access_key_id="test",
            aws_secret_access_key="test",
        )  # fmt: skip

    for name, value in (("/wiki/dev/database/master", LOGIN), ("/wiki/dev/origin", "secret")):
        client("ssm").put_parameter(Name=name, Value=value, Type="SecureString", Overwrite=True)
    # A server of another test keeps its account in the same process.
    bucket = f"copies-{host.name.replace('_', '-')}".lower()[:63]
    client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "ap-northeast-1"})
    yield client("s3"), {**account, "BUCKET": bucket}
    server.stop()


@pytest.mark.covers("E12")
@pytest.mark.parametrize("megabytes", [1, 20])
@pytest.mark.parametrize("ends_with", [0, 1])
def test_the_real_aws_cli_keeps_whole_dumps_only(
    host: Path, s3: tuple[Any, dict[str, str]], megabytes: int, ends_with: int
) -> None:
    """8 MiB and more go in parts."""
    client, environment = s3
    bucket = environment["BUCKET"]
    (host / "bin" / "docker").write_text(f"#!/bin/sh\nhead -c {megabytes * 1024 * 1024} /dev/zero\nexit {ends_with}\n")
    done = run(host, "dump", f"s3://{bucket}/database/0a1b.dump", **environment)
    assert done.returncode == ends_with, done.stderr
    found = client.list_objects_v2(Bucket=bucket).get("Contents", [])
    assert [one["Size"] for one in found] == ([] if ends_with else [megabytes * 1024 * 1024])


@pytest.mark.parametrize("to", ["/tmp/x", "s3://copies", "s3://copies/x; reboot", "s3://copies/$(id)", ""])  # noqa: S108
def test_a_place_that_is_none_is_refused_before_anything_is_done(host: Path, to: str) -> None:
    done = run(host, "dump", to)
    assert done.returncode == 2
    assert "is not a place in S3" in done.stderr
    assert not (host / "log").exists()
