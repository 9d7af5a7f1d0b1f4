"""Items in a DynamoDB table, whose hash key is `kind` and whose range key is `id`: a list is then one ordered query."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from api import trace
from api.items import Item
from api.store import THREADS, StoreUnavailable, left_of

if TYPE_CHECKING:
    from api.items import NewItem

_KIND = "item"

# Short: an answer that takes longer is of no use to whoever waits for it.
_PATIENCE = Config(
    connect_timeout=2,
    read_timeout=2,
    retries={"total_max_attempts": 3, "mode": "standard"},
    # botocore keeps ten, and would make a new one, with its TLS, for each request beyond.
    max_pool_connections=THREADS,
)

_WAIT_SECONDS = 3
"""How long a request may wait for its turn. In an outage the ones behind it are answered at once: no queue grows."""


class Table:
    """A table with the keys `kind` and `id`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._client: Any = trace.watch(boto3.client("dynamodb", config=_PATIENCE))

    def do(self, action: str, **request: Any) -> dict[str, Any]:
        """What DynamoDB answers, or StoreUnavailable."""
        if left_of(_WAIT_SECONDS) <= 0:
            raise StoreUnavailable("the table does not answer in time")
        try:
            return getattr(self._client, action)(TableName=self._name, **request)
        except (BotoCoreError, ClientError) as error:
            raise StoreUnavailable(f"the table does not answer: {type(error).__name__}") from error

    def query(
        self, kind: str, where: str, values: dict[str, Any], limit: int, *, backwards: bool = False
    ) -> list[dict[str, Any]]:
        """At most `limit` items of the kind whose id is as `where` says, in its order."""
        asked: dict[str, Any] = {
            "KeyConditionExpression": f"kind = :kind AND {where}",
            "ExpressionAttributeValues": {":kind": {"S": kind}, **values},
            "Limit": limit,
            "ConsistentRead": True,
            "ScanIndexForward": not backwards,
        }
        found: list[dict[str, Any]] = []
        while len(found) < limit:
            page = self.do("query", **asked)
            found += page["Items"]
            # A page ends at 1 MB, which may be before the limit.
            if "LastEvaluatedKey" not in page:
                break
            asked["ExclusiveStartKey"] = page["LastEvaluatedKey"]
        return found[:limit]


class ItemsInTable:
    """Shared by all copies of a function, which open no connections that must be counted."""

    hopeless = False

    def __init__(self, table: str) -> None:
        self._table = Table(table)

    def create(self, new: NewItem) -> Item:
        item = Item(id=uuid4(), created_at=datetime.now(UTC), **new.model_dump())
        # Without a condition: the SDK asks again when an answer is lost, and would find what it has stored itself.
        self._table.do("put_item", Item=_key(item.id) | _values(item))
        return item

    def get(self, id_: UUID) -> Item | None:
        found = self._table.do("get_item", Key=_key(id_), ConsistentRead=True).get("Item")
        return _item(found) if found else None

    def list(self, limit: int, after: UUID | None) -> list[Item]:
        # Every id comes behind "-"; a key must not be empty.
        found = self._table.query(_KIND, "id > :after", {":after": {"S": str(after) if after else "-"}}, limit)
        return [_item(each) for each in found]

    def delete(self, id_: UUID) -> bool:
        answer = self._table.do("delete_item", Key=_key(id_), ReturnValues="ALL_OLD")
        # Whoever had to be asked again may have deleted it the first time.
        return "Attributes" in answer or answer["ResponseMetadata"].get("RetryAttempts", 0) > 0

    def ready(self) -> None:
        self._table.do("get_item", Key=_key(UUID(int=0)))

    def open(self) -> None:
        return

    def close(self) -> None:
        return


def _key(id_: UUID) -> dict[str, Any]:
    return {"kind": {"S": _KIND}, "id": {"S": str(id_)}}


def _values(item: Item) -> dict[str, Any]:
    return {
        "name": {"S": item.name},
        "description": {"S": item.description},
        "created_at": {"S": item.created_at.isoformat()},
    }


def _item(found: dict[str, Any]) -> Item:
    return Item.model_validate({name: found[name]["S"] for name in ("id", "name", "description", "created_at")})
