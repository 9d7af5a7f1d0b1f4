"""The index of the pages' pieces, in a VECTORSEARCH collection of OpenSearch Serverless, by its HTTP API.

Such a collection takes no ids of ours, updates nothing, deletes by id alone, has no refresh and shows what was written
some time later (docs/wiki.md). So it answers with the ids that it has given, which the page's record keeps.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, TypeVar

import boto3
from api import trace
from api.bedrock import wait
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ConnectionError, HTTPClientError  # noqa: A004 its name there
from botocore.httpsession import URLLib3Session

_T = TypeVar("_T")

MOST_AT_ONCE = 100
"""Pieces in one request: with their vectors, some 2 MB."""
_PAGE = 500
_NOT_DONE = {429, 503}
_REFUSED = {*_NOT_DONE, 502, 504}
"""Perhaps done the next time; after the last two, perhaps done this time."""


class IndexUnavailable(Exception):
    """The index does not answer now."""


class IndexRefused(Exception):
    """The index does not do this, now or later."""


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A part of a page, as the index has it."""

    repository: str
    path: str
    hash: str
    title: str
    text: str
    updated: str
    embedding: Sequence[float]


@dataclass(frozen=True)
class Hit:
    """A piece that was found."""

    repository: str
    path: str
    hash: str
    title: str
    text: str


class Index:
    """One index of the collection."""

    def __init__(
        self, endpoint: str, index: str, *, seconds: int = 10, pause: Callable[[float], None] = time.sleep
    ) -> None:
        session = boto3.Session()
        self._endpoint, self._index, self._pause = endpoint, index, pause
        self._credentials: Any = session.get_credentials()
        self._region = session.region_name
        self._http = URLLib3Session(timeout=seconds)

    def add(self, pieces: Iterable[Piece]) -> list[str]:
        """Add the pieces; the ids that they were given, in their order. Not asked again when the answer is lost: the
        pieces might be there twice."""
        ids: list[str] = []
        for some in _parted(list(pieces)):
            lines: list[Any] = []
            for piece in some:
                lines += [{"index": {}}, {"piece": uuid.uuid4().hex, **vars(piece)}]
            answered = [item["index"] for item in self._bulk(lines, again=False)]
            ids += [item["_id"] for item in answered if item["status"] in {200, 201}]
            failed = [item for item in answered if item["status"] not in {200, 201}]
            if failed:
                self.remove(ids)
                raise _problem(failed[0]["status"], failed[0].get("error"))
        return ids

    def remove(self, ids: Sequence[str]) -> None:
        """Remove what has these ids, or had."""
        for some in _parted(ids):
            for item in self._bulk([{"delete": {"_id": one}} for one in some], again=True):
                if item["delete"]["status"] not in {200, 404}:
                    raise _problem(item["delete"]["status"], item["delete"].get("error"))

    def ids(self, repository: str, path: str | None = None) -> Iterator[str]:
        """The ids of all that can be seen of a repository, or of one page of it."""
        terms = [{"term": {"repository": repository}}, *([{"term": {"path": path}}] if path is not None else [])]
        after: list[Any] | None = None
        while True:
            request: dict[str, Any] = {
                "query": {"bool": {"filter": terms}}, "_source": False, "size": _PAGE, "sort": [{"piece": "asc"}],
            }  # fmt: skip
            if after is not None:
                request["search_after"] = after
            hits = self._search(request)
            yield from (hit["_id"] for hit in hits)
            if len(hits) < _PAGE:
                return
            after = hits[-1]["sort"]

    def match(self, text: str, size: int, repository: str | None = None) -> list[Hit]:
        """The pieces with the words of the text, the best first."""
        words = {"multi_match": {"query": text, "fields": ["title^2", "text"]}}
        return self._hits({"bool": {"must": [words], "filter": _only(repository)}}, size)

    def nearest(self, vector: Sequence[float], size: int, repository: str | None = None) -> list[Hit]:
        """The pieces nearest to the vector, the nearest first."""
        asked: dict[str, Any] = {"vector": vector, "k": size}
        if repository is not None:
            asked["filter"] = {"bool": {"filter": _only(repository)}}
        return self._hits({"knn": {"embedding": asked}}, size)

    def _hits(self, query: Mapping[str, Any], size: int) -> list[Hit]:
        source = ["repository", "path", "hash", "title", "text"]
        found = self._search({"query": query, "size": size, "_source": source})
        return [Hit(**hit["_source"]) for hit in found]

    def _search(self, request: Mapping[str, Any]) -> list[dict[str, Any]]:
        body = json.dumps(request).encode()
        return self._ask("POST", f"/{self._index}/_search", body, "application/json", again=True)["hits"]["hits"]

    def _bulk(self, lines: Sequence[Any], *, again: bool) -> list[dict[str, Any]]:
        body = "".join(json.dumps(line) + "\n" for line in lines).encode()
        return self._ask("POST", f"/{self._index}/_bulk", body, "application/x-ndjson", again=again)["items"]

    def _ask(self, method: str, path: str, body: bytes, kind: str, *, again: bool, attempts: int = 4) -> Any:
        for attempt in range(attempts):
            last = attempt + 1 == attempts
            # A collection refuses what does not say the hash of its body (serverless-clients in the developer guide).
            headers = {"content-type": kind, "x-amz-content-sha256": sha256(body).hexdigest()}
            request = AWSRequest(method, self._endpoint + path, headers, data=body)
            SigV4Auth(self._credentials.get_frozen_credentials(), "aoss", self._region).add_auth(request)
            context, status = {"trace.start": time.time()}, None
            try:
                answer = self._http.send(request.prepare())
                status = answer.status_code
            except (ConnectionError, HTTPClientError) as error:
                if last or not again:
                    raise IndexUnavailable(f"the index does not answer: {type(error).__name__}") from error
            else:
                if status < 300:
                    return json.loads(answer.content)
                if last or status not in (_REFUSED if again else _NOT_DONE):
                    raise _problem(status, answer.text[:500])
            finally:
                trace.part("OpenSearch", context, status, path.rpartition("/")[2])
            self._pause(wait(attempt, base=0.2, most=5))
        raise AssertionError("the last attempt answers or raises")


def _only(repository: str | None) -> list[dict[str, Any]]:
    return [{"term": {"repository": repository}}] if repository is not None else []


def _parted(things: Sequence[_T]) -> Iterator[Sequence[_T]]:
    return (things[start : start + MOST_AT_ONCE] for start in range(0, len(things), MOST_AT_ONCE))


def _problem(status: int, detail: object) -> Exception:
    kind = IndexUnavailable if status in _REFUSED or status >= 500 else IndexRefused
    return kind(f"the index answers {status}: {detail}")
