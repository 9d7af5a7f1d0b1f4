"""Works through queued deliveries and keeps each one once, in a DynamoDB table.

SQS calls `webhook.work.handler` with a batch. It answers which messages failed: only those come again, and after the
queue's last attempt they wait in its dead-letter queue. The environment names the table (TABLE_DELIVERIES).
"""

from __future__ import annotations

import logging
import os
import time
from functools import cache
from typing import Any

import boto3

log = logging.getLogger("webhook")

KEPT_SECONDS = 30 * 24 * 3600


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """The messages that failed, in the form in which Lambda understands them."""
    failed = []
    for record in event["Records"]:
        try:
            attributes = record["messageAttributes"]
            _keep(attributes["id"]["stringValue"], attributes["kind"]["stringValue"], record["body"])
        except Exception:
            # One message that cannot be understood must not bring back the others of its batch.
            log.exception("message %s failed", record["messageId"])
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}


def _keep(delivery: str, kind: str, body: str) -> None:
    """SQS may deliver a message twice, and whoever sends may send twice: the first one counts."""
    item = {
        "id": {"S": delivery},
        "kind": {"S": kind},
        "payload": {"S": body},
        "expires": {"N": str(int(time.time()) + KEPT_SECONDS)},
    }
    try:
        _dynamodb().put_item(
            TableName=os.environ["TABLE_DELIVERIES"], Item=item, ConditionExpression="attribute_not_exists(id)"
        )
    except _dynamodb().exceptions.ConditionalCheckFailedException:
        log.info("%s was kept before", delivery)


@cache
def _dynamodb() -> Any:
    return boto3.client("dynamodb")
