"""The wiki's HTTP API: repositories, their pages, and searches in them."""

from __future__ import annotations

import logging
import os
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from api import trace
from api.metrics import Metrics
from api.requests import USER, AnswerFailures, LimitBodies, RecordRequests
from botocore.exceptions import BotoCoreError, ClientError
from fastapi import FastAPI, HTTPException, Path, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from wiki import logs
from wiki.github import NAME, OWNER, REPOSITORY
from wiki.index import Index, IndexUnavailable
from wiki.knowledge import Chunk, Knowledge
from wiki.model import Models
from wiki.search import Answer, Mode, search
from wiki.settings import Settings
from wiki.signed_in import SignedIn
from wiki.store import Page, Store

if TYPE_CHECKING:
    pass

log = logging.getLogger("wiki")

MOST_BODY_BYTES = 4096

Owner = Annotated[str, Path(pattern=f"^{OWNER}$")]
Name = Annotated[str, Path(pattern=f"^{NAME}$")]


class NewRepository(BaseModel):
    """A repository that shall have a wiki."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    repository: str = Field(pattern=f"^{REPOSITORY}$", description="owner/name, as GitHub has it")


def create_app(settings: Settings, store: Store, index: Index, models: Models) -> FastAPI:
    """The application over its stores."""
    metrics = Metrics(settings.metrics_namespace, settings.service)

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        logs.write(settings.service, settings.log_level)
        yield

    knowledge = Knowledge(settings.knowledge_base) if settings.knowledge_base else None
    app = FastAPI(title=settings.service, lifespan=life, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.add_middleware(LimitBodies, most_bytes=MOST_BODY_BYTES)
    app.add_middleware(AnswerFailures)
    if settings.users is not None:
        app.add_middleware(SignedIn, pool=settings.users)
    app.add_middleware(RecordRequests, user_header=settings.user_header)
    app.add_middleware(trace.Traced, name=settings.service, share=settings.sampled_share)

    @app.exception_handler(ClientError)
    @app.exception_handler(BotoCoreError)
    @app.exception_handler(IndexUnavailable)
    async def unavailable(_: Request, problem: Exception) -> JSONResponse:
        log.error("a store does not answer: %s", problem)
        metrics.count("StoreUnavailable")
        return JSONResponse({"detail": "a store does not answer"}, status_code=503, headers={"Retry-After": "5"})

    def audit(request: Request, action: str, target: str, outcome: str) -> None:
        actor = request.headers.get(settings.user_header) if settings.user_header else request.scope.get(USER)
        logs.audit(actor, action, target, outcome)

    def ask(repository: str, action: str) -> dict[str, Any]:
        segment = trace.current.get()
        job = {"id": uuid.uuid4().hex, "repository": repository, "action": action, "commit": None}
        store.ask(job, segment.header if segment else None)
        return {"job": job["id"], "repository": repository}

    def known(owner: str, name: str) -> dict[str, Any]:
        found = store.repository(f"{owner}/{name}".lower())
        if found is None:
            raise HTTPException(404, "there is no such repository")
        return found

    @app.get("/health")
    async def health() -> dict[str, str]:
        """Liveness: no outage of others ends a task."""
        return {"status": "ok"}

    @app.get("/ready")
    def ready() -> dict[str, str]:
        """Readiness: the tables answer. Without a model or the index pages can still be read."""
        store.ready()
        return {"status": "ready"}

    @app.post("/repositories", status_code=202)
    def add(new: NewRepository, request: Request) -> dict[str, Any]:
        """Take in a repository, whose pages are then written; asked for a second time, only the latter."""
        repository = new.repository.lower()
        added = store.add_repository(repository)
        audit(request, "add-repository", repository, "added" if added else "was there")
        metrics.count("RepositoriesAdded", int(added))
        return ask(repository, "analyse")

    @app.get("/repositories")
    def repositories() -> list[dict[str, Any]]:
        return [_repository(one) for one in store.repositories()]

    @app.get("/repositories/{owner}/{name}")
    def repository(owner: Owner, name: Name) -> dict[str, Any]:
        return _repository(known(owner, name))

    @app.post("/repositories/{owner}/{name}/analyses", status_code=202)
    def analyse(owner: Owner, name: Name, request: Request) -> dict[str, Any]:
        target = known(owner, name)["repository"]
        audit(request, "analyse", target, "asked for")
        return ask(target, "analyse")

    @app.delete("/repositories/{owner}/{name}", status_code=202)
    def remove(owner: Owner, name: Name, request: Request) -> dict[str, Any]:
        """Take away a repository with all its pages, after what was asked for before."""
        target = known(owner, name)["repository"]
        audit(request, "remove-repository", target, "asked for")
        return ask(target, "remove")

    @app.get("/repositories/{owner}/{name}/pages")
    def pages(owner: Owner, name: Name) -> list[dict[str, Any]]:
        return [_page(page) for page in store.pages(known(owner, name)["repository"]) if page.shown]

    @app.get("/repositories/{owner}/{name}/pages/{path:path}")
    def page(owner: Owner, name: Name, path: str) -> dict[str, Any]:
        key = known(owner, name)["repository"]
        # Once more, where a new text has taken over in between.
        for _ in range(2):
            found = store.page(key, path)
            if found is None or not found.shown:
                break
            text = store.text(key, path, str(found.hash))
            if text is not None:
                return {**_page(found), "text": text}
        raise HTTPException(404, "there is no such page")

    @app.get("/repositories/{owner}/{name}/jobs")
    def jobs(owner: Owner, name: Name, limit: Annotated[int, Query(ge=1, le=100)] = 20) -> list[dict[str, Any]]:
        """What was asked for last, and what became of it."""
        return [_job(one) for one in store.latest_jobs(known(owner, name)["repository"], limit)]

    @app.get("/jobs/{id_}")
    def job(id_: Annotated[str, Path(max_length=100)]) -> dict[str, Any]:
        found = store.job(id_)
        if found is None:
            raise HTTPException(404, "there is no such job")
        return _job(found)

    @app.get("/search")
    def find(
        q: Annotated[str, Query(min_length=1, max_length=500)],
        mode: Mode = "hybrid",
        repository: Annotated[str | None, Query(pattern=f"^{REPOSITORY}$")] = None,
        limit: Annotated[int, Query(ge=1, le=50)] = 10,
    ) -> Answer:
        start = time.monotonic()
        answer = search(
            q, mode, limit, repository.lower() if repository else None, index=index,
            embed=lambda text: models.embed(text, time.sleep), shown=store.shown,
        )  # fmt: skip
        metrics.count("Searches")
        metrics.count("SearchesDegraded", int(answer.degraded))
        metrics.took("SearchTime", time.monotonic() - start)
        return answer

    @app.get("/chunks")
    def chunks(
        q: Annotated[str, Query(min_length=1, max_length=1000)], limit: Annotated[int, Query(ge=1, le=20)] = 5
    ) -> list[Chunk]:
        """Parts of pages that answer a question, from the knowledge base."""
        if knowledge is None:
            raise HTTPException(404, "there is no knowledge base")
        return knowledge.find(q, limit)

    return app


def _repository(item: dict[str, Any]) -> dict[str, Any]:
    return {name: item.get(name) for name in ("repository", "added", "analysed", "commit")}


def _job(item: dict[str, Any]) -> dict[str, Any]:
    return {name: item.get(name) for name in ("id", "repository", "action", "state", "created", "problem")}


def _page(page: Page) -> dict[str, Any]:
    said = asdict(page)
    return {name: said[name] for name in ("path", "title", "updated", "hash")}


def from_environment() -> FastAPI:
    """The application as the environment describes it."""
    settings = Settings.read(os.environ)
    index = Index(settings.search_endpoint, settings.search_index, seconds=5)
    return create_app(settings, Store(settings), index, Models.of(settings, attempts=2, read_seconds=5))
