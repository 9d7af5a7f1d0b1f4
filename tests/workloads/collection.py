"""A stand-in for a collection of OpenSearch Serverless: the part of its HTTP API that creates and describes indexes.

It checks each request as the service does: signed for `aoss` by SigV4 with the hash of the body among the signed
headers, from a principal that is admitted, and with a body that OpenSearch takes for an index
(https://docs.opensearch.org/latest/api-reference/index-apis/create-index/,
https://docs.opensearch.org/latest/mappings/supported-field-types/knn-vector/). What it cannot know: how long a policy
takes to spread, and which of OpenSearch's many settings a collection takes beside those of k-NN.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

ACCESS_KEY, SECRET_KEY, REGION = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "ap-northeast-1"

_ENGINES: Final = {"faiss": {"l2", "innerproduct"}, "nmslib": {"l2", "l1", "linf", "innerproduct", "cosinesimil"}}
_TYPES: Final = {"boolean", "date", "double", "float", "integer", "keyword", "knn_vector", "long", "object", "text"}
_ANALYZERS: Final = {"standard", "simple", "whitespace", "stop", "cjk", "english"}


@dataclass(frozen=True)
class Fault:
    """What is answered instead of the truth."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    reason: str = "injected"
    done: bool = False
    """Whether the request is carried out all the same, and only its answer lost."""


@dataclass
class Collection:
    """Its indexes, what it was asked, and what it will answer wrongly first."""

    url: str = ""
    indexes: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Fault | tuple[int, Any]:
        self.asked.append((method, path))
        refusal = unsigned(method, path, headers, body)
        if refusal is not None:
            return 403, {"status": 403, "error": {"type": "Forbidden", "reason": refusal}}
        fault = self.faults.pop(0) if self.faults else None
        if fault is None or fault.done:
            told = self._told(method, path, body)
            return fault if fault is not None else told
        return fault

    def _told(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        index = path.strip("/")
        if method == "GET":
            return (
                (200, {index: self.indexes[index]}) if index in self.indexes else _error(404, "index_not_found", index)
            )
        if method != "PUT":
            return _error(405, "method_not_allowed", method)
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", index):
            return _error(400, "invalid_index_name_exception", f"Invalid index name [{index}]")
        if index in self.indexes:
            return _error(400, "resource_already_exists_exception", f"index [{index}] already exists")
        try:
            given = json.loads(body)
        except ValueError:
            return _error(400, "parse_exception", "request body is not JSON")
        wrong = _body_error(given)
        if wrong is not None:
            return wrong
        self.indexes[index] = _described(index, given)
        return 200, {"acknowledged": True, "shards_acknowledged": True, "index": index}


def unsigned(method: str, path: str, headers: dict[str, str], body: bytes) -> str | None:
    """Why a collection lets nobody in by this signature, by working it out again; the path with its query
    (docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-clients.html)."""
    matched = re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, "
        r"SignedHeaders=([^,]+), Signature=([0-9a-f]{64})",
        headers.get("authorization", ""),
    )
    if matched is None:
        return "not signed by SigV4"
    key, _day, region, service, names, signature = matched.groups()
    if (key, region, service) != (ACCESS_KEY, REGION, "aoss"):
        return f"signed by {key} for {service} in {region}"
    if headers.get("x-amz-content-sha256") != hashlib.sha256(body).hexdigest():
        return "x-amz-content-sha256 is not the hash of the body"
    if not {"host", "x-amz-content-sha256", "x-amz-date"} <= set(names.split(";")):
        return f"signed are only {names}"
    signed = {name: headers[name] for name in names.split(";") if name != "host"}
    request = AWSRequest(method=method, url=f"http://{headers['host']}{path}", data=body, headers=signed)
    request.context["timestamp"] = headers["x-amz-date"]
    auth = SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), service, region)
    expected = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    return None if expected == signature else "the signature does not match"


def _error(status: int, kind: str, reason: str) -> tuple[int, Any]:
    return status, {"status": status, "error": {"type": kind, "reason": reason, "root_cause": []}}


def _body_error(body: Any) -> tuple[int, Any] | None:
    for part in sorted(set(body) - {"settings", "mappings", "aliases"}):
        return _error(400, "parse_exception", f"unknown key [{part}] for create index")
    index = body.get("settings", {}).get("index", {})
    for setting in sorted(set(index) - {"knn", "knn.algo_param.ef_search"}):
        return _error(400, "illegal_argument_exception", f"unknown setting [index.{setting}]")
    for name, described in body.get("mappings", {}).get("properties", {}).items():
        kind = described.get("type")
        if kind not in _TYPES:
            return _error(400, "mapper_parsing_exception", f"No handler for type [{kind}] declared on field [{name}]")
        if described.get("analyzer", "standard") not in _ANALYZERS:
            return _error(
                400, "mapper_parsing_exception", f"analyzer [{described['analyzer']}] has not been configured"
            )
        if kind == "knn_vector":
            wrong = _vector_error(name, described)
            if wrong is not None:
                return wrong
            if index.get("knn") is not True:
                return _error(400, "mapper_parsing_exception", "Cannot set method without index.knn")
    return None


def _vector_error(name: str, described: dict[str, Any]) -> tuple[int, Any] | None:
    dimension, method = described.get("dimension"), described.get("method", {})
    if not isinstance(dimension, int) or not 1 <= dimension <= 16_000:
        return _error(400, "mapper_parsing_exception", f"Dimension value of {name} must be 1 to 16000")
    if method.get("name") != "hnsw" or method.get("engine") not in _ENGINES:
        return _error(400, "mapper_parsing_exception", f"Invalid method of {name}: {method}")
    if method.get("space_type") not in _ENGINES[method["engine"]]:
        return _error(400, "mapper_parsing_exception", f"Invalid space type of {name}")
    return None


def _described(index: str, given: dict[str, Any]) -> dict[str, Any]:
    """As OpenSearch tells it: settings as texts, dots as nesting, and its own beside."""
    settings: dict[str, Any] = {"uuid": f"uuid-of-{index}", "number_of_shards": "2", "provided_name": index}
    for name, value in given["settings"]["index"].items():
        head, _, rest = name.rpartition(".")
        text = str(value).lower() if isinstance(value, bool) else str(value)
        settings |= {head: {rest: text}} if head else {name: text}
    return {"aliases": {}, "mappings": given["mappings"], "settings": {"index": settings}}


@contextmanager
def serving() -> Iterator[Collection]:
    """A collection that answers on this machine."""
    collection = Collection()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _handle(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            told = collection.answer(self.command, self.path, headers, body)
            if isinstance(told, Fault):
                if told.status == 0:
                    self.close_connection = True
                    return
                status, more = told.status, told.headers
                answer = {"status": status, "error": {"type": "injected", "reason": told.reason}}
            else:
                (status, answer), more = told, {}
            text = json.dumps(answer).encode()
            self.send_response(status)
            for name, value in {"content-type": "application/json", "content-length": str(len(text)), **more}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_PUT = do_POST = do_DELETE = _handle  # noqa: N815 as the base class calls them

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 as the base class
            """Nothing: the tests look at what was asked."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collection.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01), daemon=True)
    thread.start()
    try:
        yield collection
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
