"""The application: what it answers, and to whom it leaves the rest.

Served by `python -m api` in a container and by `api.function` on Lambda; anything else that speaks ASGI can serve
what `from_environment` makes.
"""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI, HTTPException, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.routing import Match, Route

from api import trace
from api.answers import MOST_BODY_BYTES, fault, named, page
from api.conversations import (
    Conversations,
    ConversationsInMemory,
    ConversationsInPostgres,
    NewConversation,
    NewMessage,
    Search,
)
from api.items import Item, Items, ItemsInMemory, ItemsInPostgres, NewItem
from api.logs import write_json_lines
from api.metrics import Metrics
from api.postgres import Pool
from api.requests import AnswerFailures, LimitBodies, RecordRequests
from api.sessions import Sessions
from api.settings import Settings
from api.store import THREADS, StoreUnavailable

if TYPE_CHECKING:
    from api.cache import Connection

log = logging.getLogger("api")


@dataclass(frozen=True, kw_only=True)
class Stores:
    """Where everything is kept."""

    items: Items
    conversations: Conversations | None
    """None where there are no models to converse with."""
    cache: Connection | None

    def open(self) -> None:
        self.items.open()
        if self.conversations is not None:
            self.conversations.open()

    def close(self) -> None:
        if self.conversations is not None:
            self.conversations.close()
        self.items.close()
        if self.cache is not None:
            self.cache.close()


def stores_for(settings: Settings) -> Stores:
    """What the settings name: items behind a cache, and conversations where there are models."""
    # Both over the same connections.
    pool = Pool(settings.database) if settings.database else None
    if settings.table is not None:
        # Half a second of each start, for those only who need it.
        from api.table import ItemsInTable  # noqa: PLC0415

        items: Items = ItemsInTable(settings.table)
    else:
        items = ItemsInPostgres(pool) if pool else ItemsInMemory()
    cache = None
    if settings.cache is not None:
        from api.cache import CachedItems, Connection  # noqa: PLC0415 as above

        cache = Connection(settings.cache)
        items = CachedItems(items, cache)
    conversations = _conversations(settings, pool) if settings.models is not None else None
    return Stores(items=items, conversations=conversations, cache=cache)


def _conversations(settings: Settings, pool: Pool | None) -> Conversations:
    if settings.conversations is not None:
        from api.conversation_table import ConversationsInTable  # noqa: PLC0415 as above

        return ConversationsInTable(settings.conversations)
    return ConversationsInPostgres(pool) if pool else ConversationsInMemory()


def create_app(settings: Settings, stores: Stores | Items | None = None) -> FastAPI:
    """The application over its stores, by default those that the settings name. For what needs no others, a store of
    items is enough."""
    if stores is None:
        stores = stores_for(settings)
    elif not isinstance(stores, Stores):
        stores = Stores(items=stores, conversations=None, cache=None)
    store = stores.items
    metrics = Metrics(settings.metrics_namespace, settings.service)

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        write_json_lines(settings.service, settings.log_level)
        current_default_thread_limiter().total_tokens = THREADS
        stores.open()
        try:
            yield
        finally:
            # Requests under way are done by now: the server drains before it ends the life of the application.
            await run_in_threadpool(stores.close)

    app = FastAPI(
        title=settings.service,
        lifespan=life,
        docs_url=None,
        redoc_url=None,
        # It would lead to the host that the caller wrote down, and past every prefix that is not known here.
        redirect_slashes=False,
        responses=named(500, 503),
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
    # The last two are outermost: they tell what the others answer too.
    sessions = Sessions(settings.session_key) if settings.session_key else None
    app.add_middleware(RecordRequests, user_header=settings.user_header, sessions=sessions)
    app.add_middleware(trace.Traced, name=settings.service, share=settings.sampled_share)

    @app.exception_handler(StoreUnavailable)
    async def unavailable(_: Request, problem: StoreUnavailable) -> JSONResponse:
        log.warning("%s: %s", problem, problem.__cause__)
        metrics.count("StoreUnavailable")
        return JSONResponse({"detail": str(problem)}, status_code=503, headers={"Retry-After": "5"})

    @app.exception_handler(RequestValidationError)
    async def malformed(request: Request, problem: RequestValidationError) -> Response:
        """What is wrong and where, and nothing of what was sent: it may be long, secret, or no text to be sent."""
        # A thousand unknown fields are one fault.
        faults = {repr(one): one for one in (fault(error, _fields(request)) for error in problem.errors())}
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

    @app.post("/items", status_code=201, responses=named(400, 413))
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
        return Response(page(store.list(limit, after)), media_type="application/json")

    @app.get("/items/{id_}", responses=named(404))
    def get(id_: UUID) -> Item:
        item = store.get(id_)
        if item is None:
            raise HTTPException(404, "there is no such item")
        return item

    @app.delete("/items/{id_}", status_code=204, responses=named(404))
    def delete(id_: UUID) -> None:
        if not store.delete(id_):
            raise HTTPException(404, "there is no such item")
        metrics.count("ItemsDeleted")

    if settings.models is not None and stores.conversations is not None:
        # The SDK of AWS, for those only who ask a model.
        from api.chat import add_chat  # noqa: PLC0415

        add_chat(app, settings, stores.conversations, stores.cache, metrics)
    return app


def _fields(request: Request) -> dict[str, Any]:
    """The fields of the body that the request's route takes."""
    bodies: dict[str, type[BaseModel]] = {
        "/items": NewItem, "/conversations": NewConversation, "/conversations/{id_}/messages": NewMessage,
        "/search": Search,
    }  # fmt: skip
    found = bodies.get(getattr(request.scope.get("route"), "path", ""))
    return dict(found.model_fields) if found else {}


def from_environment() -> FastAPI:
    """The application as the environment describes it."""
    return create_app(Settings.read(os.environ))
