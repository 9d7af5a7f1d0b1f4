"""The wiki's log: lines of JSON of four kinds, which are kept for different times.

`access` is a request, `audit` what somebody changed and whether they could, `error` what failed, `application` all
else. A request that fails is of the first kind, and its stack trace a line of its own of the third. Each line names the
trace that it belongs to.
"""

from __future__ import annotations

import logging

from api import trace
from api.logs import JsonLines, write_json_lines

AUDIT = logging.getLogger("wiki.audit")


class FourKinds(JsonLines):
    """A record as one line of JSON; that of a request that failed as two."""

    def format(self, record: logging.LogRecord) -> str:
        if getattr(record, "request", None) is None or not record.exc_info:
            return super().format(record)
        failure = {**vars(record), "request": None, "msg": "the request failed", "args": ()}
        access = {**vars(record), "exc_info": None}
        return "\n".join(super(FourKinds, self).format(logging.makeLogRecord(one)) for one in (access, failure))

    def fields(self, record: logging.LogRecord) -> dict[str, object]:
        segment = trace.current.get()
        return {
            **super().fields(record),
            "kind": _kind(record),
            "trace_id": segment.root if segment else None,
            **getattr(record, "audit", {}),
        }


def _kind(record: logging.LogRecord) -> str:
    if record.name == AUDIT.name:
        return "audit"
    if getattr(record, "request", None) is not None:
        return "access"
    return "error" if record.levelno >= logging.ERROR else "application"


def audit(actor: str | None, action: str, target: str, outcome: str) -> None:
    """Write down who changed what, or wanted to."""
    said = {"actor": actor, "action": action, "target": target, "outcome": outcome}
    AUDIT.info("%s %s: %s", action, target, outcome, extra={"audit": said})


def write(service: str, level: str) -> None:
    """Send what is logged to stdout."""
    write_json_lines(service, level, formatter=FourKinds(service))
    # Whatever the level of the rest.
    AUDIT.setLevel("INFO")
    # At DEBUG it writes down requests, tokens included.
    logging.getLogger("botocore").setLevel("INFO")
