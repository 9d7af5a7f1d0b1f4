"""Stand-ins of what no emulator has: a collection of OpenSearch Serverless, the models of Bedrock, and GitHub's API.

Each refuses what the real one refuses, as far as its documents say. What they cannot show: how well real models write,
what their vectors and the Japanese analyzer find, and how long a real collection takes to show what was written.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

import botocore.session
from botocore.validate import ParamValidator

from tests.workloads.collection import unsigned

DIMENSIONS = 1024


class Refusal(Exception):
    """An answer with an error."""

    def __init__(self, status: int, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.status, self.kind, self.reason = status, kind, reason


@dataclass
class Request:
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


Answer = tuple[int, dict[str, str], Any]


@contextmanager
def serving(answer: Callable[[Request], Answer]) -> Iterator[str]:
    """The address at which requests are answered."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            parts = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, added, said = answer(Request(self.command, parts.path, parts.query, headers, body))
            text = json.dumps(said).encode()
            self.send_response(status)
            for name, value in {"content-type": "application/json", **added}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PUT = do_DELETE = handle_any  # noqa: N815 as http.server finds them

        def log_message(self, format: str, *_: Any) -> None:  # noqa: A002 its name there
            """Nothing: the tests read what they want to know."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


# --- OpenSearch Serverless -------------------------------------------------------------------------------------------

_ANALYSIS = {
    "tokenizer": {"kuromoji_tokenizer", "icu_tokenizer", "standard", "whitespace", "keyword", "ngram"},
    "char_filter": {"icu_normalizer", "kuromoji_iteration_mark", "html_strip", "mapping"},
    "filter": {
        "kuromoji_baseform", "kuromoji_part_of_speech", "kuromoji_readingform", "kuromoji_stemmer", "ja_stop",
        "lowercase", "icu_folding", "stemmer", "stop", "cjk_width", "porter_stem",
    },
}  # fmt: skip
"""Of OpenSearch itself and of the plugins that a collection has: ICU and kuromoji among them."""

_SEARCH_KEYS = {"query", "size", "from", "_source", "sort", "search_after", "track_total_hits", "timeout"}


def _terms(text: str) -> set[str]:
    """Words of Latin letters, and pairs of others: what any analyzer for both languages finds at least."""
    words = set(re.findall(r"[a-z0-9_]+", text.lower()))
    others = re.findall(r"[^\x00-\x7f\s]+", text)
    return words | {run[at : at + 2] for run in others for at in range(max(1, len(run) - 1))}


@dataclass
class Collection:
    """A VECTORSEARCH collection with at most one index. It shows what was written after `settle`, or at once."""

    at_once: bool = True
    mapping: dict[str, Any] = field(default_factory=dict)
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    seen: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    failures: list[int] = field(default_factory=list)
    """Statuses of the next answers, which do nothing."""
    lose: int = 0
    """How many of the next writes are done and then answered with 504."""
    fail_items: int = 0
    """How many of the next documents are not taken, in an answer that is otherwise good."""
    _count: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def settle(self) -> None:
        self.seen = dict(self.documents)

    def answer(self, request: Request) -> Answer:
        with self._lock:
            self.requests.append(request)
            try:
                target = request.path + (f"?{request.query}" if request.query else "")
                if refused := unsigned(request.method, target, request.headers, request.body):
                    raise Refusal(403, "security_exception", refused)
                if self.failures:
                    raise Refusal(self.failures.pop(0), "rejected_execution_exception", "too many requests")
                said = self._routed(request)
                if self.at_once:
                    self.settle()
                if self.lose and request.path.endswith("/_bulk"):
                    self.lose -= 1
                    raise Refusal(504, "timeout", "the answer is lost")
                return 200, {}, said
            except Refusal as refusal:
                error = {"type": refusal.kind, "reason": refusal.reason}
                return refusal.status, {}, {"error": error, "status": refusal.status}

    def _routed(self, request: Request) -> Any:
        if request.query:
            raise Refusal(400, "illegal_argument_exception", f"unrecognized parameter: [{request.query}]")
        route = (request.method, *request.path.strip("/").split("/"))
        match route:
            case ("PUT", name) if not name.startswith("_"):
                return self._create(self._json(request))
            case ("POST", _, "_bulk"):
                return self._bulk(request)
            case ("POST", _, "_search"):
                return {"took": 1, "timed_out": False, "hits": {"hits": self._search(self._json(request))}}
            case _:
                # _refresh, _delete_by_query, _update_by_query and scrolling are not there.
                raise Refusal(404, "not_found", f"{request.method} {request.path}")

    @staticmethod
    def _json(request: Request) -> Any:
        if request.headers.get("content-type") != "application/json":
            raise Refusal(406, "media_type_header_exception", "content-type must be application/json")
        return json.loads(request.body)

    def _create(self, body: Mapping[str, Any]) -> Any:
        if self.mapping:
            raise Refusal(400, "resource_already_exists_exception", "the index is there")
        if set(body) - {"settings", "mappings", "aliases"}:
            raise Refusal(400, "parse_exception", "unknown key")
        index, mappings = body["settings"]["index"], body["mappings"]
        if index.get("knn") is not True:
            raise Refusal(400, "mapper_parsing_exception", "knn_vector needs index.knn")
        self._analysis(index.get("analysis", {}))
        analyzers = {"standard", "kuromoji", *index.get("analysis", {}).get("analyzer", {})}
        for name, said in mappings["properties"].items():
            if said["type"] not in {"keyword", "text", "date", "knn_vector"}:
                raise Refusal(400, "mapper_parsing_exception", f"[{name}] has another type")
            if said.get("analyzer", "standard") not in analyzers:
                raise Refusal(400, "mapper_parsing_exception", f"analyzer [{said['analyzer']}] has not been configured")
            if said["type"] == "knn_vector":
                method = said["method"]
                if method["name"] != "hnsw" or method["engine"] not in {"faiss", "nmslib"}:
                    raise Refusal(400, "mapper_parsing_exception", "a collection has HNSW of faiss and nmslib")
                if method["space_type"] not in {"l2", "innerproduct"} or not 1 <= said["dimension"] <= 16_000:
                    raise Refusal(400, "mapper_parsing_exception", "space or dimension")
        self.mapping = dict(mappings)
        return {"acknowledged": True}

    @staticmethod
    def _analysis(analysis: Mapping[str, Any]) -> None:
        for kind in ("tokenizer", "filter", "char_filter"):
            for said in analysis.get(kind, {}).values():
                if said["type"] not in _ANALYSIS[kind]:
                    raise Refusal(400, "illegal_argument_exception", f"Unknown {kind} type [{said['type']}]")
        for said in analysis.get("analyzer", {}).values():
            used = {"tokenizer": [said["tokenizer"]], "filter": said["filter"], "char_filter": said["char_filter"]}
            for kind, names in used.items():
                for name in names:
                    if name not in _ANALYSIS[kind] and name not in analysis.get(kind, {}):
                        raise Refusal(400, "illegal_argument_exception", f"failed to find {kind} [{name}]")

    def _bulk(self, request: Request) -> Any:
        if request.headers.get("content-type") not in {"application/x-ndjson", "application/json"}:
            raise Refusal(406, "media_type_header_exception", "content-type must be application/x-ndjson")
        if not request.body.endswith(b"\n"):
            raise Refusal(400, "illegal_argument_exception", "The bulk request must be terminated by a newline [\\n]")
        if len(request.body) > 10 * 1024 * 1024:
            raise Refusal(413, "request_too_large", "10 MiB")
        lines = [json.loads(line) for line in request.body.splitlines()]
        items = []
        while lines:
            action = lines.pop(0)
            if len(action) != 1 or (verb := next(iter(action))) not in {"index", "create", "delete", "update"}:
                raise Refusal(400, "illegal_argument_exception", f"Malformed action/metadata line: {action}")
            meta = action[verb]
            if set(meta) - {"_id", "_index"}:
                raise Refusal(400, "illegal_argument_exception", f"unknown parameter in action: {meta}")
            document = lines.pop(0) if verb != "delete" else None
            try:
                items.append({verb: self._done(verb, meta.get("_id"), document)})
            except Refusal as refusal:
                error = {"type": refusal.kind, "reason": refusal.reason}
                items.append({verb: {"status": refusal.status, "error": error}})
        return {"took": 1, "errors": any(next(iter(one.values()))["status"] >= 400 for one in items), "items": items}

    def _done(self, verb: str, identity: str | None, document: Mapping[str, Any] | None) -> dict[str, Any]:
        if verb == "delete":
            if identity is None:
                raise Refusal(400, "action_request_validation_exception", "an id must be provided")
            return {"_id": identity, "status": 200 if self.documents.pop(identity, None) else 404}
        if identity is not None or verb == "update":
            reason = "Document ID is not supported in create/index operation request"
            raise Refusal(400, "illegal_argument_exception", reason)
        assert document is not None
        if self.fail_items:
            self.fail_items -= 1
            raise Refusal(429, "rejected_execution_exception", "this shard is busy")
        for name, value in document.items():
            said = self.mapping["properties"].get(name)
            if said is None:
                reason = f"mapping set to strict, dynamic introduction of [{name}] is not allowed"
                raise Refusal(400, "strict_dynamic_mapping_exception", reason)
            if said["type"] == "knn_vector" and len(value) != said["dimension"]:
                raise Refusal(400, "mapper_parsing_exception", f"Vector dimension mismatch: {len(value)}")
            if said["type"] == "date" and not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", value):
                raise Refusal(400, "mapper_parsing_exception", f"failed to parse field [{name}]")
        self._count += 1
        # Ids of the service's own, from which nothing can be read.
        identity = f"1%3A0%3A{hashlib.sha256(str(self._count).encode()).hexdigest()[:20]}"
        self.documents[identity] = dict(document)
        return {"_id": identity, "status": 201}

    def _search(self, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        if unknown := set(body) - _SEARCH_KEYS:
            raise Refusal(400, "parsing_exception", f"Unknown key for {sorted(unknown)[0]}")
        size = body.get("size", 10)
        if not 0 <= size <= 10_000:
            raise Refusal(400, "illegal_argument_exception", "Result window is too large")
        score = self._clause(body.get("query", {"match_all": {}}))
        hits = [(identity, points, document) for identity, document in self.seen.items() if (points := score(document))]
        order = [next(iter(one.items())) for one in body.get("sort", [])]
        for name, _ in order:
            if self._type(name) not in {"keyword", "date"}:
                raise Refusal(400, "illegal_argument_exception", f"Fielddata is disabled on [{name}]")

        def place(document: Mapping[str, Any]) -> list[Any]:
            return [document[name] for name, _ in order]

        hits.sort(key=lambda hit: place(hit[2]) if order else [-hit[1]])
        if "search_after" in body:
            if len(body["search_after"]) != len(order) or not order:
                raise Refusal(400, "illegal_argument_exception", "search_after has another length than sort")
            hits = [hit for hit in hits if place(hit[2]) > body["search_after"]]
        wanted = body.get("_source", True)
        return [
            {
                "_index": "pages", "_id": identity, "_score": None if order else points,
                **({} if wanted is False else
                   {"_source": {name: document[name] for name in (document if wanted is True else wanted)}}),
                **({"sort": place(document)} if order else {}),
            }
            for identity, points, document in hits[:size]
        ]  # fmt: skip

    def _type(self, name: str) -> str:
        return self.mapping["properties"].get(name, {}).get("type", "unknown")

    def _clause(self, query: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], float]:
        """What says how well a document fits; 0 where it does not."""
        if len(query) != 1:
            raise Refusal(400, "parsing_exception", f"[{'-'.join(query)}] malformed query, expected one clause")
        [(name, said)] = query.items()
        match name:
            case "match_all":
                return lambda _: 1.0
            case "bool":
                if unknown := set(said) - {"must", "filter", "should", "must_not", "minimum_should_match"}:
                    raise Refusal(400, "x_content_parse_exception", f"[bool] unknown field {unknown}")
                must = [self._clause(one) for one in said.get("must", [])]
                kept = [self._clause(one) for one in said.get("filter", [])]
                return lambda document: (
                    (sum(one(document) for one in must) or (0.0 if must else 1.0))
                    if all(one(document) for one in [*kept, *must])
                    else 0.0
                )
            case "term":
                [(field_, value)] = said.items()
                if self._type(field_) != "keyword" or not isinstance(value, str):
                    raise Refusal(400, "parsing_exception", f"[term] on [{field_}] finds nothing")
                return lambda document: float(document[field_] == value)
            case "multi_match":
                if unknown := set(said) - {"query", "fields", "type", "operator", "fuzziness", "minimum_should_match"}:
                    raise Refusal(400, "parsing_exception", f"[multi_match] query does not support {unknown}")
                fields = [one.partition("^")[0] for one in said["fields"]]
                if any(self._type(one) != "text" for one in fields):
                    raise Refusal(400, "parsing_exception", "[multi_match] on what is no text")
                terms = _terms(said["query"])
                return lambda document: float(sum(len(terms & _terms(document[one])) for one in fields))
            case "knn":
                [(field_, asked)] = said.items()
                if unknown := set(asked) - {"vector", "k", "filter", "min_score", "max_distance", "method_parameters"}:
                    raise Refusal(400, "parsing_exception", f"[knn] unknown {unknown}")
                mapping = self.mapping["properties"].get(field_, {})
                if mapping.get("type") != "knn_vector" or len(asked["vector"]) != mapping["dimension"]:
                    raise Refusal(400, "illegal_argument_exception", "Query vector has invalid dimension")
                if not 1 <= asked["k"] <= 10_000:
                    raise Refusal(400, "illegal_argument_exception", "k must be from 1 to 10000")
                kept = self._clause(asked["filter"]) if "filter" in asked else lambda _: 1.0

                def near(document: Mapping[str, Any]) -> float:
                    distance = sum((a - b) ** 2 for a, b in zip(asked["vector"], document[field_], strict=True))
                    return 1 / (1 + distance) if kept(document) else 0.0

                best = sorted((near(document) for document in self.seen.values()), reverse=True)[: asked["k"]]
                return lambda document: points if (points := near(document)) in best else 0.0
            case _:
                raise Refusal(400, "parsing_exception", f"unknown query [{name}]")


# --- Bedrock ---------------------------------------------------------------------------------------------------------

_MODEL = botocore.session.get_session().get_service_model("bedrock-runtime")


def vector(text: str) -> list[float]:
    """Near for texts that share words."""
    numbers = [0.0] * DIMENSIONS
    for term in _terms(text):
        numbers[int(hashlib.sha256(term.encode()).hexdigest(), 16) % DIMENSIONS] += 1.0
    length = math.sqrt(sum(number * number for number in numbers)) or 1.0
    return [number / length for number in numbers]


@dataclass
class Bedrock:
    """Two models. Requests are held to botocore's model of the service and to the models' own rules."""

    written: list[dict[str, Any]] = field(default_factory=list)
    embedded: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    """Errors of the next answers, by their names."""
    down: bool = False
    stop_reason: str = "end_turn"
    working: threading.Event = field(default_factory=threading.Event)
    """Set when a page is asked for."""
    hold: threading.Event | None = None
    """Until it is set, no page is written."""
    compose: Callable[[str], str] = lambda material: f"# About {_folder(material)}\n\n{_told(material)}\n"

    def answer(self, request: Request) -> Answer:
        try:
            if self.down:
                raise Refusal(503, "ServiceUnavailableException", "down")
            if self.failures:
                name = self.failures.pop(0)
                raise Refusal(_MODEL.shape_for(name).metadata["error"]["httpStatusCode"], name, "as was asked for")
            found = re.fullmatch(r"/model/([^/]+)/(converse|invoke)", request.path)
            if request.method != "POST" or not found:
                raise Refusal(404, "UnknownOperationException", request.path)
            body = json.loads(request.body)
            said = self._converse if found[2] == "converse" else self._invoke
            return 200, {}, said(unquote(found[1]), body)
        except Refusal as refusal:
            return refusal.status, {"x-amzn-errortype": refusal.kind}, {"message": refusal.reason}

    def _converse(self, model: str, body: dict[str, Any]) -> Any:
        shape = _MODEL.operation_model("Converse").input_shape
        assert shape is not None
        report = ParamValidator().validate({**body, "modelId": model}, shape)
        if report.has_errors():
            raise Refusal(400, "ValidationException", report.generate_report())
        config = body.get("inferenceConfig", {})
        for name in ("temperature", "topP"):
            if not 0 <= config.get(name, 0) <= 1:
                raise Refusal(400, "ValidationException", f"{name} is out of range")
        version = re.search(r"claude-\w+-(\d)-(\d)-", model)
        if version and (int(version[1]), int(version[2])) >= (4, 5) and {"temperature", "topP"} <= set(config):
            reason = "`temperature` and `top_p` cannot both be specified for this model. Please use only one."
            raise Refusal(400, "ValidationException", reason)
        roles = [one["role"] for one in body["messages"]]
        if roles != [("user", "assistant")[at % 2] for at in range(len(roles))] or roles[-1] != "user":
            reason = "A conversation must start with a user message and alternate between user and assistant roles."
            raise Refusal(400, "ValidationException", reason)
        if any(not block["text"].strip() for one in body["messages"] for block in one["content"] if "text" in block):
            raise Refusal(400, "ValidationException", "The text field in the ContentBlock object is blank.")
        content = body["messages"][-1]["content"][-1]
        given = content["guardContent"]["text"]["text"] if "guardContent" in content else content["text"]
        self.written.append({"modelId": model, **body})
        self.working.set()
        if self.hold is not None:
            self.hold.wait(60)
        # What a guardrail says instead of an answer is not the model's.
        text = self.compose(given) if self.stop_reason in {"end_turn", "max_tokens"} else ""
        return {
            "output": {"message": {"role": "assistant", "content": [{"text": text}]}}, "stopReason": self.stop_reason,
            "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}, "metrics": {"latencyMs": 1},
        }  # fmt: skip

    def _invoke(self, model: str, body: dict[str, Any]) -> Any:
        """docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html"""
        if model != "amazon.titan-embed-text-v2:0":
            raise Refusal(404, "ResourceNotFoundException", f"there is no model {model} here")
        if set(body) - {"inputText", "dimensions", "normalize", "embeddingTypes"} or not body.get("inputText"):
            raise Refusal(400, "ValidationException", "Malformed input request")
        if len(body["inputText"]) > 50_000 or body.get("dimensions", 1024) not in {256, 512, 1024}:
            raise Refusal(400, "ValidationException", "too long, or another dimension")
        self.embedded.append(body["inputText"])
        return {"embedding": vector(body["inputText"])[: body["dimensions"]], "inputTextTokenCount": 1}


def _folder(material: str) -> str:
    found = re.search("<folder>(.*?)</folder>", material)
    return found[1] if found else "?"


def _told(material: str) -> str:
    return " ".join(re.findall(r'(?s)<file path="[^"]*">\n(.*?)\n</file>', material))


# --- GitHub ----------------------------------------------------------------------------------------------------------


@dataclass
class GitHub:
    """Repositories with one branch, which only a token may read."""

    token: str = "ghp_of_the_tests"  # noqa: S105 opens nothing
    repositories: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    """The files of each commit, by path; the last commit is the branch's."""
    failures: list[int] = field(default_factory=list)
    limited: bool = False
    requests: list[str] = field(default_factory=list)

    def commit(self, repository: str, files: dict[str, str]) -> str:
        commits = self.repositories.setdefault(repository, [])
        commits.append(files)
        return self.name(repository, len(commits) - 1)

    @staticmethod
    def name(repository: str, number: int) -> str:
        return hashlib.sha1(f"{repository} {number}".encode(), usedforsecurity=False).hexdigest()

    @staticmethod
    def blob(text: str) -> str:
        return hashlib.sha1(f"blob {len(text.encode())}\0{text}".encode(), usedforsecurity=False).hexdigest()

    def answer(self, request: Request) -> Answer:
        self.requests.append(request.path)
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return 401, {}, {"message": "Bad credentials"}
        if self.limited:
            return 403, {"x-ratelimit-remaining": "0"}, {"message": "API rate limit exceeded"}
        if self.failures:
            return self.failures.pop(0), {}, {"message": "unavailable"}
        found = re.fullmatch(r"/repos/([\w.-]+/[\w.-]+)/(commits|git/trees|git/blobs)/(\w+)", request.path)
        if not found or found[1] not in self.repositories or not request.headers.get("user-agent"):
            return 404, {}, {"message": "Not Found"}
        commits = self.repositories[found[1]]
        names = [self.name(found[1], number) for number in range(len(commits))]
        if found[2] == "commits":
            return 200, {}, {"sha": names[-1]}
        if found[2] == "git/trees":
            files = commits[names.index(found[3])] if found[3] in names else None
            if files is None or request.query != "recursive=1":
                return 404, {}, {"message": "Not Found"}
            folders = {path.rpartition("/")[0] for path in files} - {""}
            tree = [{"path": path, "type": "tree", "sha": "0" * 40} for path in sorted(folders)]
            tree += [
                {"path": path, "type": "blob", "sha": self.blob(text), "size": len(text.encode())}
                for path, text in files.items()
            ]
            return 200, {}, {"sha": found[3], "tree": tree, "truncated": False}
        texts = {self.blob(text): text for files in commits for text in files.values()}
        text = texts.get(found[3])
        if text is None:
            return 404, {}, {"message": "Not Found"}
        return 200, {}, {"content": base64.encodebytes(text.encode()).decode(), "encoding": "base64"}
