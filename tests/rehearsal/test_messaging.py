"""Batch control in the rehearsed dev and prod: what starts the workflow, what it does, and where failures wait.

The stacks are deployed as a user deploys them, and their account is kept up: messages, events and executions are real
as far as the emulator goes. It runs workflows, passes events on and moves failed messages; it fires no schedules.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import PATIENCE
from tests.rehearsal.conftest import ROOT, Refuse
from tests.rehearsal.served import client, served

REGION = "ap-northeast-1"
STACKS = ("dev", "prod")


class Deployed:
    """A rehearsed stack whose account is up."""

    def __init__(self, name: str, address: str, report: dict[str, Any]) -> None:
        self.stem = f"kumiki-{name}"
        self.report = report
        self.outputs: dict[str, Any] = report["outputs"]
        self._address = address

    def client(self, service: str) -> Any:
        return client(self._address, service, REGION)

    @cached_property
    def sqs(self) -> Any:
        return self.client("sqs")

    @cached_property
    def states(self) -> Any:
        return self.client("stepfunctions")

    @property
    def batch(self) -> str:
        return self.outputs["workflowArns"]["batch"]

    @property
    def jobs(self) -> str:
        return self.outputs["queueUrls"]["jobs"]

    def of(self, ending: str) -> list[dict[str, Any]]:
        return [one for one in self.report["resources"] if one["type"].endswith(ending)]

    def inputs(self, name: str) -> dict[str, Any]:
        found = [one for one in self.report["resources"] if one["name"] == f"{self.stem}-{name}" and one["custom"]]
        assert len(found) == 1, name
        return found[0]["inputs"]

    def statements(self, name: str, key: str = "policy") -> list[dict[str, Any]]:
        return json.loads(self.inputs(name)[key])["Statement"]

    def receive(self, url: str, seconds: float = PATIENCE) -> dict[str, Any]:
        """The next message, deleted from its queue, with its body as data."""
        for _ in range(int(seconds * 5)):
            for message in self.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=0).get("Messages", []):
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                return json.loads(message["Body"])
            time.sleep(0.2)
        raise AssertionError(f"no message arrived in {url}")

    def is_empty(self, url: str) -> bool:
        return not self.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=0).get("Messages")

    def ended(self, execution: str, seconds: float = PATIENCE) -> dict[str, Any]:
        for _ in range(int(seconds * 5)):
            found = self.states.describe_execution(executionArn=execution)
            if found["status"] != "RUNNING":
                return found
            time.sleep(0.2)
        raise AssertionError(f"{execution} still runs")

    def start(self, jobs: list[str]) -> str:
        return self.start_with(json.dumps({"jobs": jobs}))

    def start_with(self, text: str) -> str:
        # moto gives an execution without a name the name None, and has no room for a second one.
        started = self.states.start_execution(stateMachineArn=self.batch, name=str(uuid.uuid4()), input=text)
        return started["executionArn"]

    @contextmanager
    def worker(self) -> Iterator[tuple[subprocess.Popen[str], Callable[[], list[dict[str, Any]]]]]:
        """The worker's program, as its container runs it; what it logged, once it has ended."""
        environment = {
            "PATH": os.environ["PATH"], "AWS_ENDPOINT_URL": self._address, "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION, "AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any",
            "SERVICE_NAME": "worker", "QUEUE_URL": self.jobs,
        }  # fmt: skip
        process = subprocess.Popen(
            [sys.executable, "-m", "api.worker"], cwd=ROOT / "workloads", env=environment, text=True,
            stdout=subprocess.PIPE,
        )  # fmt: skip
        try:
            yield process, lambda: [json.loads(line) for line in process.communicate()[0].splitlines()]
        finally:
            if process.poll() is None:
                process.kill()

    def events_heard(self, detail_type: str) -> str:
        """A queue that gets the workflow's events from now on."""
        sqs, events = self.sqs, self.client("events")
        url = sqs.create_queue(QueueName=f"listener-{time.monotonic_ns()}")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        rule = url.rpartition("/")[2]
        bus = self.outputs["eventBusName"]
        pattern = {"source": [f"{self.stem.replace('-', '.')}.batch"], "detail-type": [detail_type]}
        events.put_rule(Name=rule, EventBusName=bus, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=rule, EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])
        return url


