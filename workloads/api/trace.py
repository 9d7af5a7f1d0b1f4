"""Traces for X-Ray: takes on the header that a caller sends, and tells the daemon beside the task what was done.

A share is traced where nobody decided before, and every request that fails
(docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html and xray-concepts.html). Nothing waits for the
daemon: a segment that is lost is lost. On Lambda the service itself tells of each call.
"""

from __future__ import annotations

import json
import logging
import os
import random
import re
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.requests import PROBES

log = logging.getLogger("api.trace")

_ROOT = re.compile(r"1-[0-9a-f]{8}-[0-9a-f]{24}")
_PARENT = re.compile(r"[0-9a-f]{16}")
_MOST_BYTES = 64_000
"""A segment may have 64 kB, as has a datagram."""


@dataclass(kw_only=True)
class Segment:
    """A request or a job, and what it asked of others."""

    name: str
    root: str
    parent: str | None
    sampled: bool
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    start: float = field(default_factory=time.time)
    parts: list[dict[str, Any]] = field(default_factory=list)
    failed: bool = False

    @property
    def header(self) -> str:
        """For whoever goes on with it."""
        return f"Root={self.root};Parent={self.id};Sampled={int(self.sampled)}"


current: ContextVar[Segment | None] = ContextVar("segment", default=None)
"""The segment on whose behalf the code now runs."""


def begun(name: str, header: str | None, share: float) -> Segment:
    """A segment of the trace that the header names; of a new one, where it names none. `share` decides where the header
    does not."""
    said = dict(part.strip().split("=", 1) for part in (header or "").split(";") if "=" in part)
    root, parent = said.get("Root", ""), said.get("Parent", "")
    decided = said.get("Sampled")
    return Segment(
        # As the stack's groups of traces know it, which have all of an account.
        name=os.environ.get("AWS_XRAY_TRACING_NAME") or name,
        root=root if _ROOT.fullmatch(root) else f"1-{int(time.time()):08x}-{secrets.token_hex(12)}",
        parent=parent if _PARENT.fullmatch(parent) else None,
        sampled=decided == "1" if decided in {"0", "1"} else random.random() < share,  # noqa: S311 hides nothing
    )


@contextmanager
def segment(name: str, header: str | None, share: float) -> Iterator[Segment]:
    """Within, `current` is a segment; it is told of at the end."""
    made = begun(name, header, share)
    mark = current.set(made)
    try:
        yield made
    except Exception:
        made.failed = True
        raise
    finally:
        current.reset(mark)
        _tell(made)


class Traced:
    """ASGI middleware: a segment for each request that is no probe."""

    def __init__(self, app: ASGIApp, name: str, share: float) -> None:
        self._app, self._name, self._share = app, name, share

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in PROBES:
            await self._app(scope, receive, send)
            return
        header = dict(scope["headers"]).get(b"x-amzn-trace-id", b"").decode("latin-1")
        with segment(self._name, header, self._share) as made:

            async def note(message: Message) -> None:
                if message["type"] == "http.response.start":
                    made.failed = message["status"] >= 500
                    said = (b"x-amzn-trace-id", f"Root={made.root}".encode())
                    message = {**message, "headers": [*message["headers"], said]}
                await send(message)

            await self._app(scope, receive, note)


def watch(client: Any) -> Any:
    """The client of boto3, of whose calls the current segment tells from now on."""

    def before(*, context: dict[str, Any], **_: Any) -> None:
        context["trace.start"] = time.time()

    def after(*, context: dict[str, Any], event_name: str, **said: Any) -> None:
        # Of a call without an answer no more is told than its name and the error.
        status = said["http_response"].status_code if "http_response" in said else None
        part(client.meta.service_model.service_id, context, status, event_name.rpartition(".")[2])

    client.meta.events.register("before-call", before)
    client.meta.events.register("after-call", after)
    client.meta.events.register("after-call-error", after)
    return client


def part(name: str, context: dict[str, Any], status: int | None, operation: str) -> None:
    """Note that the current segment asked another service."""
    found = current.get()
    if found is None:
        return
    said = {
        "id": secrets.token_hex(8), "name": name, "namespace": "aws", "start_time": context["trace.start"],
        "end_time": time.time(), "aws": {"operation": operation},
        **({"http": {"response": {"status": status}}} if status is not None else {}),
        **({"throttle": True} if status == 429 else {}),
        **({"error": True} if status is not None and 400 <= status < 500 else {}),
        **({"fault": True} if status is None or status >= 500 else {}),
    }  # fmt: skip
    found.parts.append(said)


def _tell(done: Segment) -> None:
    address = os.environ.get("AWS_XRAY_DAEMON_ADDRESS")
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ or not address or not (done.sampled or done.failed):
        return
    document = {
        "name": done.name, "id": done.id, "trace_id": done.root, "start_time": done.start, "end_time": time.time(),
        **({"parent_id": done.parent} if done.parent else {}), **({"fault": True} if done.failed else {}),
        "subsegments": done.parts,
    }  # fmt: skip
    while len(text := json.dumps(document)) > _MOST_BYTES:
        document["subsegments"] = document["subsegments"][: len(document["subsegments"]) // 2]
    host, _, port = address.rpartition(":")
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
            daemon.sendto(b'{"format": "json", "version": 1}\n' + text.encode(), (host, int(port)))
    except (OSError, ValueError) as error:
        log.debug("the daemon of X-Ray is not told: %s", error)
