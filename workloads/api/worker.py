"""The application's other program: takes jobs from a queue, one at a time, and answers the workflow that waits.

    python -m api.worker        QUEUE_URL says where the jobs are, ITEMS_KEEP_DAYS when items expire (unset: never)

A message is `{"job": …, "execution": …, "attempt": …, "taskToken": …}`. The worker holds it while it works, and deletes
it when the workflow has the answer. One that it cannot read, or that ends its process, comes back and after some
attempts lies in the dead-letter queue. What boto3 cannot mend by trying again ends the process, and ECS starts another.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from api.jobs import JOBS, Job, JobError, Surroundings
from api.logs import request_id, write_json_lines
from api.postgres import AWAY
from api.settings import Settings, WorkSettings

log = logging.getLogger("api.worker")

TRANSIENT = "TransientError"
"""The workflow's word for: try again."""

_INVALID_OUTPUT = "InvalidOutput"
"""AWS's word for an answer that is no JSON or has more than 256 KiB: no attempt makes it better."""

_NOBODY_WAITS = {"TaskDoesNotExist", "TaskTimedOut"}


class BrokenOff(Exception):
    """The job has to end before it is done."""


class Stopping(BrokenOff):
    """This process has to go; another one will do the job."""


class NobodyWaits(BrokenOff):
    """The workflow has its answer already, or gave up."""


