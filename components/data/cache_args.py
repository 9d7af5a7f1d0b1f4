"""Which engine a cache has, and how large it is."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Annotated, Final, Literal

from pydantic import Field

from ..args import ComponentArgs
from ..errors import Mistake
from ..retention import Retention
from ..values import LogRetentionDays

CacheEngine = Literal["valkey", "redis"]

# Engine → version → family of parameter groups.
_VERSIONS: Final[dict[CacheEngine, dict[str, str]]] = {
    "valkey": {"7.2": "valkey7", "8.0": "valkey8", "8.1": "valkey8", "8.2": "valkey8"},
    "redis": {"6.2": "redis6.x", "7.0": "redis7", "7.1": "redis7"},
}
_FIRST_VERSION: Final[dict[CacheEngine, str]] = {"valkey": "8.0", "redis": "7.1"}
_LARGE = ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge")
_NODE_TYPES: Final = (
    *(f"cache.{family}.{size}" for family in ("t3", "t4g") for size in ("micro", "small", "medium")),
    *(f"cache.{family}.{size}" for family in ("m6g", "m7g", "r6g", "r7g") for size in _LARGE),
    *(f"cache.{family}.{size}" for family in ("m5", "r5") for size in (*_LARGE[:4], "12xlarge", "24xlarge")),
)
_MOST_NODES: Final = 90


class CacheArgs(ComponentArgs):
    """A cache in memory: ElastiCache with Valkey or Redis OSS. Always encrypted, with TLS
    and a user with a password."""

    engine: CacheEngine = "valkey"
    """valkey: open source, a fifth cheaper. redis: Redis OSS, for what must run on exactly that."""

    version: str | None = None
    """Of the engine: valkey 7.2 to 8.2, redis 6.2 to 7.1; it cannot go back. Left out: valkey 8.0 or redis 7.1 for a
    new cache, of which AWS then upgrades the minor version. With it, only an update changes the version."""

    node_type: str
    """Of every node: cache.t4g.micro (0.5 GiB) is about $14 a month in ap-northeast-1."""

    replicas: Annotated[int, Field(ge=0, le=5)] = 1
    """Copies of each shard in other zones. With one, a failure is over within a minute; without any, what was cached is
    lost, and the cache away until AWS has made another."""

    shards: int | None = None
    """Spread the keys over so many groups of nodes (cluster mode), 1 to 90 nodes in all. The client must speak the
    cluster protocol. Cannot be switched on later without a new cache."""

    snapshot_days: Annotated[int, Field(ge=1, le=35)] = 7
    """Days for which the daily snapshot is kept; $0.085 a GB and month."""

    log_retention_days: LogRetentionDays = 30
    """Days until a record of the slow log or the engine log is deleted from CloudWatch."""

    apply_immediately: bool = False
    """Whether changes that interrupt wait for the maintenance window (false) or not."""

    retention: Retention = "protected"
    """protected: refuses to be deleted, and leaves a last snapshot. ephemeral: goes with everything in it."""

    def mistakes(self) -> Iterator[Mistake]:
        versions = _VERSIONS[self.engine]
        if self.version is not None and self.version not in versions:
            yield Mistake("version", self.version, f"is not a version of {self.engine}; use {', '.join(versions)}")
        if self.node_type not in _NODE_TYPES:
            match = difflib.get_close_matches(self.node_type, _NODE_TYPES, n=1, cutoff=0.0)[0]
            yield Mistake("node_type", self.node_type, f"is not a node type; did you mean {match!r}?")
        nodes = 1 if self.shards is None else self.shards * (1 + self.replicas)
        if not 1 <= nodes <= _MOST_NODES:
            yield Mistake("shards", self.shards, f"makes {nodes} nodes; use 1 to {_MOST_NODES} in all")
        elif self.shards == 1 and self.replicas == 0:
            why = "leaves a cluster of one node, whose failover has nothing to go to; use 1, or leave shards out"
            yield Mistake("replicas", self.replicas, why)

    @property
    def engine_version(self) -> str:
        """The version of a new cache."""
        return self.version or _FIRST_VERSION[self.engine]

    @property
    def parameter_group(self) -> str:
        """AWS's own group of the version, which cannot be changed and need not be."""
        cluster = ".cluster.on" if self.shards is not None else ""
        return f"default.{_VERSIONS[self.engine][self.engine_version]}{cluster}"

    @property
    def nodes(self) -> list[str]:
        """What AWS adds to the cache's name to name its nodes."""
        members = [f"{number:03}" for number in range(1, self.replicas + 2)]
        if self.shards is None:
            return members
        return [f"{shard:04}-{member}" for shard in range(1, self.shards + 1) for member in members]
