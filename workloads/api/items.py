"""Items, and where they are kept: in PostgreSQL, or in memory where there is no database."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID, uuid4

import psycopg
from psycopg.errors import ReadOnlySqlTransaction, UndefinedTable
from psycopg.pq import TransactionStatus
from psycopg.rows import class_row
from psycopg_pool import ConnectionPool, PoolTimeout
from pydantic import BaseModel, ConfigDict, Field

from api.locks import ITEMS_TABLE
from api.requests import asked_at

if TYPE_CHECKING:
    from collections.abc import Callable

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


AWAY = (psycopg.OperationalError, psycopg.InterfaceError, ReadOnlySqlTransaction)
"""What says that the database cannot do it now. A writer that has become a reader is none for whoever writes."""


def left_of(seconds: float) -> float:
    """How many of these seconds a request has left to begin with the store."""
    now = time.monotonic()
    return seconds - (now - (asked_at.get() or now))


THREADS = 40
"""Requests that are worked on at a time; a store that opens a connection for each has room for so many."""


class StoreUnavailable(Exception):
    """The store cannot answer now; the same request may succeed later."""


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


_TABLE = """
CREATE TABLE IF NOT EXISTS items (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    description text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
)
"""
_COLUMNS = "id, name, description, created_at"


_STATEMENT_SECONDS = 10
_CHECK_SECONDS = 2
"""One round trip inside the VPC, with much room."""


class ItemsInPostgres:
    """In a database that may be away for a while: the process starts without it and finds it again."""

    def __init__(self, database: Database, *, wait_seconds: float = 3) -> None:
        """`wait_seconds`: how long a request may wait until it has a connection. In an outage the ones behind it have
        waited that long already when their turn comes, and are answered at once: no queue grows."""
        self.hopeless = False
        self._wait_seconds = wait_seconds
        self._has_table = False
        outer = self

        class Connection(psycopg.Connection):
            """Notices a password that has been changed since this process was given it, and a server that is silent:
            `statement_timeout` is kept by the server, and one that hangs keeps nothing."""

            patience_seconds: float = _STATEMENT_SECONDS + 2

            @classmethod
            def connect(cls, conninfo: str = "", **options: Any) -> psycopg.Connection[Any]:  # pyright: ignore[reportIncompatibleMethodOverride]
                try:
                    return super().connect(conninfo, **options)
                except psycopg.OperationalError as error:
                    outer.hopeless = "password authentication failed" in str(error)
                    raise

            def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
                try:
                    return super().wait(gen, interval, self.patience_seconds if timeout is None else timeout)
                except psycopg.OperationalError:
                    if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                        # Whatever is said next would wait for the same answer, a rollback too.
                        self.close()
                    raise

        def check(connection: Connection) -> None:
            """A fail-over leaves dead connections behind, and such as cannot write; one round trip finds them out."""
            connection.patience_seconds = _CHECK_SECONDS
            connection.autocommit = True
            try:
                found = connection.execute("SHOW transaction_read_only").fetchone()
                if found != ("off",):
                    connection.close()
                    raise psycopg.OperationalError("the session is read-only")
            finally:
                with suppress(psycopg.OperationalError):
                    connection.autocommit = False
            connection.patience_seconds = Connection.patience_seconds

        self._pool: ConnectionPool[Connection] = ConnectionPool(
            connection_class=Connection,
            kwargs=connection_options(database),
            min_size=1,
            max_size=database.connections,
            timeout=wait_seconds,
            check=check,
            reconnect_timeout=30,
            # Waiting for the first connection would keep the process from answering /health.
            open=False,
        )

    def open(self) -> None:
        self._pool.open(wait=False)

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
        """Do `work` in a transaction of its own."""
        try:
            with (
                self._pool.connection(left_of(self._wait_seconds)) as connection,
                connection.cursor(row_factory=class_row(Item)) as cursor,
            ):
                if not self._has_table:
                    # Two tasks that start together must not both create it.
                    cursor.execute("SELECT pg_advisory_xact_lock(%s)", (ITEMS_TABLE,))
                    cursor.execute(_TABLE)
                result = work(cursor)
        except (*AWAY, PoolTimeout) as error:
            raise StoreUnavailable(f"the database does not answer: {type(error).__name__}") from error
        except UndefinedTable as error:
            # Whoever restores a dump drops it first. The next request makes it again, if nobody else has.
            self._has_table = False
            raise StoreUnavailable("the database has no table of items now") from error
        self._has_table = True
        self.hopeless = False
        return result


def connection_options(
    database: Database, *, name: str = "api", statement_seconds: int = _STATEMENT_SECONDS
) -> dict[str, object]:
    """How to reach the database, by TLS. By default no statement takes longer than the load balancer waits."""
    tls = (
        {"sslmode": "verify-full", "sslrootcert": database.certificates}
        if database.certificates
        else {"sslmode": "require"}
    )
    return {
        "host": database.host,
        "port": database.port,
        "dbname": database.name,
        "user": database.user,
        "password": database.password,
        "connect_timeout": 3,
        # After a fail-over the name may lead to the old writer for a while, which is a reader then.
        "target_session_attrs": "read-write",
        # Without them Linux waits some 15 minutes for a host that is gone, and for ever where nothing is on its way
        # (tcp(7): TCP_USER_TIMEOUT, tcp_keepalive_time).
        "tcp_user_timeout": 5000,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "options": f"-c statement_timeout={statement_seconds * 1000}",
        "application_name": name,
        **tls,
    }
