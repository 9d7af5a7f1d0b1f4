"""A work queue that keeps failed messages: SQS with a dead-letter queue.

Use: jobs = Queue("wiki-dev-jobs", QueueArgs(consumer_timeout_seconds=300), key=key)
     jobs.grant_consume(worker_role)

A FIFO queue hands out the messages of a group (`MessageGroupId`, which every sender names) in their order, the next
when the one before is deleted: a message that keeps failing holds up its group until `max_attempts`, and then the next
goes on without it. docs/runbooks/redrive.md leads back from the dead-letter queue.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import pulumi
import pulumi_aws as aws
from pydantic import Field

from ..account import Account
from ..alarms import AlarmTopics, Metric
from ..args import ComponentArgs
from ..component import Component
from ..errors import ArgumentError, Mistake
from ..identity.key import DECRYPT_ACTIONS, AnyKey
from ..policy import document, statement
from ..widgets import Widget
from .dead_letters import (
    admit_service,
    any_message,
    deny_plain_http,
    encryption,
    make_dead_letters,
    messages,
)
from .target import Target

_MOST_VISIBILITY_SECONDS = 12 * 3600
_FIFO_ONLY = ("deduplication", "deduplication_scope", "high_throughput")
VISIBILITY_FACTOR = 6
"""Times the consumer's timeout, so that a batch that is retried or throttled does not go to a second consumer meanwhile
(https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html)."""


@dataclass(frozen=True, kw_only=True)
class Sender:
    """An AWS service that sends to the queue itself, without a role."""

    principal: str
    """The service, for example `events.amazonaws.com`."""

    source_arn: pulumi.Input[str]
    """The rule, bucket or topic on whose behalf it may, or a pattern of one."""

    def __post_init__(self) -> None:
        if not self.principal.endswith(".amazonaws.com"):
            raise ArgumentError(
                "senders", self.principal, "is not an AWS service; write one such as 'events.amazonaws.com'"
            )


class QueueArgs(ComponentArgs):
    """An SQS queue. $0.40 for a million requests, $0.50 in order (fifo)."""

    consumer_timeout_seconds: Annotated[int, Field(ge=1, le=_MOST_VISIBILITY_SECONDS // VISIBILITY_FACTOR)]
    """The longest that a consumer works on one message."""

    visibility_seconds: Annotated[int, Field(ge=VISIBILITY_FACTOR, le=_MOST_VISIBILITY_SECONDS)] | None = None
    """The visibility timeout: how long a received message is hidden from other consumers. Left out: six times the
    consumer's timeout, which is the least."""

    max_attempts: Annotated[int, Field(ge=1, le=1000)] = 5
    """Deliveries before a message moves to the dead-letter queue."""

    retention_seconds: Annotated[int, Field(ge=60, le=14 * 24 * 3600)] = 4 * 24 * 3600
    """How long a message waits for a consumer before SQS deletes it."""

    alarm_age_seconds: Annotated[int, Field(ge=1)] = 900
    """Age of the oldest message from which the consumers count as too slow."""

    fifo: bool = False
    """Messages of one group arrive in order and once; every sender names the group. 300 calls a second for all groups,
    unless `high_throughput`."""

    deduplication: Literal["content", "id"] = "content"
    """Of a FIFO queue: what is the same message within five minutes. content: one with the same body. id: one with the
    same MessageDeduplicationId, which every sender then gives."""

    deduplication_scope: Literal["queue", "messageGroup"] = "queue"
    """Of a FIFO queue: whether the same in another group is the same message."""

    high_throughput: bool = False
    """Of a FIFO queue: 300 calls a second and more for each group instead of for all; needs deduplicationScope
    messageGroup."""

    @property
    def visibility_timeout_seconds(self) -> int:
        """The visibility timeout, given or not."""
        return self.visibility_seconds or VISIBILITY_FACTOR * self.consumer_timeout_seconds

    def mistakes(self) -> Iterator[Mistake]:
        least = VISIBILITY_FACTOR * self.consumer_timeout_seconds
        if self.visibility_timeout_seconds < least:
            yield Mistake(
                "visibility_seconds",
                self.visibility_seconds,
                f"is too short: a consumer that works up to {self.consumer_timeout_seconds} s needs a visibility "
                f"timeout of at least {least} s (six times as much); use that, or leave it out",
            )
        if not self.fifo:
            for field in _FIFO_ONLY:
                if field in self.model_fields_set:
                    yield Mistake(field, getattr(self, field), "is for FIFO queues; set fifo, or remove it")
        elif self.high_throughput and self.deduplication_scope != "messageGroup":
            # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/high-throughput-fifo.html
            reason = "counts by groups and refuses the scope queue; set deduplication_scope to messageGroup"
            yield Mistake("high_throughput", True, reason)
        if self.alarm_age_seconds > self.retention_seconds:
            yield Mistake(
                "alarm_age_seconds",
                self.alarm_age_seconds,
                f"is never reached; use at most {self.retention_seconds}, after which SQS deletes a message",
            )


def _limit(args: QueueArgs) -> str:
    return "perMessageGroupId" if args.high_throughput else "perQueue"


