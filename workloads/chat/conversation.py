"""The chat in one function, for a stack that keeps few: `chat.conversation.handler` at each route of the API."""

from __future__ import annotations

from typing import Any

from chat import connect, disconnect, message

_HANDLERS = {"CONNECT": connect.handler, "DISCONNECT": disconnect.handler, "MESSAGE": message.handler}


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Does what the function of the event's kind would do."""
    return _HANDLERS[event["requestContext"]["eventType"]](event, context)
