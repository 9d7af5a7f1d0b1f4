"""Conversations with a model: whose they are, what the model hears, and what becomes of a question while it is away."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin
from uuid import UUID

import boto3
import psycopg
import pytest
from api import tables
from api.chat import TASK, turns
from api.conversations import (
    Conversations,
    ConversationsInMemory,
    ConversationsInPostgres,
    Message,
    NewConversation,
    Vector,
    by_words,
    new_id,
)
from api.logs import write_json_lines
from api.main import Stores, create_app, stores_for
from api.migrate import migrate
from api.postgres import Pool
from api.settings import Settings, SettingsError
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto.server import ThreadedMotoServer

from packages.plan import sources
from packages.run import local, run, unpacked
from tests.conftest import PATIENCE
from tests.workloads.conftest import until
from tests.workloads.gateway_events import http, rest
from tests.workloads.postgres import Postgres
from tests.workloads.test_api import database
from tests.workloads.wiki.stand_ins import Bedrock, serving, vector

PATH = "/chat/test/models"
HEADER = "x-user"
MINE, YOURS = {HEADER: "mine"}, {HEADER: "yours"}
NOWHERE = "00000000-0000-7000-8000-000000000000"
TITAN = "amazon.titan-embed-text-v2:0"
SECRET_WORDS = "saffron marmalade"  # noqa: S105 what somebody says, and no log


@dataclass
class Account:
    """Bedrock's stand-in, and what its models are told by the parameters of the account."""

    bedrock: Bedrock
    environment: dict[str, str]

    def tell(self, **parameters: str) -> None:
        for name, value in parameters.items():
            path = f"{PATH}/{name.replace('__', '/').replace('_', '-')}"
            client("ssm").put_parameter(Name=path, Value=value, Type="String", Overwrite=True)


def client(service: str) -> Any:
    """A client of the emulator, whose methods no type checker knows."""
    return boto3.client(service)


@pytest.fixture(scope="module")
def emulator() -> Iterator[str]:
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def account(emulator: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    bedrock = Bedrock(compose=lambda question: f"About {question}")
    with serving(bedrock.answer) as models:
        environment = {
            "AWS_ENDPOINT_URL": emulator, "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": models, "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "ap-northeast-1",
        }  # fmt: skip
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("api.bedrock.wait", lambda *_, **__: 0.0)
        made = Account(bedrock, environment)
        made.tell(writer__id="jp.anthropic.claude-sonnet-4-6", writer__max_tokens="4096", writer__temperature="0.1",
                  embedder__id=TITAN, embedder__dimensions="1024")  # fmt: skip
        dynamodb = client("dynamodb")
        dynamodb.create_table(
            TableName="conversations", BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "kind", "KeyType": "HASH"}, {"AttributeName": "id", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("kind", "id")],
        )  # fmt: skip
        yield made
        dynamodb.delete_table(TableName="conversations")


def settings_of(store: str, request: pytest.FixtureRequest) -> Settings:
    told: dict[str, Any] = {"models": PATH, "user_header": HEADER}
    if store == "postgres":
        told["database"] = database(request.getfixturevalue("postgres"))
    if store == "table":
        told["conversations"] = "conversations"
    return Settings(**told)


@pytest.fixture(params=["memory", "postgres", "table"])
def chat(request: pytest.FixtureRequest, account: Account) -> Iterator[TestClient]:
    """The application over each store."""
    assert account
    with TestClient(create_app(settings_of(request.param, request))) as made:
        yield made


@pytest.fixture
def memory(account: Account) -> Iterator[TestClient]:
    assert account
    with TestClient(create_app(Settings(models=PATH, user_header=HEADER))) as made:
        yield made


def begin(chat: TestClient, who: dict[str, str] = MINE, title: str = "") -> str:
    made = chat.post("/conversations", json={"title": title}, headers=who)
    assert made.status_code == 201
    return f"/conversations/{made.json()['id']}"


def ask(chat: TestClient, conversation: str, text: str, who: dict[str, str] = MINE) -> Any:
    return chat.post(f"{conversation}/messages", json={"text": text}, headers=who)


# --- Whose they are ---------------------------------------------------------------------------------------------------


