"""What the application does with the cache and the key that it is given."""

from __future__ import annotations

import io
import json
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import redis
from api.cache import CachedItems, Connection
from api.items import Item, ItemsInMemory, NewItem
from api.limits import RateLimit
from api.logs import write_json_lines
from api.main import create_app, stores_for
from api.sessions import COOKIE
from api.settings import Cache, Settings, SettingsError
from cryptography.hazmat.primitives import serialization
from fastapi.testclient import TestClient

from tests.workloads.conftest import until
from tests.workloads.postgres import PASSWORD, free_port, signed

KEY = "k" * 48


@dataclass(frozen=True)
class Server:
    """A Redis that takes TLS and a password only, as ElastiCache does."""

    port: int
    root: Path
    process: subprocess.Popen[bytes]

    @property
    def settings(self) -> Settings:
        secret = json.dumps({"username": "app", "password": PASSWORD})
        told = {"CACHE_HOST": "localhost", "CACHE_PORT": str(self.port), "CACHE_SECRET": secret}
        return Settings.read(told)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="cache", dir="/tmp") as name:
        yield Path(name)


@pytest.fixture
def program(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The server's program, for which the folder has a certificate."""
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        pytest.skip("there is no redis-server or valkey-server on this machine")
    root, root_key = signed("Root CA")
    certificate, key = signed("localhost", root, root_key, ca=False)
    for name, one in {"root.crt": root, "server.crt": certificate}.items():
        (folder / name).write_bytes(one.public_bytes(serialization.Encoding.PEM))
    (folder / "server.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    # The authorities that the system knows.
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "root.crt"))
    return program


@pytest.fixture
def server(program: str, folder: Path) -> Iterator[Server]:
    with running(program, folder) as made:
        yield made


@contextmanager
def running(program: str, folder: Path, *more: str) -> Iterator[Server]:
    """A server with the certificate in the folder, which lets in one user, and may have more options."""
    port = free_port()
    process = subprocess.Popen(
        [program, "--port", "0", "--tls-port", str(port), "--bind", "127.0.0.1", "--save", "",
         "--tls-auth-clients", "no", "--tls-cert-file", "server.crt", "--tls-key-file", "server.key",
         "--tls-ca-cert-file", "root.crt", *more,
         "--user", "default", "off", "--user", "app", "on", f">{PASSWORD}", "~*", "+@all"],
        cwd=folder, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        until(lambda: process.poll() is not None or _answers(port))
        assert process.poll() is None, "the server has not started"
        yield Server(port, folder / "root.crt", process)
    finally:
        process.kill()
        process.wait()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def cluster(program: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Server]]:
    """Two shards, each of which knows half of the keys, and names the other by its host name as ElastiCache does."""
    # The client takes `localhost`, and no other name, for its address, which the certificate does not have.
    monkeypatch.setattr("socket.gethostbyname", lambda name: name)
    buses = [free_port(), free_port()]
    with ExitStack() as stack:
        nodes = [
            stack.enter_context(running(
                program, folder, "--cluster-enabled", "yes", "--cluster-port", str(bus),
                "--cluster-config-file", f"nodes-{bus}.conf", "--tls-cluster", "yes",
                "--cluster-announce-hostname", "localhost",
                "--cluster-preferred-endpoint-type", "hostname", "--cluster-node-timeout", "2000",
            ))
            for bus in buses
        ]  # fmt: skip
        clients: list[Any] = [client_of(one) for one in nodes]
        clients[0].execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 8191)
        clients[1].execute_command("CLUSTER", "ADDSLOTSRANGE", 8192, 16383)
        clients[0].execute_command("CLUSTER", "MEET", "127.0.0.1", nodes[1].port, buses[1])
        until(lambda: all("cluster_state:ok" in str(one.execute_command("CLUSTER", "INFO")) and
                          len(one.execute_command("CLUSTER", "SLOTS")) == 2 for one in clients))  # fmt: skip
        yield nodes
        for one in clients:
            one.close()
    for left in folder.glob("nodes-*.conf"):
        left.unlink()


