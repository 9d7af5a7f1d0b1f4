"""The weekly copy of a database: the definitions run on the emulator, from the first step to what is in S3."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import moto.rds.models
import moto.ssm.models
import pytest
from moto.rds.exceptions import RDSClientError

from components.messaging.definition import definition_mistakes, filled, placeholder_mistakes
from components.operations.database_copy import _command
from tests.rehearsal.test_specs import REGION, Cloud
from tests.workflows import hurried

ROOT = Path(__file__).resolve().parents[2]
DATABASE = "wiki-dev-database"
KEY = f"arn:aws:kms:{REGION}:123456789012:key/1"
ROLE = "arn:aws:iam::123456789012:role/copies"
SNAPSHOT_COPY = {"bucketName": "copies", "databaseIdentifier": DATABASE, "exportKeyArn": KEY, "exportRoleArn": ROLE}


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    made = Cloud()
    made.bucket("copies")
    made.ask(
        "rds", "CreateDBInstance", DBInstanceIdentifier=DATABASE, DBInstanceClass="db.t3.small", Engine="postgres",
        AllocatedStorage=20, MasterUsername="dbadmin", MasterUserPassword="not-a-real-one",
    )  # fmt: skip
    yield made
    made.account.close()


def definition(name: str) -> str:
    return (ROOT / "workloads" / "workflows" / f"{name}.asl.json").read_text(encoding="utf-8")


def run(cloud: Cloud, name: str, values: dict[str, str]) -> dict[str, Any]:
    """One execution of a definition in which nobody waits."""
    # Step Functions spells members as the SDK for Java does (DbSnapshot), the emulator as boto3 does (DBSnapshot).
    spelt = re.sub(r"\bDb(?=[A-Z])", "DB", definition(name))
    machine = hurried(filled(json.loads(spelt), values))
    arn = cloud.make("aws:sfn/stateMachine:StateMachine", name=name, definition=json.dumps(machine), roleArn=ROLE).id
    started = cloud.ask("stepfunctions", "StartExecution", stateMachineArn=arn, name=str(uuid.uuid4()), input="{}")
    for _ in range(3000):
        found = cloud.ask("stepfunctions", "DescribeExecution", executionArn=started["executionArn"])
        if found["status"] != "RUNNING":
            return found
        time.sleep(0.1)
    raise AssertionError("the execution did not end")


def snapshots(cloud: Cloud) -> list[str]:
    found = cloud.ask("rds", "DescribeDBSnapshots", SnapshotType="manual")["DBSnapshots"]
    return [one["DBSnapshotIdentifier"] for one in found]


@pytest.fixture
def exporting(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, bool], list[Any]]:
    """Lets the emulator end exports with a status, with or without files: it writes none by itself."""

    def prepare(status: str, writes: bool) -> list[Any]:
        tasks: list[Any] = []
        make = moto.rds.models.ExportTask.__init__

        def made(task: Any, *given: Any) -> None:
            make(task, *given)
            task.status = status
            tasks.append(task)
            if writes:
                key = f"{task.s3_prefix}/{task.export_task_identifier}/export_info.json"
                cloud.ask("s3", "PutObject", Bucket=task.s3_bucket, Key=key, Body=b"{}")

        monkeypatch.setattr(moto.rds.models.ExportTask, "__init__", made)
        return tasks

    return prepare


@pytest.mark.parametrize("name", ["snapshot-copy", "dump-copy"])
def test_a_definition_is_one_that_aws_takes(name: str) -> None:
    assert list(definition_mistakes(definition(name))) == []


def test_each_way_knows_every_value_that_its_definition_names() -> None:
    assert list(placeholder_mistakes(definition("snapshot-copy"), list(SNAPSHOT_COPY))) == []
    assert list(placeholder_mistakes(definition("dump-copy"), ["bucketName", "dumpDocument", "instanceId"])) == []


@pytest.mark.covers("E12")
def test_a_snapshot_is_exported_and_then_goes(cloud: Cloud, exporting: Callable[[str, bool], list[Any]]) -> None:
    tasks = exporting("COMPLETE", True)
    done = run(cloud, "snapshot-copy", SNAPSHOT_COPY)
    assert done["status"] == "SUCCEEDED", done
    (task,) = tasks
    assert task.source_arn.rpartition(":")[2].startswith(f"{DATABASE}-copy-")
    assert (task.s3_bucket, task.s3_prefix, task.kms_key_id, task.iam_role_arn) == ("copies", "database", KEY, ROLE)
    assert len(task.export_task_identifier) <= 60, "RDS takes no longer name"
    assert snapshots(cloud) == [], "a snapshot that stays is billed"


@pytest.mark.covers("E12")
@pytest.mark.parametrize(("status", "writes"), [("FAILED", False), ("CANCELED", False), ("COMPLETE", False)])
def test_an_export_that_fails_or_writes_nothing_fails_the_execution_and_leaves_no_snapshot(
    cloud: Cloud, exporting: Callable[[str, bool], list[Any]], status: str, writes: bool
) -> None:
    exporting(status, writes)
    done = run(cloud, "snapshot-copy", SNAPSHOT_COPY)
    assert (done["status"], done["error"]) == ("FAILED", "NotCopied")
    assert snapshots(cloud) == []


def test_an_export_that_cannot_be_started_leaves_no_snapshot_either(cloud: Cloud) -> None:
    done = run(cloud, "snapshot-copy", {**SNAPSHOT_COPY, "bucketName": "no-such-bucket"})
    assert (done["status"], done["error"]) == ("FAILED", "NotCopied")
    assert snapshots(cloud) == []


Answer = Callable[..., Any]


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str, int], None]:
    """Lets one of RDS' operations fail with a code, so many times in a row."""

    def prepare(operation: str, code: str, times: int) -> None:
        left = [times]
        answer: Answer = getattr(moto.rds.models.RDSBackend, operation)

        def fail(backend: Any, *given: Any, **named: Any) -> Any:
            if left[0]:
                left[0] -= 1
                raise RDSClientError(code, f"{operation} fails")
            return answer(backend, *given, **named)

        monkeypatch.setattr(moto.rds.models.RDSBackend, operation, fail)

    return prepare


