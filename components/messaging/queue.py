"""A work queue that keeps failed messages: SQS with a dead-letter queue.

Use: jobs = Queue("wiki-dev-jobs", QueueArgs(consumer_timeout_seconds=300))
     jobs.grant_consume(worker_role)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from components.account import Account
from components.alarms import AlarmTopics, Metric, raise_alarm
from components.children import Children, Transform
from components.identity.key import DECRYPT_ACTIONS
from components.messaging.dead_letters import (
    admit_service,
    alarm_on_dead_letters,
    deny_plain_http,
    encryption,
    make_dead_letters,
)
from components.messaging.target import Target
from components.policy import document, statement
from components.refusal import Refusal

_MOST_VISIBILITY_SECONDS = 12 * 3600
_VISIBILITY_FACTOR = 6


@dataclass(frozen=True, kw_only=True)
class Sender:
    """An AWS service that sends to the queue itself, without a role."""

    principal: str
    """The service, for example `events.amazonaws.com`."""

    source_arn: pulumi.Input[str]
    """The rule, bucket or topic on whose behalf it may, or a pattern of one."""

    def __post_init__(self) -> None:
        if not self.principal.endswith(".amazonaws.com"):
            raise Refusal("senders", self.principal, "is not an AWS service; write one such as 'events.amazonaws.com'")


@dataclass(frozen=True, kw_only=True)
class QueueArgs:
    """What the caller decides about a queue. $0.40 for a million requests; encryption and TLS are not among it."""

    consumer_timeout_seconds: int
    """The longest that a consumer works on one message, in seconds."""

    visibility_seconds: int | None = None
    """Seconds for which a received message is hidden from other consumers. Left out: six times the consumer's timeout.
    Less would hand a message to a second consumer while the first still retries."""

    max_attempts: int = 5
    """Deliveries before a message moves to the dead-letter queue."""

    retention_seconds: int = 4 * 24 * 3600
    """Seconds for which a message waits for a consumer, 60 to 1209600 (14 days)."""

    alarm_age_seconds: int = 900
    """Age of the oldest message, in seconds, from which the consumers count as too slow."""

    fifo: bool = False
    """Messages of one group arrive in order and once. Slower, and $0.50 for a million requests."""

    key_arn: pulumi.Input[str] | None = None
    """The KMS key that encrypts the messages. Without one, the key that SQS keeps (free)."""

    senders: Sequence[Sender] = ()
    """AWS services that send here themselves."""

    transform: Transform = field(default_factory=dict)
    """Changes to the properties of named children, for what this component does not offer."""

    @property
    def hidden_seconds(self) -> int:
        """Seconds for which a received message is hidden, given or not."""
        return self.visibility_seconds or _VISIBILITY_FACTOR * self.consumer_timeout_seconds

    def __post_init__(self) -> None:
        most = _MOST_VISIBILITY_SECONDS // _VISIBILITY_FACTOR
        if not 1 <= self.consumer_timeout_seconds <= most:
            raise Refusal(
                "consumer_timeout_seconds",
                self.consumer_timeout_seconds,
                f"is not allowed; use 1 to {most} (SQS hides a message for 12 hours at most), or heartbeats",
            )
        least = _VISIBILITY_FACTOR * self.consumer_timeout_seconds
        if self.visibility_seconds is not None and not least <= self.visibility_seconds <= _MOST_VISIBILITY_SECONDS:
            raise Refusal(
                "visibility_seconds",
                self.visibility_seconds,
                f"does not fit a consumer that works up to {self.consumer_timeout_seconds} seconds; "
                f"use {least} (six times as much) to {_MOST_VISIBILITY_SECONDS}, or leave it out",
            )
        if not 1 <= self.max_attempts <= 1000:
            raise Refusal("max_attempts", self.max_attempts, "is not allowed; use 1 to 1000")
        if not 60 <= self.retention_seconds <= 1_209_600:
            raise Refusal("retention_seconds", self.retention_seconds, "is not allowed; use 60 to 1209600 (14 days)")
        if self.alarm_age_seconds < 1:
            raise Refusal("alarm_age_seconds", self.alarm_age_seconds, "is not allowed; use 1 or more")
        if self.fifo and self.senders:
            raise Refusal(
                "fifo", True, "cannot be used with senders, which cannot name a message group; use grant_send"
            )


class Queue(pulumi.ComponentResource):
    """An encrypted queue and the dead-letter queue behind it."""

    CHILDREN = (
        "queue",
        "policy",
        "dead_letters",
        "dead_letters_policy",
        "redrive_allowance",
        "grant",
        "alarm",
    )

    arn: pulumi.Output[str]
    url: pulumi.Output[str]
    queue_name: pulumi.Output[str]
    """For metrics; what a worker service scales on."""
    dead_letters_url: pulumi.Output[str]
    args: QueueArgs

    def __init__(self, name: str, args: QueueArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kumiki:messaging:Queue", name, None, opts)
        self._prefix = name
        self.args = args
        self._child = Children(self, args.transform, self.CHILDREN)
        self._dead_letters = make_dead_letters(name, self._child, fifo=args.fifo, key_arn=args.key_arn)
        self._queue = self._work_queue()
        self._policies()
        self.arn, self.url, self.queue_name = self._queue.arn, self._queue.url, self._queue.name
        self.dead_letters_url = self._dead_letters.url
        self.register_outputs({"arn": self.arn, "url": self.url})

    @property
    def target(self) -> Target:
        """To be fed by a schedule or an event route."""
        return Target(arn=self.arn, action="sqs:SendMessage", key_arn=self.args.key_arn)

    def grant_send(self, role: aws.iam.Role) -> None:
        """Let `role` send messages here, and nothing more."""
        self._grant(
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

    def alarms(self, topics: AlarmTopics) -> None:
        """A message that nobody could work on, and consumers that do not keep up."""
        alarm_on_dead_letters(
            self._prefix,
            self._dead_letters,
            f"Messages of {self._prefix} failed {self.args.max_attempts} times: read them in the dead-letter queue "
            "and the consumer's log, mend, then redrive.",
            topics,
            self._child("alarm"),
        )
        raise_alarm(
            f"{self._prefix}-age-alarm",
            means=f"Messages of {self._prefix} wait longer than {self.args.alarm_age_seconds} seconds: "
            "the consumers are down or too few.",
            metric=Metric(
                namespace="AWS/SQS",
                name="ApproximateAgeOfOldestMessage",
                dimensions={"QueueName": self._queue.name},
                statistic="Maximum",
            ),
            threshold=self.args.alarm_age_seconds,
            periods=3,
            severity="warning",
            topics=topics,
            opts=self._child("alarm"),
        )

    def _work_queue(self) -> aws.sqs.Queue:
        args, name = self.args, self._prefix
        return aws.sqs.Queue(
            f"{name}-queue",
            name=f"{name}{'.fifo' if args.fifo else ''}",
            fifo_queue=True if args.fifo else None,
            content_based_deduplication=True if args.fifo else None,
            visibility_timeout_seconds=args.hidden_seconds,
            message_retention_seconds=args.retention_seconds,
            # Long polling: fewer empty answers to pay for.
            receive_wait_time_seconds=20,
            redrive_policy=pulumi.Output.json_dumps(
                {"deadLetterTargetArn": self._dead_letters.arn, "maxReceiveCount": args.max_attempts}, sort_keys=True
            ),
            **encryption(args.key_arn),
            tags={"Name": f"{name}-queue"},
            opts=self._child("queue"),
        )

    def _policies(self) -> None:
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
                    for number, sender in enumerate(self.args.senders, start=1)
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
        if self.args.key_arn is not None:
            statements.append(statement("UseTheKey", actions=key_actions, resources=self.args.key_arn))
        return aws.iam.RolePolicy(
            f"{self._prefix}-{verb}-for-{role.pulumi_resource_name}",
            role=role.id,
            policy=document(*statements),
            opts=self._child("grant"),
        )
