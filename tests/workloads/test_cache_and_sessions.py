"""What the application does with the cache and the key that it is given."""

from __future__ import annotations

import io
import json
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
import redis
from api.cache import CachedItems
from api.items import Item, ItemsInMemory, NewItem
from api.logs import write_json_lines
from api.main import create_app, stores_for
from api.sessions import COOKIE
from api.settings import Cache, Settings, SettingsError
from cryptography.hazmat.primitives import serialization
from fastapi.testclient import TestClient

from tests.workloads.conftest import until
from tests.workloads.postgres import PASSWORD, signed

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
def server(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
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
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [program, "--port", "0", "--tls-port", str(port), "--bind", "127.0.0.1", "--save", "",
         "--tls-auth-clients", "no", "--tls-cert-file", "server.crt", "--tls-key-file", "server.key",
         "--tls-ca-cert-file", "root.crt",
         "--user", "default", "off", "--user", "app", "on", f">{PASSWORD}", "~*", "+@all"],
        cwd=folder, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    # The authorities that the system knows.
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "root.crt"))
    made = Server(port, folder / "root.crt", process)
    try:
        until(lambda: _answers(port))
        yield made
    finally:
        process.kill()
        process.wait()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


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
    client = redis.Redis(host="localhost", port=server.port, username="app", password=PASSWORD, ssl=True)
    assert 0 < int(client.ttl(f"item:{made.id}")) <= 60  # pyright: ignore[reportArgumentType] not asynchronous
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
