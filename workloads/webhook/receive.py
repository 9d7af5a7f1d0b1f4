"""Takes deliveries of a webhook, as GitHub sends them: signed, with an id, answered before any work is done.

API Gateway calls `webhook.receive.handler`. The environment names the queue (QUEUE_URL) and the secret with which
deliveries are signed (WEBHOOK_KEY_SECRET_ARN). What is queued is the body, letter by letter as it came, with the
attributes `id` and `kind`.
"""

from __future__ import annotations

import json
import logging
import os
import re
from functools import cache
from typing import Any

import boto3

from webhook.signature import Refused, answer, signed

log = logging.getLogger("webhook")

# Less than an item of the table may have.
MOST_BYTES = 200_000

# XML 1.0, in which SQS hands messages on, has no such letters. JSON has, and can write them as \ufffe.
_NOT_IN_A_MESSAGE = re.compile("[\ufffe\uffff]")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """202 for what is queued. Whoever sends tries again after a 5xx, and need not after a 4xx."""
    try:
        delivery = signed(event, MOST_BYTES)
    except Refused as refusal:
        return refusal.answer
    try:
        text = delivery.body.decode()
        json.loads(text)
    except (ValueError, RecursionError):
        return answer(400, "the body is not JSON")
    if _NOT_IN_A_MESSAGE.search(text):
        return answer(400, "U+FFFE and U+FFFF are no letters; write them as \\ufffe and \\uffff")
    said = (("id", delivery.id), ("kind", delivery.kind))
    attributes = {name: {"DataType": "String", "StringValue": of} for name, of in said}
    _sqs().send_message(QueueUrl=os.environ["QUEUE_URL"], MessageBody=text, MessageAttributes=attributes)
    log.info("queued %s %s", delivery.kind, delivery.id)
    return answer(202, "queued")


@cache
def _sqs() -> Any:
    return boto3.client("sqs")
