"""What every receiver of GitHub's deliveries asks first: whether they are signed with a key that counts.

The environment names the secret with the key (WEBHOOK_KEY_SECRET_ARN). After a rotation the key of before counts for a
while beside the new one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

log = logging.getLogger("webhook")

KEPT_SECONDS = 60
"""How long a copy of the function goes by the key that it has read: $0.05 for 10,000 readings, and some 20 ms each."""
GRACE_SECONDS = 3600
"""How long after a rotation the key of before still counts. Secret and sender cannot be changed in one moment."""
_BETWEEN_READINGS = 5
"""A wrong signature has the keys read again, but no stranger can have them read at every call."""

_WORD = re.compile(r"[\w.-]{1,100}", re.ASCII)
_SIGNATURE = re.compile(r"sha256=[0-9a-f]{64}")


@dataclass(frozen=True)
class Delivery:
    """A delivery that is signed."""

    id: str
    kind: str
    body: bytes


class Refused(Exception):
    """A delivery that is not taken, and what its sender is told."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.answer = answer(status, detail)


def signed(event: dict[str, Any], most_bytes: int) -> Delivery:
    """The delivery in API Gateway's event, or `Refused`."""
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    body = _body(event)
    # First, so that strangers learn nothing else from the answers.
    if not _is_signed(body, headers.get("x-hub-signature-256", "")):
        raise Refused(401, "the signature is missing or wrong")
    if len(body) > most_bytes:
        raise Refused(413, f"a delivery may have {most_bytes} bytes")
    delivery, kind = headers.get("x-github-delivery", ""), headers.get("x-github-event", "")
    if not (_WORD.fullmatch(delivery) and _WORD.fullmatch(kind)):
        raise Refused(400, "X-GitHub-Delivery and X-GitHub-Event must name the delivery and its kind")
    return Delivery(delivery, kind, body)


def answer(status: int, detail: str) -> dict[str, Any]:
    """What API Gateway answers."""
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json"},
        "body": json.dumps({"detail": detail}),
    }


def _body(event: dict[str, Any]) -> bytes:
    text = event.get("body") or ""
    return base64.b64decode(text) if event.get("isBase64Encoded") else text.encode()


def _is_signed(body: bytes, signature: str) -> bool:
    def fits(keys: Sequence[bytes]) -> bool:
        expected = ["sha256=" + hmac.new(key, body, hashlib.sha256).hexdigest() for key in keys]
        # Compared as bytes: a text from outside may hold anything.
        return any(hmac.compare_digest(each.encode(), signature.encode("utf-8", "replace")) for each in expected)

    known = _keys(KEPT_SECONDS)
    if fits(known):
        return True
    # Perhaps the key has just been changed. Without the form of a signature there is nothing to look for.
    return _SIGNATURE.fullmatch(signature) is not None and (newer := _keys(_BETWEEN_READINGS)) != known and fits(newer)


@dataclass
class _Kept:
    """The keys that this copy of the function goes by."""

    keys: Sequence[bytes] = ()
    read_at: float = -float("inf")


_kept = _Kept()


def _keys(most_seconds: float) -> Sequence[bytes]:
    """The keys that count, read again if they are older than so many seconds."""
    now = time.time()
    if now - _kept.read_at > most_seconds:
        try:
            _kept.keys = _read_keys(now)
        except (BotoCoreError, ClientError):
            if not _kept.keys:
                raise
            # Better by the keys of a minute ago than not at all.
            log.exception("the keys cannot be read again")
        _kept.read_at = now
    return _kept.keys


def _read_keys(now: float) -> Sequence[bytes]:
    current = _read_key("AWSCURRENT")
    keys = [current["SecretString"].encode()]
    if now - current["CreatedDate"].timestamp() < GRACE_SECONDS:
        try:
            keys.append(_read_key("AWSPREVIOUS")["SecretString"].encode())
        except _secrets().exceptions.ResourceNotFoundException:
            pass  # the first key of all
    return keys


def _read_key(stage: str) -> dict[str, Any]:
    return _secrets().get_secret_value(SecretId=os.environ["WEBHOOK_KEY_SECRET_ARN"], VersionStage=stage)


@cache
def _secrets() -> Any:
    return boto3.client("secretsmanager")
