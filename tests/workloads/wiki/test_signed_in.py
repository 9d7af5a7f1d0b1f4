"""Who may use the API, and what is written down of them; and the knowledge base behind it."""

from __future__ import annotations

import dataclasses
import json
import logging
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from botocore.stub import Stubber
from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi.testclient import TestClient
from jwt.algorithms import RSAAlgorithm
from wiki import knowledge
from wiki.main import create_app
from wiki.settings import Settings, SettingsError, UserPool

from tests.workloads.wiki.conftest import Account
from tests.workloads.wiki.stand_ins import Request, serving


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def issuer(key: rsa.RSAPrivateKey) -> Iterator[str]:
    public = json.loads(RSAAlgorithm.to_jwk(key.public_key())) | {"kid": "one", "alg": "RS256", "use": "sig"}

    def answer(request: Request) -> Any:
        return (200, {}, {"keys": [public]}) if request.path == "/pool/.well-known/jwks.json" else (404, {}, {})

    with serving(answer) as address:
        yield f"{address}/pool"


@pytest.fixture
def client(account: Account, issuer: str) -> Iterator[TestClient]:
    account.environment |= {"USER_POOL_ISSUER": issuer, "USER_POOL_CLIENT_IDS": "web,mobile"}
    account.environment.pop("USER_HEADER")
    with TestClient(create_app(account.settings, account.store(), account.index(), account.models())) as client:
        yield client


def bearer(key: rsa.RSAPrivateKey, issuer: str, **claims: Any) -> dict[str, str]:
    now = int(time.time())
    made = {
        "sub": "5f0e8a3c", "iss": issuer, "client_id": "web", "token_use": "access", "exp": now + 600, "iat": now,
        "username": "ann", **claims,
    }  # fmt: skip
    return {"authorization": f"Bearer {jwt.encode(made, key, algorithm='RS256', headers={'kid': 'one'})}"}


@pytest.mark.covers("D17")
def test_who_has_signed_in_gets_in_and_is_written_down(
    client: TestClient, key: rsa.RSAPrivateKey, issuer: str, caplog: pytest.LogCaptureFixture
) -> None:
    # The application has put its own in the place of all others.
    logging.getLogger().addHandler(caplog.handler)
    answer = client.post("/repositories", json={"repository": "o/r"}, headers=bearer(key, issuer))
    assert answer.status_code == 202
    logging.getLogger().removeHandler(caplog.handler)
    written = [vars(one) for one in caplog.records]
    assert [one["audit"]["actor"] for one in written if "audit" in one] == ["ann"]
    assert [one["request"]["user_id"] for one in written if "request" in one] == ["ann"]


@pytest.mark.covers("D17")
@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://elsewhere.example.com"},
        {"exp": 1},
        {"token_use": "id"},
        {"client_id": "another"},
        {"sub": None},
    ],
)
def test_another_token_opens_nothing(
    claims: dict[str, Any], client: TestClient, key: rsa.RSAPrivateKey, issuer: str
) -> None:
    kept = {name: value for name, value in claims.items() if value is not None}
    headers = bearer(key, issuer, **kept) if kept == claims else {"authorization": "Bearer nonsense"}
    answer = client.get("/repositories", headers=headers)
    assert (answer.status_code, answer.json()) == (401, {"detail": "sign in"})


@pytest.mark.covers("D17")
def test_nobody_gets_in_without_a_token_or_with_one_of_another_key_and_probes_need_none(
    client: TestClient, issuer: str
) -> None:
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for headers in ({}, {"authorization": "Basic YTpi"}, bearer(stranger, issuer)):
        assert client.get("/repositories", headers=headers).status_code == 401
    assert client.get("/health").status_code == 200


def test_a_pool_without_programs_is_refused_and_without_a_pool_nobody_judges(account: Account) -> None:
    assert account.settings.users is None
    with pytest.raises(SettingsError, match="USER_POOL_CLIENT_IDS is missing"):
        Settings.read({**account.environment, "USER_POOL_ISSUER": "https://cognito-idp.example.com/pool"})
    given = {"USER_POOL_ISSUER": "https://cognito-idp.example.com/pool", "USER_POOL_CLIENT_IDS": "a,b"}
    assert Settings.read({**account.environment, **given}).users == UserPool(
        issuer="https://cognito-idp.example.com/pool", clients=("a", "b")
    )


@pytest.mark.covers("B4")
def test_chunks_come_from_the_knowledge_base_by_a_question_and_nothing_else(account: Account) -> None:
    made = knowledge.Knowledge("KB12345678")
    source = {"type": "S3", "s3Location": {"uri": "s3://content/pages/o/r/src/1.md"}}
    with Stubber(made._runtime) as stub:  # noqa: SLF001 what it calls
        stub.add_response(
            "retrieve",
            {"retrievalResults": [{"content": {"text": "It counts."}, "location": source, "score": 0.7}]},
            {
                "knowledgeBaseId": "KB12345678",
                "retrievalQuery": {"text": "What counts?"},
                "retrievalConfiguration": {"vectorSearchConfiguration": {"numberOfResults": 3}},
            },
        )
        (found,) = made.find("What counts?", 3)
    assert found == knowledge.Chunk(text="It counts.", source="s3://content/pages/o/r/src/1.md", score=0.7)
    without = dataclasses.replace(account.settings, knowledge_base=None)
    client = TestClient(create_app(without, account.store(), account.index(), account.models()))
    assert client.get("/chunks", params={"q": "What counts?"}).status_code == 404
