"""Valkey or Redis, without which everything goes on, and the items that were read lately, kept there."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

import redis
from redis.backoff import NoBackoff
from redis.exceptions import MovedError, RedisClusterException
from redis.retry import Retry

from api.items import Item, Items, NewItem

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from api.settings import Cache

log = logging.getLogger("api.cache")

KEEP_SECONDS: Final = 60
"""What the worker deletes can still be read for so long."""

_GONE: Final = b"gone"


class Connection:
    """The way to the cache, which all of the process shares. Whether that is a cluster it finds out by itself: a node
    of one names another for a key that it does not have."""

    def __init__(self, cache: Cache) -> None:
        self._away = False
        self._given: dict[str, Any] = {
            "host": cache.host,
            "port": cache.port,
            "username": cache.user,
            "password": cache.password,
            "ssl": cache.tls,
            # The store answers in a few milliseconds: whoever waits longer for the cache gains nothing.
            "socket_connect_timeout": 0.5,
            "socket_timeout": 0.25,
            # A connection that a fail-over has closed is opened again once.
            "retry": Retry(NoBackoff(), 1),
            "health_check_interval": 30,
        }
        self.redis: Any = redis.Redis(**self._given)

    def ask(self, question: Callable[[], object]) -> object:
        """What the cache answers; None while it does not. It is told of once, and once more when it is back."""
        try:
            try:
                answer = question()
            except MovedError:
                # Keys of other shards can be had, too, while one shard is away.
                cluster = redis.RedisCluster(**self._given, require_full_coverage=False)
                self.redis.close()
                self.redis = cluster
                answer = question()
        except (redis.RedisError, RedisClusterException) as error:
            if not self._away:
                log.warning("the cache does not answer, and is done without: %s", type(error).__name__)
            self._away = True
            return None
        if self._away:
            log.info("the cache answers again")
        self._away = False
        return answer

    def close(self) -> None:
        self.redis.close()


class CachedItems:
    """A store of items, of which those that are read again come from the cache. Without the cache it only is slower."""

    def __init__(self, items: Items, cache: Cache | Connection, *, keep_seconds: int = KEEP_SECONDS) -> None:
        self._items, self._keep_seconds = items, keep_seconds
        self._cache = cache if isinstance(cache, Connection) else Connection(cache)

    @property
    def hopeless(self) -> bool:
        return self._items.hopeless

    def create(self, new: NewItem) -> Item:
        return self._items.create(new)

    def get(self, id_: UUID) -> Item | None:
        kept = self._cache.ask(lambda: self._cache.redis.get(_key(id_)))
        if kept == _GONE:
            return None
        if isinstance(kept, bytes):
            return Item.model_validate_json(kept)
        item = self._items.get(id_)
        if item is not None:
            # Not over a deletion that came between: the item was read before it.
            text = item.model_dump_json()
            self._cache.ask(lambda: self._cache.redis.set(_key(id_), text, ex=self._keep_seconds, nx=True))
        return item

    def list(self, limit: int, after: UUID | None) -> list[Item]:
        return self._items.list(limit, after)

    def delete(self, id_: UUID) -> bool:
        deleted = self._items.delete(id_)
        self._cache.ask(lambda: self._cache.redis.set(_key(id_), _GONE, ex=self._keep_seconds))
        return deleted

    def ready(self) -> None:
        self._items.ready()

    def open(self) -> None:
        self._items.open()

    def close(self) -> None:
        self._cache.close()
        self._items.close()


def _key(id_: UUID) -> str:
    return f"item:{id_}"
