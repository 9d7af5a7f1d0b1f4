"""Where undeliverable messages wait: a queue of its own beside whatever sends or receives them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from ..account import Account
from ..alarms import AlarmOptions, AlarmTopics, Metric
from ..children import Children
from ..identity.key import AnyKey
from ..policy import Statement, document, statement

FOURTEEN_DAYS = 14 * 24 * 3600
"""The longest that SQS keeps a message: a long weekend and a holiday must not lose one."""


def make_dead_letters(
    name: str,
    child: Children,
    *,
    fifo: bool = False,
    key: AnyKey | None = None,
    statements: Sequence[Statement] = (),
    region: str | None = None,
) -> aws.sqs.Queue:
    """A queue for what could not be delivered, 14 days, with a policy. Costs nothing while it is empty."""
    queue = aws.sqs.Queue(
        f"{name}-dead-letters",
        name=f"{name}-dead-letters{'.fifo' if fifo else ''}",
        fifo_queue=True if fifo else None,
        message_retention_seconds=FOURTEEN_DAYS,
        region=region,
        **encryption(key),
        tags={"Name": f"{name}-dead-letters"},
        opts=child("dead_letters"),
    )
    aws.sqs.QueuePolicy(
        f"{name}-dead-letters-policy",
        queue_url=queue.url,
        policy=document(deny_plain_http(queue.arn), *statements),
        region=region,
        opts=child("dead_letters_policy"),
    )
    return queue


def encryption(key: AnyKey | None) -> dict[str, Any]:
    """A key of ours, or the one that SQS keeps (free)."""
    if key is None:
        return {"sqs_managed_sse_enabled": True}
    # One data key for five minutes: fewer calls to KMS ($0.03 for 10,000), and a revoked key is felt soon.
    return {"kms_master_key_id": key.arn, "kms_data_key_reuse_period_seconds": 300}


def deny_plain_http(queue_arn: pulumi.Input[str]) -> Statement:
    """Nobody talks to the queue without TLS."""
    return statement(
        "DenyPlainHttp",
        effect="Deny",
        principal="*",
        actions="sqs:*",
        resources=queue_arn,
        condition={"Bool": {"aws:SecureTransport": "false"}},
    )


def admit_service(
    sid: str, service: str, *, queue_arn: pulumi.Input[str], source_arn: pulumi.Input[str], account: Account
) -> Statement:
    """Let an AWS service send here, on behalf of one resource of this account."""
    return statement(
        sid,
        principal={"Service": service},
        actions="sqs:SendMessage",
        resources=queue_arn,
        condition={
            "StringEquals": {"aws:SourceAccount": account.id},
            "ArnLike": {"aws:SourceArn": source_arn},
        },
    )


def messages(queue: aws.sqs.Queue) -> Metric:
    """How many wait in a queue."""
    return Metric(
        namespace="AWS/SQS",
        name="ApproximateNumberOfMessagesVisible",
        dimensions={"QueueName": queue.name},
        statistic="Maximum",
    )


def any_message(queue: aws.sqs.Queue, topics: AlarmTopics) -> AlarmOptions:
    """An alarm on a dead-letter queue: one message in there is one too many."""
    return AlarmOptions(
        metric=messages(queue),
        threshold=0,
        periods=1,
        severity="warning",
        topics=topics,
    )
