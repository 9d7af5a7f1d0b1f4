"""What the surroundings tell the application, all of it by environment variables."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field


class SettingsError(ValueError):
    """A variable that is missing or makes no sense. The message names it and never shows a secret."""


@dataclass(frozen=True, kw_only=True)
class Database:
    """Where the items are kept, and how it is reached: always by TLS."""

    host: str
    port: int
    name: str
    user: str
    password: str = field(repr=False)
    certificates: str | None = None
    """A file of the authorities that may have signed the server's certificate. With it the server must also prove its
    name; without it the connection is encrypted, but whoever answers is believed."""
    connections: int = 5
    """The most connections of this process at a time."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that can differ between two places where the same image runs."""

    service: str = "api"
    log_level: str = "INFO"
    port: int = 8000
    drain_seconds: int = 25
    """How long requests under way may take after SIGTERM: less than the 30 seconds after which ECS kills."""
    user_header: str | None = None
    """The header in which whoever stands before the application says who is signed in, for example that of a load
    balancer's authentication. Unset, nobody is believed: without authentication a caller could write any name."""
    metrics_namespace: str | None = None
    """Under which CloudWatch keeps what the application counts; it reads that from the log, where it has the log."""
    origins: tuple[str, ...] = ()
    """Pages of these origins may call from a browser; all others must not."""
    database: Database | None = None
    table: str | None = None
    """A DynamoDB table instead. Without either, items live in memory and die with the process."""

    @staticmethod
    def read(environment: Mapping[str, str]) -> Settings:
        """The settings in these variables; what is wrong is refused at the start, not at the first request."""
        level = environment.get("LOG_LEVEL", "INFO").upper()
        if level not in logging.getLevelNamesMapping():
            raise SettingsError(f"LOG_LEVEL is {level!r}; use DEBUG, INFO, WARNING or ERROR")
        database, table = _database(environment), environment.get("TABLE_ITEMS") or None
        if database is not None and table is not None:
            raise SettingsError("TABLE_ITEMS and DATABASE_HOST are both set; items are kept in one of them")
        return Settings(
            service=environment.get("SERVICE_NAME") or "api",
            log_level=level,
            port=_number(environment, "PORT", 8000, most=65535),
            drain_seconds=_number(environment, "DRAIN_SECONDS", 25, most=110),
            user_header=(environment.get("USER_HEADER") or "").lower() or None,
            metrics_namespace=_namespace(environment.get("METRICS_NAMESPACE", "")),
            origins=_origins(environment.get("CORS_ORIGINS", "")),
            database=database,
            table=table,
        )


@dataclass(frozen=True, kw_only=True)
class WorkSettings:
    """What a worker is told beside that."""

    queue_url: str
    keep_days: int | None = None
    """Days after which an item expires. Unset, no item does: nothing is deleted that nobody said to delete."""

    @staticmethod
    def read(environment: Mapping[str, str]) -> WorkSettings:
        """The settings in these variables."""
        queue_url = environment.get("QUEUE_URL")
        if not queue_url:
            raise SettingsError("QUEUE_URL is missing; it is the address of the queue with the jobs")
        days = _number(environment, "ITEMS_KEEP_DAYS", 1, most=36_500) if environment.get("ITEMS_KEEP_DAYS") else None
        return WorkSettings(queue_url=queue_url, keep_days=days)


def _namespace(text: str) -> str | None:
    if text and not re.fullmatch(r"(?!AWS/)[\w./#:-]{1,255}", text):
        raise SettingsError(f"METRICS_NAMESPACE is {text!r}; use a name of your own, which does not begin with AWS/")
    return text or None


def _origins(text: str) -> tuple[str, ...]:
    origins = tuple(origin.strip() for origin in text.split(",") if origin.strip())
    for origin in origins:
        if not re.fullmatch(r"https?://[\w.-]+(:\d+)?", origin):
            raise SettingsError(
                f"CORS_ORIGINS has {origin!r}; use origins such as https://www.example.com, not * or a path"
            )
    return origins


def _database(environment: Mapping[str, str]) -> Database | None:
    host, secret = environment.get("DATABASE_HOST"), environment.get("DATABASE_SECRET")
    if not host and not secret:
        return None
    if not host or not secret:
        missing = "DATABASE_SECRET" if host else "DATABASE_HOST"
        raise SettingsError(f"{missing} is missing; the database needs both DATABASE_HOST and DATABASE_SECRET")
    user, password = _credentials(secret)
    return Database(
        host=host,
        port=_number(environment, "DATABASE_PORT", 5432, most=65535),
        name=environment.get("DATABASE_NAME") or "app",
        user=user,
        password=password,
        certificates=environment.get("DATABASE_CERTIFICATES") or None,
        connections=_number(environment, "DATABASE_CONNECTIONS", 5, most=100),
    )


def _credentials(secret: str) -> tuple[str, str]:
    """User and password from the JSON that Secrets Manager keeps for RDS."""
    try:
        parts = json.loads(secret)
        return str(parts["username"]), str(parts["password"])
    except (ValueError, KeyError, TypeError):
        # `from None`: the original error quotes the secret.
        raise SettingsError('DATABASE_SECRET must be JSON with "username" and "password"') from None


def _number(environment: Mapping[str, str], name: str, default: int, *, most: int) -> int:
    text = environment.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= most):
        raise SettingsError(f"{name} is {text!r}; use a whole number from 1 to {most}")
    return int(text)
