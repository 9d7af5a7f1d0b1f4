"""Keys of a DynamoDB table and of its indexes, and what AWS would refuse about them. Pure data: no Pulumi, no AWS."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from ..args import Args
from ..errors import Mistake, nearest

AttributeType = Literal["S", "N", "B"]
_NAME = re.compile(r"[A-Za-z0-9_.-]{3,255}")
_MOST_GLOBAL, _MOST_LOCAL = 20, 5


class Index(Args):
    """A second way to find items, under other keys (a global secondary index). It costs a write for each write."""

    hash_key: str
    """The attribute that must be known to find items."""

    range_key: str | None = None
    """The attribute by which those items are sorted."""

    attributes: list[str] | None = None
    """What is copied beside the keys: `[]` for nothing. Left out: the whole item."""


class LocalIndex(Args):
    """Another order of the items under one hash key (a local secondary index). Only a new table can be given one."""

    range_key: str
    """The attribute by which the items are sorted."""

    attributes: list[str] | None = None
    """What is copied beside the keys: `[]` for nothing. Left out: the whole item."""


@dataclass(frozen=True, kw_only=True)
class Keys:
    """Everything by which items are found."""

    attributes: Mapping[str, AttributeType]
    hash_key: str
    range_key: str | None = None
    indexes: Mapping[str, Index] = field(default_factory=dict)
    local_indexes: Mapping[str, LocalIndex] = field(default_factory=dict)

    def mistakes(self, ttl: str | None) -> Iterator[Mistake]:
        """What AWS would refuse, or would take and never do."""
        if self.range_key == self.hash_key:
            yield Mistake("range_key", self.range_key, "is the hash key already; use another attribute or leave it out")
        yield from self._mistakes_of_indexes()
        used = dict(self._used())
        for where, attribute in used.items():
            if attribute not in self.attributes:
                hint = nearest(attribute, self.attributes)
                yield Mistake(where, attribute, f"has no type; {hint}add it to attributes, for example {attribute}: S")
        for name in self.attributes:
            if name not in used.values():
                yield Mistake(
                    "attributes",
                    name,
                    "is no key of the table or of an index; remove it, since items may have any other attribute anyway",
                )
        if ttl is not None and ttl in used.values():
            yield Mistake(
                "ttl", ttl, "is a key; DynamoDB deletes items by an attribute of its own, a number of epoch seconds"
            )

    def _mistakes_of_indexes(self) -> Iterator[Mistake]:
        if len(self.indexes) > _MOST_GLOBAL:
            yield Mistake("indexes", len(self.indexes), f"are too many; AWS allows {_MOST_GLOBAL}")
        if len(self.local_indexes) > _MOST_LOCAL:
            yield Mistake("local_indexes", len(self.local_indexes), f"are too many; AWS allows {_MOST_LOCAL}")
        if self.local_indexes and self.range_key is None:
            yield Mistake(
                "local_indexes",
                sorted(self.local_indexes)[0],
                "sorts otherwise what a range key sorts, and the table has none; add range_key, or use indexes",
            )
        for kind, names in (("indexes", self.indexes), ("local_indexes", self.local_indexes)):
            for name in names:
                if not _NAME.fullmatch(name):
                    yield Mistake((kind, name), name, "is not a name; use 3 to 255 letters, digits and _.-")
        for name, local in self.local_indexes.items():
            if name in self.indexes:
                yield Mistake(("local_indexes", name), name, "is the name of another index already; use another")
            if local.range_key in (self.hash_key, self.range_key):
                where = ("local_indexes", name, "range_key")
                yield Mistake(where, local.range_key, "is a key of the table already; use another")
        for name, index in self.indexes.items():
            if index.range_key == index.hash_key:
                yield Mistake(("indexes", name, "range_key"), index.range_key, "is the hash key already; use another")

    def _used(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Where a key is named, and the attribute."""
        yield ("hash_key",), self.hash_key
        if self.range_key is not None:
            yield ("range_key",), self.range_key
        for name, index in self.indexes.items():
            yield ("indexes", name, "hash_key"), index.hash_key
            if index.range_key is not None:
                yield ("indexes", name, "range_key"), index.range_key
        for name, local in self.local_indexes.items():
            yield ("local_indexes", name, "range_key"), local.range_key
