"""The application as its callers, the load balancer, ECS and the log router see it."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import boto3
import httpx
import psycopg
import pytest
import yaml
from api.items import Items, ItemsInMemory, ItemsInPostgres, NewItem
from api.logs import write_json_lines
from api.main import create_app
from api.settings import Database, Settings, SettingsError
from api.store import StoreUnavailable
from api.table import ItemsInTable
from fastapi.testclient import TestClient
from moto import mock_aws

from tests.conftest import PATIENCE, ROOT
from tests.workloads import serving
from tests.workloads.conftest import until
from tests.workloads.postgres import PASSWORD, Postgres

WORKLOADS = Path(__file__).resolve().parents[2] / "workloads"


def database(server: Postgres, **changes: Any) -> Database:
    given: dict[str, Any] = {
        "host": "localhost", "port": server.port, "name": "postgres", "user": "app", "password": PASSWORD,
        "certificates": str(server.certificate), **changes,
    }  # fmt: skip
    return Database(**given)


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The table of a function, in moto."""
    for name, value in (("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test"), ("AWS_REGION", "eu-west-1")):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        dynamodb: Any = boto3.client("dynamodb")
        dynamodb.create_table(
            TableName="items", BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "kind", "KeyType": "HASH"}, {"AttributeName": "id", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("kind", "id")],
        )  # fmt: skip
        yield "items"


@pytest.fixture(params=["memory", "postgres", "table"])
def client(request: pytest.FixtureRequest) -> Iterator[TestClient]:
    """The application over each store."""
    store: Items = ItemsInMemory()
    if request.param == "table":
        store = ItemsInTable(request.getfixturevalue("table"))
    if request.param == "postgres":
        store = ItemsInPostgres(database(request.getfixturevalue("postgres")))
    with TestClient(create_app(Settings(), store)) as made:
        yield made


# --- Items ------------------------------------------------------------------------------------------------------------


def test_an_item_is_created_found_listed_and_deleted(client: TestClient) -> None:
    made = client.post("/items", json={"name": " Tea ", "description": "緑茶"})
    assert made.status_code == 201
    item = made.json()
    assert (item["name"], item["description"]) == ("Tea", "緑茶")
    assert client.get(made.headers["Location"]).json() == item
    assert client.get("/items").json() == [item]
    assert client.delete(made.headers["Location"]).status_code == 204
    assert client.get(made.headers["Location"]).status_code == 404
    assert client.delete(made.headers["Location"]).status_code == 404
    assert client.get("/items").json() == []


def test_a_list_is_read_page_by_page_without_gap_or_repetition(client: TestClient) -> None:
    made = {client.post("/items", json={"name": str(number)}).json()["id"] for number in range(7)}
    seen: list[str] = []
    while page := client.get("/items", params={"limit": 3, **({"after": seen[-1]} if seen else {})}).json():
        assert len(page) <= 3
        seen += [item["id"] for item in page]
    assert seen == sorted(made)


@pytest.mark.parametrize(
    "body", [{}, {"name": ""}, {"name": "  "}, {"name": "x" * 201}, {"name": "a\0b"}, {"name": "x", "nmae": "y"}, [], 1]
)
def test_a_malformed_item_is_refused(client: TestClient, body: Any) -> None:
    assert client.post("/items", json=body).status_code == 422
    assert client.get("/items").json() == []


