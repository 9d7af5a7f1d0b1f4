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
class Cache:
    """Where what was read lately is kept."""

    host: str
    port: int
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: bool = True
    """Off only for a Redis on the same machine."""


@dataclass(frozen=True, kw_only=True)
class ProgramSettings:
    """What every program is told: the api, the wiki, and the workers of both."""

    service: str
    log_level: str = "INFO"
    port: int = 8000
    drain_seconds: int = 25
    """How long requests under way may take after SIGTERM: less than the 30 seconds after which ECS kills."""
    linger_seconds: int = 5
    """How many of them new requests are still taken: a load balancer may not know yet that this process has to go."""
    user_header: str | None = None
    """The header in which whoever stands before the application says who is signed in; `authorization` where a load
    balancer has judged the token in it. Unset, nobody is believed: without authentication a caller could write any
    name."""
    metrics_namespace: str | None = None
    """Under which CloudWatch keeps what the application counts; it reads that from the log, where it has the log."""
    sampled_share: float = 0.1
    """Of the requests and jobs for which nobody has decided, those that are traced."""

    @staticmethod
    def of(environment: Mapping[str, str], service: str) -> ProgramSettings:
        """The settings in these variables, which need not name the service."""
        default = ProgramSettings
        level = environment.get("LOG_LEVEL", default.log_level).upper()
        if level not in logging.getLevelNamesMapping():
            raise SettingsError(f"LOG_LEVEL is {level!r}; use DEBUG, INFO, WARNING or ERROR")
        return ProgramSettings(
            service=environment.get("SERVICE_NAME") or service,
            log_level=level,
            port=_number(environment, "PORT", default.port, most=65535),
            drain_seconds=_number(environment, "DRAIN_SECONDS", default.drain_seconds, most=110),
            linger_seconds=_number(environment, "LINGER_SECONDS", default.linger_seconds, most=60),
            user_header=(environment.get("USER_HEADER") or "").lower() or None,
            metrics_namespace=_namespace(environment.get("METRICS_NAMESPACE", "")),
            sampled_share=_share(environment, "OTEL_TRACES_SAMPLER_ARG", str(default.sampled_share)),
        )


