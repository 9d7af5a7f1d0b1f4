"""The chat: the real package, with its table in moto and a stand-in for the API that speaks to connections."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer

from packages.plan import sources
from packages.run import local, run, unpacked
from tests.workloads.connections import Connections, connections
from tests.workloads.gateway_events import closes, opens, says

REGION = "ap-northeast-1"
ANN, BEN, EVE, ELSEWHERE = "ann+/9AvHcCIhw=", "ben0M9cOFvHcCIw=", "eveSM9cOFvHcCI=", "elseM9cOFvHcCI="


@dataclass(frozen=True)
class Chat:
    """The functions of the chat, their table, and who is connected."""

    folder: Path
    endpoint: str
    table: str
    connections: Connections
    one_function: bool = False

    def call(self, *events: dict[str, Any]) -> list[Any]:
        """Each event goes to the function of its route."""
        handlers = {"$connect": "connect", "$disconnect": "disconnect"}
        answers = []
        for event in events:
            module = handlers.get(event["requestContext"]["routeKey"], "message")
            module = "conversation" if self.one_function else module
            environment = {
                "TABLE_CONNECTIONS": self.table, "AWS_ENDPOINT_URL": self.endpoint,
                "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI": self.connections.url,
                "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION,
                "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
            }  # fmt: skip
            answers += run(self.folder, f"chat.{module}.handler", [event], environment).answers
        return answers

    def come(self, *people: tuple[str, str, str]) -> None:
        for connection, user, room in people:
            self.connections.open(connection)
            assert self.call(opens(connection, user=user, room=room)) == [{"statusCode": 200}]

    @property
    def dynamodb(self) -> Any:
        return boto3.client(
            "dynamodb", region_name=REGION, endpoint_url=self.endpoint,
            aws_access_key_id="test", aws_secret_access_key="test",
        )  # fmt: skip

    def present(self) -> dict[str, dict[str, str]]:
        items = self.dynamodb.scan(TableName=self.table)["Items"]
        plain = [{name: next(iter(value.values())) for name, value in item.items()} for item in items]
        return {item.pop("connection"): item for item in plain}


@pytest.fixture(scope="module")
def account() -> Iterator[str]:
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with unpacked(local(sources()["chat"])) as made:
        yield made


@pytest.fixture
def chat(account: str, folder: Path, request: pytest.FixtureRequest) -> Iterator[Chat]:
    name = hashlib.sha256(request.node.name.encode()).hexdigest()[:16]
    with connections() as known:
        made = Chat(folder, account, name, known)
        made.dynamodb.create_table(
            TableName=name, BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "connection", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("connection", "room")],
            GlobalSecondaryIndexes=[
                {"IndexName": "by-room", "KeySchema": [{"AttributeName": "room", "KeyType": "HASH"}],
                 "Projection": {"ProjectionType": "KEYS_ONLY"}},
            ],
        )  # fmt: skip
        yield made


@pytest.mark.covers("B7")
def test_what_somebody_says_is_heard_by_the_others_in_the_room_and_by_nobody_else(chat: Chat) -> None:
    chat.come((ANN, "ann", "tea"), (BEN, "ben", "tea"), (EVE, "eve", "tea"), (ELSEWHERE, "joe", "coffee"))
    assert chat.call(says(ANN, {"action": "send", "text": "おはよう"})) == [{"statusCode": 200}]
    message = {"from": "ann", "text": "おはよう", "id": "L0SM9fPAvHcCHRg=", "at": 1_790_000_000_321}
    assert chat.connections.heard == {ANN: [], BEN: [message], EVE: [message], ELSEWHERE: []}


@pytest.mark.covers("B7")
def test_who_has_gone_without_a_word_is_forgotten_and_the_others_hear(chat: Chat) -> None:
    chat.come((ANN, "ann", "tea"), (BEN, "ben", "tea"), (EVE, "eve", "tea"))
    # The network failed: API Gateway knows that the connection has ended, and nobody has told us.
    del chat.connections.heard[BEN]
    assert chat.call(says(ANN, {"action": "send", "text": "Hello"})) == [{"statusCode": 200}]
    assert [one["text"] for one in chat.connections.heard[EVE]] == ["Hello"]
    assert sorted(chat.present()) == sorted([ANN, EVE])


def test_who_closes_the_connection_is_forgotten_also_when_told_twice(chat: Chat) -> None:
    chat.come((ANN, "ann", "tea"), (BEN, "ben", "tea"))
    assert chat.call(closes(ANN), closes(ANN)) == [{"statusCode": 200}] * 2
    assert list(chat.present()) == [BEN]


def test_one_function_does_what_three_do(chat: Chat) -> None:
    """As `dev` and `prod` have it."""
    one = replace(chat, one_function=True)
    one.come((ANN, "ann", "tea"), (BEN, "ben", "tea"))
    assert one.call(says(ANN, {"action": "send", "text": "Hello"}), closes(BEN)) == [{"statusCode": 200}] * 2
    assert [each["text"] for each in one.connections.heard[BEN]] == ["Hello"]
    assert list(one.present()) == [ANN]


def test_a_connection_ends_in_the_table_when_api_gateway_must_have_ended_it(chat: Chat) -> None:
    chat.come((ANN, "ann", "tea"))
    # Two hours, and in seconds: DynamoDB takes milliseconds for a time in the far future.
    assert chat.present() == {ANN: {"room": "tea", "user": "ann", "expires": str(1_790_000_000 + 7200)}}


def test_without_a_room_people_meet_in_the_lobby_and_without_an_authorizer_as_guests(chat: Chat) -> None:
    chat.connections.open(ANN, BEN)
    chat.call(opens(ANN), opens(BEN), says(ANN, {"action": "send", "text": "Hello"}))
    assert [(one["from"], one["text"]) for one in chat.connections.heard[BEN]] == [("guest", "Hello")]


@pytest.mark.parametrize("room", ["", "a b", "x" * 65, "../x"])
def test_a_room_that_cannot_be_is_refused_at_the_door(chat: Chat, room: str) -> None:
    assert chat.call(opens(ANN, room=room))[0]["statusCode"] == 400
    assert chat.present() == {}


def test_what_cannot_be_understood_is_answered_and_reaches_nobody_else(chat: Chat) -> None:
    chat.come((ANN, "ann", "tea"), (BEN, "ben", "tea"))
    events = [
        says(ANN, "not JSON", route="$default"),
        says(ANN, {"action": "shout", "text": "Hello"}, route="$default"),
        says(ANN, ["send"]),
        says(ANN, {"action": "send"}),
        says(ANN, {"action": "send", "text": ""}),
        says(ANN, {"action": "send", "text": "x" * 4001}),
        says(ANN, '{"action": "send", "text": "\\ud800"}'),
        says(ANN, '{"action": "send", "text": ' + "[" * 30_000),
        says(ANN, '{"action": "send", "text": ' + "1" * 30_000 + "}"),
    ]
    assert chat.call(*events) == [{"statusCode": 400}] * len(events)
    assert [list(one) for one in chat.connections.heard[ANN]] == [["error"]] * len(events)
    assert chat.connections.heard[BEN] == []


def test_who_is_not_in_the_table_says_nothing_and_is_put_out(chat: Chat) -> None:
    chat.come((BEN, "ben", "lobby"))
    chat.connections.open(ANN)
    assert chat.call(says(ANN, {"action": "send", "text": "Hello"})) == [{"statusCode": 410}]
    assert chat.connections.heard == {BEN: []}
    # And the second message that was on its way does not fail.
    assert chat.call(says(ANN, {"action": "send", "text": "Hello"})) == [{"statusCode": 410}]


def test_one_who_cannot_be_told_keeps_nobody_from_hearing_stays_and_the_speaker_is_told(chat: Chat) -> None:
    chat.come((ANN, "ann", "tea"), (BEN, "ben", "tea"), (EVE, "eve", "tea"))
    chat.connections.broken.add(BEN)
    [answer] = chat.call(says(ANN, {"action": "send", "text": "Hello"}))
    assert answer == {"errorType": "NotDelivered", "errorMessage": "1 of 2 in the room did not hear"}
    assert len(chat.connections.heard[EVE]) == 1
    assert BEN in chat.present()


def test_who_hears_slowly_hears_each_message_once(chat: Chat) -> None:
    chat.come((ANN, "ann", "tea"), (BEN, "ben", "tea"), (EVE, "eve", "tea"))
    chat.connections.slow[BEN] = 7
    [answer] = chat.call(says(ANN, {"action": "send", "text": "Hello"}))
    assert answer["errorType"] == "NotDelivered", "nobody knows whether it was heard"
    assert [len(chat.connections.heard[one]) for one in (BEN, EVE)] == [1, 1]


@pytest.mark.parametrize("fails", ["the next page", "forgetting"])
def test_a_table_that_fails_in_the_middle_makes_nobody_hear_twice(monkeypatch: pytest.MonkeyPatch, fails: str) -> None:
    from chat import message  # noqa: PLC0415 of a package that runs elsewhere
    from chat.connections import Connection  # noqa: PLC0415

    refused = ClientError({"Error": {"Code": "InternalServerError", "Message": "m"}}, "Query")

    def others(_: Connection) -> Iterator[str]:
        yield EVE
        if fails == "the next page":
            raise refused
        yield BEN

    def remove(_: str) -> None:
        raise refused

    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setattr(message, "find", lambda _: Connection(id=ANN, room="tea", user="ann"))
    monkeypatch.setattr(message, "others", others)
    monkeypatch.setattr(message, "remove", remove)
    with connections() as known:
        api: Any = boto3.client(
            "apigatewaymanagementapi", region_name=REGION, endpoint_url=known.url,
            aws_access_key_id="test", aws_secret_access_key="test",
        )  # fmt: skip
        monkeypatch.setattr(message, "_connections", lambda _: api)
        # BEN has gone without a word.
        known.open(ANN, EVE)
        says_hello = says(ANN, {"action": "send", "text": "Hello"})
        if fails == "the next page":
            # The speaker is told to say it again, so nobody may have heard it.
            with pytest.raises(ClientError):
                message.handler(says_hello, None)
            assert known.heard[EVE] == []
        else:
            assert message.handler(says_hello, None) == {"statusCode": 200}
            assert len(known.heard[EVE]) == 1


def test_who_is_told_too_much_at_once_is_told_a_little_later(chat: Chat) -> None:
    chat.come((ANN, "ann", "tea"), (BEN, "ben", "tea"))
    chat.connections.busy[BEN] = 2
    assert chat.call(says(ANN, {"action": "send", "text": "Hello"})) == [{"statusCode": 200}]
    assert len(chat.connections.heard[BEN]) == 1


@pytest.mark.parametrize("text", ["\x00\x1b[31m", "😀" * 4000, "👩‍👩‍👧", "\u202e", '"}', "\ufffe"])
def test_odd_texts_are_heard_as_they_were_said(chat: Chat, text: str) -> None:
    chat.come((ANN, "ann", "tea"), (BEN, "ben", "tea"))
    assert chat.call(says(ANN, {"action": "send", "text": text})) == [{"statusCode": 200}]
    assert [one["text"] for one in chat.connections.heard[BEN]] == [text]


def test_more_people_than_one_page_of_the_table_holds_all_hear(chat: Chat) -> None:
    # 1 MB is a page, and an item of the index has few bytes: long names for the connections, as keys may have.
    crowd = [f"{number}-{'x' * 2000}" for number in range(600)]
    for at in range(0, len(crowd), 25):
        items = [{"connection": {"S": one}, "room": {"S": "hall"}} for one in crowd[at : at + 25]]
        chat.dynamodb.batch_write_item(RequestItems={chat.table: [{"PutRequest": {"Item": item}} for item in items]})
    chat.connections.open(*crowd)
    chat.come((ANN, "ann", "hall"))
    assert chat.call(says(ANN, {"action": "send", "text": "Hello"})) == [{"statusCode": 200}]
    assert {len(chat.connections.heard[one]) for one in crowd} == {1}


def test_connections_are_spoken_to_at_the_address_that_aws_gave_the_api(monkeypatch: pytest.MonkeyPatch) -> None:
    from chat.message import address  # noqa: PLC0415 of a package that runs elsewhere

    monkeypatch.setenv("AWS_REGION", REGION)
    context = says(ANN, "")["requestContext"] | {"domainName": "chat.example.com"}
    assert address(context) == "https://abc123.execute-api.ap-northeast-1.amazonaws.com/live"