@pytest.fixture(scope="module", params=STACKS)
def deployed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, command: list[str]
) -> Iterator[Deployed]:
    file: Path = tmp_path_factory.mktemp("served") / "report.json"
    with served(command, request.param, report=file) as (address, report):
        yield Deployed(request.param, address, report)


# --- What starts it --------------------------------------------------------------------------------------------------


@pytest.mark.covers("A10")
def test_every_day_in_tokyo_a_schedule_may_start_the_batch_and_nothing_else(deployed: Deployed) -> None:
    schedule = deployed.inputs("batch-schedule-schedule")
    # In dev within the office hours, outside of which it has no workers.
    expression = {"kumiki-dev": "cron(0 18 ? * MON-FRI *)", "kumiki-prod": "cron(0 2 * * ? *)"}[deployed.stem]
    assert schedule["scheduleExpression"] == expression
    assert schedule["scheduleExpressionTimezone"] == "Asia/Tokyo"
    assert schedule["state"] == "ENABLED"
    target = schedule["target"]
    assert target["arn"] == deployed.batch
    [start, keep] = deployed.statements("batch-schedule-policy")
    assert (start["Action"], start["Resource"]) == ("states:StartExecution", deployed.batch)
    assert (keep["Action"], keep["Resource"]) == ("sqs:SendMessage", target["deadLetterConfig"]["arn"])
    assert target["deadLetterConfig"]["arn"].endswith(
        ":kumiki-dev-batch-schedule-dead-letters".replace("kumiki-dev", deployed.stem)
    )
    [trust] = deployed.statements("batch-schedule-role", "assumeRolePolicy")
    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    group = f"arn:aws:scheduler:{REGION}:123456789012:schedule-group/{schedule['groupName']}"
    assert trust["Condition"] == {
        "ArnLike": {"aws:SourceArn": group}, "StringEquals": {"aws:SourceAccount": "123456789012"},
    }  # fmt: skip


@pytest.mark.covers("A10")
def test_what_the_schedule_hands_over_makes_the_batch_run_its_jobs(deployed: Deployed) -> None:
    handed = deployed.inputs("batch-schedule-schedule")["target"]["input"]
    execution = deployed.start_with(handed)
    wanted = json.loads(handed)["jobs"]
    assert wanted
    for message in [deployed.receive(deployed.jobs) for _ in wanted]:
        wanted.remove(message["job"])
        deployed.states.send_task_success(taskToken=message["taskToken"], output="{}")
    assert wanted == []
    assert deployed.ended(execution)["status"] == "SUCCEEDED"


@pytest.mark.covers("A10")
def test_an_event_on_the_own_bus_starts_the_batch_with_its_jobs(deployed: Deployed) -> None:
    events = deployed.client("events")

    def put(detail_type: str) -> None:
        entry = {"Source": "kumiki.api", "DetailType": detail_type, "Detail": json.dumps({"jobs": ["rebuild-index"]})}
        events.put_events(Entries=[{**entry, "EventBusName": deployed.outputs["eventBusName"]}])

    before = {
        one["executionArn"] for one in deployed.states.list_executions(stateMachineArn=deployed.batch)["executions"]
    }
    put("Something Else")
    put("Batch Requested")
    message = deployed.receive(deployed.jobs)
    assert message["job"] == "rebuild-index"
    deployed.states.send_task_success(taskToken=message["taskToken"], output="{}")
    after = {
        one["executionArn"] for one in deployed.states.list_executions(stateMachineArn=deployed.batch)["executions"]
    }
    [started] = after - before
    assert deployed.ended(started)["status"] == "SUCCEEDED"


@pytest.mark.covers("A10")
def test_the_event_route_may_start_the_batch_only_and_keeps_what_it_could_not_pass_on(deployed: Deployed) -> None:
    target = deployed.inputs("batch-event-target")
    assert target["arn"] == deployed.batch
    [start] = deployed.statements("batch-event-policy")
    assert (start["Action"], start["Resource"]) == ("states:StartExecution", deployed.batch)
    rule = f"arn:aws:events:{REGION}:123456789012:rule/{deployed.stem}-events/{deployed.stem}-batch-event"
    [trust] = deployed.statements("batch-event-role", "assumeRolePolicy")
    assert trust["Principal"] == {"Service": "events.amazonaws.com"}
    assert trust["Condition"]["ArnLike"] == {"aws:SourceArn": rule}
    admitted = next(one for one in deployed.statements("batch-event-dead-letters-policy") if one["Effect"] == "Allow")
    assert admitted["Resource"] == target["deadLetterConfig"]["arn"]
    assert admitted["Principal"] == {"Service": "events.amazonaws.com"}
    assert admitted["Condition"]["ArnLike"] == {"aws:SourceArn": rule}