@pytest.mark.covers("B19")
def test_a_conversation_is_begun_continued_listed_and_read(chat: TestClient) -> None:
    first, second = begin(chat, title="Tea"), begin(chat)
    asked = ask(chat, first, " Which tea? 緑茶 ")
    assert asked.status_code == 201
    message = asked.json()
    assert (message["text"], message["answer"]) == ("Which tea? 緑茶", "About Which tea? 緑茶")
    assert (message["declined"], message["answered_at"] > message["created_at"]) == (False, True)
    more = [ask(chat, first, f"And {number}?").json() for number in range(3)]
    assert chat.get(f"{first}/messages", headers=MINE).json() == [message, *more]
    page = chat.get(f"{first}/messages", params={"limit": 2, "after": message["id"]}, headers=MINE).json()
    assert page == more[:2]
    assert chat.get(f"{second}/messages", headers=MINE).json() == []
    assert chat.get(urljoin(f"{first}/messages", asked.headers["Location"]), headers=MINE).json() == message
    listed = chat.get("/conversations", headers=MINE).json()
    assert [f"/conversations/{one['id']}" for one in listed] == [second, first], "the latest first"
    assert chat.get(first, headers=MINE).json() == listed[1]
    assert listed[1]["title"] == "Tea"
    rest_of = chat.get("/conversations", params={"limit": 1, "after": listed[0]["id"]}, headers=MINE).json()
    assert rest_of == listed[1:]


@pytest.mark.covers("B19")
def test_somebody_elses_conversation_is_not_there(chat: TestClient, account: Account) -> None:
    conversation = begin(chat)
    message = ask(chat, conversation, SECRET_WORDS).json()["id"]
    account.bedrock.written.clear()
    tries = [
        chat.get(conversation, headers=YOURS), chat.get(f"{conversation}/messages", headers=YOURS),
        ask(chat, conversation, "What did he say?", YOURS),
        chat.get(f"{conversation}/messages/{message}", headers=YOURS),
        chat.post(f"{conversation}/messages/{message}/answer", headers=YOURS),
        # One's own conversation does not open another's message either.
        chat.get(f"{begin(chat, YOURS)}/messages/{message}", headers=YOURS),
    ]  # fmt: skip
    assert [one.status_code for one in tries] == [404] * len(tries)
    # As one that never was: nobody learns that it is there.
    missing = chat.get(f"/conversations/{NOWHERE}", headers=YOURS)
    assert (tries[0].status_code, tries[0].json()) == (missing.status_code, missing.json())
    assert len(chat.get("/conversations", headers=YOURS).json()) == 1
    assert chat.post("/search", json={"text": SECRET_WORDS}, headers=YOURS).json()["messages"] == []
    assert account.bedrock.written == []
    ask(chat, begin(chat, YOURS), SECRET_WORDS, YOURS)
    assert "earlier" not in json.dumps(account.bedrock.written[-1]["messages"])


ASKS = (
    ("GET", "/conversations"), ("POST", "/conversations"), ("GET", f"/conversations/{NOWHERE}"),
    ("GET", f"/conversations/{NOWHERE}/messages"), ("POST", f"/conversations/{NOWHERE}/messages"),
    ("GET", f"/conversations/{NOWHERE}/messages/{NOWHERE}"),
    ("POST", f"/conversations/{NOWHERE}/messages/{NOWHERE}/answer"), ("POST", "/search"),
)  # fmt: skip


@pytest.mark.parametrize("header", [HEADER, None])
@pytest.mark.parametrize(
    "sent", [[], [(HEADER, "")], [(HEADER, "mine"), (HEADER, "yours")], [(HEADER, "a b")], [(HEADER, "x" * 129)]]
)
def test_whoever_is_not_signed_in_is_told_so(account: Account, header: str | None, sent: list[Any]) -> None:
    with TestClient(create_app(Settings(models=PATH, user_header=header))) as chat:
        # Without a named header nobody is believed, whatever he writes.
        heads = sent or ([(HEADER, "mine")] if header is None else [])
        answers = [chat.request(*one, json={} if one[1] == "/conversations" else {"text": "x"}, headers=heads)
                   for one in ASKS]  # fmt: skip
    assert {one.status_code for one in answers} == {401}
    assert {one.headers["WWW-Authenticate"] for one in answers} == {"Bearer"}
    assert account.bedrock.embedded == []


