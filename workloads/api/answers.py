"""How answers look that are no single thing: refusals, and pages of a list."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

MOST_BODY_BYTES = 65_536
"""The most that a request may bring, here and before: the firewall, the proxy of the host and the schema have the same
number. The longest item fits in UTF-8, and in JSON's escapes of six bytes too."""

PAGE_BYTES = 5_000_000
"""The most that a page of items may have: Lambda's answer may have 6 MB, with the answer's text as a JSON string in it
(docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html)."""


class Problem(BaseModel):
    """Why a request was not answered as was hoped for."""

    detail: str


def named(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """These statuses in the API's description."""
    means = {
        400: "The body cannot be read.",
        401: "Nobody is signed in.",
        404: "There is no such thing, or it is somebody else's.",
        413: f"The body has more than {MOST_BODY_BYTES:,} bytes.",
        429: "Too many questions; the header Retry-After says in how many seconds the next one is taken.",
        500: "A fault of the application; its log says more under the request's id.",
        502: "The models cannot be asked as they are set up. The question is kept.",
        503: "The store, or a model, cannot answer now; the same request may succeed later.",
    }
    return {status: {"model": Problem, "description": means[status]} for status in statuses}


def page(items: Sequence[BaseModel]) -> str:
    """As many of the items, from the first, as an answer may have."""
    texts: list[str] = []
    size = 0
    for item in items:
        text = item.model_dump_json()
        # As a JSON string, which is what Lambda sends.
        size += len(json.dumps(text, ensure_ascii=False).encode())
        if texts and size > PAGE_BYTES:
            break
        texts.append(text)
    return f"[{','.join(texts)}]"


def fault(error: Any, fields: Mapping[str, Any]) -> dict[str, Any]:
    """One of pydantic's errors without anything of what was sent: neither a value nor the name of an unknown field.
    `fields` are those of the body that was expected."""
    known = {"body", "path", "query", "id_", "message_id", "limit", "after", *fields}
    # What comes behind a comma tells of the value.
    message = error["msg"].partition(", ")[0]
    if error["type"] == "extra_forbidden":
        message = f"Unknown field; there are: {', '.join(fields)}"
    where = [part for part in error["loc"] if isinstance(part, int) or part in known]
    return {"type": error["type"], "loc": where, "msg": message}
