"""A PostgreSQL that may be away for a while: the process starts without it and finds it again."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.errors import ReadOnlySqlTransaction, UndefinedTable
from psycopg.pq import TransactionStatus
from psycopg_pool import ConnectionPool, PoolTimeout

from api.store import StoreUnavailable, left_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from psycopg.rows import RowFactory

    from api.settings import Database

AWAY = (psycopg.OperationalError, psycopg.InterfaceError, ReadOnlySqlTransaction)
"""What says that the database cannot do it now. A writer that has become a reader is none for whoever writes."""

_STATEMENT_SECONDS = 10
_CHECK_SECONDS = 2
"""One round trip inside the VPC, with much room."""


@dataclass(kw_only=True)
class Tables:
    """Tables that are made with the first request, where nobody has brought the database up to date before."""

    name: str
    """What they hold."""
    lock: int
    """Two tasks that start together must not both make them."""
    statements: tuple[str, ...]
    are_there: bool = field(default=False, init=False)


class Pool:
    """The connections of this process, for all that it keeps there."""

    def __init__(self, database: Database, *, wait_seconds: float = 3) -> None:
        """`wait_seconds`: how long a request may wait until it has a connection. In an outage the ones behind it have
        waited that long already when their turn comes, and are answered at once: no queue grows."""
        self.hopeless = False
        self._wait_seconds = wait_seconds
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

    def do(self, tables: Tables, row: RowFactory[Any], work: Callable[[psycopg.Cursor[Any]], Any]) -> Any:
        """Do `work` with these tables in a transaction of its own."""
        try:
            with (
                self._pool.connection(left_of(self._wait_seconds)) as connection,
                connection.cursor(row_factory=row) as cursor,
            ):
                if not tables.are_there:
                    cursor.execute("SELECT pg_advisory_xact_lock(%s)", (tables.lock,))
                    for statement in tables.statements:
                        cursor.execute(statement.encode())
                result = work(cursor)
        except (*AWAY, PoolTimeout) as error:
            raise StoreUnavailable(f"the database does not answer: {type(error).__name__}") from error
        except UndefinedTable as error:
            # Whoever restores a dump drops it first. The next request makes it again, if nobody else has.
            tables.are_there = False
            raise StoreUnavailable(f"the database has no table of {tables.name} now") from error
        tables.are_there = True
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