@pytest.mark.covers("B17", "B19")
@pytest.mark.parametrize("event", [rest, http], ids=["REST", "HTTP"])
def test_on_lambda_the_claims_say_who_asks_and_no_header_does(account: Account, event: Callable[..., Any]) -> None:
    def signed_in(made: dict[str, Any], sub: str) -> dict[str, Any]:
        claims = {"sub": sub, "token_use": "access"}
        made["requestContext"]["authorizer"] = {"jwt": {"claims": claims}} if event is http else {"claims": claims}
        return made

    body = {"Content_Type": "application/json"}
    environment = {
        **account.environment, "MODELS_PATH": PATH, "TABLE_CONVERSATIONS": "conversations", "USER_HEADER": HEADER,
    }  # fmt: skip
    with unpacked(local(sources()["api"])) as folder:
        [made, refused] = run(
            folder, "api.function.handler",
            [signed_in(event("POST", "/conversations", {}, **body), "mine"),
             event("GET", "/conversations", X_User="mine")],
            environment,
        ).answers  # fmt: skip
        path = f"/conversations/{json.loads(made['body'])['id']}"
        done = run(
            folder, "api.function.handler",
            [signed_in(event("POST", f"{path}/messages", {"text": SECRET_WORDS}, **body), "mine"),
             signed_in(event("GET", path, X_User="mine"), "yours")],
            environment,
        )  # fmt: skip
    asked, others = done.answers
    assert [one["statusCode"] for one in (made, refused, asked, others)] == [201, 401, 201, 404]
    assert json.loads(asked["body"])["answer"] == f"About {SECRET_WORDS}"
    records = [json.loads(line) for line in done.log if "path" in line]
    assert [one["user_id"] for one in records] == ["mine", "yours"]
    assert SECRET_WORDS not in "".join(done.log)


# --- What the model hears ---------------------------------------------------------------------------------------------


@pytest.mark.covers("B19")
def test_the_model_hears_what_was_said_before_in_turn_and_nothing_it_does_not_take(
    chat: TestClient, account: Account
) -> None:
    conversation = begin(chat)
    for text in ("First?", "Second?"):
        assert ask(chat, conversation, text).status_code == 201
    request = account.bedrock.written[-1]
    assert request["messages"] == [
        {"role": "user", "content": [{"text": "First?"}]}, {"role": "assistant", "content": [{"text": "About First?"}]},
        {"role": "user", "content": [{"text": "Second?"}]},
    ]  # fmt: skip
    assert request["system"] == [{"text": TASK}]
    assert request["inferenceConfig"] == {"maxTokens": 1000, "temperature": 0.1}
    assert "guardrailConfig" not in request


@pytest.mark.covers("B19")
def test_the_model_hears_what_the_person_said_of_it_elsewhere(chat: TestClient, account: Account) -> None:
    ask(chat, begin(chat), "My dog is called Bello")
    ask(chat, begin(chat), "Counting numbers quickly")
    ask(chat, begin(chat), "What is the name of my dog")
    [turn] = account.bedrock.written[-1]["messages"]
    earlier, question = turn["content"]
    assert question == {"text": "What is the name of my dog"}
    assert earlier["text"].index("Question: My dog is called Bello\nAnswer: About My dog is called Bello") > 0
    found = chat.post("/search", json={"text": "my dog", "limit": 2}, headers=MINE).json()
    assert "My dog is called Bello" in [one["text"] for one in found["messages"]]


def test_a_question_is_marked_for_the_guardrail_and_what_it_stops_is_not_told_again(
    chat: TestClient, account: Account
) -> None:
    account.tell(writer__guardrail_id="gr1234567890", writer__guardrail_version="2")
    conversation = begin(chat)
    try:
        account.bedrock.stop_reason = "guardrail_intervened"
        stopped = ask(chat, conversation, SECRET_WORDS)
        account.bedrock.stop_reason = "end_turn"
        assert (stopped.status_code, stopped.json()["declined"]) == (201, True)
        assert stopped.json()["answer"] == "The model does not answer this question."
        assert ask(chat, conversation, "Something else?").json()["declined"] is False
    finally:
        for name in ("guardrail-id", "guardrail-version"):
            client("ssm").delete_parameter(Name=f"{PATH}/writer/{name}")
    request = account.bedrock.written[-1]
    assert request["guardrailConfig"] == {"guardrailIdentifier": "gr1234567890", "guardrailVersion": "2"}
    assert request["messages"] == [
        {"role": "user", "content": [{"guardContent": {"text": {"text": "Something else?"}}}]}
    ]
    assert SECRET_WORDS not in json.dumps(request)


