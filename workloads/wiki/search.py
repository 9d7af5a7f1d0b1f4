"""Searches pages by words, by meaning, or by both; by words alone while no model answers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from api.bedrock import BadParameters, ModelRefused, ModelUnavailable

from wiki.index import Hit
from wiki.store import Page

log = logging.getLogger("wiki.search")

Mode = Literal["text", "vector", "hybrid"]
RANK = 60
"""How much the first places count beside the later ones; the value of Cormack, Clarke and Buettcher, "Reciprocal Rank
Fusion outperforms Condorcet and individual rank learning methods" (SIGIR 2009)."""
_PIECES_FOR_A_PAGE = 5
"""Several pieces may be of one page, and some of none any more."""
_EXCERPT = 300

_T = TypeVar("_T", bound=Hashable)


class Found(Protocol):
    def match(self, text: str, size: int, repository: str | None = None) -> list[Hit]: ...
    def nearest(self, vector: Sequence[float], size: int, repository: str | None = None) -> list[Hit]: ...


@dataclass(frozen=True, kw_only=True)
class Result:
    """A page that was found."""

    repository: str
    path: str
    title: str
    excerpt: str
    score: float


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What was found, and how."""

    mode: Mode
    degraded: bool
    """Whether it was asked for more than words, and no model answered."""
    results: list[Result]


def fused(lists: Iterable[Sequence[_T]], rank: int = RANK) -> list[tuple[_T, float]]:
    """What is in the lists with its score, the best first: a place counts 1 / (rank + place). Equals stay in the order
    in which they came."""
    scores: dict[_T, float] = {}
    for one in lists:
        for place, thing in enumerate(dict.fromkeys(one), start=1):
            scores[thing] = scores.get(thing, 0.0) + 1 / (rank + place)
    return sorted(scores.items(), key=lambda pair: -pair[1])


def search(
    text: str, mode: Mode, limit: int, repository: str | None, *, index: Found,
    embed: Callable[[str], list[float]], shown: Callable[[Sequence[tuple[str, str]]], dict[tuple[str, str], Page]],
) -> Answer:  # fmt: skip
    """The pages that fit best. The records have the last word: the index shows for a while what is no more."""
    size = min(limit * _PIECES_FOR_A_PAGE, 200)
    done, hits = mode, []
    if mode != "text":
        try:
            hits.append(index.nearest(embed(text), size, repository))
        except (ModelUnavailable, ModelRefused, BadParameters) as error:
            log.warning("searched by words alone: %s", error)
            done = "text"
    if done != "vector":
        hits.append(index.match(text, size, repository))
    pages = shown([(hit.repository, hit.path) for found in hits for hit in found])
    lists, first = [], dict[tuple[str, str], Hit]()
    for found in hits:
        current = [hit for hit in found if (page := pages.get((hit.repository, hit.path))) and page.hash == hit.hash]
        lists.append([(hit.repository, hit.path) for hit in current])
        for hit in current:
            first.setdefault((hit.repository, hit.path), hit)
    results = [
        Result(
            repository=key[0], path=key[1], title=first[key].title, excerpt=first[key].text[:_EXCERPT],
            score=round(score, 6),
        )
        for key, score in fused(lists)[:limit]
    ]  # fmt: skip
    return Answer(mode=done, degraded=done != mode, results=results)
