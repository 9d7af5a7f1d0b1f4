"""Conversations with a model, each of one person, and where they are kept: in PostgreSQL, or in memory where there is
no database. Nobody finds anything of somebody else's: every question to a store names the owner."""

from __future__ import annotations

import math
import re
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import getrandbits
from typing import TYPE_CHECKING, Annotated, Any, Protocol
from uuid import UUID

from psycopg.errors import ForeignKeyViolation
from psycopg.rows import class_row
from pydantic import BaseModel, ConfigDict, Field

from api import tables
from api.locks import CONVERSATIONS_TABLES
from api.postgres import Tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import psycopg

    from api.postgres import Pool

MOST_CHARACTERS = 4000
"""Of a question. Titan embeds 8,192 tokens at most, and letters that are no Latin ones may be two each."""

MOST_ANSWER_CHARACTERS = 60_000
"""Of an answer that is kept: an item of DynamoDB may have 400 KB."""

# PostgreSQL keeps no NUL in a text.
_Text = Annotated[str, Field(pattern=r"^[^\x00]*$")]


class NewConversation(BaseModel):
    """What a caller says of a conversation."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    title: _Text = Field(default="", max_length=200)


class NewMessage(BaseModel):
    """What a caller asks."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    text: _Text = Field(min_length=1, max_length=MOST_CHARACTERS)


class Search(BaseModel):
    """What a caller looks for."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    text: _Text = Field(min_length=1, max_length=MOST_CHARACTERS)
    limit: int = Field(default=10, ge=1, le=50)


class Conversation(BaseModel):
    """A conversation as it is kept. The ids of later ones are greater."""

    id: UUID
    title: str
    created_at: datetime


class Message(BaseModel):
    """A question and, as soon as there is one, its answer. The ids of later ones are greater."""

    id: UUID
    conversation: UUID
    text: str
    created_at: datetime
    answer: str | None = None
    declined: bool = False
    """Whether the model, or the guardrail before it, did not want to answer: the answer only says so."""
    answered_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Vector:
    """A text's meaning, as a model has it; comparable with that model's only."""

    embedder: str
    numbers: Sequence[float]


def new_id() -> UUID:
    """An id that is greater than those before: version 7 of RFC 9562, with the fraction of a millisecond in `rand_a`
    (6.2, method 3). What one process makes one after the other stays in order."""
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    number = milliseconds << 80 | 0x7 << 76 | (rest * 4096 // 1_000_000) << 64 | 0b10 << 62 | getrandbits(62)
    return UUID(int=number)


class Conversations(Protocol):
    """A store of conversations and their messages. Raises StoreUnavailable while it cannot answer."""

    def create(self, owner: str, new: NewConversation) -> Conversation: ...
    def get(self, owner: str, id_: UUID) -> Conversation | None: ...
    def list(self, owner: str, limit: int, after: UUID | None) -> list[Conversation]:
        """At most `limit` of the owner's, the latest first, beginning behind `after`."""
        ...

    def ask(self, owner: str, conversation: UUID, text: str) -> Message | None:
        """Keep a question; None where the owner has no such conversation."""
        ...

    def answer(self, owner: str, message: Message, text: str, *, declined: bool, vector: Vector | None) -> Message:
        """Keep an answer, and the message's vector; the message with the first answer where there is one already."""
        ...

    def message(self, owner: str, conversation: UUID, id_: UUID) -> Message | None: ...
    def messages(self, owner: str, conversation: UUID, limit: int, after: UUID | None) -> list[Message]:
        """At most `limit` of the conversation's in the order of their ids, beginning behind `after`."""
        ...

    def before(self, owner: str, message: Message, limit: int) -> list[Message]:
        """The last ones of the conversation before this one, in the order of their ids."""
        ...

    def nearest(self, owner: str, vector: Vector, limit: int) -> list[Message] | None:
        """Those of the owner's that mean something alike, the nearest first; None in a store that knows no vectors."""
        ...

    def latest(self, owner: str, limit: int) -> list[Message]:
        """The owner's, of the latest conversations first."""
        ...

    def open(self) -> None: ...
    def close(self) -> None: ...


