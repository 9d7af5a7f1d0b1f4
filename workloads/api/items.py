"""Items, and where they are kept: in PostgreSQL, or in memory where there is no database."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID, uuid4

from psycopg.rows import class_row
from pydantic import BaseModel, ConfigDict, Field

from api import tables
from api.locks import ITEMS_TABLE
from api.postgres import Pool, Tables

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg

    from api.settings import Database


class NewItem(BaseModel):
    """What a caller says of an item."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    # PostgreSQL keeps no NUL in a text.
    name: str = Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")
    description: str = Field(default="", max_length=10_000, pattern=r"^[^\x00]*$")


class Item(BaseModel):
    """An item as it is kept."""

    id: UUID
    name: str
    description: str
    created_at: datetime


class Items(Protocol):
    """A store of items."""

    def create(self, new: NewItem) -> Item: ...
    def get(self, id_: UUID) -> Item | None: ...
    def list(self, limit: int, after: UUID | None) -> list[Item]:
        """At most `limit` items in the order of their ids, beginning behind `after`."""
        ...

    def delete(self, id_: UUID) -> bool:
        """Whether there was such an item."""
        ...

    def ready(self) -> None:
        """Raise StoreUnavailable unless requests can be answered now."""
        ...

    @property
    def hopeless(self) -> bool:
        """Whether only a new process can mend the store's trouble."""
        ...

    def open(self) -> None: ...
    def close(self) -> None: ...


class ItemsInMemory:
    """For a first look and for tests: gone with the process, and not shared between two of them."""

    hopeless = False

    def __init__(self) -> None:
        self._items: dict[UUID, Item] = {}
        self._lock = threading.Lock()

    def create(self, new: NewItem) -> Item:
        item = Item(id=uuid4(), created_at=datetime.now(UTC), **new.model_dump())
        with self._lock:
            self._items[item.id] = item
        return item

    def get(self, id_: UUID) -> Item | None:
        return self._items.get(id_)

    def list(self, limit: int, after: UUID | None) -> list[Item]:
        with self._lock:
            ids = sorted(self._items)
            return [self._items[id_] for id_ in ids if after is None or id_ > after][:limit]

    def delete(self, id_: UUID) -> bool:
        with self._lock:
            return self._items.pop(id_, None) is not None

    def ready(self) -> None:
        return

    def open(self) -> None:
        return

    def close(self) -> None:
        return


_COLUMNS = "id, name, description, created_at"


class ItemsInPostgres:
    """In a database, shared by all processes."""

    def __init__(self, database: Database | Pool, *, wait_seconds: float = 3) -> None:
        """`wait_seconds`: that of `Pool`, where a pool is still to be made."""
        self._pool = database if isinstance(database, Pool) else Pool(database, wait_seconds=wait_seconds)
        self._tables = Tables(name="items", lock=ITEMS_TABLE, statements=tables.ITEMS)

    @property
    def hopeless(self) -> bool:
        return self._pool.hopeless

    def open(self) -> None:
        self._pool.open()

    def close(self) -> None:
        self._pool.close()

    def create(self, new: NewItem) -> Item:
        return self._do(
            lambda cursor: cursor.execute(
                f"INSERT INTO items (id, name, description) VALUES (%s, %s, %s) RETURNING {_COLUMNS}",  # noqa: S608
                (uuid4(), new.name, new.description),
            ).fetchone()
        )

    def get(self, id_: UUID) -> Item | None:
        return self._do(
            lambda cursor: cursor.execute(f"SELECT {_COLUMNS} FROM items WHERE id = %s", (id_,)).fetchone()  # noqa: S608
        )

    def list(self, limit: int, after: UUID | None) -> list[Item]:
        return self._do(
            lambda cursor: cursor.execute(
                f"SELECT {_COLUMNS} FROM items"  # noqa: S608
                " WHERE %(after)s::uuid IS NULL OR id > %(after)s ORDER BY id LIMIT %(limit)s",
                {"after": after, "limit": limit},
            ).fetchall()
        )

    def delete(self, id_: UUID) -> bool:
        return self._do(lambda cursor: cursor.execute("DELETE FROM items WHERE id = %s", (id_,)).rowcount > 0)

    def ready(self) -> None:
        self._do(lambda cursor: cursor.execute("SELECT 1"))

    def _do(self, work: Callable[[psycopg.Cursor[Item]], Any]) -> Any:
        return self._pool.do(self._tables, class_row(Item), work)
