"""Creates extensions in a database, by the master user and over TLS; those that are there stay as they are.

Called once by the deployment, which fails with what is raised here. The event says which: {"extensions": ["vector"]}.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import sleep
from typing import Any, Protocol

import boto3
import psycopg
from psycopg import sql

CERTIFICATES = Path(__file__).with_name("rds.pem")
"""The authorities of RDS in every region, so that the database must prove who it is. They end in 2061 and later."""

_SPARE_SECONDS = 15
"""Kept for the work itself: no attempt to connect begins later than this before the end."""
_PAUSE_SECONDS = 3


class ExtensionError(Exception):
    """Why an extension cannot be created. The message is shown to whoever deploys, and holds no secret."""


class Context(Protocol):
    """What Lambda says of the call."""

    def get_remaining_time_in_millis(self) -> int: ...


def handler(event: Mapping[str, Any], context: Context) -> dict[str, str]:
    """Create what `event` names; the version of each extension that is now there."""

    def seconds_left() -> float:
        return context.get_remaining_time_in_millis() / 1000

    with connect(os.environ, seconds_left) as connection:
        return create(connection, event["extensions"])


def create(connection: psycopg.Connection[Any], extensions: Sequence[str]) -> dict[str, str]:
    """Create the extensions, all of them or none."""
    with connection.transaction():
        for extension in extensions:
            statement = sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(extension))
            try:
                connection.execute(statement)
            except psycopg.Error as error:
                raise ExtensionError(f"{extension} cannot be created: {error.diag.message_primary or error}") from error
        there = connection.execute(
            "SELECT extname, extversion FROM pg_extension WHERE extname = ANY(%s) ORDER BY extname", (list(extensions),)
        )
        return dict(there.fetchall())


def connect(environment: Mapping[str, str], seconds_left: Callable[[], float]) -> psycopg.Connection[Any]:
    """A connection to the database that the environment names; asked for again while it starts or changes passwords."""
    while True:
        # Read each time: a rotation may come in between.
        login = _login(environment["DATABASE_SECRET_ARN"])
        try:
            return psycopg.connect(
                host=environment["DATABASE_HOST"],
                port=int(environment["DATABASE_PORT"]),
                dbname=environment["DATABASE_NAME"],
                user=login["username"],
                password=login["password"],
                sslmode="verify-full",
                sslrootcert=str(CERTIFICATES),
                connect_timeout=5,
                application_name="extensions",
                # A host that is gone is noticed while there is time to say so.
                tcp_user_timeout=5000,
                keepalives_idle=10,
                keepalives_interval=5,
                keepalives_count=3,
                target_session_attrs="read-write",
                # Rather an error than a deployment that hangs behind somebody's lock.
                options="-c statement_timeout=60000 -c lock_timeout=10000",
            )
        except psycopg.OperationalError as error:
            if seconds_left() < _SPARE_SECONDS + _PAUSE_SECONDS:
                raise ExtensionError(f"{environment['DATABASE_HOST']} cannot be reached: {error}") from error
        sleep(_PAUSE_SECONDS)


def _login(secret_arn: str) -> dict[str, str]:
    client: Any = boto3.client("secretsmanager")
    secret = client.get_secret_value(SecretId=secret_arn)["SecretString"]
    try:
        login = json.loads(secret)
        return {"username": login["username"], "password": login["password"]}
    except (ValueError, KeyError, TypeError):
        # `from None`: the original error quotes the secret.
        raise ExtensionError('the secret of the database is not JSON with "username" and "password"') from None