# --- What it does ----------------------------------------------------------------------------------------------------


@pytest.mark.covers("A10")
def test_the_batch_waits_for_its_workers_and_tells_how_it_ended(deployed: Deployed) -> None:
    heard = deployed.events_heard("Batch Finished")
    execution = deployed.start(["purge", "summarise"])
    for _ in range(2):
        message = deployed.receive(deployed.jobs)
        assert message["attempt"] == 0
        assert deployed.states.describe_execution(executionArn=execution)["status"] == "RUNNING"
        answer = json.dumps({"rows": 7, "job": message["job"]})
        deployed.states.send_task_success(taskToken=message["taskToken"], output=answer)
    assert deployed.ended(execution)["status"] == "SUCCEEDED"
    detail = deployed.receive(heard)["detail"]
    assert [(one["job"], one["status"], one["answer"]["rows"]) for one in detail["results"]] == [
        ("purge", "succeeded", 7), ("summarise", "succeeded", 7),
    ]  # fmt: skip
    assert detail["failed"] is False


@pytest.mark.covers("A10")
def test_a_job_that_fails_for_a_moment_is_tried_again(deployed: Deployed) -> None:
    execution = deployed.start(["purge"])
    first = deployed.receive(deployed.jobs)
    deployed.states.send_task_failure(taskToken=first["taskToken"], error="TransientError", cause="database busy")
    second = deployed.receive(deployed.jobs)
    assert (second["job"], second["attempt"]) == ("purge", 1)
    deployed.states.send_task_success(taskToken=second["taskToken"], output="{}")
    assert deployed.ended(execution)["status"] == "SUCCEEDED"


@pytest.mark.covers("A10")
def test_a_job_that_fails_for_good_keeps_no_other_from_running_but_fails_the_batch(deployed: Deployed) -> None:
    heard = deployed.events_heard("Batch Finished")
    execution = deployed.start(["broken", "purge"])
    for message in [deployed.receive(deployed.jobs) for _ in range(2)]:
        if message["job"] == "broken":
            deployed.states.send_task_failure(taskToken=message["taskToken"], error="BadData", cause="no such table")
        else:
            deployed.states.send_task_success(taskToken=message["taskToken"], output="{}")
    assert deployed.ended(execution)["status"] == "FAILED"
    detail = deployed.receive(heard)["detail"]
    assert {one["job"]: one["status"] for one in detail["results"]} == {"broken": "failed", "purge": "succeeded"}
    [failed] = [one for one in detail["results"] if one["job"] == "broken"]
    assert failed["error"]["Error"] == "BadData"
    assert detail["failed"] is True
    assert deployed.is_empty(deployed.jobs), "what fails for good is not tried again"


@pytest.mark.covers("A10")
def test_the_workers_program_answers_the_batch_until_it_is_told_to_stop(deployed: Deployed) -> None:
    """Without a database, so each job fails, and says why; that a night succeeds is proven in tests/workloads."""
    with deployed.worker() as (process, records):
        execution = deployed.start(["summarise-usage"])
        assert deployed.ended(execution)["status"] == "FAILED"
        process.send_signal(signal.SIGTERM)
        # It waits for one more message and gives it back.
        late = deployed.start(["summarise-usage"])
        assert process.wait(timeout=PATIENCE) == 0
    deployed.states.send_task_success(taskToken=deployed.receive(deployed.jobs)["taskToken"], output="{}")
    assert deployed.ended(late)["status"] == "SUCCEEDED"
    failed = [one for one in records() if one["level"] == "ERROR"]
    assert len(failed) == 1
    assert "job summarise-usage failed: NoDatabase: this worker has no database" in failed[0]["message"]
    assert failed[0]["service"] == "worker"
    assert failed[0]["request_id"] == execution.rpartition(":")[2]
    assert deployed.is_empty(deployed.jobs)


