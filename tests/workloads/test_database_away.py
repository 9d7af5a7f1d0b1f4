"""A database that vanishes, falls silent or may not be written to, and what callers hear meanwhile."""

from __future__ import annotations

import ast
import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from api.items import ItemsInPostgres
from api.main import create_app
from api.postgres import connection_options
from api.settings import Database, Settings
from fastapi.testclient import TestClient

from tests.workloads.conftest import until
from tests.workloads.network import NoNetwork, host, relay
from tests.workloads.postgres import PASSWORD, Postgres, free_port
from tests.workloads.serving import served

ROOT = Path(__file__).resolve().parents[2]

LONG = 60.0
"""Seconds that nothing here needs on any machine, and far less than Linux waits for a host that is gone."""


def database(server: Postgres, **changes: Any) -> Database:
    given: dict[str, Any] = {
        "host": "localhost", "port": server.port, "name": "postgres", "user": "app", "password": PASSWORD,
        "certificates": str(server.certificate), **changes,
    }  # fmt: skip
    return Database(**given)


def test_a_database_that_falls_silent_is_answered_for_with_503_and_used_again_when_it_speaks(
    postgres: Postgres,
) -> None:
    with relay(postgres.port) as way:
        store = ItemsInPostgres(database(postgres, port=way.port), wait_seconds=1)
        with TestClient(create_app(Settings(), store)) as client:
            assert client.post("/items", json={"name": "before"}).status_code == 201
            with way.silent():
                heard: list[int] = []
                asks = threading.Thread(target=lambda: heard.append(client.get("/items").status_code), daemon=True)
                asks.start()
                asks.join(LONG)
                assert heard == [503]
                assert client.get("/health").status_code == 200
            until(lambda: client.get("/ready").status_code == 200, LONG)