class BadMessage(Exception):
    """Nobody can work on this message."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """One message, read."""

    job: str
    execution: str
    attempt: int
    token: str
    receipt: str

    @staticmethod
    def read(message: Mapping[str, Any]) -> Task:
        """The task in a message; BadMessage where there is none."""
        try:
            body = json.loads(message["Body"])
            found = [body[name] for name in ("job", "execution", "attempt", "taskToken")]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            # Not quoted: it might hold a token.
            raise BadMessage(f"is not a job: {type(error).__name__}") from None
        job, execution, attempt, token = found
        if not all(isinstance(text, str) and text for text in (job, execution, token)) or not isinstance(attempt, int):
            raise BadMessage("is not a job: a field has another type")
        return Task(job=job, execution=execution, attempt=attempt, token=token, receipt=message["ReceiptHandle"])


@dataclass(kw_only=True)
class Worker:
    """Takes jobs until it is told to stop."""

    settings: Settings
    work: WorkSettings
    sqs: Any
    states: Any
    jobs: Mapping[str, Job] = field(default_factory=lambda: JOBS)
    hold_seconds: int = 120
    """For how long a message is hidden from other workers, renewed by each beat: when a worker dies, another one has
    the job after this time and not after the queue's hours."""
    beat_seconds: float = 30
    wait_seconds: int = 20
    """For how long one request waits for a message."""

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._stop_by = float("inf")
        self._hopeless = False

    def stop(self) -> None:
        """Take no new job, and break off the one under way if it is not done soon."""
        self._stop_by = time.monotonic() + self.settings.drain_seconds
        self._stop.set()

    def run(self) -> int:
        """Work until `stop`; the exit status of the process."""
        log.info("waiting for jobs: %s", ", ".join(sorted(self.jobs)))
        while not self._stop.is_set():
            answer = self.sqs.receive_message(
                QueueUrl=self.work.queue_url,
                MaxNumberOfMessages=1,
                WaitTimeSeconds=self.wait_seconds,
                VisibilityTimeout=self.hold_seconds,
            )
            for message in answer.get("Messages", []):
                self._handle(message)
            if self._hopeless:
                # The password is part of the task's environment: after a rotation only a new task has the new one.
                log.error("the database refuses the password of this process, which ends")
                return 1
        log.info("stopped")
        return 0

    def _handle(self, message: Mapping[str, Any]) -> None:
        try:
            task = Task.read(message)
        except BadMessage as problem:
            log.error("message %s %s; it is left to the dead-letter queue", message["MessageId"], problem)
            self._leave(message["ReceiptHandle"])
            return
        mark = request_id.set(task.execution)
        try:
            self._work_on(task)
        except BadMessage as problem:
            log.error("job %s %s; it is left to the dead-letter queue", task.job, problem)
            self._leave(task.receipt)
        except NobodyWaits:
            log.warning("nobody waits for job %s any more", task.job)
            self._delete(task)
        except Stopping:
            log.warning("job %s is given back", task.job)
            self._hold(task.receipt, 0)
        except (BotoCoreError, ClientError) as error:
            log.error("job %s could not be answered and will come back: %s", task.job, error)
        else:
            self._delete(task)
        finally:
            request_id.reset(mark)

    def _work_on(self, task: Task) -> None:
        """Do the job and answer."""
        if self._stop.is_set():
            raise Stopping
        # Was it answered before, by a worker that could not delete it? Then it is not done again.
        self._tell("heartbeat", task)
        start = time.monotonic()
        try:
            job = self.jobs.get(task.job)
            if job is None:
                known = ", ".join(sorted(self.jobs))
                raise JobError("UnknownJob", f"there is no job {task.job!r}; there are: {known}")
            with self._beating(task) as go_on:
                around = Surroundings(database=self.settings.database, keep_days=self.work.keep_days, go_on=go_on)
                answer = job(around)
            output = _output(answer)
        except BrokenOff:
            raise
        except AWAY as error:
            self._hopeless = "password authentication failed" in str(error)
            self._fail(task, TRANSIENT, f"the database does not answer: {type(error).__name__}", logging.WARNING)
        except JobError as error:
            self._fail(task, error.error, str(error), logging.ERROR)
        except Exception as error:  # noqa: BLE001 whatever it is: the workflow must not wait for it in vain
            self._fail(task, type(error).__name__, str(error), logging.ERROR, error)
        else:
            try:
                self._tell("success", task, output=output)
            except JobError as error:
                self._fail(task, error.error, str(error), logging.ERROR)
            else:
                log.info("job %s is done after %.1f s: %s", task.job, time.monotonic() - start, answer)

    def _fail(self, task: Task, error: str, cause: str, level: int, stack: Exception | None = None) -> None:
        log.log(level, "job %s failed: %s: %s", task.job, error, cause, exc_info=stack)
        self._tell("failure", task, error=error[:256], cause=cause[:32_768])

    @contextmanager
    def _beating(self, task: Task) -> Iterator[Any]:
        """Keeps the message hidden and the workflow patient meanwhile; hands out what tells the job to end."""
        done, alone = threading.Event(), threading.Event()

        def beat() -> None:
            while not done.wait(self.beat_seconds):
                try:
                    self._hold(task.receipt, self.hold_seconds)
                    self._tell("heartbeat", task)
                except NobodyWaits:
                    alone.set()
                    return
                except (BadMessage, BotoCoreError, ClientError) as error:
                    # The next beat may come through; if none does, another worker gets the job too, which does no harm.
                    log.warning("no heartbeat for job %s: %s", task.job, error)

        def go_on() -> None:
            if alone.is_set():
                raise NobodyWaits
            if time.monotonic() > self._stop_by:
                raise Stopping

        beats = threading.Thread(target=beat, name="heartbeat", daemon=True)
        beats.start()
        try:
            yield go_on
        finally:
            done.set()
            beats.join()

    def _tell(self, what: str, task: Task, **said: str) -> None:
        """Say something to the workflow; NobodyWaits where it does not listen any more."""
        try:
            getattr(self.states, f"send_task_{what}")(taskToken=task.token, **said)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code")
            if code in _NOBODY_WAITS:
                raise NobodyWaits from None
            if code == "InvalidToken":
                raise BadMessage("has a token that no workflow gave") from None
            if code == _INVALID_OUTPUT:
                raise JobError(code, f"the workflow takes no such answer: {error}") from None
            raise

    def _leave(self, receipt: str) -> None:
        """Let a message come back soon: it will be no better later, and the dead-letter queue raises an alarm."""
        self._hold(receipt, 1)

    def _hold(self, receipt: str, seconds: int) -> None:
        self.sqs.change_message_visibility(
            QueueUrl=self.work.queue_url, ReceiptHandle=receipt, VisibilityTimeout=seconds
        )

    def _delete(self, task: Task) -> None:
        self.sqs.delete_message(QueueUrl=self.work.queue_url, ReceiptHandle=task.receipt)


def _output(answer: Mapping[str, object]) -> str:
    """A job's answer as the workflow takes it."""
    try:
        return json.dumps(answer, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise JobError(_INVALID_OUTPUT, f"the job's answer is no JSON: {error}") from error


def main() -> int:
    """Work until SIGTERM."""
    settings, work = Settings.read(os.environ), WorkSettings.read(os.environ)
    write_json_lines(settings.service, settings.log_level)
    # At DEBUG it writes down requests, tokens included.
    logging.getLogger("botocore").setLevel("INFO")
    worker = Worker(settings=settings, work=work, sqs=boto3.client("sqs"), states=boto3.client("stepfunctions"))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.stop())
    return worker.run()


if __name__ == "__main__":
    sys.exit(main())
