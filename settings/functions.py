"""Settings of what runs on Lambda."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from settings.data import TableUse, unknown_tables
from settings.messaging import ScheduleSettings
from settings.section import Name, Section

if TYPE_CHECKING:
    from settings import Settings


class ChangesSettings(Section):
    """How a function follows the changes of a table."""

    filters: list[dict[str, Any]] = []
    """Patterns such as {eventName: [INSERT]}; what fits none of them calls nobody."""
    start: Literal["latest", "oldest"] = "latest"
    batch_size: int = 100
    window_seconds: int = 0
    at_a_time: int = 1
    retries: int = 5
    max_age_seconds: int = 3600


class FunctionSettings(Section):
    """One function: code, a size, and what calls it."""

    package: Name
    """A folder of workloads/; `make packages` builds it."""
    handler: str
    """What Lambda calls in it, as module.name: api.function.handler."""
    description: str = ""
    architecture: Literal["arm64", "x86_64"] = "arm64"
    memory_mib: int = 512
    timeout_seconds: int = 30
    environment: dict[str, str] = {}
    alias: str = "live"
    provisioned_concurrency: int = 0
    reserved_concurrency: int | None = None
    tracing: bool = False
    private: bool = False
    """In the private subnets of the stack's network."""
    database: bool = False
    """Whether it works with the stack's database; needs `private`."""
    cache: bool = False
    """Whether it works with the stack's cache; needs `private`."""
    user_pool: bool = False
    """Whether it judges tokens of the stack's user pool; it is told whose as USER_POOL_ISSUER and
    USER_POOL_CLIENT_IDS."""
    tables: dict[str, TableUse] = {}
    """What it may do with which tables of the stack; it is told the name of sessions as TABLE_SESSIONS."""
    secrets: list[Name] = []
    """Secrets of the stack that it may read; it is told where as <NAME>_SECRET_ARN."""
    sends_to: Name | None = None
    """A queue to which it sends; it is told where as QUEUE_URL."""
    queue: Name | None = None
    """A queue through which it works."""
    batch_size: int = 10
    window_seconds: int = 0
    """How long messages are gathered for a batch."""
    changes: dict[str, ChangesSettings] = {}
    """The tables whose changes call it; each needs a stream."""
    schedule: ScheduleSettings | None = None
    """When it is called by itself."""
    shift: str | None = None
    """How calls move to a new version: canary10Percent5Minutes and the like, moved by CodeDeploy. Left out: at once."""
    retries: int = 2
    max_age_seconds: int = 3600


def combinations(settings: Settings) -> Iterator[tuple[str, str]]:
    """What cannot work together: key and why."""
    taken = {
        name: f"{section}.{name}"
        for section in ("buckets", "tables", "queues", "workflows", "services")
        for name in getattr(settings, section)
    }
    for name, function in settings.functions.items():
        key = f"functions.{name}"
        for one in (name, f"{name}-schedule") if function.schedule else (name,):
            if one in taken:
                yield key, f"is, or needs for its schedule, the name of {taken[one]} too; give one of them another"
        if function.private and settings.network is None:
            yield f"{key}.private", "true needs a network; add the section network or remove this key"
        if function.private and settings.network is not None and "private" not in settings.network.tiers:
            yield "network.tiers", f"lacks private, in which the function {name} runs; add it"
        if function.database and settings.database is None:
            yield f"{key}.database", "true needs a database; add the section database or remove this key"
        if function.database and not function.private:
            yield f"{key}.private", "must be true: the database answers inside the network only"
        if function.cache and settings.cache is None:
            yield f"{key}.cache", "true needs a cache; add the section cache or remove this key"
        if function.cache and not function.private:
            yield f"{key}.private", "must be true: the cache answers inside the network only"
        if function.user_pool and settings.user_pool is None:
            yield f"{key}.userPool", "true needs users; add the section userPool or remove this key"
        yield from unknown_tables(key, function.tables, settings)
        yield from _changes(key, function, settings)
        for secret in function.secrets:
            if secret not in settings.secrets:
                yield f"{key}.secrets", f"{secret} is not a secret of this stack; add it to the section secrets"
        for field in ("queue", "sends_to"):
            queue = getattr(function, field)
            if queue is not None and queue not in settings.queues:
                known = ", ".join(sorted(settings.queues)) or "none"
                yield (
                    f"{key}.{'sendsTo' if field == 'sends_to' else field}",
                    f"{queue} is not a queue of this stack; the queues are: {known}",
                )
        yield from _endpoints(name, function, settings)
    for name in settings.workflows:
        for part in ("-schedule", "-event"):
            if f"{name}{part}" in settings.functions:
                yield f"functions.{name}{part}", f"is how a part of workflows.{name} is called; choose another name"


def _changes(key: str, function: FunctionSettings, settings: Settings) -> Iterator[tuple[str, str]]:
    known = ", ".join(sorted(name for name, one in settings.tables.items() if one.stream or one.replicas)) or "none"
    for table in function.changes:
        if table not in settings.tables:
            yield f"{key}.changes.{table}", f"is not a table of this stack; those with a stream are: {known}"
        elif not (settings.tables[table].stream or settings.tables[table].replicas):
            yield f"tables.{table}.stream", f"is needed for {key}.changes; use keys, new, old or both"


def _endpoints(name: str, function: FunctionSettings, settings: Settings) -> Iterator[tuple[str, str]]:
    """What a function without the internet calls of AWS."""
    network = settings.network
    if not function.private or network is None or not network.closed:
        return
    needed = {"secretsmanager"} if function.database or function.cache or function.secrets else set()
    needed |= {"sqs"} if function.sends_to else set()
    needed |= {"cognito-idp"} if function.user_pool else set()
    missing = needed - set(network.endpoints)
    if "ecsPrivate" in network.endpoints:
        missing -= {"secretsmanager"}
    if missing:
        listed = ", ".join(sorted(missing))
        yield "network.endpoints", f"lacks {listed}, which the function {name} calls where there is no NAT; add it"