@pytest.mark.parametrize("path", ["/items/1", "/items?limit=0", "/items?limit=101", "/items?after=x"])
def test_a_malformed_request_is_refused(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 422


def test_what_looks_like_sql_is_kept_as_it_is(client: TestClient) -> None:
    name = "'); DROP TABLE items; --"
    item = client.post("/items", json={"name": name}).json()
    assert client.get(f"/items/{item['id']}").json()["name"] == name


def test_items_in_the_database_outlive_the_process_and_are_shared(postgres: Postgres) -> None:
    with TestClient(create_app(Settings(database=database(postgres)))) as one:
        item = one.post("/items", json={"name": "kept"}).json()
    with TestClient(create_app(Settings(database=database(postgres)))) as other:
        assert other.get("/items").json() == [item]


def test_a_table_that_does_not_answer_makes_the_application_unready_and_not_dead(table: str) -> None:
    with TestClient(create_app(Settings(), ItemsInTable(f"{table}-of-nobody"))) as client:
        assert client.get("/health").status_code == 200
        assert client.get("/ready").status_code == 503
        assert client.get("/items").status_code == 503


def test_a_list_goes_on_where_a_page_of_the_table_ends(table: str) -> None:
    store = ItemsInTable(table)
    # A hundred of these make a page of DynamoDB, which ends at 1 MB.
    made = sorted(store.create(NewItem(name=str(n), description="x" * 10_000)).id for n in range(130))
    assert [item.id for item in store.list(120, None)] == made[:120]
    assert [item.id for item in store.list(100, made[119])] == made[120:]


def test_pages_of_named_origins_may_call_and_others_may_not() -> None:
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    with TestClient(create_app(Settings(origins=("https://www.example.com",)))) as client:
        allowed = client.options("/items", headers={"Origin": "https://www.example.com", **asks})
        assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, "https://www.example.com")
        refused = client.options("/items", headers={"Origin": "https://evil.example.com", **asks})
        assert refused.status_code == 400
        assert "access-control-allow-origin" not in refused.headers
        assert "access-control-allow-credentials" not in allowed.headers


