"""The wiki's other program: takes jobs from the queue, one at a time, each repository's in their order.

    python -m wiki.worker

A job is `{"id", "repository", "action", "commit"}`. The queue gives nobody another job of a repository while one is
held here, and the job's record says whose it is. What fails comes back, and lies in the dead-letter queue after as many
attempts as the queue allows. At SIGTERM the job under way is finished, or given back at the latest after DRAIN_SECONDS,
which must be less than the task's stop timeout: 120 seconds at most, the time that Fargate Spot leaves
(docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-capacity-providers.html).
"""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import boto3
from api import trace
from api.bedrock import ModelUnavailable, wait
from api.logs import request_id
from api.metrics import Metrics
from botocore.exceptions import BotoCoreError, ClientError

from wiki import logs
from wiki.github import REPOSITORY, GitHub, SourcesUnavailable, folders
from wiki.index import Index, IndexUnavailable
from wiki.model import Models
from wiki.pages import Writer
from wiki.settings import Settings
from wiki.store import Store, Superseded

log = logging.getLogger("wiki.worker")

_LATER = (ModelUnavailable, IndexUnavailable, SourcesUnavailable, BotoCoreError, ClientError)
"""What may be gone at the next attempt, and is no fault of the job."""
_MOST_WAIT = 300


class Stopping(Exception):
    """This process has to go; another one will do the job."""


class BadMessage(Exception):
    """Nobody can work on this message."""


def read(message: Mapping[str, Any]) -> dict[str, Any]:
    """The job in a message; BadMessage where there is none."""
    try:
        said = json.loads(message["Body"])
        job = {name: said[name] for name in ("id", "repository", "action", "commit")}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadMessage(f"is no job: {type(error).__name__}") from None
    texts = (job["id"], job["repository"], job["action"])
    if not all(isinstance(text, str) and text for text in texts) or not isinstance(job["commit"], str | None):
        raise BadMessage("is no job: a field has another type")
    if job["action"] not in {"analyse", "remove"} or not re.fullmatch(REPOSITORY, job["repository"]):
        raise BadMessage("is no job: there is no such action, or no such repository can be")
    return job