def said(text: str, answer: str | None) -> Message:
    at: Any = "2026-11-30T00:00:00Z"
    return Message(id=new_id(), conversation=UUID(NOWHERE), text=text, answer=answer, created_at=at)


def test_a_long_conversation_is_told_from_its_end(account: Account) -> None:
    assert account
    chat: Any = create_app(Settings(models=PATH, user_header=HEADER))
    assert chat
    long = [said(f"{number} {'x' * 9_000}", "y" * 3_000) for number in range(6)]

    class Writer:
        material = staticmethod(lambda text: {"text": text})

    made = turns(Writer(), "now", long, [said("z" * 9_000, "z")])  # pyright: ignore[reportArgumentType]
    told = [block["text"] for turn in made for block in turn["content"]]
    assert [text[0] for text in told if text[0].isdigit()] == ["3", "4", "5"]
    assert told[-1] == "now"
    assert sum(map(len, told)) < 41_000


# --- A model that is away ---------------------------------------------------------------------------------------------


@pytest.mark.covers("B19")
def test_while_the_model_is_away_the_question_is_kept_and_answered_later(chat: TestClient, account: Account) -> None:
    conversation = begin(chat)
    account.bedrock.down = True
    refused = ask(chat, conversation, "Anybody there?")
    assert (refused.status_code, int(refused.headers["Retry-After"]) >= 1) == (503, True)
    assert refused.json() == {"detail": "the model does not answer now; the question is kept"}
    [kept] = chat.get(f"{conversation}/messages", headers=MINE).json()
    assert (kept["text"], kept["answer"], kept["answered_at"]) == ("Anybody there?", None, None)
    assert refused.headers["Location"] == f"messages/{kept['id']}"
    account.bedrock.down = False
    # Three attempts have failed; the breaker opens after five.
    later = chat.post(f"{conversation}/messages/{kept['id']}/answer", headers=MINE)
    assert (later.status_code, later.json()["answer"]) == (200, "About Anybody there?")


def test_an_answer_that_is_owed_is_given_once(chat: TestClient, account: Account) -> None:
    conversation = begin(chat)
    account.bedrock.failures = ["AccessDeniedException"] * 2
    assert ask(chat, conversation, "Owed?").status_code == 502
    [kept] = chat.get(f"{conversation}/messages", headers=MINE).json()
    again = [chat.post(f"{conversation}/messages/{kept['id']}/answer", headers=MINE) for _ in range(2)]
    assert [one.status_code for one in again] == [200, 200]
    assert again[0].json() == again[1].json() == {**kept, "answer": "About Owed?",
                                                  "answered_at": again[0].json()["answered_at"]}  # fmt: skip
    assert len(account.bedrock.written) == 1


def test_a_question_without_an_answer_is_told_with_the_next_one(memory: TestClient, account: Account) -> None:
    conversation = begin(memory)
    account.bedrock.failures = ["AccessDeniedException"] * 2
    assert ask(memory, conversation, "First?").status_code == 502
    assert ask(memory, conversation, "Second?").status_code == 201
    assert account.bedrock.written[-1]["messages"] == [
        {"role": "user", "content": [{"text": "First?"}, {"text": "Second?"}]}
    ]


def test_a_model_that_stays_away_is_left_alone(memory: TestClient, account: Account) -> None:
    conversation = begin(memory)
    account.bedrock.down = True
    calls: list[str] = []
    answer = account.bedrock.answer

    def counting(request: Any) -> Any:
        calls.append(request.path)
        return answer(request)

    with serving(counting) as models:
        account.environment["AWS_ENDPOINT_URL_BEDROCK_RUNTIME"] = models
        pytest.MonkeyPatch().setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", models)
        with TestClient(create_app(Settings(models=PATH, user_header=HEADER))) as other:
            conversation = begin(other)
            answers = [ask(other, conversation, "Anybody?") for _ in range(6)]
    assert {one.status_code for one in answers} == {503}
    assert len([path for path in calls if path.endswith("converse")]) == 5, "the breaker opens after five failures"
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 30


@pytest.mark.parametrize("failure", ["ThrottlingException", "ModelTimeoutException", "ServiceUnavailableException"])
def test_what_passes_is_asked_again(memory: TestClient, account: Account, failure: str) -> None:
    conversation = begin(memory)
    account.tell(embedder__id="amazon.nothing")
    try:
        account.bedrock.failures = [failure]
        # The vector's attempt takes the failure; the answer is given all the same.
        assert ask(memory, conversation, "Now?").status_code == 201
    finally:
        account.tell(embedder__id=TITAN)


