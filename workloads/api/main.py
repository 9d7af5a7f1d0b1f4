"""The application: what it answers, and to whom it leaves the rest.

Served by `python -m api` in a container and by `api.function` on Lambda; anything else that speaks ASGI can serve
what `from_environment` makes.
"""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated
from uuid import UUID

from fastapi import FastAPI, HTTPException, Query, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from api.items import Item, Items, ItemsInMemory, ItemsInPostgres, NewItem, StoreUnavailable
from api.logs import write_json_lines
from api.metrics import Metrics
from api.requests import RecordRequests
from api.settings import Settings

log = logging.getLogger("api")


def store_for(settings: Settings) -> Items:
    """Where the settings say that items are kept."""
    if settings.table is not None:
        # Half a second of each start, for those only who need it.
        from api.table import ItemsInTable  # noqa: PLC0415

        return ItemsInTable(settings.table)
    return ItemsInPostgres(settings.database) if settings.database else ItemsInMemory()


def create_app(settings: Settings, items: Items | None = None) -> FastAPI:
    """The application over a store of items, by default the one that the settings name."""
    store = items or store_for(settings)
    metrics = Metrics(settings.metrics_namespace, settings.service)

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        write_json_lines(settings.service, settings.log_level)
        store.open()
        try:
            yield
        finally:
            # Requests under way are done by now: the server drains before it ends the life of the application.
            await run_in_threadpool(store.close)

    app = FastAPI(title=settings.service, lifespan=life, docs_url=None, redoc_url=None)
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
    app.add_middleware(RecordRequests, user_header=settings.user_header)

    @app.exception_handler(StoreUnavailable)
    async def unavailable(_: Request, problem: StoreUnavailable) -> JSONResponse:
        log.warning("%s: %s", problem, problem.__cause__)
        metrics.count("StoreUnavailable")
        return JSONResponse({"detail": str(problem)}, status_code=503, headers={"Retry-After": "5"})

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

    @app.post("/items", status_code=201)
    def create(new: NewItem, response: Response) -> Item:
        item = store.create(new)
        metrics.count("ItemsCreated")
        response.headers["Location"] = f"/items/{item.id}"
        return item

    @app.get("/items")
    def list_(limit: Annotated[int, Query(ge=1, le=100)] = 50, after: UUID | None = None) -> list[Item]:
        """In the order of their ids; `after` is the last id of the page before."""
        return store.list(limit, after)

    @app.get("/items/{id_}")
    def get(id_: UUID) -> Item:
        item = store.get(id_)
        if item is None:
            raise HTTPException(404, "there is no such item")
        return item

    @app.delete("/items/{id_}", status_code=204)
    def delete(id_: UUID) -> None:
        if not store.delete(id_):
            raise HTTPException(404, "there is no such item")
        metrics.count("ItemsDeleted")

    return app


def from_environment() -> FastAPI:
    """The application as the environment describes it."""
    return create_app(Settings.read(os.environ))
