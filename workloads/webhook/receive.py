"""Takes deliveries of a webhook, as GitHub sends them: signed, with an id, answered before any work is done.

API Gateway calls `webhook.receive.handler`. The environment names the queue (QUEUE_URL) and the secret with which
deliveries are signed (WEBHOOK_KEY_SECRET_ARN).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import os
import re
from functools import cache
from typing import Any

import boto3

log = logging.getLogger("webhook")

# Less than a message of SQS may have, with the envelope around it.
MOST_BYTES = 200_000

_WORD = re.compile(r"[\w.-]{1,100}")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """202 for what is queued. Whoever sends tries again after a 5xx, and need not after a 4xx."""
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    body = _body(event)
    # First, so that strangers learn nothing else from the answers.
    if not _is_signed(body, headers.get("x-hub-signature-256", "")):
        return _answer(401, "the signature is missing or wrong")
    if len(body) > MOST_BYTES:
        return _answer(413, f"a delivery may have {MOST_BYTES} bytes")
    delivery, kind = headers.get("x-github-delivery", ""), headers.get("x-github-event", "")
    if not (_WORD.fullmatch(delivery) and _WORD.fullmatch(kind)):
        return _answer(400, "X-GitHub-Delivery and X-GitHub-Event must name the delivery and its kind")
    try:
        payload = json.loads(body)
    except ValueError:
        return _answer(400, "the body is not JSON")
    message = {"id": delivery, "kind": kind, "payload": payload}
    _sqs().send_message(QueueUrl=os.environ["QUEUE_URL"], MessageBody=json.dumps(message, ensure_ascii=False))
    log.info("queued %s %s", kind, delivery)
    return _answer(202, "queued")


def _body(event: dict[str, Any]) -> bytes:
    text = event.get("body") or ""
    return base64.b64decode(text) if event.get("isBase64Encoded") else text.encode()


def _is_signed(body: bytes, signature: str) -> bool:
    expected = "sha256=" + hmac.new(_key(), body, hashlib.sha256).hexdigest()
    # Compared as bytes: a text from outside may hold anything.
    return hmac.compare_digest(expected.encode(), signature.encode())


def _answer(status: int, detail: str) -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json"},
        "body": json.dumps({"detail": detail}),
    }


@cache
def _key() -> bytes:
    """Read once for each copy of the function: $0.05 for 10,000 readings, and some 20 ms each."""
    secrets: Any = boto3.client("secretsmanager")
    return secrets.get_secret_value(SecretId=os.environ["WEBHOOK_KEY_SECRET_ARN"])["SecretString"].encode()


@cache
def _sqs() -> Any:
    return boto3.client("sqs")
