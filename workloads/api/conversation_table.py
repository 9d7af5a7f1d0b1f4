"""Conversations in a DynamoDB table of the same keys as that of the items (`kind`, `id`), for functions without a
database. It knows no vectors: what was said is found by words.

All of a person's conversations have one `kind`, and all of his messages another, in the order in which they were made;
DynamoDB takes 1,000 writes a second of one of them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from botocore.exceptions import ClientError

from api.conversations import Conversation, Message, new_id
from api.store import StoreUnavailable
from api.table import Table

if TYPE_CHECKING:
    from api.conversations import NewConversation, Vector

_FIRST, _LAST = UUID(int=0), UUID(int=2**128 - 1)


class ConversationsInTable:
    """Shared by all copies of a function."""

    def __init__(self, table: str) -> None:
        self._table = Table(table)

    def create(self, owner: str, new: NewConversation) -> Conversation:
        made = Conversation(id=new_id(), title=new.title, created_at=datetime.now(UTC))
        values = {"title": {"S": made.title}, "created_at": {"S": made.created_at.isoformat()}}
        self._table.do("put_item", Item=_conversation_key(owner, made.id) | values)
        return made

    def get(self, owner: str, id_: UUID) -> Conversation | None:
        found = self._table.do("get_item", Key=_conversation_key(owner, id_), ConsistentRead=True).get("Item")
        return _conversation(found) if found else None

    def list(self, owner: str, limit: int, after: UUID | None) -> list[Conversation]:
        found = self._table.query(
            f"conversations#{owner}", "id < :end", {":end": {"S": str(after or _LAST)}}, limit, backwards=True
        )
        return [_conversation(one) for one in found]

    def ask(self, owner: str, conversation: UUID, text: str) -> Message | None:
        if self.get(owner, conversation) is None:
            return None
        made = Message(id=new_id(), conversation=conversation, text=text, created_at=datetime.now(UTC))
        values = {"text": {"S": text}, "created_at": {"S": made.created_at.isoformat()}}
        self._table.do("put_item", Item=_message_key(owner, conversation, made.id) | values)
        return made

    def answer(self, owner: str, message: Message, text: str, *, declined: bool, vector: Vector | None) -> Message:  # noqa: ARG002 as the others
        at = datetime.now(UTC)
        try:
            self._table.do(
                "update_item",
                Key=_message_key(owner, message.conversation, message.id),
                UpdateExpression="SET answer = :text, declined = :declined, answered_at = :at",
                # The first answer stays.
                ConditionExpression="attribute_exists(id) AND attribute_not_exists(answer)",
                ExpressionAttributeValues={
                    ":text": {"S": text}, ":declined": {"BOOL": declined}, ":at": {"S": at.isoformat()},
                },
            )  # fmt: skip
        except StoreUnavailable as problem:
            cause = problem.__cause__
            code = cause.response.get("Error", {}).get("Code") if isinstance(cause, ClientError) else None
            if code != "ConditionalCheckFailedException":
                raise
            kept = self.message(owner, message.conversation, message.id)
            if kept is not None:
                return kept
        return message.model_copy(update={"answer": text, "declined": declined, "answered_at": at})

    def message(self, owner: str, conversation: UUID, id_: UUID) -> Message | None:
        key = _message_key(owner, conversation, id_)
        found = self._table.do("get_item", Key=key, ConsistentRead=True).get("Item")
        return _message(found) if found else None

    def messages(self, owner: str, conversation: UUID, limit: int, after: UUID | None) -> list[Message]:
        # Between two keys, both of which are part of it: no id is 0 or all ones, and one more is read for `after`.
        found = self._between(owner, conversation, after or _FIRST, _LAST, limit + 1, backwards=False)
        return [one for one in found if one.id != after][:limit]

    def before(self, owner: str, message: Message, limit: int) -> list[Message]:
        found = self._between(owner, message.conversation, _FIRST, message.id, limit + 1, backwards=True)
        return [one for one in found if one.id != message.id][:limit][::-1]

    def nearest(self, owner: str, vector: Vector, limit: int) -> list[Message] | None:  # noqa: ARG002 as the others
        return None

    def latest(self, owner: str, limit: int) -> list[Message]:
        found = self._table.query(f"messages#{owner}", "id > :start", {":start": {"S": "-"}}, limit, backwards=True)
        return [_message(one) for one in found]

    def open(self) -> None:
        return

    def close(self) -> None:
        return

    def _between(
        self, owner: str, conversation: UUID, start: UUID, end: UUID, limit: int, *, backwards: bool
    ) -> list[Message]:
        values = {":start": {"S": f"{conversation}#{start}"}, ":end": {"S": f"{conversation}#{end}"}}
        found = self._table.query(f"messages#{owner}", "id BETWEEN :start AND :end", values, limit, backwards=backwards)
        return [_message(one) for one in found]


def _conversation_key(owner: str, id_: UUID) -> dict[str, Any]:
    return {"kind": {"S": f"conversations#{owner}"}, "id": {"S": str(id_)}}


def _message_key(owner: str, conversation: UUID, id_: UUID) -> dict[str, Any]:
    return {"kind": {"S": f"messages#{owner}"}, "id": {"S": f"{conversation}#{id_}"}}


def _conversation(found: dict[str, Any]) -> Conversation:
    return Conversation.model_validate({name: found[name]["S"] for name in ("id", "title", "created_at")})


def _message(found: dict[str, Any]) -> Message:
    conversation, _, id_ = found["id"]["S"].partition("#")
    texts = {name: found[name]["S"] for name in ("text", "created_at", "answer", "answered_at") if name in found}
    declined = found.get("declined", {"BOOL": False})["BOOL"]
    return Message.model_validate({"id": id_, "conversation": conversation, "declined": declined, **texts})
