"""What a table is: its keys and indexes, its capacity, how it is kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from ..args import Args, ComponentArgs
from ..errors import Mistake
from ..retention import Retention
from ..values import Region
from .table_keys import AttributeType, Index, Keys, LocalIndex
from .table_scaling import Provisioned, Units

Stream = Literal["keys", "new", "old", "both"]


class RequestLimit(Args):
    """The most units a second that a table on demand, and each index of its own, answers; above it requests fail."""

    read: Units
    """What is read."""

    write: Units
    """What is written."""


class TableArgs(ComponentArgs):
    """A DynamoDB table. In ap-northeast-1 a million writes on demand cost $0.715, a million reads $0.143, a GB and
    month $0.285."""

    attributes: dict[str, AttributeType]
    """The type of each attribute that is a key somewhere: S (text), N (number), B (bytes). Others need no mention."""

    hash_key: str
    """The attribute that must be known to find items. Cannot be changed without a new table."""

    range_key: str | None = None
    """The attribute by which the items under one hash key are told apart and sorted. Cannot be changed either."""

    indexes: dict[str, Index] = {}
    """Other ways to find items, by name; can come and go."""

    local_indexes: dict[str, LocalIndex] = {}
    """Other orders of the items under one hash key, by name; only for a new table."""

    provisioned: Provisioned | None = None
    """Capacity that scales between limits. Left out: on demand, paid by the request."""

    limit: RequestLimit | None = None
    """For a table on demand: a cap, so that a runaway program costs no more than this."""

    ttl: str | None = None
    """The attribute that says when an item ends, in epoch seconds. DynamoDB deletes it within days, free of charge."""

    stream: Stream | None = None
    """Pass on every change for a day: the keys, the new item, the old one or both."""

    recovery_days: Annotated[int, Field(ge=0, le=35)] = 35
    """How far back the table can be restored to any second, $0.228 a GB and month; 0 for not at all. In a stack of the
    free tier left out: 0."""

    replicas: list[Region] = []
    """Further regions in which the table can be read and written. Reads and writes there are billed there, and each
    write in both."""

    retention: Retention = "protected"
    """protected: refuses to be deleted. ephemeral: goes with everything in it. In YAML left out: the stack's."""

    def mistakes(self) -> Iterator[Mistake]:
        yield from Keys(
            attributes=self.attributes,
            hash_key=self.hash_key,
            range_key=self.range_key,
            indexes=self.indexes,
            local_indexes=self.local_indexes,
        ).mistakes(self.ttl)
        if self.provisioned is not None and self.limit is not None:
            given = f"{self.limit.read} and {self.limit.write}"
            yield Mistake("limit", given, "is for tables on demand; remove it or provisioned")
        if len(set(self.replicas)) < len(self.replicas):
            yield Mistake("replicas", self.replicas, "names a region twice; name each once")
        if self.replicas and self.stream not in (None, "both"):
            yield Mistake("stream", self.stream, "does not carry whole changes to the replicas; use both")
        if self.replicas and self.provisioned is not None:
            yield Mistake(
                "replicas",
                self.replicas,
                "have capacity of their own, which nothing here would scale; remove provisioned, or the replicas",
            )
