"""The API: repositories, pages and searches, what it writes down of them, and what it does while others are away."""

from __future__ import annotations

import io
import json
import logging
import signal
import socket
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from api import trace
from api.bedrock import Breaker
from fastapi.testclient import TestClient
from wiki import logs
from wiki.main import create_app
from wiki.settings import Settings

from components.compute.trace_collector import TraceCollectorArgs
from tests.conftest import PATIENCE
from tests.workloads.conftest import until
from tests.workloads.embedded_metrics import extracted
from tests.workloads.serving import served
from tests.workloads.wiki.conftest import Account
from tests.workloads.wiki.test_laws import ENOUGH

ROOT = "1-67891233-abcdef012345678912345678"
FILES = {
    "count/words.py": "counts words in a text", "sort/quick.py": "sorts numbers quickly",
    "docs/ja.md": "単語を数える 文書", "count/letters.py": "counts letters",
}  # fmt: skip


@pytest.fixture
def client(account: Account) -> Iterator[TestClient]:
    models = account.models(attempts=2)
    app = create_app(account.settings, account.store(), account.index(), models)
    with TestClient(app, raise_server_exceptions=False) as made:
        yield made


@pytest.fixture
def written(account: Account, client: TestClient) -> TestClient:
    """A wiki with the pages of one repository."""
    account.github.commit("o/r", FILES)
    assert client.post("/repositories", json={"repository": "O/R"}).status_code == 202
    account.work()
    account.bedrock.embedded.clear()
    return client