class Queue(Component):
    """An encrypted queue and the dead-letter queue behind it."""

    CHILDREN = ("queue", "policy", "dead_letters", "dead_letters_policy", "redrive_allowance", "grant", "alarm")

    arn: pulumi.Output[str]
    url: pulumi.Output[str]
    queue_name: pulumi.Output[str]
    """For metrics; what a worker service scales on."""
    dead_letters_url: pulumi.Output[str]
    args: QueueArgs

    def __init__(
        self,
        name: str,
        args: QueueArgs,
        *,
        key: AnyKey | None = None,
        senders: Sequence[Sender] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param key: What encrypts the messages. Without one the key that SQS keeps (free).
        :param senders: AWS services that send here themselves.
        """
        super().__init__(name, args, opts)
        if args.fifo and senders:
            raise ArgumentError(
                "fifo", True, "cannot be used with senders, which cannot name a message group; use grant_send"
            )
        self.args, self._key = args, key
        self._dead_letters = make_dead_letters(name, self._child, fifo=args.fifo, key=key)
        self._queue = self._work_queue()
        self._policies(senders)
        self.arn, self.url, self.queue_name = self._queue.arn, self._queue.url, self._queue.name
        self.dead_letters_url = self._dead_letters.url
        self.register_outputs({"arn": self.arn, "url": self.url})

    @property
    def target(self) -> Target:
        """To be fed by a schedule or an event route."""
        if self.args.fifo:
            reason = "cannot be fed by a schedule or an event route, which name no message group; use grant_send"
            raise ArgumentError("fifo", True, reason)
        return Target(arn=self.arn, action="sqs:SendMessage", key=self._key)

    def grant_send(self, role: aws.iam.Role) -> aws.iam.RolePolicy:
        """Let `role` send messages here, and nothing more."""
        return self._grant(
            role,
            "send",
            ["sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:SendMessage"],
            ["kms:Decrypt", "kms:GenerateDataKey"],
        )

    def grant_consume(self, role: aws.iam.Role) -> aws.iam.RolePolicy:
        """Let `role` take messages from here and delete them, and nothing more."""
        return self._grant(
            role,
            "consume",
            [
                "sqs:ChangeMessageVisibility",
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
                "sqs:GetQueueUrl",
                "sqs:ReceiveMessage",
            ],
            DECRYPT_ACTIONS,
        )

    def alarms(self, topics: AlarmTopics) -> list[aws.cloudwatch.MetricAlarm]:
        """A message that nobody could work on, and consumers that do not keep up."""
        return [
            self._alarm(
                "dead-letters",
                description=f"messages failed {self.args.max_attempts} times. Read them in the dead-letter queue and "
                "in the consumer's log, fix the cause, then redrive.",
                **any_message(self._dead_letters, topics),
            ),
            self._alarm(
                "age",
                description=f"messages wait longer than {self.args.alarm_age_seconds} seconds. The consumers are down "
                "or too few.",
                metric=self._age,
                threshold=self.args.alarm_age_seconds,
                periods=3,
                severity="warning",
                topics=topics,
            ),
        ]

    @property
    def widgets(self) -> list[Widget]:
        """How many messages wait, those that failed apart, and for how long the oldest has."""
        section = "Queues (SQS)"
        return [
            self._graph(section, {"": messages(self._queue), "dead letters": messages(self._dead_letters)}),
            self._graph(section, self._age),
        ]

    @property
    def _age(self) -> Metric:
        return Metric(
            namespace="AWS/SQS",
            name="ApproximateAgeOfOldestMessage",
            dimensions={"QueueName": self._queue.name},
            statistic="Maximum",
        )

    def _work_queue(self) -> aws.sqs.Queue:
        args, name = self.args, self._prefix
        return aws.sqs.Queue(
            f"{name}-queue",
            name=f"{name}{'.fifo' if args.fifo else ''}",
            fifo_queue=True if args.fifo else None,
            content_based_deduplication=args.deduplication == "content" if args.fifo else None,
            deduplication_scope=args.deduplication_scope if args.fifo else None,
            fifo_throughput_limit=_limit(args) if args.fifo else None,
            visibility_timeout_seconds=args.visibility_timeout_seconds,
            message_retention_seconds=args.retention_seconds,
            # Long polling: fewer empty answers to pay for.
            receive_wait_time_seconds=20,
            redrive_policy=pulumi.Output.json_dumps(
                {"deadLetterTargetArn": self._dead_letters.arn, "maxReceiveCount": args.max_attempts}, sort_keys=True
            ),
            **encryption(self._key),
            tags={"Name": f"{name}-queue"},
            opts=self._child("queue"),
        )

    def _policies(self, senders: Sequence[Sender]) -> None:
        name, account = self._prefix, Account.of(self)
        aws.sqs.QueuePolicy(
            f"{name}-policy",
            queue_url=self._queue.url,
            policy=document(
                deny_plain_http(self._queue.arn),
                *(
                    admit_service(
                        f"AdmitSender{number}",
                        sender.principal,
                        queue_arn=self._queue.arn,
                        source_arn=sender.source_arn,
                        account=account,
                    )
                    for number, sender in enumerate(senders, start=1)
                ),
            ),
            opts=self._child("policy"),
        )
        # No other queue of the account may drop its failures here.
        aws.sqs.RedriveAllowPolicy(
            f"{name}-redrive-allowance",
            queue_url=self._dead_letters.url,
            redrive_allow_policy=pulumi.Output.json_dumps(
                {"redrivePermission": "byQueue", "sourceQueueArns": [self._queue.arn]}, sort_keys=True
            ),
            opts=self._child("redrive_allowance"),
        )

    def _grant(
        self, role: aws.iam.Role, verb: str, actions: Sequence[str], key_actions: Sequence[str]
    ) -> aws.iam.RolePolicy:
        statements = [statement(f"{verb.capitalize()}Messages", actions=actions, resources=self.arn)]
        if self._key is not None:
            statements.append(statement("UseTheKey", actions=key_actions, resources=self._key.arn))
        return self._allow(role, verb, *statements)
