"""The worker between a queue and a workflow that run (as far as the emulator goes), and its jobs on a real database."""

from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import boto3
import psycopg
import pytest
from api import locks
from api.jobs import JOBS, JobError, Surroundings
from api.settings import Database, Settings, SettingsError, WorkSettings
from api.worker import NobodyWaits, Stopping, Worker
from botocore.exceptions import ClientError
from moto import mock_aws

from rehearsal.cloud.moto_patches import apply_to_workflows
from tests.conftest import PATIENCE
from tests.workflows import hurried
from tests.workloads.conftest import until
from tests.workloads.postgres import PASSWORD, Postgres

REGION = "ap-northeast-1"
WORKFLOW = Path(__file__).resolve().parents[2] / "workloads/workflows/batch.asl.json"
ATTEMPTS = 3

Jobs = Mapping[str, Callable[[Surroundings], Mapping[str, object]]]


class Batch:
    """The batch workflow with its queue, in an emulated account."""

    def __init__(self) -> None:
        self.sqs: Any = boto3.client("sqs", REGION)
        self.states: Any = boto3.client("stepfunctions", REGION)
        self.dead_letters = self.sqs.create_queue(QueueName="dead-letters")["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=self.dead_letters, AttributeNames=["QueueArn"])["Attributes"]
        redrive = {"deadLetterTargetArn": arn["QueueArn"], "maxReceiveCount": ATTEMPTS}
        # Hours, as in the stacks: whoever has to wait for a message that long fails the test.
        attributes = {"VisibilityTimeout": "10800", "RedrivePolicy": json.dumps(redrive)}
        self.queue = self.sqs.create_queue(QueueName="jobs", Attributes=attributes)["QueueUrl"]
        text = WORKFLOW.read_text(encoding="utf-8")
        for name, value in {"jobsQueueUrl": self.queue, "eventBusName": "default", "eventSource": "test"}.items():
            text = text.replace(f"${{{name}}}", value)
        role = "arn:aws:iam::123456789012:role/batch"
        definition = json.dumps(hurried(json.loads(text)))
        made = self.states.create_state_machine(name="batch", definition=definition, roleArn=role)
        self.arn = made["stateMachineArn"]
        self.threads: list[tuple[Worker, threading.Thread]] = []

    def worker(self, jobs: Jobs = JOBS, settings: Settings | None = None, **changes: Any) -> Worker:
        """A worker that has begun."""
        worker = self.idle_worker(jobs, settings, **changes)
        thread = threading.Thread(target=worker.run)
        self.threads.append((worker, thread))
        thread.start()
        return worker

    def idle_worker(self, jobs: Jobs = JOBS, settings: Settings | None = None, **changes: Any) -> Worker:
        given: dict[str, Any] = {"hold_seconds": 600, "beat_seconds": 0.2, "wait_seconds": 0, **changes}
        work = WorkSettings(queue_url=self.queue, keep_days=30)
        return Worker(
            settings=settings or Settings(), work=work, sqs=given.pop("sqs", self.sqs),
            states=given.pop("states", self.states), jobs=jobs, **given,
        )  # fmt: skip

    def end(self) -> None:
        for worker, thread in self.threads:
            worker.stop()
            thread.join(timeout=PATIENCE)
            assert not thread.is_alive()

    def start(self, *jobs: str) -> str:
        given = json.dumps({"jobs": jobs})
        return self.states.start_execution(stateMachineArn=self.arn, name=str(uuid.uuid4()), input=given)[
            "executionArn"
        ]

    def ended(self, execution: str) -> str:
        def status() -> str:
            return self.states.describe_execution(executionArn=execution)["status"]

        until(lambda: status() != "RUNNING")
        return status()

    def failed_with(self, execution: str) -> set[str]:
        """The errors with which tasks of the execution failed."""
        events = self.states.get_execution_history(executionArn=execution)["events"]
        return {each["taskFailedEventDetails"]["error"] for each in events if each["type"] == "TaskFailed"}

    def waiting(self, queue: str | None = None) -> int:
        """Messages in a queue, hidden ones included."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=queue or self.queue, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)


@pytest.fixture
def batch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Batch]:
    for name, value in {"ACCESS_KEY_ID": "any", "SECRET_ACCESS_KEY": "any", "DEFAULT_REGION": REGION}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    # Each attempt of a task needs an answer of its own, as in AWS.
    apply_to_workflows()
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        made = Batch()
        yield made
        made.end()


def done(_: Surroundings) -> dict[str, object]:
    return {"done": True}


def test_who_is_quicker_than_the_emulator_has_a_token_and_is_heard() -> None:
    from moto.stepfunctions.parser.asl.eval.callback.callback import (  # noqa: PLC0415 it takes a second
        CallbackOutcomeSuccess,
        CallbackPoolManager,
    )

    apply_to_workflows()
    pool = CallbackPoolManager({})
    endpoint = pool.add("token")
    assert pool.heartbeat("token")
    assert not pool.heartbeat("another")
    assert pool.notify("token", CallbackOutcomeSuccess("token", "{}"))
    assert endpoint.setup_heartbeat_endpoint(heartbeat_seconds=0).clear_and_wait(), "the answer counts as a heartbeat"
    assert endpoint.get_outcome() is not None


# --- A whole batch ---------------------------------------------------------------------------------------------------


@pytest.mark.covers("A10")
def test_a_night_of_the_batch_runs_through_the_worker(batch: Batch, postgres: Postgres) -> None:
    fill(postgres, {"old": 40, "young": 5})
    execution = batch.start("purge-expired-items", "summarise-usage")
    batch.worker(settings=Settings(database=database(postgres)))
    assert batch.ended(execution) == "SUCCEEDED"
    assert names(postgres) == ["young"]
    assert batch.waiting() == batch.waiting(batch.dead_letters) == 0


@pytest.mark.covers("A10")
def test_what_fails_for_a_moment_is_done_at_the_second_attempt(batch: Batch) -> None:
    calls = []

    def job(_: Surroundings) -> dict[str, object]:
        calls.append(1)
        if len(calls) == 1:
            raise psycopg.OperationalError("the server is starting up")
        return {}

    execution = batch.start("job")
    batch.worker({"job": job})
    assert batch.ended(execution) == "SUCCEEDED"
    assert len(calls) == 2
    assert batch.failed_with(execution) == {"TransientError"}
    assert batch.waiting() == 0


@pytest.mark.covers("A10")
def test_what_fails_for_good_fails_the_batch_but_no_other_job(batch: Batch) -> None:
    calls = []

    def broken(_: Surroundings) -> dict[str, object]:
        calls.append(1)
        raise ZeroDivisionError("division by zero")

    execution = batch.start("broken", "good")
    batch.worker({"broken": broken, "good": done})
    assert batch.ended(execution) == "FAILED"
    assert len(calls) == 1
    assert batch.failed_with(execution) == {"ZeroDivisionError"}
    assert batch.waiting() == batch.waiting(batch.dead_letters) == 0, "it was answered, so it is no dead letter"


def test_a_job_that_nobody_knows_is_answered_at_once(batch: Batch) -> None:
    execution = batch.start("prepare-tea")
    batch.worker()
    assert batch.ended(execution) == "FAILED"
    assert batch.failed_with(execution) == {"UnknownJob"}


# --- Messages --------------------------------------------------------------------------------------------------------


BAD_MESSAGES = (
    "not JSON",
    "[]",
    "[" * 100_000,
    '{"job": "job"}',
    '{"job": "job", "execution": "e", "attempt": 0, "taskToken": 7}',
    '{"job": "job", "execution": "e", "attempt": 0, "taskToken": "that no workflow gave"}',
)


def test_messages_that_nobody_can_work_on_reach_the_dead_letters_and_block_no_other(
    batch: Batch, caplog: pytest.LogCaptureFixture
) -> None:
    for body in BAD_MESSAGES:
        batch.sqs.send_message(QueueUrl=batch.queue, MessageBody=body)
    execution = batch.start("job")
    until(lambda: batch.waiting() == len(BAD_MESSAGES) + 1)
    calls = []
    batch.worker({"job": lambda _: calls.append(1) or {}})
    assert batch.ended(execution) == "SUCCEEDED"
    until(lambda: batch.waiting() == 0)
    assert batch.waiting(batch.dead_letters) == len(BAD_MESSAGES)
    assert len(calls) == 1
    left = [one for one in caplog.records if "dead-letter queue" in one.message]
    assert len(left) == ATTEMPTS * len(BAD_MESSAGES)


def test_nobody_else_gets_a_message_while_it_is_worked_on(batch: Batch) -> None:
    held: list[int] = []

    class Listens:
        def __getattr__(self, name: str) -> Any:
            return getattr(batch.sqs, name)

        def change_message_visibility(self, **given: Any) -> Any:
            held.append(given["VisibilityTimeout"])
            return batch.sqs.change_message_visibility(**given)

    def long(_: Surroundings) -> dict[str, object]:
        running.append(1)
        until(lambda: len(held) > 3)
        return {}

    running: list[int] = []
    execution = batch.start("long")
    for _ in range(2):
        batch.worker({"long": long}, sqs=Listens(), hold_seconds=300)
    assert batch.ended(execution) == "SUCCEEDED"
    assert len(running) == 1
    assert set(held) == {300}, "each beat keeps the message for as long again"


def test_a_worker_that_has_to_go_gives_its_job_to_another_one(batch: Batch) -> None:
    begun = threading.Event()

    def endless(around: Surroundings) -> dict[str, object]:
        begun.set()
        while True:
            around.go_on()
            time.sleep(0.05)

    execution = batch.start("job")
    first = batch.worker({"job": endless}, Settings(drain_seconds=0), hold_seconds=600)
    assert begun.wait(PATIENCE)
    first.stop()
    batch.worker({"job": done})
    assert batch.ended(execution) == "SUCCEEDED"
    assert batch.failed_with(execution) == set()


def test_a_worker_that_has_to_go_finishes_what_is_nearly_done_and_takes_no_more(batch: Batch) -> None:
    calls = []

    def job(around: Surroundings) -> dict[str, object]:
        calls.append(1)
        worker.stop()
        around.go_on()
        return {}

    worker = batch.idle_worker({"job": job}, Settings(drain_seconds=25))
    execution = batch.start("job", "job")
    until(lambda: batch.waiting() == 2)
    assert worker.run() == 0
    assert len(calls) == 1
    assert batch.waiting() == 1
    batch.worker({"job": done})
    assert batch.ended(execution) == "SUCCEEDED"


class Gone:
    """A workflow that gave up while the job was done."""

    def __init__(self, states: Any, code: str, heartbeats: int) -> None:
        self._states, self._code, self._left = states, code, heartbeats

    def __getattr__(self, name: str) -> Any:
        return getattr(self._states, name)

    def send_task_heartbeat(self, **_: str) -> None:
        self._left -= 1
        if self._left < 0:
            raise ClientError({"Error": {"Code": self._code, "Message": "m"}}, "SendTaskHeartbeat")


class Strict:
    """Step Functions takes JSON of 256 KiB at most (SendTaskSuccess, InvalidOutput); moto takes any text."""

    def __init__(self, states: Any) -> None:
        self._states = states

    def __getattr__(self, name: str) -> Any:
        return getattr(self._states, name)

    def send_task_success(self, *, taskToken: str, output: str) -> None:  # noqa: N803 as boto3 calls it
        def refuse(constant: str) -> None:
            raise ValueError(constant)

        try:
            json.loads(output, parse_constant=refuse)
            taken = len(output.encode()) <= 262_144
        except ValueError:
            taken = False
        if not taken:
            raise ClientError({"Error": {"Code": "InvalidOutput", "Message": "m"}}, "SendTaskSuccess")
        self._states.send_task_success(taskToken=taskToken, output=output)


@pytest.mark.parametrize(
    "answer", [{"at": date(2026, 1, 1)}, {"share": float("nan")}, {"names": "x" * 300_000}, {1: {2}}]
)
def test_an_answer_that_no_workflow_takes_fails_its_job_once_and_ends_no_worker(batch: Batch, answer: Any) -> None:
    calls = []
    execution = batch.start("odd", "good")
    batch.worker({"odd": lambda _: calls.append(1) or answer, "good": done}, states=Strict(batch.states))
    assert batch.ended(execution) == "FAILED"
    assert batch.failed_with(execution) == {"InvalidOutput"}
    assert len(calls) == 1
    until(lambda: batch.waiting() == 0)
    assert batch.waiting(batch.dead_letters) == 0


@pytest.mark.parametrize("code", ["TaskTimedOut", "TaskDoesNotExist"])
def test_a_job_is_broken_off_when_nobody_waits_for_it_any_more(batch: Batch, code: str) -> None:
    ends = []

    def job(around: Surroundings) -> dict[str, object]:
        try:
            while True:
                around.go_on()
                time.sleep(0.05)
        except NobodyWaits:
            ends.append(1)
            raise

    batch.start("job")
    batch.worker({"job": job}, states=Gone(batch.states, code, heartbeats=2))
    until(lambda: bool(ends) and batch.waiting() == 0)


@pytest.mark.parametrize("code", ["TaskTimedOut", "TaskDoesNotExist"])
def test_a_job_that_was_answered_before_is_not_done_again(batch: Batch, code: str) -> None:
    calls = []
    batch.start("job")
    until(lambda: batch.waiting() == 1)
    # As when a worker dies between its answer and the deletion of the message.
    batch.worker({"job": lambda _: calls.append(1) or {}}, states=Gone(batch.states, code, heartbeats=0))
    until(lambda: batch.waiting() == 0)
    assert calls == []
    assert batch.waiting(batch.dead_letters) == 0


def test_a_beat_that_fails_does_not_end_the_job(batch: Batch) -> None:
    def job(_: Surroundings) -> dict[str, object]:
        time.sleep(0.7)
        return {}

    execution = batch.start("job")
    batch.worker({"job": job}, states=Gone(batch.states, "ServiceUnavailable", heartbeats=1), hold_seconds=600)
    assert batch.ended(execution) == "SUCCEEDED"


def test_logs_hold_the_execution_but_no_token(batch: Batch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "api.worker")
    tokens = []
    receive = batch.sqs.receive_message

    class Listens:
        def __getattr__(self, name: str) -> Any:
            return getattr(batch.sqs, name)

        def receive_message(self, **given: Any) -> Any:
            answer = receive(**given)
            tokens.extend(json.loads(one["Body"])["taskToken"] for one in answer.get("Messages", []))
            return answer

    execution = batch.start("job", "unknown")
    batch.worker({"job": done}, sqs=Listens())
    assert batch.ended(execution) == "FAILED"
    written = " ".join(one.getMessage() for one in caplog.records if one.name == "api.worker")
    assert "job job is done" in written
    # One that took too long is given out again.
    assert len(set(tokens)) == 2
    assert not [token for token in tokens if token in written]


# --- Jobs ------------------------------------------------------------------------------------------------------------


def database(server: Postgres, **changes: Any) -> Database:
    given: dict[str, Any] = {
        "host": "localhost", "port": server.port, "name": "postgres", "user": "app", "password": PASSWORD,
        "certificates": str(server.certificate), **changes,
    }  # fmt: skip
    return Database(**given)


def around(server: Postgres | None, **changes: Any) -> Surroundings:
    given: dict[str, Any] = {"keep_days": 30, "go_on": lambda: None, **changes}
    return Surroundings(database=database(server) if server else None, **given)


def asked(server: Postgres, question: str) -> list[Any]:
    with psycopg.connect(host=str(server.folder), port=server.port, user="app", dbname="postgres") as connection:
        return connection.execute(question.encode()).fetchall()


def fill(server: Postgres, ages: Mapping[str, float]) -> None:
    """Items by name, with their ages in days."""
    server.execute("CREATE TABLE items (id uuid PRIMARY KEY, name text, description text, created_at timestamptz)")
    rows = ", ".join(f"(gen_random_uuid(), '{name}', '', now() - interval '{age} days')" for name, age in ages.items())
    server.execute(f"INSERT INTO items VALUES {rows}")  # noqa: S608


def names(server: Postgres) -> list[str]:
    return [name for (name,) in asked(server, "SELECT name FROM items ORDER BY name")]


@pytest.fixture
def clean(postgres: Postgres) -> Postgres:
    postgres.execute("DROP TABLE IF EXISTS usage_by_day")
    return postgres


def test_only_expired_items_are_purged_and_a_second_run_finds_none(clean: Postgres) -> None:
    fill(clean, {"a": 31, "b": 29.9, "c": 400, "d": 0})
    purge = JOBS["purge-expired-items"]
    assert purge(around(clean)) == {"deleted": 2}
    assert names(clean) == ["b", "d"]
    assert purge(around(clean)) == {"deleted": 0}


def test_a_job_does_not_wait_for_the_lock_of_a_migration(clean: Postgres) -> None:
    fill(clean, {"a": 2})
    done: list[Any] = []
    with psycopg.connect(host=str(clean.folder), port=clean.port, user="app", dbname="postgres") as migration:
        migration.execute("SELECT pg_advisory_xact_lock(%s)", (locks.MIGRATIONS,))
        job = threading.Thread(target=lambda: done.append(JOBS["summarise-usage"](around(clean))), daemon=True)
        job.start()
        job.join(60)
        assert [one["items"] for one in done] == [1]


def test_without_a_word_on_how_long_items_are_kept_none_is_deleted(clean: Postgres) -> None:
    fill(clean, {"a": 4000})
    assert JOBS["purge-expired-items"](around(clean, keep_days=None))["deleted"] == 0
    assert names(clean) == ["a"]


def test_a_purge_that_is_broken_off_has_deleted_what_it_has_deleted(
    clean: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.jobs._BATCH", 2)
    fill(clean, {str(number): 31 for number in range(5)})
    rounds = []

    def go_on() -> None:
        rounds.append(1)
        if len(rounds) == 3:
            raise Stopping

    with pytest.raises(Stopping):
        JOBS["purge-expired-items"](around(clean, go_on=go_on))
    assert len(names(clean)) == 1
    assert JOBS["purge-expired-items"](around(clean)) == {"deleted": 1}


def test_usage_is_summed_up_once_a_day_however_often_it_is_asked_for(clean: Postgres) -> None:
    clean.execute("CREATE TABLE items (id uuid PRIMARY KEY, name text, description text, created_at timestamptz)")
    today = "date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'"
    for offset in ("- interval '1 second'", "- interval '24 hours'", "- interval '30 hours'", "+ interval '0'"):
        clean.execute(f"INSERT INTO items VALUES (gen_random_uuid(), 'x', '', {today} {offset})")  # noqa: S608
    ((day,),) = asked(clean, f"SELECT ({today} AT TIME ZONE 'UTC')::date - 1")
    assert isinstance(day, date)
    for _ in range(2):
        answer = JOBS["summarise-usage"](around(clean))
        assert answer == {"day": day.isoformat(), "items": 3, "created": 2}
    assert asked(clean, "SELECT day, items, created FROM usage_by_day") == [(day, 3, 2)]
    clean.execute("UPDATE usage_by_day SET day = day - 1")
    JOBS["summarise-usage"](around(clean))
    assert len(asked(clean, "SELECT * FROM usage_by_day")) == 2


@pytest.mark.parametrize("job", sorted(JOBS))
def test_before_the_api_made_its_table_there_is_nothing_to_do(clean: Postgres, job: str) -> None:
    answer = JOBS[job](around(clean))
    assert {answer.get("deleted"), answer.get("items")} == {0, None}


@pytest.mark.parametrize("job", sorted(JOBS))
def test_without_a_database_a_job_says_so(job: str) -> None:
    with pytest.raises(JobError, match="this worker has no database") as failed:
        JOBS[job](around(None))
    assert failed.value.error == "NoDatabase"


def test_after_a_changed_password_the_process_ends_and_the_job_is_tried_again(
    batch: Batch, clean: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    clean.execute("ALTER USER app PASSWORD 'rotated'")
    execution = batch.start("purge-expired-items")
    assert batch.idle_worker(settings=Settings(database=database(clean)), wait_seconds=5).run() == 1
    assert PASSWORD not in caplog.text
    batch.worker(settings=Settings(database=database(clean, password="rotated")))
    assert batch.ended(execution) == "SUCCEEDED"
    assert batch.failed_with(execution) == {"TransientError"}


@pytest.mark.parametrize(
    ("environment", "words"),
    [({}, "QUEUE_URL is missing"), ({"QUEUE_URL": "q", "ITEMS_KEEP_DAYS": "0"}, "ITEMS_KEEP_DAYS is '0'")],
)
def test_a_worker_that_could_not_work_says_so_at_its_start(environment: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        WorkSettings.read(environment)
    assert WorkSettings.read({"QUEUE_URL": "q"}) == WorkSettings(queue_url="q", keep_days=None)
