"""Nothing that a rehearsed program does by the AWS SDK leaves the machine, whatever the shell knows of accounts."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal.isolation import LOOPBACK, isolate, lead_to
from tests.rehearsal.conftest import Rehearse

KEY = "AKIAQ3EGSHELLSHELL77"


class Listener:
    """Where the shell's settings lead: it keeps the first words of whoever calls, and hangs up."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self._socket = socket.create_server((LOOPBACK, 0))
        self.address = f"http://{LOOPBACK}:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        while True:
            caller, _ = self._socket.accept()
            with caller:
                words = caller.recv(65_536)
                if words == b"enough":
                    return
                self.heard.append(words)

    def close(self) -> None:
        with socket.create_connection(self._socket.getsockname()) as caller:
            caller.sendall(b"enough")
        self._thread.join()
        self._socket.close()


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Listener]:
    """A shell that is signed in to an account; every way to it ends at the listener."""
    listener = Listener()
    config = tmp_path / "aws-config"
    config.write_text(
        f"[default]\naws_access_key_id = {KEY}\naws_secret_access_key = s\nendpoint_url = {listener.address}\n"
    )
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_STS", "HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, listener.address)
    for name in ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        monkeypatch.setenv(name, listener.address)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(config))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-the-shell")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    yield listener
    listener.close()


PROGRAM = """
import boto3

def made(name):
    s3 = boto3.client("s3")
    s3.put_object(Bucket=name, Key="greeting", Body=b"hello")
    ec2 = boto3.client("ec2")
    return {
        "text": s3.get_object(Bucket=name, Key="greeting")["Body"].read().decode(),
        "account": boto3.client("sts").get_caller_identity()["Account"],
        "region": s3.meta.region_name,
        "vpcs": [ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"] for _ in range(2)],
        "key": boto3.Session().get_credentials().access_key,
    }

bucket = aws.s3.Bucket("notes", opts=opts)
pulumi.export("seen", bucket.bucket.apply(made))
"""


def test_a_call_in_an_apply_reaches_the_emulated_account_and_nothing_else(
    rehearse_plain: Rehearse, shell: Listener
) -> None:
    config = {"aws:region": "ap-northeast-1"}
    done = rehearse_plain(PROGRAM, config=config)

    assert done.problems() == [], done.text
    seen = done.report["outputs"]["seen"]
    assert {**seen, "vpcs": 0} == {
        "text": "hello", "account": "123456789012", "region": "ap-northeast-1", "vpcs": 0, "key": "rehearsal",
    }  # fmt: skip
    assert len(set(seen["vpcs"])) == 2
    assert shell.heard == []
    assert rehearse_plain(PROGRAM, config=config).report["outputs"]["seen"] == seen


def test_a_call_while_the_program_is_read_reaches_it_too_in_both_passes(
    rehearse_plain: Rehearse, shell: Listener
) -> None:
    done = rehearse_plain("""
        import boto3
        identity = boto3.client("sts").get_caller_identity()
        aws.sns.Topic("who", display_name=identity["Account"], opts=opts)
    """)

    assert done.problems() == [], done.text
    assert done.resource("who")["inputs"]["displayName"] == "123456789012"
    assert shell.heard == []


def test_an_endpoint_of_the_programs_own_is_not_told_the_shells_key(rehearse_plain: Rehearse, shell: Listener) -> None:
    rehearse_plain(f"""
        import boto3, botocore.config
        once = botocore.config.Config(retries={{"total_max_attempts": 1}})
        boto3.client("s3", endpoint_url="{shell.address}", config=once).list_buckets()
    """)

    assert shell.heard, "the listener hears what does reach it"
    assert not [words for words in shell.heard if KEY.encode() in words]


def test_the_shells_profiles_are_not_there(rehearse_plain: Rehearse, shell: Listener) -> None:
    (problem,) = rehearse_plain("import boto3\nboto3.Session(profile_name='default').client('s3')").problems()

    assert "The config profile (default) could not be found" in problem["message"]
    assert shell.heard == []


def test_every_variable_of_the_sdk_goes_and_only_those() -> None:
    kept = {"HOME": "/home/somebody", "NO_PROXY": "internal.example.com"}
    environment = {
        **kept,
        "AWS_PROFILE": "prod",
        "AWS_ROLE_ARN": "arn",
        "AWS_ENDPOINT_URL_KMS": "https://x",
        "BOTO_CONFIG": "x",
    }
    isolate(environment)
    assert {name for name in environment if not name.startswith("AWS_")} == set(kept)
    assert not {"AWS_PROFILE", "AWS_ROLE_ARN", "AWS_ENDPOINT_URL_KMS"} & set(environment)
    # What asks for credentials past those of the environment finds no file and no metadata either.
    assert environment["AWS_EC2_METADATA_DISABLED"] == "true"
    assert environment["AWS_CONFIG_FILE"] == environment["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull

    lead_to("http://127.0.0.1:1", "ap-northeast-3", environment, "preview")
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
    assert environment["AWS_REGION"] == environment["AWS_DEFAULT_REGION"] == "ap-northeast-3"
    assert environment["NO_PROXY"] == "internal.example.com,127.0.0.1"