def test_many_requests_at_once_need_few_connections_and_make_one_table(postgres: Postgres) -> None:
    stores = [ItemsInPostgres(database(postgres, connections=2)) for _ in range(2)]
    for store in stores:
        store.open()
    failures: list[Exception] = []

    def work(store: Items) -> None:
        try:
            store.create(NewItem(name="x"))
        except Exception as error:  # noqa: BLE001 it is told below
            failures.append(error)

    threads = [threading.Thread(target=work, args=(stores[number % 2],)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(stores[0].list(100, None)) == 20
    for store in stores:
        store.close()


# --- Health -----------------------------------------------------------------------------------------------------------


def test_a_working_application_is_alive_and_ready(client: TestClient) -> None:
    assert client.get("/health").status_code == 200
    assert client.get("/ready").status_code == 200


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_without_its_database_the_application_is_alive_but_not_ready() -> None:
    away = Database(host="127.0.0.1", port=closed_port(), name="app", user="app", password=PASSWORD)
    with TestClient(create_app(Settings(), ItemsInPostgres(away, wait_seconds=0.2))) as client:
        assert client.get("/health").status_code == 200
        assert client.get("/ready").status_code == 503
        refused = client.post("/items", json={"name": "x"})
        assert refused.status_code == 503
        assert refused.headers["Retry-After"] == "5"
        assert PASSWORD not in refused.text


def test_a_database_that_comes_back_is_used_again(postgres: Postgres) -> None:
    with TestClient(create_app(Settings(), ItemsInPostgres(database(postgres), wait_seconds=1))) as client:
        item = client.post("/items", json={"name": "before"}).json()
        postgres.do("restart", "-m", "immediate")
        until(lambda: client.get("/ready").status_code == 200)
        assert client.get("/items").json() == [item]
        assert client.get("/health").status_code == 200


def test_after_a_changed_password_the_task_asks_to_be_replaced(postgres: Postgres) -> None:
    with TestClient(create_app(Settings(), ItemsInPostgres(database(postgres), wait_seconds=0.5))) as client:
        assert client.get("/ready").status_code == 200
        postgres.execute("ALTER USER app PASSWORD 'rotated'")
        assert client.get("/health").status_code == 200, "open connections go on"

        def unready() -> bool:
            # Each time, since one may have been under way that was let in with the old password.
            postgres.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'api'")
            return client.get("/ready").status_code == 503

        until(unready)
        until(lambda: client.get("/health").status_code == 503)


# --- TLS --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verified", [True, False])
def test_every_connection_to_the_database_is_encrypted(postgres: Postgres, verified: bool) -> None:
    store = ItemsInPostgres(database(postgres, **({} if verified else {"certificates": None})))
    store.open()
    encrypted = "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'api'"
    store.ready()
    with psycopg.connect(host=str(postgres.folder), port=postgres.port, user="app", dbname="postgres") as connection:
        assert set(connection.execute(encrypted).fetchall()) == {(True,)}
    store.close()


def test_a_server_that_is_not_the_one_that_was_named_gets_no_password(postgres: Postgres, tmp_path: Path) -> None:
    for wrong in ({"host": "127.0.0.1"}, {"certificates": str(tmp_path / "none.pem")}):
        store = ItemsInPostgres(database(postgres, **wrong), wait_seconds=0.5)
        store.open()
        with pytest.raises(StoreUnavailable):
            store.ready()
        store.close()


def test_a_server_without_tls_is_refused(postgres: Postgres) -> None:
    postgres.execute("ALTER SYSTEM SET ssl = off")
    (postgres.folder / "data/pg_hba.conf").write_text("local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n")
    postgres.do("restart")
    try:
        store = ItemsInPostgres(database(postgres, certificates=None), wait_seconds=0.5)
        store.open()
        with pytest.raises(StoreUnavailable):
            store.ready()
        store.close()
    finally:
        postgres.execute("ALTER SYSTEM SET ssl = on")
        postgres.do("restart")


# --- Settings ---------------------------------------------------------------------------------------------------------

SECRET = json.dumps({"username": "app", "password": PASSWORD, "engine": "postgres"})


def test_the_database_comes_from_the_environment_and_hides_its_password() -> None:
    settings = Settings.read({"DATABASE_HOST": "db.example", "DATABASE_SECRET": SECRET, "DATABASE_PORT": "5433"})
    assert settings.database is not None
    assert (settings.database.user, settings.database.password, settings.database.port) == ("app", PASSWORD, 5433)
    assert PASSWORD not in repr(settings)
    assert Settings.read({}).database is None


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"DATABASE_HOST": "db"}, "DATABASE_SECRET is missing"),
        ({"DATABASE_SECRET": SECRET}, "DATABASE_HOST is missing"),
        ({"DATABASE_HOST": "db", "DATABASE_SECRET": PASSWORD}, "DATABASE_SECRET must be JSON"),
        ({"DATABASE_HOST": "db", "DATABASE_SECRET": f'["{PASSWORD}"]'}, "DATABASE_SECRET must be JSON"),
        ({"DATABASE_HOST": "db", "DATABASE_SECRET": SECRET, "DATABASE_PORT": "x"}, "DATABASE_PORT is 'x'"),
        ({"PORT": "0"}, "PORT is '0'"),
        ({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL is 'LOUD'"),
    ],
)
def test_settings_that_make_no_sense_are_refused_at_the_start(environment: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError, match=words) as refused:
        Settings.read(environment)
    assert PASSWORD not in str(refused.value)


# --- Logs -------------------------------------------------------------------------------------------------------------

COMMON = {"time", "level", "service", "message", "request_id"}
REQUEST = COMMON | {"method", "path", "status", "duration_ms", "user_id"}


@pytest.fixture
def served() -> Iterator[tuple[TestClient, Callable[[], list[dict[str, Any]]]]]:
    """An application that logs everything, and what it wrote of requests and errors."""
    app = create_app(Settings(service="shop", log_level="DEBUG", user_header="x-user"))
    written = io.StringIO()

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError("first line\nsecond line")

    with TestClient(app) as client:
        write_json_lines("shop", "DEBUG", written)
        yield client, lambda: records_in(written)


def records_in(written: io.StringIO) -> list[dict[str, Any]]:
    every = [json.loads(line) for line in written.getvalue().splitlines()]
    return [one for one in every if "path" in one or one["level"] == "ERROR"]