def test_without_vectors_it_is_found_by_words_and_the_log_says_so_without_the_words(
    memory: TestClient, account: Account
) -> None:
    conversation = begin(memory)
    for text in ("単語を数える", f"{SECRET_WORDS} with bread", "numbers"):
        ask(memory, conversation, text)
    stream = io.StringIO()
    write_json_lines("api", "INFO", stream)
    account.bedrock.failures = ["AccessDeniedException"]
    found = memory.post("/search", json={"text": SECRET_WORDS}, headers=MINE).json()
    assert (found["degraded"], [one["text"] for one in found["messages"]]) == (True, [f"{SECRET_WORDS} with bread"])
    account.bedrock.failures = ["AccessDeniedException"]
    found = memory.post("/search", json={"text": "数える"}, headers=MINE).json()
    assert [one["text"] for one in found["messages"]] == ["単語を数える"]
    assert "searched by words alone: AccessDeniedException" in stream.getvalue()
    found = memory.post("/search", json={"text": "numbers", "limit": 1}, headers=MINE).json()
    assert (found["degraded"], [one["text"] for one in found["messages"]]) == (False, ["numbers"])
    assert not [word for word in SECRET_WORDS.split() if word in stream.getvalue()]


def test_no_log_holds_what_was_said_whatever_fails(chat: TestClient, account: Account) -> None:
    stream = io.StringIO()
    conversation = begin(chat)
    write_json_lines("api", "DEBUG", stream)
    for failures in ([], ["AccessDeniedException"] * 2, ["ThrottlingException"] * 5, ["ValidationException"] * 2):
        account.bedrock.failures = failures
        assert ask(chat, conversation, SECRET_WORDS).status_code in {201, 502, 503}
    account.bedrock.failures = []
    assert chat.post(f"{conversation}/messages", json={"texts": SECRET_WORDS}, headers=MINE).status_code == 422
    assert chat.post("/search", json={"text": SECRET_WORDS, "limit": 0}, headers=MINE).status_code == 422
    ours = stream.getvalue().splitlines()
    assert len(ours) >= 6
    assert "saffron" not in "".join(ours)
    assert {json.loads(line)["user_id"] for line in ours if "path" in line} == {"mine"}


# --- Several at once, and faults in the middle ------------------------------------------------------------------------


