"""How large a cluster is, and how it grows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final

from pydantic import Field

from ..args import Args
from ..errors import Mistake
from .database import (
    DatabaseArgs,
)
from .postgres_offer import MEMORY_GIB

ENGINE: Final = "aurora-postgresql"
_MOST_READERS: Final = 15


class ReaderScaling(Args):
    """Readers that Aurora adds under load and removes again, each at the price of an instance. They are of the
    writer's class, and last in the order of promotion (tier 15). Lower the most to the readers that are
    always there and deploy before a teardown: what Aurora added is in no state."""

    max_readers: Annotated[int, Field(ge=1, le=_MOST_READERS)]
    """The most readers, with those that are always there."""

    cpu_percent: Annotated[int, Field(ge=10, le=90)] = 70
    """The average CPU utilisation of the readers at which Aurora aims."""


class Serverless(Args):
    """Capacity that follows the load, in Aurora capacity units (2 GiB of memory, about $0.20 an hour each)."""

    min_units: Annotated[float, Field(ge=0.5, le=256, multiple_of=0.5)]
    """The least, in steps of 0.5."""

    max_units: Annotated[float, Field(ge=1, le=256, multiple_of=0.5)]
    """The most, in steps of 0.5; also decides how many connections there may be."""

    def mistakes(self) -> Iterator[Mistake]:
        if self.max_units < self.min_units:
            yield Mistake("max_units", self.max_units, f"is less than the minimum, {self.min_units:g}")


class AuroraPostgresArgs(DatabaseArgs):
    """PostgreSQL on Aurora. Storage costs $0.12 for each GB and month, in all zones together; requests to it $0.24 a
    million."""

    readers: Annotated[int, Field(ge=0, le=_MOST_READERS)] = 1
    """Aurora: readers beside the writer. One in another zone takes over within a minute when the writer's zone fails;
    without any, AWS makes a new writer first, which takes some ten."""

    reader_scaling: ReaderScaling | None = None
    """Aurora: let it add readers under load."""

    serverless: Serverless | None = None
    """Aurora: capacity that follows the load, for every instance (Serverless v2). Its class then does not matter."""

    def mistakes(self) -> Iterator[Mistake]:
        yield from self.common_mistakes(ENGINE)
        scaling = self.reader_scaling
        if scaling is not None and self.readers < 1:
            yield Mistake("readers", self.readers, "is too few for readerScaling, which measures readers; use 1")
        elif scaling is not None and scaling.max_readers < self.readers:
            most = f"is not allowed; use {self.readers} (readers) to {_MOST_READERS}"
            yield Mistake(("reader_scaling", "max_readers"), scaling.max_readers, most)
        if self.serverless is None and self.instance_class == "db.serverless":
            yield Mistake("instance_class", self.instance_class, "needs its capacity; add serverless")

    @property
    def memory_gib(self) -> float:
        """Of one instance at its largest."""
        return self.serverless.max_units * 2 if self.serverless else MEMORY_GIB[ENGINE][self.instance_class]