def by_words(text: str, messages: Iterable[Message], limit: int) -> list[Message]:
    """Those that have most of the text's words, for stores and times without vectors."""
    wanted = _words(text)
    scored = [(len(wanted & _words(f"{one.text} {one.answer or ''}")), one) for one in messages]
    return [one for score, one in sorted(scored, key=lambda pair: (-pair[0], -pair[1].id.int)) if score][:limit]


def _words(text: str) -> set[str]:
    """Words of letters that stand apart, and pairs of those that do not, such as Japanese ones."""
    text = text.lower()
    runs = re.findall(r"[^\x00-\x7f\s]+", text)
    return set(re.findall(r"[a-z0-9]{2,}", text)) | {
        run[at : at + 2] for run in runs for at in range(max(1, len(run) - 1))
    }


@dataclass
class _Kept:
    owner: str
    message: Message
    vector: Vector | None = None


@dataclass
class ConversationsInMemory:
    """For a first look and for tests: gone with the process, and not shared between two of them."""

    _conversations: dict[UUID, tuple[str, Conversation]] = field(default_factory=dict)
    _messages: dict[UUID, _Kept] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def create(self, owner: str, new: NewConversation) -> Conversation:
        made = Conversation(id=new_id(), title=new.title, created_at=datetime.now(UTC))
        with self._lock:
            self._conversations[made.id] = owner, made
        return made

    def get(self, owner: str, id_: UUID) -> Conversation | None:
        whose, found = self._conversations.get(id_, (None, None))
        return found if whose == owner else None

    def list(self, owner: str, limit: int, after: UUID | None) -> list[Conversation]:
        with self._lock:
            found = [one for whose, one in self._conversations.values() if whose == owner]
        found.sort(key=lambda one: one.id, reverse=True)
        return [one for one in found if after is None or one.id < after][:limit]

    def ask(self, owner: str, conversation: UUID, text: str) -> Message | None:
        if self.get(owner, conversation) is None:
            return None
        made = Message(id=new_id(), conversation=conversation, text=text, created_at=datetime.now(UTC))
        with self._lock:
            self._messages[made.id] = _Kept(owner, made)
        return made

    def answer(self, owner: str, message: Message, text: str, *, declined: bool, vector: Vector | None) -> Message:
        with self._lock:
            kept = self._messages[message.id]
            assert kept.owner == owner, "whoever asked is answered"
            if kept.message.answer is None:
                said = {"answer": text, "declined": declined, "answered_at": datetime.now(UTC)}
                kept.message, kept.vector = kept.message.model_copy(update=said), vector
            return kept.message

    def message(self, owner: str, conversation: UUID, id_: UUID) -> Message | None:
        kept = self._messages.get(id_)
        return kept.message if kept and kept.owner == owner and kept.message.conversation == conversation else None

    def messages(self, owner: str, conversation: UUID, limit: int, after: UUID | None) -> list[Message]:
        found = [one for one in self._of(owner) if one.conversation == conversation]
        return [one for one in found if after is None or one.id > after][:limit]

    def before(self, owner: str, message: Message, limit: int) -> list[Message]:
        found = [one for one in self._of(owner) if one.conversation == message.conversation and one.id < message.id]
        return found[-limit:]

    def nearest(self, owner: str, vector: Vector, limit: int) -> list[Message] | None:
        with self._lock:
            found = [
                (_distance(kept.vector.numbers, vector.numbers), kept.message)
                for kept in self._messages.values()
                if kept.owner == owner and kept.vector is not None and not kept.message.declined
                and kept.vector.embedder == vector.embedder and len(kept.vector.numbers) == len(vector.numbers)
            ]  # fmt: skip
        return [message for _, message in sorted(found, key=lambda pair: pair[0])[:limit]]

    def latest(self, owner: str, limit: int) -> list[Message]:
        return sorted(self._of(owner), key=lambda one: (one.conversation, one.id), reverse=True)[:limit]

    def open(self) -> None:
        return

    def close(self) -> None:
        return

    def _of(self, owner: str) -> list[Message]:
        with self._lock:
            return sorted(
                (one.message for one in self._messages.values() if one.owner == owner), key=lambda one: one.id
            )


