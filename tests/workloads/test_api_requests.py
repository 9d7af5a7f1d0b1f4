"""Requests that are too large, that are no JSON, or that come behind a prefix, and what the api says of itself."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import boto3
import httpx
import pytest
from api import locks
from api.items import ItemsInMemory, ItemsInPostgres, NewItem
from api.main import MOST_BODY_BYTES, create_app
from api.settings import Database, Settings
from api.table import ItemsInTable
from fastapi.testclient import TestClient
from moto.server import ThreadedMotoServer

from components.edge.web_acl import LARGEST_BODY_BYTES
from tests.conftest import PATIENCE
from tests.workloads.network import relay
from tests.workloads.postgres import PASSWORD, free_port
from tests.workloads.serving import Api, served

ROOT = Path(__file__).resolve().parents[2]
ORIGIN = "https://www.example.com"
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with served(CORS_ORIGINS=ORIGIN) as running:
        yield running


# --- Large ones -------------------------------------------------------------------------------------------------------


def padded(size: int) -> bytes:
    """An item of so many bytes."""
    item = b'{"name": "Tea"}'
    return item + b" " * (size - len(item))


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_is_taken_up_to_the_limit_and_refused_above_it(api: Api, chunked: bool) -> None:
    statuses = []
    for size in (MOST_BODY_BYTES, MOST_BODY_BYTES + 1):
        body = padded(size)
        pieces = iter([body[:40_000], body[40_000:]])
        answer = httpx.post(f"{api.address}/items", content=pieces if chunked else body, headers=JSON)
        statuses.append(answer.status_code)
    assert statuses == [201, 413]
    assert answer.json() == {"detail": f"the body may have {MOST_BODY_BYTES} bytes"}


def test_a_body_that_never_ends_costs_no_memory(api: Api) -> None:
    if not Path(f"/proc/{api.process.pid}/status").exists():
        pytest.skip("this system does not say how much memory a process has had")
    before = api.peak_mib()
    with socket.create_connection(("127.0.0.1", api.port)) as caller, suppress(OSError):
        caller.sendall(b"POST /items HTTP/1.1\r\nHost: x\r\n")
        caller.sendall(b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        piece = b"x" * 1_000_000
        for _ in range(150):
            caller.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
    assert httpx.get(f"{api.address}/health").status_code == 200
    assert api.peak_mib() - before < 50


def test_the_longest_item_fits_also_where_its_letters_are_escaped() -> None:
    longest = {"name": "茶" * 200, "description": "茶" * 10_000}
    for body in (json.dumps(longest), json.dumps(longest | {"description": "🍵" * 10_000}, ensure_ascii=False)):
        with TestClient(create_app(Settings())) as client:
            assert client.post("/items", content=body.encode(), headers=JSON).status_code == 201


def test_the_schema_of_an_item_lets_no_text_through_that_is_longer_than_the_longest_body() -> None:
    schema = json.loads((ROOT / "workloads/schemas/item.json").read_text(encoding="utf-8"))
    assert {field["maxLength"] for field in schema["properties"].values()} == {MOST_BODY_BYTES}


def test_everything_before_the_application_takes_bodies_of_the_same_size() -> None:
    proxy = (ROOT / "workloads/host/nginx.conf.template").read_text(encoding="utf-8")
    [(number, unit)] = re.findall(r"client_max_body_size (\d+)([km]?);", proxy)
    assert int(number) * {"": 1, "k": 1024, "m": 1024**2}[unit] == LARGEST_BODY_BYTES == MOST_BODY_BYTES


# --- No JSON ----------------------------------------------------------------------------------------------------------

NO_ITEMS = (
    rb'{"name": "\ud800"}', rb'{"name": "x", "\udfff": 1}', b'{"name": NaN}', b"NaN", b'{"name": 1e999}', b"-1e999",
    b'{"name": "\xff"}', b"\xef\xbb\xbf{}", b"{", b"[" * 60_000, b'{"name": ' + b"1" * 5000 + b"}",
)  # fmt: skip


@pytest.mark.parametrize("body", NO_ITEMS, ids=lambda body: repr(body[:16]))
def test_what_is_no_item_is_the_callers_fault(api: Api, body: bytes) -> None:
    answer = httpx.post(f"{api.address}/items", content=body, headers=JSON)
    assert answer.status_code in (400, 422)
    assert answer.json()["detail"]


def test_nothing_of_what_was_sent_comes_back_with_the_refusal(api: Api) -> None:
    marker = "opensesame"
    for body in ({"name": [marker]}, {"name": marker * 30}, {"name": "x", marker: 1}, [marker], {marker: {marker: 1}}):
        answer = httpx.post(f"{api.address}/items", json=body)
        assert answer.status_code == 422
        assert marker not in answer.text
    for path in (f"/items/{marker}", f"/items?after={marker}", f"/items?limit={marker}"):
        answer = httpx.get(f"{api.address}{path}")
        assert answer.status_code == 422
        assert marker not in answer.text


def test_a_refusal_says_what_is_wrong_and_is_short(api: Api) -> None:
    answer = httpx.post(f"{api.address}/items", json={"name": ""} | {f"field{number}": 1 for number in range(2000)})
    assert answer.json()["detail"] == [
        {"type": "string_too_short", "loc": ["body", "name"], "msg": "String should have at least 1 character"},
        {"type": "extra_forbidden", "loc": ["body"], "msg": "Unknown field; there are: name, description"},
    ]


# --- Addresses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", ["https://example.com/items", "https://example.com/api/v1/items"])
def test_an_item_is_where_its_location_says_behind_every_prefix(api: Api, asked: str) -> None:
    made = httpx.post(f"{api.address}/items", json={"name": "Tea"}, headers={"Host": "evil.example"})
    assert urljoin(asked, made.headers["Location"]) == f"{asked}/{made.json()['id']}"


@pytest.mark.parametrize("path", ["/items/", "/health/", "//items"])
def test_nobody_is_sent_to_the_host_that_he_named(api: Api, path: str) -> None:
    answer = httpx.get(f"{api.address}{path}", headers={"Host": "evil.example"})
    assert answer.status_code in (404, 422)
    assert "evil" not in str(answer.headers) + answer.text


# --- What it says of itself -------------------------------------------------------------------------------------------


def test_a_page_of_a_named_origin_may_read_why_it_failed() -> None:
    app = create_app(Settings(origins=(ORIGIN,)))

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError

    with TestClient(app) as client:
        answer = client.get("/broken", headers={"Origin": ORIGIN})
    assert (answer.status_code, answer.json()) == (500, {"detail": "internal error"})
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["x-request-id"]


def test_allow_names_every_method_of_the_path(api: Api) -> None:
    allowed = {}
    for path in ("/items", "/items/00000000-0000-4000-8000-000000000000", "/health"):
        answer = httpx.patch(f"{api.address}{path}")
        allowed[path.partition("-")[0]] = (answer.status_code, answer.headers["Allow"])
    assert allowed == {"/items": (405, "GET, POST"), "/items/00000000": (405, "DELETE, GET"), "/health": (405, "GET")}


def test_the_description_names_every_status_that_callers_see() -> None:
    seen: dict[tuple[str, str], set[int]] = {}
    nowhere = "/items/00000000-0000-4000-8000-000000000000"
    with TestClient(create_app(Settings())) as client:
        described = client.get("/openapi.json").json()["paths"]
        asks = [("GET", "/health", b""), ("GET", "/ready", b""), ("GET", "/items", b""), ("GET", "/items?limit=0", b""),
                ("POST", "/items", b'{"name": "x"}'), ("POST", "/items", b"\xff"), ("POST", "/items", b"{}"),
                ("POST", "/items", padded(MOST_BODY_BYTES + 1)), ("GET", nowhere, b""), ("GET", "/items/x", b""),
                ("DELETE", nowhere, b""), ("DELETE", "/items/x", b"")]  # fmt: skip
        answers = [(ask, client.request(*ask[:2], content=ask[2], headers=JSON)) for ask in asks]
        item = client.post("/items", json={"name": "x"}).json()["id"]
        answers += [((method, f"/items/{item}", b""), client.request(method, f"/items/{item}"))
                    for method in ("GET", "DELETE")]  # fmt: skip
    away = Database(host="127.0.0.1", port=free_port(), name="app", user="app", password=PASSWORD)
    with TestClient(create_app(Settings(), ItemsInPostgres(away, wait_seconds=0.1))) as client:
        answers += [(ask, client.request(*ask[:2], content=ask[2], headers=JSON)) for ask in asks]
    for (method, path, _), answer in answers:
        template = re.sub(r"/items/.+", "/items/{id_}", path.partition("?")[0])
        seen.setdefault((method.lower(), template), set()).add(answer.status_code)
    assert len(seen) == 6
    for (method, path), statuses in seen.items():
        named = {int(status) for status in described[path][method]["responses"]}
        assert statuses <= named, (method, path)
        assert 500 in named


# --- Pages, tables and locks ------------------------------------------------------------------------------------------

LAMBDA_MOST_BYTES = 6 * 1024 * 1024


def test_a_page_fits_into_an_answer_of_lambda_and_no_item_is_left_out() -> None:
    store = ItemsInMemory()
    # Each letter is six in JSON, and seven in a JSON string that holds JSON.
    made = {str(store.create(NewItem(name=str(number), description="\x01" * 10_000)).id) for number in range(120)}
    seen: list[str] = []
    with TestClient(create_app(Settings(), store)) as client:
        while True:
            answer = client.get("/items", params={"limit": 100, **({"after": seen[-1]} if seen else {})})
            # What Lambda sends, its headers included.
            assert len(json.dumps({"body": answer.text}, ensure_ascii=False).encode()) < LAMBDA_MOST_BYTES - 100_000
            if not answer.json():
                break
            seen += [item["id"] for item in answer.json()]
    assert seen == sorted(made)


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The port of a moto server with an empty table `items`."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-northeast-1")
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    client: Any = boto3.client("dynamodb", endpoint_url=f"http://127.0.0.1:{port}")
    with suppress(client.exceptions.ResourceNotFoundException):
        client.delete_table(TableName="items")
    client.create_table(
        TableName="items", BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "kind", "KeyType": "HASH"}, {"AttributeName": "id", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("kind", "id")],
    )  # fmt: skip
    yield port
    server.stop()


def test_what_was_done_is_not_refused_because_its_answer_was_lost(
    dynamodb: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with relay(dynamodb) as way:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{way.port}")
        with TestClient(create_app(Settings(), ItemsInTable("items"))) as client:
            way.lose = 1
            made = client.post("/items", json={"name": "once"})
            assert (way.lose, made.status_code) == (0, 201)
            assert client.get("/items").json() == [made.json()]
            way.lose = 1
            assert client.delete(f"/items/{made.json()['id']}").status_code == 204
            assert (way.lose, client.get("/items").json()) == (0, [])
            assert client.delete(f"/items/{made.json()['id']}").status_code == 404


def test_each_request_that_is_worked_on_has_room_for_its_connection_to_the_table(dynamodb: int) -> None:
    table = {
        "TABLE_ITEMS": "items", "AWS_ENDPOINT_URL": f"http://127.0.0.1:{dynamodb}", "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "ap-northeast-1", "LOG_LEVEL": "WARNING",
    }  # fmt: skip
    with served(**table) as api:
        callers = 30
        gate = threading.Barrier(callers)

        def ask(_: int) -> int:
            gate.wait()
            return httpx.get(f"{api.address}/ready", timeout=PATIENCE).status_code

        with ThreadPoolExecutor(callers) as pool:
            for _ in range(3):
                list(pool.map(ask, range(callers)))
        # urllib3 says of each connection beyond its pool that it throws it away.
        assert [one["message"] for one in api.records() if "pool is full" in one["message"]] == []


def test_no_two_programs_wait_for_each_others_locks() -> None:
    numbers = [value for name, value in vars(locks).items() if name.isupper()]
    assert len(numbers) == len(set(numbers)) >= 3
    other = re.compile(r"pg_advisory\w*lock\w*\((?!%s\)|:lock\))")
    for path in sorted((ROOT / "workloads/api").rglob("*.py")):
        assert not other.search(path.read_text(encoding="utf-8")), (
            f"{path.name} takes a lock that locks.py does not name"
        )
