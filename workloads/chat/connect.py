"""Lets somebody into a room: `wss://…?room=tea`. API Gateway calls `chat.connect.handler` at $connect."""

from __future__ import annotations

import logging
import re
from typing import Any

from chat.connections import Connection, add

log = logging.getLogger("chat")

_ROOM = re.compile(r"[\w-]{1,64}")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """200 opens the connection, everything else refuses it."""
    context = event["requestContext"]
    room = (event.get("queryStringParameters") or {}).get("room", "lobby")
    if not _ROOM.fullmatch(room):
        return {"statusCode": 400, "body": "a room is called by up to 64 letters, digits, - and _"}
    # What the authorizer has found out; a public API has none.
    user = (context.get("authorizer") or {}).get("user", "guest")
    add(Connection(id=context["connectionId"], room=room, user=user), context["connectedAt"] / 1000)
    log.info("%s came into %s", context["connectionId"], room)
    return {"statusCode": 200}