@dataclass(frozen=True, kw_only=True)
class Settings(ProgramSettings):
    """Everything that can differ between two places where the same image runs."""

    service: str = "api"
    origins: tuple[str, ...] = ()
    """Pages of these origins may call from a browser; all others must not."""
    database: Database | None = None
    table: str | None = None
    """A DynamoDB table instead. Without either, items live in memory and die with the process."""
    cache: Cache | None = None
    models: str | None = None
    """The path in the Parameter Store below which `api.bedrock` reads which models there are and how they are asked.
    Unset, there are no conversations."""
    conversations: str | None = None
    """A DynamoDB table for these, where there is no database."""
    questions_per_minute: int | None = None
    """How many questions somebody may ask the models. Unset, as many as he likes."""
    session_key: str | None = field(default=None, repr=False)
    """Signs the cookie by which a browser's requests are told to be of one session. Unset, there are no sessions."""

    @staticmethod
    def read(environment: Mapping[str, str]) -> Settings:
        """The settings in these variables; what is wrong is refused at the start, not at the first request."""
        database, table = _database(environment), environment.get("TABLE_ITEMS") or None
        if database is not None and table is not None:
            raise SettingsError("TABLE_ITEMS and DATABASE_HOST are both set; items are kept in one of them")
        models, conversations = models_path(environment), environment.get("TABLE_CONVERSATIONS") or None
        if database is not None and conversations is not None:
            raise SettingsError(
                "TABLE_CONVERSATIONS and DATABASE_HOST are both set; conversations are kept in one of them"
            )
        if models is not None and table is not None and conversations is None:
            # In memory, each copy of a function would know other conversations.
            raise SettingsError("TABLE_CONVERSATIONS is missing; MODELS_PATH needs it where TABLE_ITEMS has the items")
        cache, limit = _cache(environment), environment.get("QUESTIONS_PER_MINUTE") or None
        if limit is not None and cache is None:
            raise SettingsError("QUESTIONS_PER_MINUTE needs a cache that counts; set CACHE_HOST and CACHE_SECRET")
        return Settings(
            **vars(ProgramSettings.of(environment, Settings.service)),
            origins=_origins(environment.get("CORS_ORIGINS", "")),
            database=database,
            table=table,
            cache=cache,
            models=models,
            conversations=conversations,
            questions_per_minute=_number(environment, "QUESTIONS_PER_MINUTE", 1, most=6000) if limit else None,
            session_key=_session_key(environment.get("SESSION_KEY_SECRET", "")),
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
    user, password = _credentials("DATABASE_SECRET", secret)
    return Database(
        host=host,
        port=_number(environment, "DATABASE_PORT", 5432, most=65535),
        name=environment.get("DATABASE_NAME") or "app",
        user=user,
        password=password,
        certificates=environment.get("DATABASE_CERTIFICATES") or None,
        connections=_number(environment, "DATABASE_CONNECTIONS", 5, most=100),
    )


def _cache(environment: Mapping[str, str]) -> Cache | None:
    host, secret, url = (environment.get(name) or None for name in ("CACHE_HOST", "CACHE_SECRET", "REDIS_URL"))
    if url is not None and (host or secret):
        raise SettingsError("REDIS_URL and CACHE_HOST are both set; there is one cache")
    if url is not None:
        # A Redis beside the application, on a network of that machine: neither password nor TLS.
        found = re.fullmatch(r"redis://([\w.-]+)(?::(\d{1,5}))?(?:/0)?", url)
        if not found:
            raise SettingsError("REDIS_URL must be like redis://redis:6379/0")
        return Cache(host=found[1], port=int(found[2] or 6379), tls=False)
    if host is None and secret is None:
        return None
    if host is None or secret is None:
        missing = "CACHE_SECRET" if host else "CACHE_HOST"
        raise SettingsError(f"{missing} is missing; the cache needs both CACHE_HOST and CACHE_SECRET")
    user, password = _credentials("CACHE_SECRET", secret)
    port = _number(environment, "CACHE_PORT", 6379, most=65535)
    return Cache(host=host, port=port, user=user, password=password)


def models_path(environment: Mapping[str, str]) -> str | None:
    """Below which parameters say which models there are, and how they are asked."""
    path = environment.get("MODELS_PATH") or None
    if path is not None and not re.fullmatch(r"(/[\w.-]+)+", path):
        raise SettingsError(f"MODELS_PATH is {path!r}; use a path such as /chat/dev/models")
    return path


def _session_key(text: str) -> str | None:
    if text and len(text) < 32:
        raise SettingsError("SESSION_KEY_SECRET is too short to sign with; use 32 characters or more")
    return text or None


def _credentials(name: str, secret: str) -> tuple[str, str]:
    """User and password from the JSON that Secrets Manager keeps for a store."""
    try:
        parts = json.loads(secret)
        return str(parts["username"]), str(parts["password"])
    except (ValueError, KeyError, TypeError):
        # `from None`: the original error quotes the secret.
        raise SettingsError(f'{name} must be JSON with "username" and "password"') from None


def _share(environment: Mapping[str, str], name: str, default: str) -> float:
    text = environment.get(name) or default
    try:
        share = float(text)
    except ValueError:
        share = float("nan")
    if not 0 <= share <= 1:
        raise SettingsError(f"{name} is {text!r}; use a number from 0 to 1")
    return share


def _number(environment: Mapping[str, str], name: str, default: int, *, most: int) -> int:
    text = environment.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= most):
        raise SettingsError(f"{name} is {text!r}; use a whole number from 1 to {most}")
    return int(text)