def client_of(server: Server) -> Any:
    return redis.Redis(host="localhost", port=server.port, username="app", password=PASSWORD, ssl=True)


class Counting(ItemsInMemory):
    """Counts what it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def get(self, id_: UUID) -> Item | None:
        self.asked += 1
        return super().get(id_)


def cached(server: Server, store: ItemsInMemory) -> CachedItems:
    assert server.settings.cache is not None
    return CachedItems(store, server.settings.cache)


def test_what_is_read_again_does_not_ask_the_store(server: Server) -> None:
    store = Counting()
    items = cached(server, store)
    made = items.create(NewItem(name="Tea", description="緑茶"))
    assert [items.get(made.id) for _ in range(3)] == [made] * 3
    assert store.asked == 1
    # Another task reads it, too.
    assert cached(server, store).get(made.id) == made
    assert store.asked == 1


def test_what_is_deleted_is_gone_also_for_whoever_was_just_reading_it(server: Server) -> None:
    store = Counting()
    items = cached(server, store)
    made = items.create(NewItem(name="Tea"))

    class Slow(Counting):
        """Another task deletes the item while this one has read it and not yet kept it."""

        def get(self, id_: UUID) -> Item | None:
            found = store.get(id_)
            assert items.delete(id_)
            return found

    assert cached(server, Slow()).get(made.id) == made, "it was there when the store was asked"
    assert items.get(made.id) is None


def test_what_is_kept_ends_by_itself(server: Server) -> None:
    items = cached(server, ItemsInMemory())
    made = items.create(NewItem(name="Tea"))
    items.get(made.id)
    client = client_of(server)
    assert 0 < client.ttl(f"item:{made.id}") <= 60
    client.close()


def test_without_the_cache_everything_goes_on_and_the_log_says_so_once(server: Server) -> None:
    stream = io.StringIO()
    write_json_lines("api", "INFO", stream)
    store = Counting()
    items = cached(server, store)
    made = items.create(NewItem(name="Tea"))
    assert items.get(made.id) == made
    server.process.kill()
    server.process.wait()
    assert [items.get(made.id) for _ in range(3)] == [made] * 3
    assert items.delete(made.id)
    assert items.get(made.id) is None
    assert items.hopeless is False
    items.ready()
    assert stream.getvalue().count("the cache does not answer") == 1
    assert PASSWORD not in stream.getvalue()


@pytest.mark.covers("B3")
def test_a_cluster_is_found_out_and_each_shard_has_its_keys(cluster: list[Server]) -> None:
    stream = io.StringIO()
    write_json_lines("api", "INFO", stream)
    store = Counting()
    items = cached(cluster[0], store)
    made = [items.create(NewItem(name=str(number))) for number in range(20)]
    for one in made * 2:
        assert items.get(one.id) == one
    assert store.asked == 20, "each of them was kept"
    kept = [client_of(one).dbsize() for one in cluster]
    assert (sum(kept), min(kept) > 0) == (20, True)
    # Nor does one that is away take the keys of the other along.
    cluster[1].process.kill()
    cluster[1].process.wait()
    assert [items.get(one.id) for one in made] == made
    assert PASSWORD not in stream.getvalue()


def limit(server: Server, per_minute: int) -> RateLimit:
    assert server.settings.cache is not None
    return RateLimit(Connection(server.settings.cache), per_minute)


@pytest.mark.covers("B3")
def test_so_many_may_be_asked_a_minute_by_each_and_all_processes_count_together(server: Server) -> None:
    one, other = limit(server, 3), limit(server, 3)
    assert [one.seconds_to_wait("me"), other.seconds_to_wait("me"), one.seconds_to_wait("me")] == [0, 0, 0]
    assert 18 <= one.seconds_to_wait("me") <= 20, "a third of a minute for each"
    assert other.seconds_to_wait("me") <= 20, "who is refused does not wait longer for it"
    assert one.seconds_to_wait("you") == 0
    client = client_of(server)
    keys = client.keys("rate:*")
    assert len(keys) == 2
    assert not [key for key in keys if b"me" in key.partition(b":")[2] and len(key) < 60], "no name"
    assert all(0 < client.ttl(key) <= 60 for key in keys)


def test_requests_at_once_are_counted_one_by_one(server: Server) -> None:
    limits = [limit(server, 5) for _ in range(4)]
    with ThreadPoolExecutor(16) as pool:
        waits = list(pool.map(lambda number: limits[number % 4].seconds_to_wait("me"), range(40)))
    assert waits.count(0) == 5


def test_what_was_asked_is_paid_off_with_time(server: Server) -> None:
    quick = limit(server, 600)
    assert [quick.seconds_to_wait("me") for _ in range(600)].count(0) == 600
    until(lambda: quick.seconds_to_wait("me") == 0)


@pytest.mark.covers("B3")
def test_whoever_cannot_be_counted_may_ask_and_the_log_says_so_once(server: Server) -> None:
    stream = io.StringIO()
    write_json_lines("api", "INFO", stream)
    counted = limit(server, 1)
    assert counted.seconds_to_wait("me") == 0
    assert counted.seconds_to_wait("me") > 0
    server.process.kill()
    server.process.wait()
    assert [counted.seconds_to_wait("me") for _ in range(3)] == [0, 0, 0]
    assert stream.getvalue().count("the cache does not answer") == 1


@pytest.fixture
def chat(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """Conversations over the cache, with models that are nowhere."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    told = replace(server.settings, models="/chat/test/models", user_header="x-user", session_key=KEY,
                   questions_per_minute=1)  # fmt: skip
    with TestClient(create_app(told), base_url="https://testserver") as made:
        yield made


