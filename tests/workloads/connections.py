"""A stand-in for the API by which functions speak to WebSocket connections: moto's knows every connection.

As AWS's: only signed requests, 410 GoneException for a connection that is not there, 413 above 128 KB.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

_MOST_BYTES = 128 * 1024


@dataclass
class Connections:
    """The open connections, and what each has heard."""

    url: str = ""
    heard: dict[str, list[Any]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    """Connections to which AWS cannot speak just now."""
    slow: dict[str, float] = field(default_factory=dict)
    """Connections that hear, while AWS takes so many seconds to say so."""
    busy: dict[str, int] = field(default_factory=dict)
    """Connections to which AWS refuses to speak so many times, for too much is said to them."""

    def open(self, *connections: str) -> None:
        for connection in connections:
            self.heard[connection] = []


@contextmanager
def connections() -> Iterator[Connections]:
    """The stand-in at an address of its own, for the stage `live`."""
    known = Connections()

    class Answer(BaseHTTPRequestHandler):
        def _connection(self) -> str | None:
            begin, _, quoted = self.path.partition("/@connections/")
            length = int(self.headers.get("content-length") or 0)
            self.body = self.rfile.read(length)
            signed = "/execute-api/aws4_request" in self.headers.get("authorization", "")
            if begin != "/live" or not signed:
                self._say(403, "ForbiddenException")
            elif unquote(quoted) not in known.heard:
                self._say(410, "GoneException")
            elif unquote(quoted) in known.broken:
                self._say(500, "InternalServerError")
            elif known.busy.get(unquote(quoted), 0):
                known.busy[unquote(quoted)] -= 1
                self._say(429, "LimitExceededException")
            elif length > _MOST_BYTES:
                self._say(413, "PayloadTooLargeException")
            else:
                return unquote(quoted)
            return None

        def do_POST(self) -> None:
            connection = self._connection()
            if connection is not None:
                known.heard[connection].append(json.loads(self.body))
                time.sleep(known.slow.get(connection, 0))
                self._say(200)

        def do_DELETE(self) -> None:
            connection = self._connection()
            if connection is not None:
                del known.heard[connection]
                self._say(204)

        def _say(self, status: int, error: str = "") -> None:
            body = json.dumps({"message": error}).encode() if error else b""
            self.send_response(status)
            if error:
                self.send_header("x-amzn-ErrorType", error)
            self.send_header("content-length", str(len(body)))
            # Who has waited too long is not there any more.
            with suppress(ConnectionError):
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 the base class calls it so
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    known.url = f"http://127.0.0.1:{server.server_port}/live"
    try:
        yield known
    finally:
        server.shutdown()
        server.server_close()