@pytest.mark.covers("E12")
@pytest.mark.parametrize(
    ("operation", "times"),
    [("create_db_snapshot", 2), ("describe_db_snapshots", 3), ("describe_export_tasks", 3), ("delete_db_snapshot", 3)],
)
def test_what_rds_refuses_for_a_moment_is_asked_again(
    cloud: Cloud, exporting: Callable[[str, bool], list[Any]], failing: Callable[[str, str, int], None],
    operation: str, times: int,
) -> None:  # fmt: skip
    exporting("COMPLETE", True)
    failing(operation, "Throttling", times)
    done = run(cloud, "snapshot-copy", SNAPSHOT_COPY)
    assert done["status"] == "SUCCEEDED", done
    assert snapshots(cloud) == []


def test_a_snapshot_that_is_still_being_made_is_let_go_once_it_can_be(
    cloud: Cloud, failing: Callable[[str, str, int], None]
) -> None:
    # Nobody can look at it, so the copy fails while RDS still works on the snapshot.
    failing("describe_db_snapshots", "Throttling", 6)
    failing("delete_db_snapshot", "InvalidDBSnapshotState", 4)
    done = run(cloud, "snapshot-copy", SNAPSHOT_COPY)
    assert (done["status"], done["error"]) == ("FAILED", "NotCopied")
    assert snapshots(cloud) == []


def test_a_snapshot_that_stays_is_said(
    cloud: Cloud, exporting: Callable[[str, bool], list[Any]], failing: Callable[[str, str, int], None]
) -> None:
    exporting("COMPLETE", True)
    failing("delete_db_snapshot", "InvalidDBSnapshotState", 100)
    done = run(cloud, "snapshot-copy", SNAPSHOT_COPY)
    assert (done["status"], done["error"]) == ("FAILED", "NotRemoved")
    assert "billed" in done["cause"]


def test_a_database_that_is_not_there_fails_the_execution(cloud: Cloud) -> None:
    done = run(cloud, "snapshot-copy", {**SNAPSHOT_COPY, "databaseIdentifier": "gone"})
    assert done["status"] == "FAILED"


@pytest.fixture
def host(cloud: Cloud) -> dict[str, str]:
    """An instance that takes commands, and the document that it is sent."""
    image = cloud.ask("ec2", "DescribeImages", Owners=["amazon"])["Images"][0]["ImageId"]
    instance = cloud.ask("ec2", "RunInstances", ImageId=image, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    cloud.ask(
        "ssm", "CreateDocument", Name="wiki-dev-database-copy-dump", DocumentType="Command", DocumentFormat="JSON",
        Content=_command("copies"),
    )  # fmt: skip
    return {"bucketName": "copies", "dumpDocument": "wiki-dev-database-copy-dump", "instanceId": instance}


@pytest.fixture
def dumping(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, bytes | None], list[Any]]:
    """Lets the emulator's commands end with a status, with or without a dump: it runs none."""

    def prepare(status: str, writes: bytes | None) -> list[Any]:
        sent: list[Any] = []
        send = moto.ssm.models.SimpleSystemManagerBackend.send_command

        def sending(backend: Any, **given: Any) -> Any:
            command = send(backend, **given)
            sent.append(given)
            for invocation in command.invocations:
                invocation["Status"] = status
            if writes is not None:
                key = f"database/{given['parameters']['name'][0]}.dump"
                cloud.ask("s3", "PutObject", Bucket="copies", Key=key, Body=writes)
            return command

        monkeypatch.setattr(moto.ssm.models.SimpleSystemManagerBackend, "send_command", sending)
        return sent

    return prepare


@pytest.mark.covers("E12")
def test_the_host_is_asked_for_a_dump_that_then_is_there(
    cloud: Cloud, host: dict[str, str], dumping: Callable[[str, bytes | None], list[Any]]
) -> None:
    sent = dumping("Success", b"PGDMP")
    done = run(cloud, "dump-copy", host)
    assert done["status"] == "SUCCEEDED", done
    ((name,),) = [given["parameters"]["name"] for given in sent]
    allowed = json.loads(_command("copies"))["parameters"]["name"]["allowedPattern"]
    assert re.fullmatch(allowed, name), "the document takes the name that the workflow gives"


@pytest.mark.covers("E12")
@pytest.mark.parametrize(
    ("status", "writes"), [("Failed", None), ("TimedOut", b"half"), ("Success", None), ("Success", b"")]
)
def test_a_dump_that_fails_or_is_empty_fails_the_execution(
    cloud: Cloud,
    host: dict[str, str],
    dumping: Callable[[str, bytes | None], list[Any]],
    status: str,
    writes: bytes | None,
) -> None:
    dumping(status, writes)
    assert run(cloud, "dump-copy", host)["status"] == "FAILED"


def test_a_dump_is_named_by_nothing_that_a_shell_would_run() -> None:
    document = json.loads(_command("copies"))
    allowed = document["parameters"]["name"]["allowedPattern"]
    assert not re.fullmatch(allowed, "x; rm -rf /")
    assert not re.fullmatch(allowed, "$(id)")
    (command,) = document["mainSteps"][0]["inputs"]["runCommand"]
    assert command == "/opt/kumiki/kumiki.sh dump s3://copies/database/{{ name }}.dump"