@pytest.mark.covers("B3")
def test_who_asks_too_often_is_told_when_to_come_back_and_the_model_is_not_asked(chat: TestClient) -> None:
    me = {"x-user": "me"}
    path = f"/conversations/{chat.post('/conversations', json={}, headers=me).json()['id']}/messages"
    first, second = (chat.post(path, json={"text": "?"}, headers=me) for _ in range(2))
    assert (first.status_code, second.status_code) == (503, 429)
    assert 1 <= int(second.headers["Retry-After"]) <= 60
    assert second.json() == {"detail": "too many questions"}
    assert len(chat.get(path, headers=me).json()) == 1, "nothing is kept of what was refused; reading is not counted"
    assert chat.post("/search", json={"text": "?"}, headers=me).status_code == 429
    assert chat.post("/search", json={"text": "?"}, headers={"x-user": "you"}).status_code == 200


@pytest.mark.covers("B3")
def test_a_session_remembers_where_somebody_was_until_it_ends_and_nobody_else_learns_it(
    chat: TestClient, server: Server
) -> None:
    me, you = {"x-user": "me"}, {"x-user": "you"}
    conversation = chat.post("/conversations", json={}, headers=me).json()["id"]
    assert chat.get("/session", headers=me).json() == {"conversation": None}
    chat.post(f"/conversations/{conversation}/messages", json={"text": "?"}, headers=me)
    assert chat.get("/session", headers=me).json() == {"conversation": conversation}
    client = client_of(server)
    [key] = client.keys("session:*")
    assert 0 < client.ttl(key) <= 8 * 3600
    assert chat.get("/session", headers=you).json() == {"conversation": None}, "the next one at this browser"
    ended = chat.delete("/session", headers=me)
    assert (ended.status_code, "Max-Age=0" in ended.headers["set-cookie"]) == (204, True)
    assert client.keys("session:*") == []
    assert chat.get("/session", headers=me).json() == {"conversation": None}
    assert chat.get("/session").status_code == 401
    server.process.kill()
    server.process.wait()
    assert chat.get("/session", headers=me).json() == {"conversation": None}


