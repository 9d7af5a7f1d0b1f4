"""FIFO queues on an emulated account: order within a group, a poisoned message, and the way back.

The emulator has no message move tasks. So the test moves messages as AWS says that a task does (the oldest first, with
their group, and their own ids against repetitions); that the runbook's commands exist is in `test_runbooks.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from components.messaging.queue import Queue, QueueArgs
from tests.conftest import Recorder
from tests.rehearsal.test_specs import Cloud, cloud

__all__ = ["cloud"]

NAME = "wiki-dev-pages"
ATTEMPTS = 2


class Ordered:
    """The queues of the component, in the account."""

    def __init__(self, cloud: Cloud, recorder: Recorder) -> None:
        args = QueueArgs(
            consumer_timeout_seconds=50,
            max_attempts=ATTEMPTS,
            fifo=True,
            deduplication_scope="messageGroup",
            high_throughput=True,
        )
        recorder.run(lambda: Queue(NAME, args) and None)
        self.cloud = cloud
        failed, work = (recorder.named(f"{NAME}-{which}").inputs for which in ("dead-letters", "queue"))
        dead_letters = cloud.make("aws:sqs/queue:Queue", "failed", **failed)
        redrive = {**json.loads(work["redrivePolicy"]), "deadLetterTargetArn": dead_letters.outputs["arn"]}
        self.work = cloud.make("aws:sqs/queue:Queue", "work", **{**work, "redrivePolicy": json.dumps(redrive)}).id
        self.failed = dead_letters.id

    def send(self, body: str, group: str, **more: str) -> None:
        self.cloud.ask("sqs", "SendMessage", QueueUrl=self.work, MessageBody=body, MessageGroupId=group, **more)

    def take(self, url: str) -> dict[str, Any] | None:
        # At once, whatever the queue says: for an empty one nobody waits here.
        answer = self.cloud.ask("sqs", "ReceiveMessage", QueueUrl=url, AttributeNames=["All"], WaitTimeSeconds=0)
        return next(iter(answer.get("Messages", [])), None)

    def done(self, url: str, message: dict[str, Any]) -> None:
        self.cloud.ask("sqs", "DeleteMessage", QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    def fails(self, message: dict[str, Any]) -> None:
        self.cloud.ask("sqs", "ChangeMessageVisibility", QueueUrl=self.work, VisibilityTimeout=0,
                       ReceiptHandle=message["ReceiptHandle"])  # fmt: skip

    def redrive(self) -> None:
        while (message := self.take(self.failed)) is not None:
            group = message["Attributes"]["MessageGroupId"]
            self.send(message["Body"], group, MessageDeduplicationId=message["MessageId"])
            self.done(self.failed, message)

    def worked_on(self) -> Iterator[str]:
        while (message := self.take(self.work)) is not None:
            if message["Body"].startswith("poison"):
                self.fails(message)
                continue
            self.done(self.work, message)
            yield message["Body"]


@pytest.mark.covers("D6")
def test_a_poisoned_message_holds_up_its_group_then_is_put_aside_and_comes_back_behind_the_others(
    cloud: Cloud, recorder: Recorder
) -> None:
    queue = Ordered(cloud, recorder)
    for body in ("first", "poison", "third"):
        queue.send(body, "repository-1")
    assert list(queue.worked_on()) == ["first", "third"]
    kept = queue.take(queue.failed)
    assert kept is not None
    assert (kept["Body"], kept["Attributes"]["MessageGroupId"]) == ("poison", "repository-1")
    cloud.ask("sqs", "ChangeMessageVisibility", QueueUrl=queue.failed, VisibilityTimeout=0,
              ReceiptHandle=kept["ReceiptHandle"])  # fmt: skip
    queue.redrive()
    queue.send("fourth", "repository-1")
    back = queue.take(queue.work)
    assert back is not None
    assert back["Body"] == "poison", "it is the same body as before, and not taken for a repetition"
    queue.done(queue.work, back)
    assert list(queue.worked_on()) == ["fourth"]
    assert queue.take(queue.failed) is None


@pytest.mark.covers("D6")
def test_the_same_message_within_five_minutes_is_one(cloud: Cloud, recorder: Recorder) -> None:
    queue = Ordered(cloud, recorder)
    for _ in range(3):
        queue.send("once", "repository-1")
    assert list(queue.worked_on()) == ["once"]