@pytest.mark.covers("A10")
def test_a_batch_without_jobs_ends_at_once(deployed: Deployed) -> None:
    execution = deployed.start([])
    assert deployed.ended(execution)["status"] == "SUCCEEDED"
    assert deployed.is_empty(deployed.jobs)


# --- How it is watched, and what it may do ---------------------------------------------------------------------------


@pytest.mark.covers("A10", "A13")
def test_every_step_is_logged_without_its_data_and_traced(deployed: Deployed) -> None:
    machine = deployed.states.describe_state_machine(stateMachineArn=deployed.batch)
    logging = machine["loggingConfiguration"]
    assert (logging["level"], logging["includeExecutionData"]) == ("ALL", False)
    assert machine["tracingConfiguration"] == {"enabled": True}
    arn = logging["destinations"][0]["cloudWatchLogsLogGroup"]["logGroupArn"]
    group = f"/aws/vendedlogs/states/{deployed.stem}-batch"
    assert arn.endswith(f":log-group:{group}:*")
    [found] = deployed.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert found["retentionInDays"] == {"kumiki-dev": 7, "kumiki-prod": 30}[deployed.stem]
    assert found["kmsKeyId"]


@pytest.mark.covers("A10")
def test_the_batch_may_send_jobs_put_events_log_and_trace_and_nothing_more(deployed: Deployed) -> None:
    role = deployed.inputs("batch-state-machine")["roleArn"].rpartition("/")[2]
    iam = deployed.client("iam")
    allowed = {}
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        policy = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        for one in policy["Statement"]:
            actions = one["Action"] if isinstance(one["Action"], list) else [one["Action"]]
            allowed.update(dict.fromkeys(actions, one["Resource"]))
    restricted = {action: resource for action, resource in allowed.items() if resource != "*"}
    jobs = f"arn:aws:sqs:{REGION}:123456789012:{deployed.stem}-jobs"
    assert restricted == {
        "sqs:SendMessage": jobs, "sqs:GetQueueUrl": jobs, "sqs:GetQueueAttributes": jobs,
        "events:PutEvents": f"arn:aws:events:{REGION}:123456789012:event-bus/{deployed.stem}-events",
    }  # fmt: skip
    assert {action.partition(":")[0] for action in set(allowed) - set(restricted)} == {"logs", "xray"}
    assert iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == []


@pytest.mark.covers("A10")
def test_alarms_tell_the_warning_topic_of_failed_and_late_batches(deployed: Deployed) -> None:
    topics = [one for one in deployed.of(":Topic") if "warning" in one["name"]]
    if not topics:
        pytest.skip("the stack has no topics yet: alarms are proven under mocks")
    for kind, metric in {"failed": "ExecutionsFailed", "timed-out": "ExecutionsTimedOut"}.items():
        alarm = deployed.inputs(f"batch-{kind}-alarm")
        assert alarm["metricName"] == metric
        assert alarm["dimensions"] == {"StateMachineArn": deployed.batch}
        assert alarm["alarmActions"] == [topics[0]["outputs"]["arn"]]


# --- Failures wait ---------------------------------------------------------------------------------------------------


@pytest.mark.covers("A10")
def test_a_job_that_no_worker_can_finish_reaches_the_dead_letter_queue(deployed: Deployed) -> None:
    attempts = json.loads(deployed.inputs("jobs-queue")["redrivePolicy"])["maxReceiveCount"]
    deployed.sqs.send_message(QueueUrl=deployed.jobs, MessageBody=json.dumps({"job": "poison"}))
    for _ in range(attempts):
        [message] = deployed.sqs.receive_message(QueueUrl=deployed.jobs)["Messages"]
        # A worker that dies: the message comes back, here at once.
        deployed.sqs.change_message_visibility(
            QueueUrl=deployed.jobs, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
        )
    assert deployed.is_empty(deployed.jobs)
    assert deployed.receive(deployed.outputs["deadLetterUrls"]["jobs"]) == {"job": "poison"}


