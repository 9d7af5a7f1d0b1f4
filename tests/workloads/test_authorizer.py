"""The authorizer of the WebSocket: the real zip and layer, with the keys of a user pool at an address of its own."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
from authorizer import tokens
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from packages.plan import sources
from packages.run import local, run, unpacked
from tests.workloads.gateway_events import asks_to_open

ARN = "arn:aws:execute-api:ap-northeast-1:123456789012:abc123/live/$connect"
CLIENTS = "web,mobile"


@dataclass(frozen=True)
class Pool:
    """A user pool's address and its key."""

    issuer: str
    key: rsa.RSAPrivateKey
    asked: list[str]

    def token(self, *, key: Any = None, algorithm: str = "RS256", kid: str = "one", **claims: Any) -> str:
        """An access token as Cognito makes it, with changes; a claim of None is left out."""
        now = int(time.time())
        made = {
            "sub": "5f0e8a3c-1111-4222-8333-444455556666",
            "iss": self.issuer,
            "client_id": "web",
            "origin_jti": "x",
            "token_use": "access",
            "scope": "openid",
            "auth_time": now,
            "exp": now + 3600,
            "iat": now,
            "jti": "y",
            "username": "ann",
        } | claims
        kept = {name: value for name, value in made.items() if value is not None}
        return jwt.encode(kept, self.key if key is None else key, algorithm=algorithm, headers={"kid": kid})


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = json.loads(RSAAlgorithm.to_jwk(key.public_key())) | {"kid": "one", "alg": "RS256", "use": "sig"}
    asked: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            body = json.dumps({"keys": [public]}).encode()
            self.send_response(200 if self.path == "/pool/.well-known/jwks.json" else 404)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 the base class calls it so
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Pool(f"http://127.0.0.1:{server.server_port}/pool", key, asked)
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with unpacked(local(sources()["authorizer"])) as made:
        yield made


def judged(folder: Path, issuer: str, *tokens: str | None) -> list[Any]:
    events = [asks_to_open("ann=") if one is None else asks_to_open("ann=", token=one) for one in tokens]
    environment = {"USER_POOL_ISSUER": issuer, "USER_POOL_CLIENT_IDS": CLIENTS}
    return run(folder, "authorizer.tokens.handler", events, environment).answers


def effects(answers: list[Any]) -> list[str]:
    return [answer["policyDocument"]["Statement"][0]["Effect"] for answer in answers]


@pytest.mark.covers("B7", "B9")
def test_a_token_of_the_pool_opens_this_connection_and_tells_who_it_is(folder: Path, pool: Pool) -> None:
    pool.asked.clear()
    first, second = judged(folder, pool.issuer, pool.token(), pool.token(client_id="mobile", username=None))
    statement = {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": ARN}
    assert first == {
        "principalId": "5f0e8a3c-1111-4222-8333-444455556666",
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": {"user": "ann"},
    }
    assert second["context"] == {"user": "5f0e8a3c-1111-4222-8333-444455556666"}
    # A copy of the function reads the keys once.
    assert pool.asked == ["/pool/.well-known/jwks.json"]


@pytest.mark.covers("B7", "B9")
def test_every_other_token_is_refused(folder: Path, pool: Pool) -> None:
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    # What the pool tells everybody, taken for the secret of a signature.
    public = json.loads(RSAAlgorithm.to_jwk(pool.key.public_key()))["n"]
    good = pool.token()
    refused = {
        "no token": None,
        "nothing": "",
        "no token at all": "opensesame",
        "of another key": pool.token(key=stranger),
        "of a key that the pool does not have": pool.token(kid="two"),
        "not signed": pool.token(key="", algorithm="none"),
        "signed with the public key": pool.token(key=public, algorithm="HS256"),
        "changed": ".".join([good.split(".")[0], pool.token(username="eve").split(".")[1], good.split(".")[2]]),
        "ended": pool.token(exp=int(time.time()) - 10),
        "of the future": pool.token(iat=int(time.time()) + 3600),
        "without an end": pool.token(exp=None),
        "of another pool": pool.token(iss="https://cognito-idp.ap-northeast-1.amazonaws.com/other"),
        "for another program": pool.token(client_id="stranger"),
        "for no program": pool.token(client_id=None),
        "an id token": pool.token(token_use="id", aud="web"),
        "of nobody": pool.token(sub=None),
    }
    answers = judged(folder, pool.issuer, *refused.values())
    said = dict(zip(refused, effects(answers), strict=True))
    assert said == dict.fromkeys(refused, "Deny")
    assert all(answer["context"] == {} for answer in answers)


def test_a_token_of_a_clock_that_is_a_little_ahead_opens(folder: Path, pool: Pool) -> None:
    assert effects(judged(folder, pool.issuer, pool.token(iat=int(time.time()) + 4))) == ["Allow"]


def test_a_token_writes_no_record_of_its_own(
    pool: Pool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("USER_POOL_ISSUER", pool.issuer)
    monkeypatch.setenv("USER_POOL_CLIENT_IDS", CLIENTS)
    caplog.set_level("INFO", "authorizer")
    tokens._keys.cache_clear()  # noqa: SLF001 of another test's pool
    forged = "one\n2026-01-01T00:00:00Z let in: root\r\u2028"
    for token in (pool.token(kid=forged), pool.token(client_id=forged), pool.token(token_use=forged)):
        answer = tokens.handler(asks_to_open("ann=", token=token), None)
        assert effects([answer]) == ["Deny"]
    written = [record.getMessage() for record in caplog.records if record.name == "authorizer"]
    assert len(written) == 3
    assert all("root" in line and line.isprintable() for line in written)


def test_a_pool_that_is_away_is_an_error_and_opens_nothing(folder: Path, pool: Pool) -> None:
    [answer] = judged(folder, "http://127.0.0.1:1/pool", pool.token(iss="http://127.0.0.1:1/pool"))
    assert answer["errorType"] == "PyJWKClientConnectionError"