def test_a_server_that_is_not_the_one_that_was_named_gets_no_password(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    another, _ = signed("Root CA")
    (tmp_path / "another.crt").write_bytes(another.public_bytes(serialization.Encoding.PEM))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "another.crt"))
    store = Counting()
    items = cached(server, store)
    made = items.create(NewItem(name="Tea"))
    assert [items.get(made.id) for _ in range(2)] == [made] * 2
    assert store.asked == 2, "nothing was kept there"


def test_the_settings_name_the_cache_and_hide_its_password(server: Server) -> None:
    assert isinstance(stores_for(server.settings).items, CachedItems)
    assert PASSWORD not in repr(server.settings)
    assert KEY not in repr(Settings.read({"SESSION_KEY_SECRET": KEY}))
    beside = Settings.read({"REDIS_URL": "redis://redis:6379/0"}).cache
    assert beside == Cache(host="redis", port=6379, tls=False)


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"CACHE_HOST": "cache"}, "CACHE_SECRET is missing"),
        ({"CACHE_SECRET": "{}"}, "CACHE_HOST is missing"),
        ({"CACHE_HOST": "cache", "CACHE_SECRET": "opens-nothing"}, 'CACHE_SECRET must be JSON with "username"'),
        ({"CACHE_HOST": "cache", "CACHE_SECRET": "{}", "REDIS_URL": "redis://redis"}, "there is one cache"),
        ({"REDIS_URL": "https://redis"}, "REDIS_URL must be like"),
        ({"SESSION_KEY_SECRET": "short"}, "SESSION_KEY_SECRET is too short"),
    ],
)
def test_settings_that_make_no_sense_are_refused_at_the_start(environment: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError, match=words) as refused:
        Settings.read(environment)
    assert "opens-nothing" not in str(refused.value)


def served(key: str | None) -> tuple[TestClient, io.StringIO]:
    client = TestClient(create_app(Settings(session_key=key), ItemsInMemory()), base_url="https://testserver")
    client.__enter__()
    stream = io.StringIO()
    write_json_lines("api", "INFO", stream)
    return client, stream


def sessions(stream: io.StringIO) -> list[str | None]:
    records = [json.loads(line) for line in stream.getvalue().splitlines()]
    return [one.get("session_id") for one in records if one.get("path")]


def test_requests_of_one_browser_are_of_one_session() -> None:
    client, stream = served(KEY)
    given = client.get("/items").headers["set-cookie"]
    assert "set-cookie" not in client.get("/items").headers, "it has one"
    first, second = sessions(stream)
    assert first == second is not None
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(given.split("; "))
    client.cookies.clear()
    client.get("/items")
    assert sessions(stream)[-1] != first


@pytest.mark.parametrize("forged", ["0" * 32, "0" * 32 + "." + "0" * 64, ".", '"', "é"])
def test_a_cookie_that_another_has_made_is_not_believed(forged: str) -> None:
    client, stream = served(KEY)
    answer = client.get("/items", headers={"Cookie": f"{COOKIE}={forged}".encode()})
    assert answer.status_code == 200
    assert COOKIE in answer.headers["set-cookie"]
    assert sessions(stream) != ["0" * 32]


def test_a_key_of_another_system_signs_nothing_here() -> None:
    theirs, _ = served("x" * 48)
    cookie = theirs.get("/items").headers["set-cookie"].partition(";")[0]
    ours, _ = served(KEY)
    assert "set-cookie" in ours.get("/items", headers={"Cookie": cookie}).headers


def test_without_a_key_there_are_no_sessions_and_probes_have_none() -> None:
    client, stream = served(None)
    assert "set-cookie" not in client.get("/items").headers
    assert sessions(stream) == [None]
    assert "set-cookie" not in served(KEY)[0].get("/health").headers
