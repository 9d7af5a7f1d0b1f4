"""Forgets who has gone. API Gateway calls `chat.disconnect.handler` at $disconnect, mostly: it promises nothing."""

from __future__ import annotations

import logging
from typing import Any

from chat.connections import remove

log = logging.getLogger("chat")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """The connection is closed already; nobody hears the answer."""
    context = event["requestContext"]
    remove(context["connectionId"])
    log.info("%s went: %s", context["connectionId"], context.get("disconnectStatusCode"))
    return {"statusCode": 200}
