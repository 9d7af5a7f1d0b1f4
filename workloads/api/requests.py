"""Around each request: an id that follows it through the logs, and one record when it is done."""

from __future__ import annotations

import logging
import re
import time
import uuid
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

from api.logs import request_id

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("api.requests")

# What a caller sends ends up in logs and headers: an id of another form is not believed.
_ID = re.compile(rb"[A-Za-z0-9._=:;-]{1,128}")

PROBES = ("/health", "/ready")


class RecordRequests:
    """ASGI middleware. A probe that succeeds is recorded at DEBUG: two a minute cost much and tell little."""

    def __init__(self, app: ASGIApp, user_header: str | None = None) -> None:
        self._app = app
        self._user_header = user_header.encode() if user_header else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        identity = _identity(headers)
        token = request_id.set(identity)
        status: int | None = None
        failure: Exception | None = None
        start = time.perf_counter()

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message["headers"], (b"x-request-id", identity.encode())]}
            await send(message)

        try:
            await self._app(scope, receive, note)
        except Exception as error:
            failure = error
            if status is not None:
                raise  # half an answer is out: only the server can still close the connection
            # Raised further it would be logged a second time, and counted as a second error.
            await JSONResponse({"detail": "internal error"}, 500)(scope, receive, note)
        finally:
            status = 500 if failure or status is None else status
            user = headers.get(self._user_header, b"") if self._user_header else b""
            request = {
                "method": scope["method"],
                # Without the query: what people look for is nobody's business.
                "path": scope["path"],
                "status": status,
                "duration_ms": round((time.perf_counter() - start) * 1000, 3),
                "user_id": user.decode("latin-1") or None,
            }
            log.log(
                _level(scope["path"], status),
                "%s %s %d",
                scope["method"],
                scope["path"],
                status,
                exc_info=failure,
                extra={"request": request},
            )
            request_id.reset(token)


def _identity(headers: dict[bytes, bytes]) -> str:
    for name in (b"x-request-id", b"x-amzn-trace-id"):
        given = headers.get(name, b"")
        if _ID.fullmatch(given):
            return given.decode("ascii")
    return uuid.uuid4().hex


def _level(path: str, status: int) -> int:
    if status >= 500:
        return logging.ERROR
    if path in PROBES:
        return logging.DEBUG
    return logging.WARNING if status >= 400 else logging.INFO
