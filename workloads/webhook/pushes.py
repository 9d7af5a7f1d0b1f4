"""Takes GitHub's pushes to the queue in which a wiki's analysis jobs wait, each repository's in their order.

API Gateway calls `webhook.pushes.handler`. The environment names the queue, which is FIFO (QUEUE_URL), the table of
deliveries (TABLE_DELIVERIES, hash key `id`, expiry `expires`) and the secret with which they are signed
(WEBHOOK_KEY_SECRET_ARN). The function may send to the queue, put and update items of the table, and read the secret.

A job is `{"id", "repository", "action", "commit"}`; its group is the repository, and its id that of the delivery.
"""

from __future__ import annotations

import json
import logging
import os
import re
import time
from functools import cache
from typing import Any

import boto3

from webhook.signature import Delivery, Refused, answer, signed

log = logging.getLogger("webhook")

MOST_BYTES = 6_000_000
"""What Lambda takes (docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html): only the job is queued."""

KEPT_SECONDS = 30 * 24 * 3600
"""How long a delivery is known again. SQS does so for five minutes."""
CLAIM_SECONDS = 60
"""A delivery that was begun so long ago and not queued may come again: this function ended in between."""

REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,38}/\.?[A-Za-z0-9_-][A-Za-z0-9_.-]{0,98}")
_COMMIT = re.compile(r"(?!0{40})[0-9a-f]{40}")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """202 for what is queued, 200 for what asks for no work, 409 for what came before."""
    try:
        delivery = signed(event, MOST_BYTES)
        job = _job(delivery)
    except Refused as refusal:
        return refusal.answer
    if job is None:
        return answer(200, "nothing to do")
    if not _claim(delivery.id):
        return answer(409, "this delivery was taken before")
    trace = os.environ.get("_X_AMZN_TRACE_ID")
    traced = {"AWSTraceHeader": {"DataType": "String", "StringValue": trace}} if trace else {}
    _sqs().send_message(
        QueueUrl=os.environ["QUEUE_URL"],
        MessageBody=json.dumps(job),
        # A group's name may have 128 characters and a repository's 140; two that begin alike share a group.
        MessageGroupId=job["repository"][:128],
        MessageDeduplicationId=delivery.id,
        MessageSystemAttributes=traced,
    )
    _settle(delivery.id)
    log.info("queued the analysis of %s for %s", job["repository"], delivery.id)
    return answer(202, "queued")


def _job(delivery: Delivery) -> dict[str, str] | None:
    """What a delivery asks for: a push to the default branch, that commit's analysis; all else, nothing."""
    if delivery.kind != "push":
        return None
    try:
        said = json.loads(delivery.body)
        repository, branch = said["repository"]["full_name"], said["repository"]["default_branch"]
        ref, commit = said["ref"], said["after"]
        if not (REPOSITORY.fullmatch(repository) and isinstance(ref, str) and isinstance(commit, str)):
            raise ValueError
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Refused(400, "the body is not that of a push") from None
    if ref != f"refs/heads/{branch}" or not _COMMIT.fullmatch(commit):
        return None
    return {"id": delivery.id, "repository": repository.lower(), "action": "analyse", "commit": commit}


def _claim(delivery: str) -> bool:
    """Whether this delivery comes for the first time."""
    now = int(time.time())
    item = {"id": delivery, "state": "begun", "begun": now, "expires": now + KEPT_SECONDS}
    try:
        _dynamodb().put_item(
            TableName=os.environ["TABLE_DELIVERIES"],
            Item={name: {"N": str(value)} if isinstance(value, int) else {"S": value} for name, value in item.items()},
            ConditionExpression="attribute_not_exists(id) OR (#state = :begun AND begun < :before)",
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues={":begun": {"S": "begun"}, ":before": {"N": str(now - CLAIM_SECONDS)}},
        )
    except _dynamodb().exceptions.ConditionalCheckFailedException:
        return False
    return True


def _settle(delivery: str) -> None:
    _dynamodb().update_item(
        TableName=os.environ["TABLE_DELIVERIES"],
        Key={"id": {"S": delivery}},
        UpdateExpression="SET #state = :queued",
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={":queued": {"S": "queued"}},
    )


@cache
def _sqs() -> Any:
    return boto3.client("sqs")


@cache
def _dynamodb() -> Any:
    return boto3.client("dynamodb")
