"""Brings what somebody says to the others in the room: `{"action": "send", "text": "Good morning"}`.

API Gateway calls `chat.message.handler` at the route `send`, and at $default with what it understands no action of.
"""

from __future__ import annotations

import json
import logging
import os
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, EndpointConnectionError

from chat.connections import find, others, remove

log = logging.getLogger("chat")

ROUTE = "send"
MOST_CHARACTERS = 4000
_AT_ONCE = 10
_WAITS = (0.2, 0.8)


class NotDelivered(Exception):
    """Some of the others did not hear. API Gateway tells the speaker that something went wrong."""


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Nobody reads the answer: what the speaker must know is said to the connection."""
    context = event["requestContext"]
    connections = _connections(address(context))
    speaker = find(context["connectionId"])
    if speaker is None:
        # Its item has expired, or came to nothing: it must come in again.
        _end(connections, context["connectionId"])
        return {"statusCode": 410}
    text = _text(event)
    if context["routeKey"] != ROUTE or text is None:
        wanted = f'send {{"action": "{ROUTE}", "text": …}} with 1 to {MOST_CHARACTERS} characters'
        _tell(connections, _json({"error": wanted}), speaker.id)
        return {"statusCode": 400}
    said = _json({"from": speaker.user, "text": text, "id": context["messageId"], "at": context["requestTimeEpoch"]})
    # All of them before the first is told: whoever has heard hears it again if the speaker must say it again.
    listeners = list(others(speaker))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        heard = list(pool.map(partial(_tell, connections, said), listeners))
    if not all(heard):
        raise NotDelivered(f"{heard.count(False)} of {len(heard)} in the room did not hear")
    return {"statusCode": 200}


def address(context: dict[str, Any]) -> str:
    """Where connections are spoken to. Not the event's domain name: that may be one of the API's own, where API Gateway
    knows the stage by the mapping."""
    return f"https://{context['apiId']}.execute-api.{os.environ['AWS_REGION']}.amazonaws.com/{context['stage']}"


def _text(event: dict[str, Any]) -> str | None:
    try:
        message = json.loads(event.get("body") or "")
        text = message.get("text") if isinstance(message, dict) else None
        if not isinstance(text, str) or not 0 < len(text) <= MOST_CHARACTERS:
            return None
        # Half of a pair of surrogates can be written in JSON, and is no letter.
        text.encode()
    except (ValueError, RecursionError):
        return None
    return text


def _tell(connections: Any, what: bytes, connection_id: str) -> bool:
    """False where it failed for now; who is gone for good need not hear, and is forgotten."""
    try:
        _post(connections, what, connection_id)
    except connections.exceptions.GoneException:
        log.info("%s was gone", connection_id)
        _forget(connection_id)
    except (BotoCoreError, ClientError) as error:
        log.warning("%s did not hear, or not surely: %s", connection_id, error)
        return False
    return True


def _forget(connection_id: str) -> None:
    try:
        remove(connection_id)
    except (BotoCoreError, ClientError) as error:
        # Its item ends by itself; the others have heard all the same.
        log.warning("%s could not be forgotten: %s", connection_id, error)


def _post(connections: Any, what: bytes, connection_id: str) -> None:
    """Once more only where it is sure that nothing was said: what may have been heard is not said again."""
    for wait in _WAITS:
        try:
            connections.post_to_connection(ConnectionId=connection_id, Data=what)
        except (ConnectTimeoutError, EndpointConnectionError, connections.exceptions.LimitExceededException):
            time.sleep(wait)
        else:
            return
    connections.post_to_connection(ConnectionId=connection_id, Data=what)


def _end(connections: Any, connection_id: str) -> None:
    try:
        connections.delete_connection(ConnectionId=connection_id)
    except connections.exceptions.GoneException:
        log.info("%s was gone", connection_id)
    except (BotoCoreError, ClientError) as error:
        log.warning("%s could not be put out: %s", connection_id, error)


def _json(what: dict[str, Any]) -> bytes:
    return json.dumps(what, ensure_ascii=False).encode()


@cache
def _connections(url: str) -> Any:
    # AWS_ENDPOINT_URL_… is how every program is sent to another address of a service.
    elsewhere = "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI" in os.environ
    # The SDK's own retries also say again what came to no answer in time, and so was perhaps heard.
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=5,
                    max_pool_connections=_AT_ONCE)  # fmt: skip
    return boto3.client("apigatewaymanagementapi", endpoint_url=None if elsewhere else url, config=config)