def found(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [one["path"] for one in answer.json()["results"]]


def test_a_repository_is_taken_in_written_read_and_removed(account: Account, client: TestClient) -> None:
    account.github.commit("o/r", FILES)
    asked = client.post("/repositories", json={"repository": "o/r"})
    assert asked.status_code == 202
    job = f"/jobs/{asked.json()['job']}"
    assert client.get(job).json()["state"] == "queued"
    account.work()
    assert client.get(job).json()["state"] == "done"
    assert [one["repository"] for one in client.get("/repositories").json()] == ["o/r"]
    assert client.get("/repositories/o/r").json()["commit"] == account.github.name("o/r", 0)
    pages = client.get("/repositories/o/r/pages").json()
    assert [page["path"] for page in pages] == ["count", "docs", "sort"]
    assert "counts words" in client.get("/repositories/O/R/pages/count").json()["text"]
    client.delete("/repositories/o/r")
    account.work()
    for gone in ("/repositories/o/r", "/repositories/o/r/pages/count"):
        assert client.get(gone).status_code == 404


def test_what_is_asked_for_again_is_analysed_again(account: Account, written: TestClient) -> None:
    account.github.commit("o/r", {"new/x.py": "is new"})
    asked = written.post("/repositories/o/r/analyses")
    assert asked.status_code == 202
    assert asked.json()["job"] in [one["id"] for one in written.get("/repositories/o/r/jobs").json()]
    account.work()
    jobs = written.get("/repositories/o/r/jobs", params={"limit": 1})
    assert [one["state"] for one in jobs.json()] == ["done"]
    assert written.get("/repositories/o/none/jobs").status_code == 404
    assert [page["path"] for page in written.get("/repositories/o/r/pages").json()] == ["new"]


def test_what_makes_no_sense_is_refused(account: Account, client: TestClient) -> None:
    asked: list[tuple[str, str, Any, int]] = [
        ("POST", "/repositories", {"repository": "no slash"}, 422),
        ("POST", "/repositories", {"repository": "o/r", "more": 1}, 422),
        ("POST", "/repositories", {"repository": "x" * 5000}, 413),
        ("GET", "/repositories/o/nowhere", None, 404),
        ("GET", "/repositories/o/nowhere/pages", None, 404),
        ("POST", "/repositories/o/nowhere/analyses", None, 404),
        ("DELETE", "/repositories/o/nowhere", None, 404),
        ("GET", "/jobs/nothing", None, 404),
        ("GET", "/search?q=x&mode=magic", None, 422),
        ("GET", "/search?q=x&limit=51", None, 422),
        ("GET", "/search?q=", None, 422),
        ("GET", "/search?q=x&repository=../x", None, 422),
    ]
    for method, path, body, status in asked:
        assert client.request(method, path, json=body).status_code == status, path
    assert account.waiting() == 0


@pytest.mark.covers("D3")
@pytest.mark.parametrize("mode", ["text", "vector", "hybrid"])
def test_pages_are_found_by_words_by_meaning_and_by_both(account: Account, written: TestClient, mode: str) -> None:
    answer = written.get("/search", params={"q": "counts words", "mode": mode})
    assert found(answer)[0] == "count"
    assert (answer.json()["mode"], answer.json()["degraded"]) == (mode, False)
    assert len(account.bedrock.embedded) == (mode != "text")
    assert found(written.get("/search", params={"q": "単語", "mode": mode}))[0] == "docs"
    assert found(written.get("/search", params={"q": "counts", "mode": mode, "repository": "o/other"})) == []
    assert len(found(written.get("/search", params={"q": "counts", "mode": mode, "limit": 1}))) == 1


@pytest.mark.parametrize("mode", ["vector", "hybrid"])
def test_without_a_model_words_still_find_and_the_answer_says_so(
    account: Account, written: TestClient, mode: str
) -> None:
    account.bedrock.down = True
    answer = written.get("/search", params={"q": "counts words", "mode": mode})
    assert found(answer) == ["count"]
    assert (answer.json()["mode"], answer.json()["degraded"]) == ("text", True)
    assert written.get("/search", params={"q": "counts", "mode": "text"}).json()["degraded"] is False
    assert written.get("/health").status_code == written.get("/ready").status_code == 200
    account.bedrock.down = False
    assert written.get("/search", params={"q": "counts"}).json()["degraded"] is False


def test_without_parameters_words_still_find(account: Account, written: TestClient) -> None:
    account.tell(embedder__id=None)
    models = account.models()
    with TestClient(create_app(account.settings, account.store(), account.index(), models)) as client:
        assert client.get("/search", params={"q": "counts"}).json()["degraded"] is True
    # Whoever has read them goes by what it has read.
    assert found(written.get("/search", params={"q": "counts words"}))[0] == "count"


def test_where_bedrock_cannot_be_reached_words_still_find(
    account: Account, written: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert found(written.get("/search", params={"q": "counts words"}))[0] == "count"
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "http://127.0.0.1:1")
    app = create_app(account.settings, account.store(), account.index(), account.models(attempts=1))
    with TestClient(app) as client:
        answer = client.get("/search", params={"q": "counts words"})
    assert (found(answer), answer.json()["degraded"]) == (["count"], True)


def test_the_program_serves_until_it_is_told_to_stop(account: Account) -> None:
    with served("wiki", **account.environment, LINGER_SECONDS="60", DRAIN_SECONDS="70") as program:
        assert httpx.get(f"{program.address}/ready").json() == {"status": "ready"}
        assert httpx.get(f"{program.address}/search", params={"q": "x"}).json()["results"] == []
        program.process.send_signal(signal.SIGTERM)
        # Whoever sends requests may not know yet.
        until(lambda: httpx.get(f"{program.address}/repositories").headers.get("connection") == "close")
        program.process.send_signal(signal.SIGTERM)
        assert program.process.wait(PATIENCE) in {0, -signal.SIGTERM}
        kinds = [line.get("kind") for line in program.records()]
    assert "access" in kinds


def test_a_model_that_is_down_is_not_asked_at_each_search(account: Account) -> None:
    models = account.models(attempts=1)
    models.breaker = Breaker(most_failures=2, open_seconds=1000)
    asked: list[int] = []
    account.bedrock.down = True
    answer = models.runtime.invoke_model
    models.runtime.invoke_model = lambda **given: asked.append(1) or answer(**given)
    with TestClient(create_app(account.settings, account.store(), account.index(), models)) as client:
        for _ in range(5):
            assert client.get("/search", params={"q": "words"}).json()["degraded"] is True
    assert len(asked) == 2


def test_what_the_index_still_shows_of_a_page_that_is_no_more_is_not_found(
    account: Account, written: TestClient
) -> None:
    account.collection.at_once = False
    account.github.commit("o/r", {**FILES, "sort/quick.py": "sorts names slowly", "count/words.py": "", "x/y.py": "y"})
    account.github.repositories["o/r"][-1].pop("docs/ja.md")
    written.post("/repositories/o/r/analyses")
    account.work()
    for mode in ("text", "vector", "hybrid"):
        assert "docs" not in found(written.get("/search", params={"q": "単語", "mode": mode}))
        assert "sort" not in found(written.get("/search", params={"q": "numbers quickly", "mode": mode}))
    account.collection.settle()
    assert found(written.get("/search", params={"q": "names slowly", "mode": "text"})) == ["sort"]


def test_pieces_of_one_page_are_one_result(account: Account, client: TestClient) -> None:
    account.bedrock.compose = lambda _: "# Long\n\n" + "counts words again and again. " * 200
    account.github.commit("o/r", {"src/a.py": "x"})
    client.post("/repositories", json={"repository": "o/r"})
    account.work()
    assert len(account.collection.documents) > 3
    assert found(client.get("/search", params={"q": "counts words"})) == ["src"]


def test_while_the_index_is_away_searches_say_so_and_pages_can_be_read(account: Account, written: TestClient) -> None:
    account.collection.failures = [503] * 100
    answer = written.get("/search", params={"q": "x", "mode": "text"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert written.get("/repositories/o/r/pages/count").status_code == 200


# --- Logs, metrics and traces ----------------------------------------------------------------------------------------


@pytest.fixture
def lines(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:  # noqa: ARG001 writes
    """What the application writes, once the test has asked."""
    for name in ("httpx", "werkzeug"):
        monkeypatch.setattr(logging.getLogger(name), "disabled", True)
    stream = io.StringIO()
    handler = logging.getLogger().handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    before = handler.setStream(stream)
    collected: list[dict[str, Any]] = []
    yield collected
    if before is not None:
        handler.setStream(before)


def said(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    handler = logging.getLogger().handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    lines[:] = [json.loads(line) for line in handler.stream.getvalue().splitlines()]
    return lines


@pytest.mark.covers("D12")
def test_the_log_has_four_kinds(account: Account, client: TestClient, lines: list[dict[str, Any]]) -> None:
    client.post("/repositories", json={"repository": "o/r"}, headers={"X-User": "ada"})
    logging.getLogger("wiki").info("something else")
    account.collection.failures = [503] * 10
    client.get("/search", params={"q": "secret words", "mode": "text"})
    kinds = {line["kind"]: line for line in said(lines)}
    assert set(kinds) == {"access", "application", "audit", "error"}
    assert {name: kinds["audit"][name] for name in ("actor", "action", "target", "outcome")} == {
        "actor": "ada", "action": "add-repository", "target": "o/r", "outcome": "added",
    }  # fmt: skip
    assert (kinds["access"]["path"], kinds["access"]["status"]) == ("/search", 503)
    assert "a store does not answer" in kinds["error"]["message"]
    assert "secret words" not in json.dumps(lines)


def test_a_request_that_fails_is_an_access_and_its_stack_an_error(
    client: TestClient, lines: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wiki.main._repository", lambda _: 1 / 0)
    monkeypatch.setattr("wiki.store.Store.repositories", lambda _: [{}])
    assert client.get("/repositories").status_code == 500
    access, error = said(lines)
    assert (access["kind"], access["status"]) == ("access", 500)
    assert "ZeroDivisionError" not in access["message"]
    assert error["kind"] == "error"
    assert "ZeroDivisionError" in error["message"]
    assert access["trace_id"] == error["trace_id"]


def test_audit_lines_are_written_whatever_the_level() -> None:
    stream = io.StringIO()
    logs.write("wiki", "ERROR")
    handler = logging.getLogger().handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream)
    logs.audit("ada", "analyse", "o/r", "asked for")
    logging.getLogger("wiki").info("not this")
    assert [json.loads(line)["kind"] for line in stream.getvalue().splitlines()] == ["audit"]


@pytest.mark.covers("D12")
def test_what_the_application_counts_is_in_its_log(written: TestClient, capsys: pytest.CaptureFixture[str]) -> None:
    written.get("/search", params={"q": "counts"})
    # As CloudWatch finds it in each line that the log router hands on.
    lines = capsys.readouterr().out.splitlines()
    counted = {one.name: one for line in lines for one in extracted(line, arrival_ms=time.time() * 1000)}
    assert [(counted[name].value, counted[name].unit) for name in ("Searches", "SearchesDegraded")] == [
        (1, "Count"), (0, "Count"),
    ]  # fmt: skip
    assert counted["SearchTime"].unit == "Seconds"
    assert {(one.namespace, one.dimensions) for one in counted.values()} == {("wiki-test", (("Service", "wiki"),))}


@pytest.fixture
def daemon(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The daemon of X-Ray, as far as it listens."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(0.5)
        monkeypatch.setenv("AWS_XRAY_DAEMON_ADDRESS", f"127.0.0.1:{listener.getsockname()[1]}")
        yield listener


def told(daemon: socket.socket) -> list[dict[str, Any]]:
    segments = []
    while True:
        try:
            header, _, document = daemon.recv(65_536).partition(b"\n")
        except TimeoutError:
            return segments
        assert json.loads(header) == {"format": "json", "version": 1}
        segments.append(json.loads(document))


@pytest.mark.covers("D13")
def test_a_request_goes_on_with_its_callers_trace_as_do_the_log_and_the_job(
    account: Account, client: TestClient, lines: list[dict[str, Any]], daemon: socket.socket
) -> None:
    header = f"Root={ROOT};Parent=53995c3f42cd8ad8;Sampled=1"
    answer = client.post("/repositories", json={"repository": "o/r"}, headers={"X-Amzn-Trace-Id": header})
    assert answer.headers["x-amzn-trace-id"] == f"Root={ROOT}"
    assert {line["trace_id"] for line in said(lines) if "kind" in line} == {ROOT}
    [segment] = told(daemon)
    assert (segment["trace_id"], segment["parent_id"], segment["name"]) == (ROOT, "53995c3f42cd8ad8", "wiki")
    assert {part["name"] for part in segment["subsegments"]} == {"DynamoDB", "SQS"}
    assert {part["aws"]["operation"] for part in segment["subsegments"]} == {"PutItem", "SendMessage"}
    assert all(part["namespace"] == "aws" and part["end_time"] >= part["start_time"] for part in segment["subsegments"])
    message = account.client("sqs").receive_message(
        QueueUrl=account.environment["QUEUE_URL"], MessageSystemAttributeNames=["AWSTraceHeader"]
    )["Messages"][0]
    assert message["Attributes"]["AWSTraceHeader"] == f"Root={ROOT};Parent={segment['id']};Sampled=1"


def test_the_search_is_part_of_the_trace(written: TestClient, daemon: socket.socket) -> None:
    written.get("/search", params={"q": "x"}, headers={"X-Amzn-Trace-Id": f"Root={ROOT};Sampled=1"})
    names = {part["name"] for part in told(daemon)[-1]["subsegments"]}
    assert names == {"Bedrock Runtime", "OpenSearch", "DynamoDB", "SSM"}


@pytest.mark.covers("D13")
def test_what_was_not_sampled_is_told_of_only_where_it_fails(
    account: Account, written: TestClient, daemon: socket.socket
) -> None:
    header = {"X-Amzn-Trace-Id": f"Root={ROOT};Sampled=0"}
    written.get("/repositories", headers=header)
    written.get("/health", headers={"X-Amzn-Trace-Id": f"Root={ROOT};Sampled=1"})
    assert told(daemon) == []
    account.collection.failures = [503] * 10
    written.get("/search", params={"q": "x", "mode": "text"}, headers=header)
    [segment] = told(daemon)
    assert segment["fault"] is True
    assert [part for part in segment["subsegments"] if part.get("fault")]


@pytest.mark.covers("D13")
def test_a_tenth_is_sampled_where_nobody_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    share = Settings.read(ENOUGH).sampled_share
    shares = iter([0.05, 0.15, 0.5])
    monkeypatch.setattr("api.trace.random.random", lambda: next(shares))
    assert [trace.begun("wiki", None, share).sampled for _ in range(2)] == [True, False]
    assert trace.begun("wiki", f"Root={ROOT};Sampled=?", share).sampled is False


@pytest.mark.covers("D13")
@pytest.mark.parametrize(("percent", "told_of"), [(100, 1), (0, 0)])
def test_the_share_of_the_stack_decides_where_nobody_did(
    account: Account, daemon: socket.socket, percent: float, told_of: int
) -> None:
    account.environment |= TraceCollectorArgs(sample_percent=percent).environment("wiki-dev-api")
    with TestClient(create_app(account.settings, account.store(), account.index(), account.models())) as client:
        client.get("/repositories")
    assert len(told(daemon)) == told_of
    account.ask("o/r")
    account.work()
    assert len(told(daemon)) == told_of


@pytest.mark.parametrize("header", ["", "Root=nonsense;Parent=x;Sampled=1", "Root", "Root=1-0-0\r\nX: y", ";;="])
def test_a_header_that_is_none_begins_a_new_trace(header: str) -> None:
    made = trace.begun("wiki", header, 0.1)
    assert made.root != ROOT
    assert made.parent is None
    assert len(made.root) == len(ROOT)


def test_a_segment_with_very_many_parts_still_fits_into_a_datagram(daemon: socket.socket) -> None:
    with trace.segment("wiki", f"Root={ROOT};Sampled=1", 0):
        for _ in range(2000):
            trace.part("DynamoDB", {"trace.start": 1.0}, 200, "GetItem")
    [segment] = told(daemon)
    assert 100 < len(segment["subsegments"]) < 2000