def together(*works: Callable[[], Any]) -> list[Any]:
    answers: list[Any] = [None] * len(works)

    def do(at: int) -> None:
        answers[at] = works[at]()

    threads = [threading.Thread(target=do, args=(at,), daemon=True) for at in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    return answers


def test_two_that_ask_for_the_same_answer_get_the_same(chat: TestClient, account: Account) -> None:
    conversation = begin(chat)
    account.bedrock.failures = ["AccessDeniedException"] * 2
    assert ask(chat, conversation, "Owed?").status_code == 502
    [kept] = chat.get(f"{conversation}/messages", headers=MINE).json()
    both, numbers = threading.Barrier(2), iter(range(2))

    def compose(_: str) -> str:
        both.wait(PATIENCE)
        return f"Answer {next(numbers)}"

    account.bedrock.compose = compose
    path = f"{conversation}/messages/{kept['id']}/answer"
    one, other = together(*[lambda: chat.post(path, headers=MINE)] * 2)
    assert (one.status_code, other.status_code) == (200, 200)
    assert one.json() == other.json()
    assert chat.get(f"{conversation}/messages", headers=MINE).json() == [one.json()]


def test_two_questions_at_once_are_both_kept_and_answered(chat: TestClient, account: Account) -> None:
    conversation, both = begin(chat), threading.Barrier(2)

    def compose(question: str) -> str:
        both.wait(PATIENCE)
        return f"About {question}"

    account.bedrock.compose = compose
    asked = together(*[lambda text=text: ask(chat, conversation, text) for text in ("One?", "Two?")])
    assert {(one.status_code, one.json()["answer"]) for one in asked} == {(201, "About One?"), (201, "About Two?")}
    assert len(chat.get(f"{conversation}/messages", headers=MINE).json()) == 2


def test_more_questions_than_may_be_are_sent_away_at_once_and_others_are_answered(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.chat.MOST_ASKED", 1)
    with TestClient(create_app(Settings(models=PATH, user_header=HEADER))) as chat:
        conversation = begin(chat)
        account.bedrock.hold = threading.Event()
        first: list[Any] = []
        thread = threading.Thread(target=lambda: first.append(ask(chat, conversation, "Slow?")), daemon=True)
        thread.start()
        assert account.bedrock.working.wait(PATIENCE)
        try:
            refused = ask(chat, conversation, "Me too?")
            assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
            assert chat.post("/search", json={"text": "x"}, headers=MINE).status_code == 503
            assert chat.get("/ready").status_code == 200
            assert len(chat.get(f"{conversation}/messages", headers=MINE).json()) == 2, "it is kept"
        finally:
            account.bedrock.hold.set()
            thread.join(PATIENCE)
    assert first[0].status_code == 201


@pytest.mark.parametrize("between", ["restart", "wait"])
def test_an_answer_is_kept_after_a_restart_of_the_database_or_a_long_wait_for_the_model(
    postgres: Postgres, account: Account, between: str
) -> None:
    settings_ = Settings(models=PATH, user_header=HEADER, database=database(postgres))
    pool = Pool(database(postgres), wait_seconds=2)
    stores = Stores(items=stores_for(Settings()).items, conversations=ConversationsInPostgres(pool), cache=None)
    with TestClient(create_app(settings_, stores)) as chat:
        conversation = begin(chat)
        account.bedrock.hold = threading.Event()
        answers: list[Any] = []
        thread = threading.Thread(target=lambda: answers.append(ask(chat, conversation, "Slow?")), daemon=True)
        thread.start()
        assert account.bedrock.working.wait(PATIENCE)
        if between == "restart":
            postgres.do("restart", "-m", "immediate")
        else:
            # Longer than a request may wait for the store.
            time.sleep(2.2)
        account.bedrock.hold.set()
        thread.join(PATIENCE)
        assert answers[0].status_code == 201
        assert chat.get(f"{conversation}/messages", headers=MINE).json() == [answers[0].json()]


def test_a_database_that_is_away_is_answered_for_with_503_and_the_model_is_not_asked(
    postgres: Postgres, account: Account
) -> None:
    settings_ = Settings(models=PATH, user_header=HEADER, database=database(postgres))
    pool = Pool(database(postgres), wait_seconds=0.5)
    stores = Stores(items=stores_for(Settings()).items, conversations=ConversationsInPostgres(pool), cache=None)
    with TestClient(create_app(settings_, stores)) as chat:
        conversation = begin(chat)
        postgres.do("stop", "-m", "immediate")
        try:
            assert ask(chat, conversation, "Kept?").status_code == 503
        finally:
            postgres.do("start")
        assert account.bedrock.embedded == account.bedrock.written == []
        until(lambda: ask(chat, conversation, "Kept now?").status_code == 201)


# --- Requests that make no sense --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "status"),
    [(b'{"text": ""}', 422), (b'{"text": " "}', 422), (b'{"text": "a\\u0000"}', 422), (b"{}", 422), (b"[]", 422),
     (b'{"text": "\\ud800"}', 422), (b'{"text": "x", "owner": "yours"}', 422), (b"{", 422), (b'{"text": NaN}', 422),
     (json.dumps({"text": "x" * 4001}).encode(), 422), (json.dumps({"text": "x"}).encode() + b" " * 65_536, 413),
     (json.dumps({"text": "🍵" * 4000}).encode(), 201)],
)  # fmt: skip
def test_a_malformed_question_is_refused_and_nothing_is_kept_of_it(
    memory: TestClient, account: Account, body: bytes, status: int
) -> None:
    conversation = begin(memory)
    headers = {**MINE, "Content-Type": "application/json"}
    answer = memory.post(f"{conversation}/messages", content=body, headers=headers)
    assert answer.status_code in {status, 400 if status == 422 else status}
    assert len(memory.get(f"{conversation}/messages", headers=MINE).json()) == (status == 201)
    assert len(account.bedrock.written) == (status == 201)
    if b"owner" in body:
        assert answer.json()["detail"][0]["msg"] == "Unknown field; there are: text"


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=50),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.sampled_from(["/conversations", "/conversations/{}/messages", "/search"]),
    body=JSONS | st.dictionaries(st.sampled_from(["text", "title", "limit", "owner"]), JSONS, max_size=2),
    who=st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=20),
)
def test_whatever_is_sent_is_answered_and_is_no_fault_of_the_application(
    memory: TestClient, path: str, body: Any, who: str
) -> None:
    conversation = begin(memory).rpartition("/")[2]
    answer = memory.post(
        path.format(conversation), content=json.dumps(body).encode("utf-8", "surrogatepass"),
        headers=[(b"content-type", b"application/json"), (HEADER.encode(), who.encode("latin-1"))],
    )  # fmt: skip
    assert answer.status_code in {200, 201, 400, 401, 404, 422}
    named = memory.get("/openapi.json").json()["paths"][path.format("{id_}")]["post"]["responses"]
    assert str(answer.status_code) in named


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"MODELS_PATH": "models/"}, "MODELS_PATH is 'models/'; use a path"),
        ({"MODELS_PATH": PATH, "TABLE_ITEMS": "items"}, "TABLE_CONVERSATIONS is missing"),
        ({"QUESTIONS_PER_MINUTE": "10"}, "QUESTIONS_PER_MINUTE needs a cache"),
        ({"QUESTIONS_PER_MINUTE": "x", "REDIS_URL": "redis://redis"}, "QUESTIONS_PER_MINUTE is 'x'"),
        ({"TABLE_CONVERSATIONS": "c", "DATABASE_HOST": "db",
          "DATABASE_SECRET": '{"username": "u", "password": "p"}'}, "conversations are kept in one of them"),
    ],
)  # fmt: skip
def test_settings_that_make_no_sense_are_refused_at_the_start(environment: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        Settings.read(environment)


def test_without_models_there_are_no_conversations_and_everything_else_is_as_before() -> None:
    with TestClient(create_app(Settings.read({}))) as client:
        assert client.get("/conversations", headers=MINE).status_code == 404
        assert client.get("/items").status_code == 200
        assert "/conversations" not in client.get("/openapi.json").json()["paths"]


# --- Ids, words, tables -----------------------------------------------------------------------------------------------


def test_ids_are_in_the_order_in_which_they_were_made() -> None:
    made = []
    for _ in range(200):
        made.append(new_id())
        time.sleep(0.000_01)
    assert made == sorted(made)
    assert {one.version for one in made} == {7}
    assert abs((made[-1].int >> 80) / 1000 - time.time()) < 5


def test_words_are_found_in_questions_and_answers_the_best_first() -> None:
    messages = [said("単語を数える", None), said("tea", "Green tea is made of leaves"), said("green", None)]
    assert [one.text for one in by_words("green tea", messages, 5)] == ["tea", "green"]
    assert [one.text for one in by_words("単語", messages, 5)] == ["単語を数える"]
    assert by_words("?", messages, 5) == []


@pytest.mark.covers("E10")
def test_the_steps_make_the_tables_that_the_application_makes(postgres: Postgres) -> None:
    columns = (
        "SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns "
        "WHERE table_name IN ('conversations', 'messages') ORDER BY 1, 2"
    )

    def found() -> list[Any]:
        with psycopg.connect(host=str(postgres.folder), port=postgres.port, user="app", dbname="postgres") as made:
            return made.execute(columns.encode()).fetchall()

    postgres.execute("DROP TABLE IF EXISTS alembic_version")
    migrate(database(postgres))
    migrated = found()
    postgres.execute("DROP TABLE messages, conversations, alembic_version")
    pool = Pool(database(postgres))
    store = ConversationsInPostgres(pool)
    store.open()
    assert store.list("mine", 10, None) == []
    store.close()
    assert migrated == found() != []


# --- pgvector, where the machine has it -------------------------------------------------------------------------------


@pytest.fixture
def pgvector(postgres: Postgres) -> Iterator[Postgres]:
    try:
        postgres.execute("CREATE EXTENSION IF NOT EXISTS vector")
    except psycopg.Error:
        pytest.skip("the PostgreSQL of this machine has no pgvector")
    yield postgres
    postgres.execute("DROP TABLE IF EXISTS messages, conversations, alembic_version")
    postgres.execute("DROP EXTENSION vector CASCADE")


def keep(store: Conversations, owner: str, text: str, numbers: list[float], embedder: str = TITAN) -> None:
    conversation = store.create(owner, NewConversation())
    message = store.ask(owner, conversation.id, text)
    assert message is not None
    store.answer(owner, message, "!", declined=False, vector=Vector(embedder=embedder, numbers=numbers))


@pytest.fixture(params=["memory", "postgres"])
def comparing(request: pytest.FixtureRequest) -> Iterator[Conversations]:
    """The stores that know vectors."""
    if request.param == "memory":
        yield ConversationsInMemory()
        return
    store = ConversationsInPostgres(Pool(database(request.getfixturevalue("pgvector"))))
    store.open()
    yield store
    store.close()


@pytest.mark.covers("B1", "B19")
def test_the_nearest_are_found_of_this_owner_this_model_and_this_length(comparing: Conversations) -> None:
    near, far = vector("tea leaves"), vector("numbers")
    keep(comparing, "mine", "near", near)
    keep(comparing, "mine", "far", far)
    keep(comparing, "yours", "not mine", near)
    keep(comparing, "mine", "another model", near, "another")
    keep(comparing, "mine", "short", near[:256])
    found = comparing.nearest("mine", Vector(embedder=TITAN, numbers=near), 5)
    assert found is not None
    assert [one.text for one in found] == ["near", "far"]
    assert [one.text for one in comparing.nearest("mine", Vector(embedder=TITAN, numbers=near[:256]), 5) or []] == [
        "short"
    ]


@pytest.mark.covers("B1")
def test_pgvector_that_comes_after_the_tables_is_used_with_the_next_migration(pgvector: Postgres) -> None:
    pgvector.execute("DROP EXTENSION vector CASCADE")
    migrate(database(pgvector))
    store = ConversationsInPostgres(Pool(database(pgvector)))
    store.open()
    numbers = vector("tea")
    keep(store, "mine", "before", numbers)
    assert store.nearest("mine", Vector(embedder=TITAN, numbers=numbers), 5) is None
    pgvector.execute("CREATE EXTENSION vector")
    assert migrate(database(pgvector)) == ("0002", "0002")
    assert store.nearest("mine", Vector(embedder=TITAN, numbers=numbers), 5) == []
    keep(store, "mine", "after", numbers)
    assert [one.text for one in store.nearest("mine", Vector(embedder=TITAN, numbers=numbers), 5) or []] == ["after"]
    store.close()


@pytest.mark.covers("B1")
def test_each_length_has_its_index_which_finds_those_of_one_owner_among_nearer_ones_of_others(
    pgvector: Postgres,
) -> None:
    migrate(database(pgvector))
    store = ConversationsInPostgres(Pool(database(pgvector)))
    store.open()
    try:
        for number in range(3):
            keep(store, "mine", f"mine {number}", [float(at == number) for at in range(256)])
        with psycopg.connect(host=str(pgvector.folder), port=pgvector.port, user="app", dbname="postgres") as made:
            made.execute(
                "INSERT INTO messages (id, conversation, owner, text, created_at, embedder, embedding)"
                " SELECT gen_random_uuid(), (SELECT id FROM conversations LIMIT 1), 'yours', 'x', now(), %s,"
                " (SELECT array_agg(random()) FROM generate_series(1, 256) WHERE n > 0)::vector"
                " FROM generate_series(1, 500) n",
                (TITAN,),
            )
            indexes = {
                name for (name,) in made.execute("SELECT indexname FROM pg_indexes WHERE indexdef LIKE '%hnsw%'")
            }
            made.execute("SET enable_seqscan = off; SET enable_sort = off")
            plan = made.execute(
                b"EXPLAIN SELECT id FROM messages WHERE owner = 'mine' AND vector_dims(embedding) = 256"
                b" ORDER BY embedding::vector(256) <=> (SELECT embedding FROM messages LIMIT 1)::vector(256) LIMIT 5"
            ).fetchall()
        assert indexes == {f"messages_by_{length}" for length in tables.DIMENSIONS}
        assert "messages_by_256" in str(plan)
        # Each of the other owner's 500 is nearer. The planner sorts the few rows of this one, which is exact.
        nearest = Vector(embedder=TITAN, numbers=[1.1, *[1.0] * 255])
        found = store.nearest("mine", nearest, 3)
        assert found is not None
        assert (len(found), found[0].text) == (3, "mine 0")
        for name in ("enable_sort", "enable_seqscan"):
            pgvector.execute(f"ALTER USER app SET {name} = off")
        # By the index, which gives 40 at a time, it goes on until it finds some; which ones, it only promises about.
        other = ConversationsInPostgres(Pool(database(pgvector)))
        other.open()
        assert other.nearest("mine", nearest, 3)
        other.close()
    finally:
        store.close()
        pgvector.execute("ALTER USER app RESET ALL")
