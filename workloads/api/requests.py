"""Around each request: an id that follows it through the logs, and one record when it is done."""

from __future__ import annotations

import base64
import json
import logging
import re
import time
import uuid
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from api.logs import request_id

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from api.sessions import Sessions

log = logging.getLogger("api.requests")

# What a caller sends ends up in logs and headers: an id of another form is not believed.
_ID = re.compile(rb"[A-Za-z0-9._=:;-]{1,128}")

# The subject of a token, or the name that a load balancer gives: nothing in it that ends a line.
_CALLER = re.compile(r"[\x21-\x7e]{1,128}")

SESSION = "api.session"
"""The key of a request's scope under which its session is, where there are sessions."""

PROBES = ("/health", "/ready")

USER = "api.user"
"""The key of a request's scope under which who judges tokens says whose it is."""

asked_at: ContextVar[float | None] = ContextVar("asked_at", default=None)
"""When the request was complete on whose behalf the code now runs (`time.monotonic`): its wait for a thread counts."""


def caller_of(scope: Scope, user_header: str | None) -> str | None:
    """Who is signed in, as whoever has judged the token says; None where nobody says so.

    The application judges no tokens: what stands before it does, and is the only one that reaches it. On Lambda the
    subject of the token is in the event, by an HTTP API's JWT authorizer (`jwt.claims`) or a REST API's of Cognito
    (`claims`), and no header is believed. Behind a load balancer it is in the header that the settings name: an HTTP
    API hands claims on by itself to functions only, so its private integration must write them
    (`overwrite:header.x-user` = `$context.authorizer.claims.sub`, which takes the place of whatever the caller wrote;
    docs.aws.amazon.com/apigateway/latest/developerguide/http-api-parameter-mapping.html). A header that is there twice
    was not written by it alone, and names nobody. A load balancer that judges tokens itself (jwt-validation) passes
    them on as they are: where the settings name `authorization`, the subject is read from the token, and nothing else
    is asked of it here. Probes have passed no judge, and are nobody's. A program that judges tokens itself says in the
    scope whose it was.
    """
    if USER in scope:
        return scope[USER]
    event: dict[str, Any] | None = scope.get("aws.event")
    if event is not None:
        authorizer: dict[str, Any] = event.get("requestContext", {}).get("authorizer") or {}
        said = [((authorizer.get("jwt") or authorizer).get("claims") or {}).get("sub")]
    elif user_header is not None:
        wanted = user_header.encode()
        said = [value.decode("latin-1") for name, value in scope["headers"] if name == wanted]
        if user_header == "authorization":
            said = [] if scope["path"] in PROBES else [_subject(value) for value in said]
    else:
        return None
    return said[0] if len(said) == 1 and isinstance(said[0], str) and _CALLER.fullmatch(said[0]) else None


def _subject(authorization: str) -> object:
    """Whose token it is, by its own words; None of what is no token."""
    kind, _, token = authorization.partition(" ")
    try:
        claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
        return claims["sub"] if kind.lower() == "bearer" else None
    except (IndexError, KeyError, TypeError, ValueError, RecursionError):
        return None


class LimitBodies:
    """ASGI middleware: 413 for a body that says that it is too long, or that turns out to be. Bytes are counted as they
    come, since a body that comes in chunks does not say how long it is."""

    def __init__(self, app: ASGIApp, most_bytes: int) -> None:
        self._app = app
        self._most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        lengths = [value for name, value in scope.get("headers", ()) if name == b"content-length"]
        declared = next((int(value) for value in lengths if value.isdigit()), 0)
        read = 0

        async def receive_counting() -> Message:
            nonlocal read
            if declared <= self._most_bytes:
                message = await receive()
                read += len(message.get("body", b""))
                if read <= self._most_bytes:
                    return message
            # Where the body is read: the application makes the answer.
            raise HTTPException(413, f"the body may have {self._most_bytes} bytes")

        await self._app(scope, receive_counting, send)


_FAILURE = "api.failure"
"""The key of a request's scope under which an unexpected error goes to its record."""


class AnswerFailures:
    """ASGI middleware, the innermost: answers 500 for what nobody expected, so that the others see an answer and add
    their headers, without which a browser shows its page nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def note(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, note)
        except Exception as error:
            if scope["type"] != "http":
                raise
            scope[_FAILURE] = error
            if begun:
                raise  # half an answer is out: only the server can still close the connection
            # Raised further it would be logged a second time, and counted as a second error.
            await JSONResponse({"detail": "internal error"}, 500)(scope, receive, send)


class RecordRequests:
    """ASGI middleware. A probe that succeeds is recorded at DEBUG: two a minute cost much and tell little."""

    def __init__(self, app: ASGIApp, user_header: str | None = None, sessions: Sessions | None = None) -> None:
        self._app = app
        self._sessions = sessions
        self._user_header = user_header

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        identity = _identity(headers)
        # A probe is nobody's session.
        probed = scope["path"] in PROBES
        session = self._sessions.of(headers.get(b"cookie", b"")) if self._sessions and not probed else None
        scope[SESSION] = session
        token = request_id.set(identity)
        asked_at.set(time.monotonic())
        status: int | None = None
        start = time.perf_counter()

        async def receive_noting() -> Message:
            message = await receive()
            if message["type"] == "http.request" and not message.get("more_body"):
                asked_at.set(time.monotonic())
            return message

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                added = [(b"x-request-id", identity.encode())]
                if session is not None and session.is_new:
                    added.append((b"set-cookie", session.cookie.encode()))
                message = {**message, "headers": [*message["headers"], *added]}
            await send(message)

        try:
            await self._app(scope, receive_noting, note)
        finally:
            failure: Exception | None = scope.get(_FAILURE)
            status = 500 if failure or status is None else status
            request = {
                "method": scope["method"],
                # Without the query: what people look for is nobody's business.
                "path": scope["path"],
                "status": status,
                "duration_ms": round((time.perf_counter() - start) * 1000, 3),
                "user_id": caller_of(scope, self._user_header),
            }
            if session is not None:
                request["session_id"] = session.id
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