def test_a_request_leaves_one_record_with_the_columns_of_the_log_table(served: Any) -> None:
    client, records = served
    client.get("/items?limit=3", headers={"X-Request-ID": "abc-1", "X-User": "u1"})
    (record,) = records()
    assert set(record) == REQUEST
    assert {key: record[key] for key in REQUEST - {"time", "duration_ms"}} == {
        "level": "INFO", "service": "shop", "message": "GET /items 200", "request_id": "abc-1", "method": "GET",
        "path": "/items", "status": 200, "user_id": "u1",
    }  # fmt: skip
    assert record["duration_ms"] >= 0
    assert record["time"].endswith("Z")
    assert len(record["time"]) == len("2026-01-02T03:04:05.678Z")


@pytest.mark.parametrize(
    ("path", "level"),
    [("/items", "INFO"), ("/nowhere", "WARNING"), ("/broken", "ERROR"), ("/health", "DEBUG"), ("/ready", "DEBUG")],
)
def test_the_level_says_whose_fault_it_was(served: Any, path: str, level: str) -> None:
    client, records = served
    client.get(path)
    assert [one["level"] for one in records() if one.get("path") == path] == [level]


def test_a_failure_is_one_error_with_its_stack_on_one_line_and_tells_the_caller_nothing(served: Any) -> None:
    client, records = served
    answer = client.get("/broken")
    assert answer.status_code == 500
    assert "second line" not in answer.text
    (record,) = [one for one in records() if one["level"] == "ERROR"]
    assert "Traceback" in record["message"]
    assert record["message"].endswith("RuntimeError: first line\nsecond line")
    assert (record["status"], record["request_id"]) == (500, answer.headers["x-request-id"])


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, 'a"b', "é"])
def test_an_id_that_could_do_harm_is_replaced(served: Any, given: str) -> None:
    client, records = served
    answer = client.get("/items", headers={b"x-request-id": given.encode("latin-1")})
    identity = answer.headers["x-request-id"]
    assert UUID(identity).hex == identity
    assert {one["request_id"] for one in records() if "path" in one} == {identity}


def test_the_load_balancers_trace_is_the_id_where_the_caller_gave_none(served: Any) -> None:
    client, _ = served
    trace = "Root=1-67891233-abcdef012345678912345678"
    assert client.get("/items", headers={"X-Amzn-Trace-Id": trace}).headers["x-request-id"] == trace


def test_nobody_is_believed_to_be_somebody_unless_the_settings_say_so() -> None:
    written = io.StringIO()
    with TestClient(create_app(Settings())) as client:
        write_json_lines("shop", "INFO", written)
        client.get("/items", headers={"X-User": "root", "X-Amzn-Oidc-Identity": "root"})
    assert [one["user_id"] for one in records_in(written)] == [None]