def test_a_database_that_falls_silent_in_the_middle_of_a_statement_holds_no_request_for_ever(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.postgres._STATEMENT_SECONDS", 1, raising=False)
    with relay(postgres.port) as way:
        store = ItemsInPostgres(database(postgres, port=way.port), wait_seconds=1)
        with TestClient(create_app(Settings(), store)) as client:
            assert client.get("/ready").status_code == 200
            heard: list[int] = []
            with psycopg.connect(host=str(postgres.folder), port=postgres.port, user="app", dbname="postgres") as other:
                # The statement waits for this table, and the server falls silent before it can say anything.
                other.execute("LOCK TABLE items IN ACCESS EXCLUSIVE MODE")
                asks = threading.Thread(target=lambda: heard.append(client.get("/items").status_code), daemon=True)
                asks.start()
                waits = b"SELECT 1 FROM pg_stat_activity WHERE application_name = 'api' AND wait_event_type = 'Lock'"
                until(lambda: other.execute(waits).fetchone() is not None, LONG)
                with way.silent():
                    asks.join(LONG)
                    assert heard == [503]


def test_a_host_that_vanishes_is_noticed_by_whoever_waits_for_it(postgres: Postgres) -> None:
    """By programs whose statements take long, too: the worker's and the migrations'."""
    try:
        with host() as there, relay(postgres.port, there.listen()) as way:
            away = database(postgres, host=way.host, port=way.port, certificates=None)
            options: Any = connection_options(away, name="worker", statement_seconds=900)
            asking, idle = psycopg.connect(**options), psycopg.connect(**options)
            # Both have asked and been told that the question has come; one of them is told nothing more.
            assert idle.execute("SELECT 1").fetchone() == (1,)
            there.vanish()
            problems: list[Exception] = []

            def ask(connection: psycopg.Connection) -> None:
                try:
                    connection.execute("SELECT pg_sleep(900)")
                except Exception as error:  # noqa: BLE001 it is told below
                    problems.append(error)

            threads = [threading.Thread(target=ask, args=(one,), daemon=True) for one in (asking, idle)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(LONG)
            assert [type(problem) for problem in problems] == [psycopg.OperationalError] * 2
    except NoNetwork as why:
        pytest.skip(str(why))


@pytest.mark.parametrize("store", ["database", "table"])
def test_in_an_outage_no_queue_of_waiting_requests_grows(store: str) -> None:
    # By forty at a time, each of which waits two seconds or three, the last one would hear after more than a minute.
    callers = 1500

    async def ask(port: int) -> tuple[int, float]:
        started = time.monotonic()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /items HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()
        return int(answer.split(b" ", 2)[1]), time.monotonic() - started

    async def ask_all(port: int) -> list[tuple[int, float]]:
        return await asyncio.gather(*(ask(port) for _ in range(callers)))

    # It takes connections and says nothing.
    with socket.create_server(("127.0.0.1", 0), backlog=callers) as silent:
        secret = f'{{"username": "app", "password": "{PASSWORD}"}}'
        away = {
            "database": {"DATABASE_HOST": "127.0.0.1", "DATABASE_PORT": str(free_port()), "DATABASE_SECRET": secret},
            "table": {
                "TABLE_ITEMS": "items", "AWS_ENDPOINT_URL": f"http://127.0.0.1:{silent.getsockname()[1]}",
                "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "ap-northeast-1",
            },
        }  # fmt: skip
        with served(**away[store]) as api:
            answers = asyncio.run(ask_all(api.port))
    assert {status for status, _ in answers} == {503}
    assert max(seconds for _, seconds in answers) < LONG


@pytest.fixture
def writer(postgres: Postgres) -> Iterator[Postgres]:
    yield postgres
    postgres.execute("ALTER SYSTEM RESET default_transaction_read_only")
    postgres.execute("SELECT pg_reload_conf()")


def test_a_writer_that_became_a_reader_is_unready_and_answers_503_until_it_may_write(writer: Postgres) -> None:
    with TestClient(create_app(Settings(), ItemsInPostgres(database(writer), wait_seconds=1))) as client:
        assert client.post("/items", json={"name": "before"}).status_code == 201
        # The same server and the same connections, as when Aurora has made another instance the writer.
        writer.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        writer.execute("SELECT pg_reload_conf()")
        until(lambda: client.get("/ready").status_code == 503, LONG)
        assert client.post("/items", json={"name": "during"}).status_code == 503
        assert client.get("/health").status_code == 200
        writer.execute("ALTER SYSTEM RESET default_transaction_read_only")
        writer.execute("SELECT pg_reload_conf()")
        until(lambda: client.get("/ready").status_code == 200, LONG)
        assert client.post("/items", json={"name": "after"}).status_code == 201


def test_a_name_that_leads_to_a_reader_is_no_database_to_write_to(postgres: Postgres) -> None:
    with TestClient(create_app(Settings(), ItemsInPostgres(database(postgres), wait_seconds=1))) as client:
        assert client.post("/items", json={"name": "before"}).status_code == 201
        with postgres.as_reader():
            statuses = {client.post("/items", json={"name": "during"}).status_code for _ in range(3)}
            assert statuses | {client.get("/ready").status_code} == {503}
        until(lambda: client.post("/items", json={"name": "after"}).status_code == 201, LONG)


def test_a_table_that_somebody_drops_is_made_again(postgres: Postgres) -> None:
    """As `pg_restore --clean` does, while the application runs."""
    with TestClient(create_app(Settings(), ItemsInPostgres(database(postgres)))) as client:
        assert client.post("/items", json={"name": "before"}).status_code == 201
        postgres.execute("DROP TABLE items")
        assert client.get("/items").status_code == 503
        assert client.post("/items", json={"name": "after"}).status_code == 201
        assert [item["name"] for item in client.get("/items").json()] == ["after"]


WATCHFUL = {"connect_timeout", "tcp_user_timeout", "keepalives_idle", "target_session_attrs"}


def test_every_program_notices_a_database_that_is_gone() -> None:
    """A program that opens a connection does it with the options above, or writes down its own."""
    opened = 0
    for path in sorted((ROOT / "workloads").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or ast.unparse(node.func) not in ("psycopg.connect", "ConnectionPool"):
                continue
            opened += 1
            given = {word.arg for word in node.keywords} - {None}
            by_name = "connection_options" in path.read_text(encoding="utf-8")
            assert by_name or given >= WATCHFUL, f"{path.name} waits for ever for a host that is gone"
    assert opened >= 3
    away = Database(host="h", port=1, name="n", user="u", password=PASSWORD)
    assert set(connection_options(away)) >= WATCHFUL
