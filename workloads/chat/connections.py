"""Who is connected: a DynamoDB table (TABLE_CONNECTIONS) with the key `connection` and the index `by-room`.

API Gateway may fail to tell of an end, so that each item expires by itself when its connection must have ended.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3

LONGEST_SECONDS = 2 * 3600
"""After so long API Gateway ends every connection."""


@dataclass(frozen=True, kw_only=True)
class Connection:
    """Somebody in a room."""

    id: str
    room: str
    user: str


def add(connection: Connection, since: float) -> None:
    """`since`: when it began, in epoch seconds."""
    item = {
        "connection": {"S": connection.id},
        "room": {"S": connection.room},
        "user": {"S": connection.user},
        "expires": {"N": str(int(since) + LONGEST_SECONDS)},
    }
    _dynamodb().put_item(TableName=_table(), Item=item)


def remove(connection_id: str) -> None:
    """Also when it is not there: API Gateway may tell twice."""
    _dynamodb().delete_item(TableName=_table(), Key={"connection": {"S": connection_id}})


def find(connection_id: str) -> Connection | None:
    """Read consistently: who has just come in may speak at once."""
    key = {"connection": {"S": connection_id}}
    item = _dynamodb().get_item(TableName=_table(), Key=key, ConsistentRead=True).get("Item")
    if item is None:
        return None
    return Connection(id=connection_id, room=item["room"]["S"], user=item["user"]["S"])


def others(connection: Connection) -> Iterator[str]:
    """The ids of the others in its room; DynamoDB brings the index up to date within a second."""
    pages = (
        _dynamodb()
        .get_paginator("query")
        .paginate(
            TableName=_table(),
            IndexName="by-room",
            KeyConditionExpression="room = :room",
            ExpressionAttributeValues={":room": {"S": connection.room}},
        )
    )
    for page in pages:
        for item in page["Items"]:
            if item["connection"]["S"] != connection.id:
                yield item["connection"]["S"]


def _table() -> str:
    return os.environ["TABLE_CONNECTIONS"]


@cache
def _dynamodb() -> Any:
    return boto3.client("dynamodb")