@dataclass(kw_only=True)
class Worker:
    """Takes jobs until it is told to stop."""

    settings: Settings
    store: Store
    index: Index
    models: Models
    github: GitHub
    sqs: Any
    hold_seconds: int = 120
    """For how long a message is hidden, renewed by each beat: when a worker dies, another one has the job after this
    time. Longer than the index takes to show what was written into it."""
    beat_seconds: float = 30
    wait_seconds: int = 20
    end: Callable[[int], Any] = os._exit
    """Ends the process at once."""
    name: str = field(default_factory=lambda: uuid.uuid4().hex)
    _stop: threading.Event = field(default_factory=threading.Event, init=False)
    _stop_by: float = field(default=float("inf"), init=False)
    _held: tuple[Mapping[str, Any], str] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._metrics = Metrics(self.settings.metrics_namespace, self.settings.service)

    def stop(self) -> None:
        """Take no new job. The one under way is given back if it is not done in time, also in the midst of a step."""
        if not self._stop.is_set():
            self._stop_by = time.monotonic() + self.settings.drain_seconds
            self._stop.set()
            watch = threading.Timer(self.settings.drain_seconds + 1, self._abandon)
            watch.daemon = True
            watch.start()

    def run(self) -> None:
        """Work until `stop`."""
        log.info("waiting for jobs")
        while not self._stop.is_set():
            # While the model is down no attempt of any job is used up.
            if (closed := self.models.breaker.opens_in) > 0:
                self._stop.wait(closed)
                continue
            answer = self.sqs.receive_message(
                QueueUrl=self.settings.queue_url, MaxNumberOfMessages=1, WaitTimeSeconds=self.wait_seconds,
                VisibilityTimeout=self.hold_seconds,
                MessageSystemAttributeNames=["ApproximateReceiveCount", "AWSTraceHeader"],
            )  # fmt: skip
            for message in answer.get("Messages", []):
                self._handle(message)
        log.info("stopped")

    def _handle(self, message: Mapping[str, Any]) -> None:
        receipt, attributes = message["ReceiptHandle"], message.get("Attributes", {})
        attempt = int(attributes.get("ApproximateReceiveCount", 1))
        try:
            job = read(message)
        except BadMessage as problem:
            log.error("message %s %s; it is left to the dead-letter queue", message["MessageId"], problem)
            self._hold(receipt, 1)
            return
        mark = request_id.set(job["id"])
        try:
            header, share = attributes.get("AWSTraceHeader"), self.settings.sampled_share
            with trace.segment(self.settings.service, header, share) as segment:
                self._take(job, receipt, attempt, segment)
        finally:
            request_id.reset(mark)

    def _take(self, job: Mapping[str, Any], receipt: str, attempt: int, segment: trace.Segment) -> None:
        start, later = time.monotonic(), 0
        try:
            if self._stop.is_set():
                raise Stopping
            if not self.store.claim(job, self.name):
                log.info("the job was done before")
                self._delete(receipt)
                return
            self._held = (job, receipt)
            with self._beating(job, receipt) as pause:
                done = self._work(job, pause)
            self.store.finish(job, self.name, "done")
        except Stopping:
            log.warning("the job is given back")
            state, problem = "queued", ""
        except Superseded as error:
            log.warning("the job is left to another worker: %s", error)
            self._hold(receipt, self.hold_seconds)
            return
        except _LATER as error:
            segment.failed, later = True, round(wait(attempt, base=10, most=_MOST_WAIT)) + 1
            state, problem = "queued", f"{type(error).__name__}: {error}"
            if attempt >= self._attempts():
                # The queue gives it to nobody any more.
                state = "failed"
                self._metrics.count("JobsFailed")
            log.error("attempt %d failed: %s; the job is %s", attempt, problem, state)
        except Exception as error:
            segment.failed, later = True, 1
            state, problem = "failed", f"{type(error).__name__}: {error}"
            log.exception("attempt %d failed", attempt)
            self._metrics.count("JobsFailed")
        else:
            self._delete(receipt)
            self._metrics.count("JobsDone")
            self._metrics.took("JobTime", time.monotonic() - start)
            log.info("the job is done after %.1f s: %s", time.monotonic() - start, done)
            return
        finally:
            self._held = None
        self._give_back(job, receipt, state, problem, later)

    def _work(self, job: Mapping[str, Any], pause: Callable[[float], None]) -> str:
        """Do the job; what was done."""
        repository = job["repository"]
        epoch = self.store.take_over(repository)
        if epoch is None:
            return "there is no such repository here"
        writer = Writer(
            store=self.store, index=self.index, model=self.models, model_name=self.models.writer().id,
            repository=repository, epoch=epoch, pause=pause,
        )  # fmt: skip
        if job["action"] == "remove":
            pages = self.store.pages(repository)
            for page in pages:
                pause(0)
                writer.remove(page)
            writer.sweep()
            self.store.drop_repository(repository, epoch)
            logs.audit(None, "remove-repository", repository, "removed")
            return f"{len(pages)} pages removed"
        commit = job["commit"] or self.github.head(repository)
        wanted = folders(self.github.files(repository, commit))
        written = sum(
            writer.write(path, files, lambda file: self.github.read(repository, file))
            for path, files in wanted.items()
        )  # fmt: skip
        gone = [page for page in self.store.pages(repository) if page.path not in wanted]
        for page in gone:
            pause(0)
            writer.remove(page)
        lost = writer.sweep()
        self.store.note_analysis(repository, commit, epoch)
        self._metrics.count("PagesWritten", written)
        return f"{written} of {len(wanted)} pages written, {len(gone)} removed, {lost} lost pieces swept"

    @contextmanager
    def _beating(self, job: Mapping[str, Any], receipt: str) -> Iterator[Callable[[float], None]]:
        """Keeps the job this worker's meanwhile; hands out what waits and ends the job where it has to be ended."""
        done, lost = threading.Event(), threading.Event()

        def beat() -> None:
            while not done.wait(self.beat_seconds):
                try:
                    self._hold(receipt, self.hold_seconds)
                    self.store.prolong(job, self.name)
                except Superseded:
                    lost.set()
                    return
                except (BotoCoreError, ClientError) as error:
                    log.warning("no sign of life could be given: %s", error)

        def pause(seconds: float) -> None:
            # A process that has to go waits for nothing more.
            if seconds:
                self._stop.wait(seconds)
            if lost.is_set():
                raise Superseded("another worker has this job")
            if time.monotonic() > self._stop_by or (seconds and self._stop.is_set()):
                raise Stopping

        beats = threading.Thread(target=beat, name="heartbeat", daemon=True)
        beats.start()
        try:
            yield pause
        finally:
            done.set()
            beats.join()

    def _abandon(self) -> None:
        """The time is over in the midst of a step, such as a page that the model is writing. It can be broken off
        anywhere, so the job is given back, and the process ends."""
        if (held := self._held) is not None:
            log.warning("the job is given back in the midst of a step")
            self._give_back(*held, "queued", "", 0)
            self.end(0)

    def _give_back(self, job: Mapping[str, Any], receipt: str, state: str, problem: str, later: int) -> None:
        try:
            with suppress(Superseded):
                self.store.finish(job, self.name, state, problem)
            self._hold(receipt, later)
        except (BotoCoreError, ClientError) as error:
            log.warning("the job comes back by itself, after %d s: %s", self.hold_seconds, error)

    def _hold(self, receipt: str, seconds: int) -> None:
        self.sqs.change_message_visibility(
            QueueUrl=self.settings.queue_url, ReceiptHandle=receipt, VisibilityTimeout=seconds
        )

    def _attempts(self) -> float:
        """How often the queue gives a message before it puts it aside."""
        names, url = ["RedrivePolicy"], self.settings.queue_url
        found = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names).get("Attributes", {})
        return int(json.loads(found.get("RedrivePolicy", "{}")).get("maxReceiveCount", 0)) or float("inf")

    def _delete(self, receipt: str) -> None:
        self.sqs.delete_message(QueueUrl=self.settings.queue_url, ReceiptHandle=receipt)


def main() -> int:
    """Work until SIGTERM."""
    settings = Settings.read(os.environ)
    logs.write(settings.service, settings.log_level)
    worker = Worker(
        settings=settings,
        store=Store(settings),
        index=Index(settings.search_endpoint, settings.search_index, seconds=30),
        models=Models.of(settings),
        github=GitHub(settings.github_api, settings.github_token_secret),
        sqs=trace.watch(boto3.client("sqs")),
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.stop())
    worker.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