def _distance(one: Sequence[float], other: Sequence[float]) -> float:
    """The cosine distance, as pgvector's `<=>` has it."""
    dot = sum(a * b for a, b in zip(one, other, strict=True))
    length = math.hypot(*one) * math.hypot(*other)
    return 1 - dot / length if length else 1.0


_CONVERSATION = "id, title, created_at"
_MESSAGE = "id, conversation, text, created_at, answer, declined, answered_at"


class ConversationsInPostgres:
    """In the database of the items, over the same connections."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._tables = Tables(
            name="conversations", lock=CONVERSATIONS_TABLES, statements=tables.CONVERSATIONS + tables.VECTORS
        )
        self._has_vectors = False

    def open(self) -> None:
        self._pool.open()

    def close(self) -> None:
        self._pool.close()

    def create(self, owner: str, new: NewConversation) -> Conversation:
        made = Conversation(id=new_id(), title=new.title, created_at=datetime.now(UTC))
        self._do(
            Conversation,
            lambda cursor: cursor.execute(
                "INSERT INTO conversations (id, owner, title, created_at) VALUES (%s, %s, %s, %s)",
                (made.id, owner, made.title, made.created_at),
            ),
        )
        return made

    def get(self, owner: str, id_: UUID) -> Conversation | None:
        return self._do(
            Conversation,
            lambda cursor: cursor.execute(
                f"SELECT {_CONVERSATION} FROM conversations WHERE id = %s AND owner = %s",  # noqa: S608
                (id_, owner),
            ).fetchone(),
        )

    def list(self, owner: str, limit: int, after: UUID | None) -> list[Conversation]:
        return self._do(
            Conversation,
            lambda cursor: cursor.execute(
                f"SELECT {_CONVERSATION} FROM conversations"  # noqa: S608
                " WHERE owner = %(owner)s AND (%(after)s::uuid IS NULL OR id < %(after)s)"
                " ORDER BY id DESC LIMIT %(limit)s",
                {"owner": owner, "after": after, "limit": limit},
            ).fetchall(),
        )

    def ask(self, owner: str, conversation: UUID, text: str) -> Message | None:
        # The conversation must be there and the owner's while the row is written.
        given = {"id": new_id(), "conversation": conversation, "owner": owner, "text": text, "at": datetime.now(UTC)}
        try:
            return self._do(
                Message,
                lambda cursor: cursor.execute(
                    "INSERT INTO messages (id, conversation, owner, text, created_at)"  # noqa: S608
                    " SELECT %(id)s, id, owner, %(text)s, %(at)s FROM conversations"
                    f" WHERE id = %(conversation)s AND owner = %(owner)s RETURNING {_MESSAGE}",
                    given,
                ).fetchone(),
            )
        except ForeignKeyViolation:
            return None

    def answer(self, owner: str, message: Message, text: str, *, declined: bool, vector: Vector | None) -> Message:
        given: dict[str, Any] = {
            "id": message.id, "owner": owner, "text": text, "declined": declined, "at": datetime.now(UTC),
        }  # fmt: skip

        def keep(cursor: psycopg.Cursor[Message]) -> Message | None:
            embedding = ""
            if vector is not None and self._can_compare(cursor):
                embedding = ", embedder = %(embedder)s, embedding = %(embedding)s::vector"
                given.update(embedder=vector.embedder, embedding=_literal(vector))
            cursor.execute(
                f"UPDATE messages SET answer = %(text)s, declined = %(declined)s, answered_at = %(at)s{embedding}"  # noqa: S608
                " WHERE id = %(id)s AND owner = %(owner)s AND answer IS NULL",
                given,
            )
            # What another request has answered in the meantime stays.
            return cursor.execute(
                f"SELECT {_MESSAGE} FROM messages WHERE id = %(id)s AND owner = %(owner)s",  # noqa: S608
                given,
            ).fetchone()

        kept = self._do(Message, keep)
        return kept or message.model_copy(update={"answer": text, "declined": declined, "answered_at": given["at"]})

    def message(self, owner: str, conversation: UUID, id_: UUID) -> Message | None:
        return self._do(
            Message,
            lambda cursor: cursor.execute(
                f"SELECT {_MESSAGE} FROM messages WHERE id = %s AND conversation = %s AND owner = %s",  # noqa: S608
                (id_, conversation, owner),
            ).fetchone(),
        )

    def messages(self, owner: str, conversation: UUID, limit: int, after: UUID | None) -> list[Message]:
        return self._find(
            "conversation = %(conversation)s AND owner = %(owner)s AND (%(after)s::uuid IS NULL OR id > %(after)s)"
            " ORDER BY id",
            {"conversation": conversation, "owner": owner, "after": after, "limit": limit},
        )

    def before(self, owner: str, message: Message, limit: int) -> list[Message]:
        found = self._find(
            "conversation = %(conversation)s AND owner = %(owner)s AND id < %(id)s ORDER BY id DESC",
            {"conversation": message.conversation, "owner": owner, "id": message.id, "limit": limit},
        )
        return found[::-1]

    def nearest(self, owner: str, vector: Vector, limit: int) -> list[Message] | None:
        length = len(vector.numbers)
        if length not in tables.DIMENSIONS:
            return None

        def find(cursor: psycopg.Cursor[Message]) -> list[Message] | None:
            if not self._can_compare(cursor):
                return None
            # An index of everybody's vectors may hold none of the owner's among its first ones: since 0.8 it goes on
            # until there are enough. The planner takes the index of the owner's rows where these are few.
            cursor.execute(
                "SELECT set_config('hnsw.iterative_scan', 'strict_order', true) FROM pg_extension"
                " WHERE extname = 'vector' AND string_to_array(extversion, '.')::int[] >= '{0,8}'"
            )
            statement = (
                f"SELECT {_MESSAGE} FROM messages WHERE owner = %(owner)s AND embedder = %(embedder)s"  # noqa: S608
                f" AND NOT declined AND vector_dims(embedding) = {length}"
                f" ORDER BY embedding::vector({length}) <=> %(embedding)s::vector({length}) LIMIT %(limit)s"
            )
            return cursor.execute(
                statement.encode(),
                {"owner": owner, "embedder": vector.embedder, "embedding": _literal(vector), "limit": limit},
            ).fetchall()

        return self._do(Message, find)

    def latest(self, owner: str, limit: int) -> list[Message]:
        return self._find("owner = %(owner)s ORDER BY conversation DESC, id DESC", {"owner": owner, "limit": limit})

    def _find(self, where: str, given: dict[str, Any]) -> list[Message]:
        statement = f"SELECT {_MESSAGE} FROM messages WHERE {where} LIMIT %(limit)s"  # noqa: S608
        return self._do(Message, lambda cursor: cursor.execute(statement.encode(), given).fetchall())

    def _can_compare(self, cursor: psycopg.Cursor[Any]) -> bool:
        """Whether there are vectors here: pgvector may be missing, or have come a moment ago."""
        if not self._has_vectors:
            found = cursor.connection.execute(
                "SELECT count(*) FROM pg_attribute WHERE attrelid = to_regclass('messages') AND attname = 'embedding'"
            ).fetchone()
            self._has_vectors = found == (1,)
        return self._has_vectors

    def _do(self, row: type[Any], work: Callable[[psycopg.Cursor[Any]], Any]) -> Any:
        return self._pool.do(self._tables, class_row(row), work)


def _literal(vector: Vector) -> str:
    return f"[{','.join(map(str, vector.numbers))}]"
