"""The application: what it answers, and to whom it leaves the rest.

Served by `python -m api` in a container and by `api.function` on Lambda; anything else that speaks ASGI can serve
what `from_environment` makes.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI, HTTPException, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.routing import Match, Route

from api.items import THREADS, Item, Items, ItemsInMemory, ItemsInPostgres, NewItem, StoreUnavailable
from api.logs import write_json_lines
from api.metrics import Metrics
from api.requests import AnswerFailures, LimitBodies, RecordRequests
from api.sessions import Sessions
from api.settings import Settings

log = logging.getLogger("api")

MOST_BODY_BYTES = 65_536
"""The most that a request may bring, here and before: the firewall, the proxy of the host and the schema have the same
number. The longest item fits in UTF-8, and in JSON's escapes of six bytes too."""

PAGE_BYTES = 5_000_000
"""The most that a page of items may have: Lambda's answer may have 6 MB, with the answer's text as a JSON string in it
(docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html)."""


class Problem(BaseModel):
    """Why a request was not answered as was hoped for."""

    detail: str


def _named(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """These statuses in the API's description."""
    means = {
        400: "The body cannot be read.",
        404: "There is no such item.",
        413: f"The body has more than {MOST_BODY_BYTES:,} bytes.",
        500: "A fault of the application; its log says more under the request's id.",
        503: "The store cannot answer now; the same request may succeed later.",
    }
    return {status: {"model": Problem, "description": means[status]} for status in statuses}


def store_for(settings: Settings) -> Items:
    """Where the settings say that items are kept, behind the cache that they name."""
    if settings.table is not None:
        # Half a second of each start, for those only who need it.
        from api.table import ItemsInTable  # noqa: PLC0415

        items: Items = ItemsInTable(settings.table)
    else:
        items = ItemsInPostgres(settings.database) if settings.database else ItemsInMemory()
    if settings.cache is None:
        return items
    from api.cache import CachedItems  # noqa: PLC0415 as above

    return CachedItems(items, settings.cache)


def create_app(settings: Settings, items: Items | None = None) -> FastAPI:
    """The application over a store of items, by default the one that the settings name."""
    store = items or store_for(settings)
    metrics = Metrics(settings.metrics_namespace, settings.service)

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        write_json_lines(settings.service, settings.log_level)
        current_default_thread_limiter().total_tokens = THREADS
        store.open()
        try:
            yield
        finally:
            # Requests under way are done by now: the server drains before it ends the life of the application.
            await run_in_threadpool(store.close)

    app = FastAPI(
        title=settings.service,
        lifespan=life,
        docs_url=None,
        redoc_url=None,
        # It would lead to the host that the caller wrote down, and past every prefix that is not known here.
        redirect_slashes=False,
        responses=_named(500, 503),
    )
    app.add_middleware(LimitBodies, most_bytes=MOST_BODY_BYTES)
    app.add_middleware(AnswerFailures)
    if settings.origins:
        # Where API Gateway answers preflight requests itself, they do not come here.
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=["DELETE", "GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "X-Request-Id"],
            expose_headers=["Location", "X-Request-Id"],
            max_age=600,
        )
    # The last one is the outermost: it records what the others answer too.
    sessions = Sessions(settings.session_key) if settings.session_key else None
    app.add_middleware(RecordRequests, user_header=settings.user_header, sessions=sessions)

    @app.exception_handler(StoreUnavailable)
    async def unavailable(_: Request, problem: StoreUnavailable) -> JSONResponse:
        log.warning("%s: %s", problem, problem.__cause__)
        metrics.count("StoreUnavailable")
        return JSONResponse({"detail": str(problem)}, status_code=503, headers={"Retry-After": "5"})

    @app.exception_handler(RequestValidationError)
    async def malformed(_: Request, problem: RequestValidationError) -> Response:
        """What is wrong and where, and nothing of what was sent: it may be long, secret, or no text to be sent."""
        # A thousand unknown fields are one fault.
        faults = {repr(fault): fault for fault in map(_fault, problem.errors())}
        return JSONResponse({"detail": [*faults.values()]}, 422)

    @app.exception_handler(405)
    async def not_allowed(request: Request, _: Exception) -> Response:
        """A path's methods are several routes, of which each knows its own."""
        allowed = {
            method
            for route in app.routes
            if isinstance(route, Route) and route.matches(request.scope)[0] != Match.NONE
            for method in route.methods or ()
        }
        return JSONResponse({"detail": "Method Not Allowed"}, 405, {"Allow": ", ".join(sorted(allowed))})

    @app.get("/health")
    async def health() -> dict[str, str]:
        """Liveness. Fails only for what a new process would mend, or an outage of the database would end every task."""
        if store.hopeless:
            # The password is part of the task's environment: after a rotation only a new task has the new one.
            raise HTTPException(503, "the database refuses the password of this process")
        return {"status": "ok"}

    @app.get("/ready")
    def ready() -> dict[str, str]:
        """Readiness: the database answers, where there is one."""
        store.ready()
        return {"status": "ready"}

    @app.post("/items", status_code=201, responses=_named(400, 413))
    def create(new: NewItem, response: Response) -> Item:
        item = store.create(new)
        metrics.count("ItemsCreated")
        # Relative to the address that the caller asked (RFC 9110, 10.2.2), whose prefixes are not known here.
        response.headers["Location"] = f"items/{item.id}"
        return item

    @app.get("/items", response_model=list[Item])
    def list_(limit: Annotated[int, Query(ge=1, le=100)] = 50, after: UUID | None = None) -> Response:
        """In the order of their ids; `after` is the last id of the page before. The last page is an empty one: a page
        of very long items may have fewer than `limit`."""
        return Response(_page(store.list(limit, after)), media_type="application/json")

    @app.get("/items/{id_}", responses=_named(404))
    def get(id_: UUID) -> Item:
        item = store.get(id_)
        if item is None:
            raise HTTPException(404, "there is no such item")
        return item

    @app.delete("/items/{id_}", status_code=204, responses=_named(404))
    def delete(id_: UUID) -> None:
        if not store.delete(id_):
            raise HTTPException(404, "there is no such item")
        metrics.count("ItemsDeleted")

    return app


def _page(items: list[Item]) -> str:
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


def _fault(error: Any) -> dict[str, Any]:
    """One of pydantic's errors without anything of what was sent: neither a value nor the name of an unknown field."""
    known = {"body", "path", "query", "id_", "limit", "after", *NewItem.model_fields}
    # What comes behind a comma tells of the value.
    message = error["msg"].partition(", ")[0]
    if error["type"] == "extra_forbidden":
        message = f"Unknown field; there are: {', '.join(NewItem.model_fields)}"
    where = [part for part in error["loc"] if isinstance(part, int) or part in known]
    return {"type": error["type"], "loc": where, "msg": message}


def from_environment() -> FastAPI:
    """The application as the environment describes it."""
    return create_app(Settings.read(os.environ))
