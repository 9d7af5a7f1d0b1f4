"""Settings of what runs on Lambda."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from components.args import as_far_as_known, in_yaml
from components.compute.event_sources import QueueSource, StreamSource
from components.compute.function_args import FunctionArgs
from components.compute.package import Architecture
from components.errors import ArgumentError, Mistake, dotted
from components.messaging.schedule import ScheduleArgs
from components.values import Name
from settings.data import TableUse, unknown_tables
from settings.models import ENDPOINTS
from settings.search import CollectionUse, KnowledgeBaseUse, unreached
from settings.workloads import package

if TYPE_CHECKING:
    from settings import Settings


class FunctionSettings(FunctionArgs, QueueSource):
    """A function, its code, what it works with and what calls it."""

    package: Name
    """A folder of workloads/; `make packages` builds it."""

    architecture: Architecture = "arm64"
    """For which it is built. arm64 costs a fifth less than x86_64."""

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

    models: list[Name] = []
    """The models of modelAccess that it may invoke; it is told as MODELS_PATH under which parameters it finds how."""

    collections: dict[str, CollectionUse] = {}
    """What it may do with which collections of the stack; it is told where search is as COLLECTION_SEARCH_URL."""

    knowledge_bases: dict[str, KnowledgeBaseUse] = {}
    """What it may ask of which knowledge bases of the stack: for chunks that fit a question (retrieve), or an answer
    from them, too (generate). It is told the id of wiki as KNOWLEDGE_BASE_WIKI."""

    sends_to: Name | None = None
    """A queue to which it sends; it is told where as QUEUE_URL."""

    queue: Name | None = None
    """A queue through which it works."""

    changes: dict[str, StreamSource] = {}
    """The tables whose changes call it; each needs a stream."""

    schedule: ScheduleArgs | None = None
    """When it is called by itself."""

    def mistakes(self) -> Iterator[Mistake]:
        yield from FunctionArgs.mistakes(self)
        yield from QueueSource.mistakes(self)
        try:
            package(self.package, self.architecture).check_handler(self.handler)
        except ArgumentError as error:
            yield from error.mistakes


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
        yield from as_far_as_known(unknown_tables(key, function.tables, settings))
        yield from as_far_as_known(unreached(key, function.collections, settings, private=function.private))
        yield from as_far_as_known(_changes(key, function, settings))
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
        if function.queue in settings.queues:
            for mistake in function.mistakes_with(settings.queues[function.queue], function.timeout_seconds):
                found = in_yaml(FunctionSettings, mistake)
                yield f"{key}.{dotted(found.path)}", f"{found.value} {found.reason}"
        yield from as_far_as_known(_endpoints(name, function, settings))
    yield from as_far_as_known(_concurrency(settings))
    for name in settings.workflows:
        for part in ("-schedule", "-event"):
            if f"{name}{part}" in settings.functions:
                yield f"functions.{name}{part}", f"is how a part of workflows.{name} is called; choose another name"


_LEFT_TO_OTHERS = 100
"""Of an account's concurrent executions, those that AWS lets no function hold
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html)."""


def _concurrency(settings: Settings) -> Iterator[tuple[str, str]]:
    """What functions hold for themselves, against the account's quota: AWS refuses more while it makes them ("decreases
    account's UnreservedConcurrentExecution below its minimum value"), and new accounts have ten in all."""
    held = {
        name: (
            ("reservedConcurrency", function.reserved_concurrency)
            if function.reserved_concurrency is not None
            else ("provisionedConcurrency", function.provisioned_concurrency)
        )
        for name, function in settings.functions.items()
        if function.reserved_concurrency or function.provisioned_concurrency
    }
    total = sum(count for _, count in held.values())
    quota = settings.function_quota
    for name, (field, count) in held.items():
        key = f"functions.{name}.{field}"
        if quota is None:
            why = f"{count} is refused in a new account, which has 10 concurrent executions in all"
            yield key, f"{why}; set functionQuota to the ConcurrentExecutions of `aws lambda get-account-settings`"
        elif total > quota - _LEFT_TO_OTHERS:
            why = f"{count} is more than the account gives: functions would hold {total} of functionQuota {quota}"
            mend = "remove this key, or ask AWS for a higher quota (Service Quotas, L-B99A9384)"
            yield key, f"{why}, of which {_LEFT_TO_OTHERS} must stay for all others; {mend}"


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
    if not function.private or network is None:
        return
    needed = {"secretsmanager"} if function.database or function.cache or function.secrets else set()
    needed |= {"sqs"} if function.sends_to else set()
    needed |= {"cognito-idp"} if function.user_pool else set()
    needed |= {*ENDPOINTS} if function.models else set()
    if missing := network.lacks(*needed):
        listed = ", ".join(missing)
        yield "network.endpoints", f"lacks {listed}, which the function {name} calls where there is no NAT; add it"
