"""The chat of the stack serverless, from the token to what the others hear: what the deployed routes lead to, run with
what the deployed functions are told, on a table like the deployed one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from packages.build import build
from packages.plan import sources
from packages.run import local, run, unpacked
from tests.rehearsal.conftest import Rehearsed
from tests.workloads.connections import Connections, connections
from tests.workloads.gateway_events import asks_to_open, closes, opens, says
from tests.workloads.test_authorizer import Pool, pool

__all__ = ["pool"]

REGION = "ap-northeast-1"
ANN, BEN, EVE = "ann+/9AvHcCIhw=", "ben0M9cOFvHcCIw=", "eveSM9cOFvHcCI="


@dataclass(frozen=True)
class Gateway:
    """Does what API Gateway does with the deployed API."""

    stack: Rehearsed
    folders: Mapping[str, Path]
    surroundings: Mapping[str, str]
    connections: Connections

    def inputs(self, name: str) -> dict[str, Any]:
        return self.stack.resource(f"chat-prod-{name}")["inputs"]

    def call(self, uri: str, event: dict[str, Any], **instead: str) -> Any:
        """Of the alias that an integration or an authorizer names."""
        function = self.inputs(uri.partition(":function:chat-prod-")[2].partition(":live/")[0] + "-function")
        environment = {**function["environment"]["variables"], **self.surroundings, **instead}
        package = function["handler"].partition(".")[0]
        return run(self.folders[package], function["handler"], [event], environment).answers[0]

    def route(self, key: str, event: dict[str, Any]) -> Any:
        (target,) = [
            one["inputs"]["target"]
            for one in self.stack.report["resources"]
            if one["inputs"].get("routeKey") == key and one["name"].startswith("chat-prod-talk-")
        ]
        (uri,) = [
            one["inputs"]["integrationUri"]
            for one in self.stack.report["resources"]
            if f"integrations/{one['id']}" == target
        ]
        return self.call(uri, event)

    def open(self, connection: str, token: str, issuer: str) -> bool:
        judge = self.inputs("talk-authorizer")
        judged = self.call(judge["authorizerUri"], asks_to_open(connection, token=token), USER_POOL_ISSUER=issuer)
        if judged["policyDocument"]["Statement"][0]["Effect"] != "Allow":
            return False
        event = opens(connection, user=judged["context"]["user"], token=token, room="tea")
        opened = self.route("$connect", event)["statusCode"] == 200
        if opened:
            self.connections.open(connection)
        return opened

    def send(self, connection: str, message: dict[str, Any]) -> None:
        # As the API's expression says: by the field `action`.
        assert self.inputs("talk-api")["routeSelectionExpression"] == "$request.body.action"
        keys = {one["inputs"].get("routeKey") for one in self.stack.report["resources"]}
        key = message["action"] if message["action"] in keys else "$default"
        self.route(key, says(connection, message, route=key))


@pytest.fixture
def gateway(rehearsed: Callable[[str], Rehearsed]) -> Iterator[Gateway]:
    for name in ("api", "authorizer", "chat", "webhook"):
        build(sources()[name], "arm64")
    stack = rehearsed("serverless")
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with ExitStack() as opened:
        opened.callback(server.stop)
        folders = {name: opened.enter_context(unpacked(local(sources()[name]))) for name in ("authorizer", "chat")}
        known = opened.enter_context(connections())
        surroundings = {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI": known.url,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
        yield Gateway(stack, folders, surroundings, known)


def table_like(gateway: Gateway) -> Any:
    """In an account of its own, the connection table with its keys and indexes."""
    deployed = gateway.inputs("connections-table")
    dynamodb: Any = boto3.client(
        "dynamodb", region_name=REGION, endpoint_url=gateway.surroundings["AWS_ENDPOINT_URL"],
        aws_access_key_id="test", aws_secret_access_key="test",
    )  # fmt: skip
    dynamodb.create_table(
        TableName=deployed["name"],
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": a["name"], "AttributeType": a["type"]} for a in deployed["attributes"]],
        KeySchema=[{"AttributeName": deployed["hashKey"], "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": index["name"],
                "KeySchema": [
                    {"AttributeName": key["attributeName"], "KeyType": key["keyType"]} for key in index["keySchemas"]
                ],
                "Projection": {"ProjectionType": index["projectionType"]},
            }
            for index in deployed["globalSecondaryIndexes"]
        ],
    )
    return lambda: {item["connection"]["S"] for item in dynamodb.scan(TableName=deployed["name"])["Items"]}


@pytest.mark.covers("B7", "B9", "B17")
def test_people_with_a_token_come_in_speak_hear_and_go_and_others_stay_outside(gateway: Gateway, pool: Pool) -> None:
    present = table_like(gateway)
    client = gateway.stack.report["outputs"]["userPoolClientIds"]["web"]
    assert gateway.open(ANN, pool.token(client_id=client), pool.issuer)
    assert gateway.open(BEN, pool.token(client_id=client, username="ben"), pool.issuer)
    assert not gateway.open(EVE, pool.token(client_id="another program"), pool.issuer)
    assert present() == {ANN, BEN}

    gateway.send(ANN, {"action": "send", "text": "Good morning"})
    gateway.send(ANN, {"action": "dance"})
    heard = gateway.connections.heard
    assert [(one["from"], one["text"]) for one in heard[BEN]] == [("ann", "Good morning")]
    assert [list(one) for one in heard[ANN]] == [["error"]]

    gateway.route("$disconnect", closes(BEN))
    assert present() == {ANN}
