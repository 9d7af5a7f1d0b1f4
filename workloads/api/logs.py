"""One JSON object a line on stdout, which is all that the log router needs to know of the application.

Every record has `time`, `level`, `service`, `message` and `request_id`; that of a request also has `method`, `path`,
`status`, `duration_ms` and `user_id`. Nothing else: the table of the logs has these columns.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TextIO

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The request on whose behalf the code now runs; threads of the application inherit it."""

OUTPUT = threading.RLock()
"""Held while a line is written. A pipe takes 64 KiB at once: without it, another thread's line can stand in a longer
one, and both are no JSON."""

REQUEST_FIELDS = ("method", "path", "status", "duration_ms", "user_id")


class JsonLines(logging.Formatter):
    """A record as one line of JSON; a stack trace becomes part of the message."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        # Half of a pair of surrogates, which a JSON text may hold, cannot be written; as JSON's escape of it, it can.
        line = json.dumps(self.fields(record), ensure_ascii=False)
        return line.encode("utf-8", "backslashreplace").decode()

    def fields(self, record: logging.LogRecord) -> dict[str, object]:
        """What the record's line holds."""
        message = record.getMessage()
        if record.exc_info and record.exc_info[0] is not None:
            message = f"{message}\n{self.formatException(record.exc_info)}"
        line: dict[str, object] = {
            "time": _time(record.created),
            "level": record.levelname,
            "service": self._service,
            "message": message,
            "request_id": request_id.get(),
        }
        request = getattr(record, "request", None)
        if request is not None:
            line |= {name: request[name] for name in REQUEST_FIELDS}
            if "session_id" in request:
                line["session_id"] = request["session_id"]
        return line


class Lines(logging.StreamHandler[TextIO]):
    """Writes whole lines, also beside what writes lines without being a logger: the metrics."""

    def createLock(self) -> None:  # noqa: N802 so that logging finds it
        super().createLock()
        # An RLock, which logging makes too, whatever its types say.
        self.lock = OUTPUT  # pyright: ignore[reportAttributeAccessIssue]


def write_json_lines(
    service: str, level: str, stream: TextIO | None = None, formatter: logging.Formatter | None = None
) -> None:
    """Send what every library logs, uvicorn's own records included, to stdout as JSON lines."""
    handler = Lines(stream or sys.stdout)
    handler.setFormatter(formatter or JsonLines(service))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers[:] = []
        logger.propagate = True
    # A record of ours tells of each request already, and with more in it.
    logging.getLogger("uvicorn.access").disabled = True
    # At DEBUG it writes down what is sent and received: what people say, and what a secret holds.
    logging.getLogger("botocore").setLevel("INFO")
    # It warns of each attempt; `/ready` and the requests say the same once.
    logging.getLogger("psycopg.pool").setLevel("ERROR")


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