def token(**claims: Any) -> str:
    """As one that a load balancer has judged: what is in it counts, and its signature is nothing to the service."""
    parts = [base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=").decode() for each in ({}, claims)]
    return ".".join([*parts, "signature"])


@pytest.mark.parametrize(
    ("path", "sent", "user"),
    [
        ("/items", [("authorization", f"Bearer {token(sub='u1')}")], "u1"),
        ("/items", [("authorization", f"bearer {token(sub='u1')}")], "u1"),
        ("/items", [], None),
        # Who writes another header, or two of them, is nobody for it.
        ("/items", [("x-user", "root")], None),
        ("/items", [("authorization", f"Bearer {token(sub=one)}") for one in ("u1", "u2")], None),
        ("/items", [("authorization", f"Basic {token(sub='u1')}")], None),
        ("/items", [("authorization", "Bearer a.b.c")], None),
        ("/items", [("authorization", "Bearer")], None),
        ("/items", [("authorization", f"Bearer {token(sub=1)}")], None),
        ("/items", [("authorization", f"Bearer {token(sub='a b')}")], None),
        # At a path that needs no token nobody has judged one.
        ("/health", [("authorization", f"Bearer {token(sub='u1')}")], None),
    ],
)  # fmt: skip
def test_behind_a_load_balancer_that_judges_tokens_the_token_says_who_asks(
    path: str, sent: list[tuple[str, str]], user: str | None
) -> None:
    written = io.StringIO()
    with TestClient(create_app(Settings(user_header="authorization", log_level="DEBUG"))) as client:
        write_json_lines("shop", "DEBUG", written)
        client.get(path, headers=sent)
    assert [one["user_id"] for one in records_in(written)] == [user]
    assert "signature" not in written.getvalue()


# --- The process ------------------------------------------------------------------------------------------------------


# `python -m api` with an eye on the files that it opens to write: the container's root is read-only.
WATCHED = """
import os, runpy, sys
def look(event, arguments):
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        print("written to:", arguments[0], file=sys.stderr)
    elif event in ("os.mkdir", "os.rename", "os.remove"):
        print(event, arguments, file=sys.stderr)
sys.addaudithook(look)
runpy.run_module("api", run_name="__main__")
"""


@pytest.fixture
def process(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`python -m api`, as the container starts it, and its address."""
    port = closed_port()
    environment = {
        "PATH": os.environ["PATH"],
        "PORT": str(port),
        "PYTHONDONTWRITEBYTECODE": "1",
        "DRAIN_SECONDS": "30",
        "LINGER_SECONDS": "1",
    }
    started = subprocess.Popen(
        [sys.executable, "-c", WATCHED], cwd=WORKLOADS, env=environment, stdout=subprocess.PIPE, text=True,
        stderr=(tmp_path / "stderr").open("w"),
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        try:
            return httpx.get(f"{address}/health").status_code == 200
        except httpx.TransportError:
            assert started.poll() is None, (tmp_path / "stderr").read_text()
            return False

    until(answers)
    try:
        yield started, address
    finally:
        started.kill()
        started.wait()
    assert (tmp_path / "stderr").read_text() == "", "the log router reads stdout, and nothing is written to files"


def test_sigterm_ends_the_process_when_its_requests_are_done(process: tuple[subprocess.Popen[str], str]) -> None:
    started, address = process
    port = int(address.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as slow:
        body = b'{"name": "late"}'
        head = (
            "POST /items HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        slow.sendall(head.encode())
        assert b"100 Continue" in slow.recv(4096), "the request is under way"
        slow.sendall(body[:5])
        started.send_signal(signal.SIGTERM)

        def refused() -> bool:
            try:
                httpx.get(f"{address}/health", timeout=1)
            except httpx.TimeoutException:
                return False
            except httpx.TransportError:
                return True
            return False

        until(refused)
        assert started.poll() is None, "a request is under way"
        slow.sendall(body[5:])
        assert b"201 Created" in slow.recv(4096)
    out, _ = started.communicate(timeout=PATIENCE)
    assert started.returncode in (0, -signal.SIGTERM)
    records = [json.loads(line) for line in out.splitlines()]
    assert all(set(one) in (COMMON, REQUEST) for one in records)
    assert {one["path"] for one in records if "path" in one} <= {"/items", "/health"}


def test_after_sigterm_requests_are_answered_for_a_while_and_each_answer_ends_its_connection() -> None:
    with serving.served(LINGER_SECONDS="60") as api, httpx.Client(base_url=api.address) as kept:
        assert kept.get("/items").headers.get("connection") != "close"
        api.process.send_signal(signal.SIGTERM)
        # Also a connection that is new.
        until(lambda: httpx.get(f"{api.address}/items").headers.get("connection") == "close")
        with socket.create_connection(("127.0.0.1", api.port)) as another:
            another.sendall(b"GET /items HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = b""
            while piece := another.recv(4096):
                answer += piece
        assert answer.startswith(b"HTTP/1.1 200")
        last = kept.get("/items")
        assert (last.status_code, last.headers["connection"]) == (200, "close")


def test_whoever_ends_the_process_waits_until_its_requests_are_done() -> None:
    compose = yaml.safe_load((WORKLOADS / "host/compose.yaml").read_text(encoding="utf-8"))
    grace = compose["services"]["api"]["stop_grace_period"]
    assert Settings().linger_seconds < Settings().drain_seconds < int(grace.removesuffix("s"))


def test_two_stores_in_memory_share_nothing() -> None:
    one, other = ItemsInMemory(), ItemsInMemory()
    one.create(NewItem(name="x"))
    assert other.list(10, None) == []
    assert other.get(uuid4()) is None


TALKS = """
import logging, threading
from api.logs import write_json_lines
from api.metrics import Metrics

write_json_lines("api", "INFO")
metrics = Metrics("Kumiki", "api")
def long():
    for _ in range(40):
        logging.getLogger("x").info("y" * 200_000)
def count():
    for _ in range(2000):
        metrics.count("ItemsCreated")
threads = [threading.Thread(target=one) for one in (long, count, count)]
for one in threads: one.start()
for one in threads: one.join()
"""


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_long_records_and_metrics_are_whole_lines(unbuffered: str) -> None:
    """A pipe takes 64 KiB at once, and threads write at the same time."""
    written = subprocess.run(
        [sys.executable, "-c", TALKS],
        cwd=ROOT / "workloads", env={**os.environ, "PYTHONUNBUFFERED": unbuffered, "PYTHONPATH": "."},
        capture_output=True, check=True,
    ).stdout  # fmt: skip
    lines = [json.loads(line) for line in written.splitlines()]
    assert len([one for one in lines if "message" in one]) == 40
    assert len([one for one in lines if "ItemsCreated" in one]) == 4000


def test_a_text_that_no_encoding_has_is_recorded_as_json_writes_it(tmp_path: Path) -> None:
    """A job's name in a message may hold half of a pair of surrogates."""
    path = tmp_path / "log"
    with path.open("w", encoding="utf-8") as stream:
        write_json_lines("api", "INFO", stream)
        logging.getLogger("x").error("there is no job %s", "\ud800茶")
    assert json.loads(path.read_text(encoding="utf-8"))["message"] == "there is no job \ud800茶"


def test_nothing_but_the_log_and_the_metrics_writes_to_the_output() -> None:
    writers = {
        path.name
        for path in (ROOT / "workloads" / "api").glob("*.py")
        if re.search(r"(?m)\bprint\((?!.*sys\.stderr)|sys\.stdout\.", path.read_text(encoding="utf-8"))
    }
    # The migration is a program of its own, with one line to say.
    assert writers <= {"metrics.py", "migrate.py"}


@pytest.mark.covers("B12")
@pytest.mark.parametrize("on_lambda", [False, True])
def test_a_request_goes_on_with_its_callers_trace_to_the_table(
    table: str, on_lambda: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Lambda the service itself tells of the call; a second segment would be another call to X-Ray."""
    root = "1-5759e988-bd862e3fe1be46a994272793"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        daemon.setblocking(False)
        monkeypatch.setenv("AWS_XRAY_DAEMON_ADDRESS", f"127.0.0.1:{daemon.getsockname()[1]}")
        if on_lambda:
            monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "api")
        with TestClient(create_app(Settings(), ItemsInTable(table))) as client:
            answer = client.get("/items", headers={"X-Amzn-Trace-Id": f"Root={root};Parent=53995c3f42cd8ad8;Sampled=1"})
            client.get("/health", headers={"X-Amzn-Trace-Id": f"Root={root};Sampled=1"})
        assert answer.headers["x-amzn-trace-id"] == f"Root={root}"
        told = []
        with contextlib.suppress(BlockingIOError):
            while True:
                told.append(json.loads(daemon.recv(65_536).partition(b"\n")[2]))
    if on_lambda:
        assert told == []
        return
    (segment,) = told
    assert (segment["trace_id"], segment["parent_id"], segment["name"]) == (root, "53995c3f42cd8ad8", "api")
    assert {(part["name"], part["aws"]["operation"]) for part in segment["subsegments"]} == {("DynamoDB", "Query")}