@pytest.mark.covers("A10")
def test_every_dead_letter_queue_keeps_for_two_weeks_and_every_queue_refuses_plain_http(deployed: Deployed) -> None:
    for url in [*deployed.outputs["deadLetterUrls"].values(), *deployed.outputs["queueUrls"].values()]:
        found = deployed.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        if url.endswith("dead-letters"):
            assert found["MessageRetentionPeriod"] == str(14 * 24 * 3600)
        assert found["SqsManagedSseEnabled"] == "true"
    policies = {one["inputs"]["queueUrl"]: json.loads(one["inputs"]["policy"]) for one in deployed.of(":QueuePolicy")}
    assert set(policies) == {one["id"] for one in deployed.of("sqs/queue:Queue")}
    for policy in policies.values():
        deny = next(one for one in policy["Statement"] if one["Effect"] == "Deny")
        assert (deny["Principal"], deny["Action"]) == ("*", "sqs:*")
        assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


# --- Bad input -------------------------------------------------------------------------------------------------------

Config = dict[str, Any]


def batch(**changes: Any) -> Config:
    return {"kumiki:workflows": {"batch": {"definition": "batch", **changes}}}


def at_night(**changes: Any) -> Config:
    return batch(schedule={"expression": "cron(0 2 * * ? *)", **changes})


KEY = "kumiki:workflows.batch"


WITHOUT_WORKER: Config = {
    "kumiki:queues": {},
    "kumiki:services": {"api": {"tag": "1.0.0", "port": 8000, "cpu": 256, "memory": 512}},
}


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        (at_night(expression="0 2 * * *"), [f"{KEY}.schedule.expression: '0 2 * * *' is not a schedule", "cron("]),
        (at_night(expression="cron(0 2 * * *)"), ["has 5 fields and needs 6", "AWS adds a year"]),
        (at_night(expression="cron(0 2 * * * *)"), ["exactly one of day of month and day of week", "neither"]),
        (at_night(expression="cron(0 25 * * ? *)"), ["'25' as hours", "use 0 to 23"]),
        (at_night(expression="rate(5 minute)"), ["write rate(5 minutes)"]),
        (at_night(timezone="Asia/Tokio"), [f"{KEY}.schedule.timezone: 'Asia/Tokio'", "did you mean 'Asia/Tokyo'"]),
        (at_night(maxRetries=200), [f"{KEY}.schedule.maxRetries: 200 is not allowed; use 0 to 185"]),
        (batch(definition="batsh"), [f"{KEY}.definition: 'batsh' has no file", "did you mean 'batch'"]),
        (batch(kind="EXPRESS"), [f"{KEY}.definition", "waits, which EXPRESS workflows cannot; use STANDARD"]),
        (WITHOUT_WORKER, [f"{KEY}.definition: 'batch' names ${{jobsQueueUrl}}, which the stack does not have"]),
        (batch(event={"pattern": {}}), [f"{KEY}.event.pattern", "would match every event"]),
        (batch(event={"pattern": {"sourse": ["x"]}}), ["'sourse' is not a field of an event; did you mean 'source'?"]),
        (batch(event={"pattern": {"source": "x"}}), [f"{KEY}.event.pattern.source: 'x' must be a list"]),
        (
            {"kumiki:queues": {"jobs": {"consumerTimeoutSeconds": 300, "visibilitySeconds": 900}}},
            ["kumiki:queues.jobs.visibilitySeconds: 900 is too short", "visibility timeout of at least 1800 s"],
        ),
        (
            {"kumiki:queues": {"jobs": {"consumerTimeoutSeconds": 300, "fifo": True, "deduplication": "id"}}},
            [f"{KEY}.definition: 'batch' sends to the FIFO queue jobs without MessageGroupId", "without MessageDedup"],
        ),
        (
            {"kumiki:queues": {"jobs": {"consumerTimeoutSeconds": 300, "highThroughput": True}}},
            ["kumiki:queues.jobs.highThroughput: true is for FIFO queues; set fifo, or remove it"],
        ),
        ({"kumiki:queues": {"batch": {"consumerTimeoutSeconds": 3}}}, ["workflows.batch", "the name of queues.batch"]),
    ],
)  # fmt: skip
def test_a_mistake_in_queues_and_workflows_is_refused_with_its_key_and_its_mend(
    refuse_kumiki: Refuse, changes: Config, parts: list[str]
) -> None:
    said = refuse_kumiki(changes)
    for part in parts:
        assert part in said
