"""The workflow that brings a knowledge base up to date, run on the emulator against a Bedrock that ingests one job at a
time, as AWS's does. moto has no ingestion jobs: what stands in for them here knows the three operations and nothing
else, and answers in the names that Step Functions gives."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_aws_sdk as tasks

from components.intelligence.knowledge_base import SYNC_DEFINITION
from components.messaging.definition import filled
from tests.conftest import PATIENCE, ROOT
from tests.rehearsal.test_specs import Cloud, cloud
from tests.workflows import hurried

__all__ = ["cloud"]

CHANGED, BEFORE, AFTER = "2026-05-01T10:00:00Z", "2026-05-01T09:00:00Z", "2026-05-01T10:30:00Z"
IDS = {"knowledgeBaseId": "ABCDEFGHIJ", "dataSourceId": "KLMNOPQRST"}


class ConflictException(ClientError):
    """What Bedrock answers to a second job."""

    def __init__(self) -> None:
        answer: Any = {
            "Error": {"Code": "ConflictException", "Message": "a job is running"},
            "ResponseMetadata": {"HTTPStatusCode": 409, "RequestId": "1"},
        }
        super().__init__(answer, "StartIngestionJob")


@dataclass
class Bedrock:
    """The jobs of a data source, the newest last."""

    jobs: list[dict[str, Any]] = field(default_factory=list)
    ends: str = "COMPLETE"
    failed_documents: int = 0
    started: int = 0
    conflicts: int = 0

    def list_ingestion_jobs(self, **asked: Any) -> dict[str, Any]:
        assert {str(value) for value in asked.values()} >= {*IDS.values(), "1"}
        found = [{"StartedAt": one["at"], "Status": one["status"]} for one in self.jobs[-1:]]
        # A job that is looked at comes to its end.
        for one in self.jobs:
            one["status"] = "COMPLETE" if one["status"] == "IN_PROGRESS" else one["status"]
        return {"IngestionJobSummaries": found}

    def start_ingestion_job(self, **asked: Any) -> dict[str, Any]:
        assert set(asked.values()) == set(IDS.values())
        if self.conflicts:
            self.conflicts -= 1
            raise ConflictException
        self.started += 1
        return {"IngestionJob": {"IngestionJobId": "job"}}

    def get_ingestion_job(self, **asked: Any) -> dict[str, Any]:
        assert "job" in asked.values()
        return {"IngestionJob": {"Status": self.ends, "Statistics": {"NumberOfDocumentsFailed": self.failed_documents}}}


@pytest.fixture
def bedrock(monkeypatch: pytest.MonkeyPatch) -> Bedrock:
    made = Bedrock()
    monkeypatch.setattr(tasks, "boto_client_for", lambda **_: made)
    monkeypatch.setitem(tasks._SERVICE_ERROR_NAMES, "bedrockagent", "BedrockAgent")  # noqa: SLF001 it has no other seam
    return made


def run(cloud: Cloud) -> dict[str, Any]:
    """One execution for a change, in which nobody waits."""
    text = (ROOT / "workloads" / "workflows" / f"{SYNC_DEFINITION}.asl.json").read_text(encoding="utf-8")
    machine = json.dumps(hurried(filled(json.loads(text), IDS)))
    role = "arn:aws:iam::123456789012:role/sync"
    arn = cloud.make("aws:sfn/stateMachine:StateMachine", name="sync", definition=machine, roleArn=role).id
    event = json.dumps({"time": CHANGED, "detail-type": "Object Created"})
    started = cloud.ask("stepfunctions", "StartExecution", stateMachineArn=arn, name=str(uuid.uuid4()), input=event)
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = cloud.ask("stepfunctions", "DescribeExecution", executionArn=started["executionArn"])
        if found["status"] != "RUNNING":
            return found
        time.sleep(0.05)
    raise AssertionError("the execution did not end")


@pytest.mark.covers("B4")
@pytest.mark.parametrize("jobs", [[], [{"at": BEFORE, "status": "COMPLETE"}], [{"at": AFTER, "status": "FAILED"}]])
def test_a_change_that_no_job_has_seen_starts_one(cloud: Cloud, bedrock: Bedrock, jobs: list[dict[str, Any]]) -> None:
    bedrock.jobs = jobs
    assert run(cloud)["status"] == "SUCCEEDED"
    assert bedrock.started == 1


@pytest.mark.covers("B4")
def test_a_change_that_a_later_job_has_seen_starts_none(cloud: Cloud, bedrock: Bedrock) -> None:
    bedrock.jobs = [{"at": AFTER, "status": "IN_PROGRESS"}]
    assert run(cloud)["status"] == "SUCCEEDED"
    assert bedrock.started == 0


@pytest.mark.covers("B4")
def test_while_an_earlier_job_runs_it_waits_for_its_turn(cloud: Cloud, bedrock: Bedrock) -> None:
    bedrock.jobs, bedrock.conflicts = [{"at": BEFORE, "status": "IN_PROGRESS"}], 3
    done = run(cloud)
    assert done["status"] == "SUCCEEDED", done
    assert (bedrock.started, bedrock.conflicts) == (1, 0)


@pytest.mark.parametrize(
    ("ends", "failed", "error"),
    [("FAILED", 0, "NotIngested"), ("STOPPED", 0, "NotIngested"), ("COMPLETE", 2, "DocumentsFailed")],
)
def test_a_job_that_does_not_take_in_everything_fails_the_execution(
    cloud: Cloud, bedrock: Bedrock, ends: str, failed: int, error: str
) -> None:
    bedrock.ends, bedrock.failed_documents = ends, failed
    done = run(cloud)
    assert (done["status"], done["error"]) == ("FAILED", error)
