"""Where two values differ: leaf by leaf, documents as what they say, files as what is in them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rehearsal import marks

ABSENT: Final = "(absent)"
"""Stands for the value of a property that one side does not have."""
ARCHIVE: Final = "archive with content"
"""Begins what an archive is folded to."""


@dataclass(frozen=True)
class Difference:
    """Where two values differ. `path` leads to the property, `document` on into the JSON that it holds."""

    path: tuple[str | int, ...]
    old: Any
    new: Any
    document: tuple[str | int, ...] = ()
    order_only: bool = False

    def written(self) -> str:
        return written((*self.path, *self.document))


def written(path: Sequence[str | int]) -> str:
    """The path as the engine writes it: `a.b[0]["c.d"]`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif step.replace("_", "").replace("-", "").replace("$", "").isalnum():
            text += f".{step}" if text else step
        else:
            text += f"[{json.dumps(step, ensure_ascii=False)}]"
    return text


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    """Each place where the inputs differ, in the order of their names."""
    found: list[Difference] = []
    old, new = folded(old), folded(new)
    for key in sorted(old.keys() | new.keys()):
        found += _between(old.get(key, ABSENT), new.get(key, ABSENT), (key,), None)
    return found


def _between(
    old: Any, new: Any, path: tuple[str | int, ...], inside: tuple[str | int, ...] | None
) -> Iterator[Difference]:
    """`inside` is the way into a document, once `path` has come to one."""
    if old == new:
        return
    if inside is None and isinstance(old, str) and isinstance(new, str):
        documents = _document(old), _document(new)
        if all(isinstance(one, dict | list) for one in documents):
            yield from _between(*documents, path, ())
            return

    def deeper(one: Any, other: Any, step: str | int) -> Iterator[Difference]:
        if inside is None:
            return _between(one, other, (*path, step), None)
        return _between(one, other, path, (*inside, step))

    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from deeper(old.get(key, ABSENT), new.get(key, ABSENT), str(key))
    elif isinstance(old, list) and isinstance(new, list):
        gone, come = _unpaired(old, new)
        if not gone and not come:
            yield Difference(path, old, new, inside or (), order_only=True)
        elif len(gone) == len(come) and all(isinstance(one, dict) for _, one in [*gone, *come]):
            for (_, one), (index, other) in zip(gone, come, strict=True):
                yield from deeper(one, other, index)
        else:
            yield Difference(path, old, new, inside or ())
    else:
        yield Difference(path, old, new, inside or ())


def unpaired(old: list[Any], new: list[Any]) -> tuple[list[Any], list[Any]]:
    """The elements of each that the other does not have."""
    gone, come = _unpaired(old, new)
    return [one for _, one in gone], [one for _, one in come]


def _unpaired(old: list[Any], new: list[Any]) -> tuple[list[tuple[int, Any]], list[tuple[int, Any]]]:
    """The elements of each that the other does not have, with their places."""
    texts = [[json.dumps(one, sort_keys=True, default=str) for one in side] for side in (old, new)]
    sides: list[list[tuple[int, Any]]] = []
    for side, own, others in ((old, texts[0], texts[1]), (new, texts[1], texts[0])):
        left = Counter(others)
        unpaired: list[tuple[int, Any]] = []
        for index, (one, text) in enumerate(zip(side, own, strict=True)):
            if left[text]:
                left[text] -= 1
            else:
                unpaired.append((index, one))
        sides.append(unpaired)
    return sides[0], sides[1]


def folded(value: Any) -> Any:
    """A file is its content, a secret is that it is one; in whatever they lie."""
    if isinstance(value, dict) and marks.SIGNATURE in value:
        if value[marks.SIGNATURE] == marks.SECRET:
            return marks.REDACTED
        if value.get("hash"):
            return f"{ARCHIVE if value[marks.SIGNATURE] == marks.ARCHIVE else 'content'} {value['hash'][:12]}"
        return {key: folded(one) for key, one in value.items() if key != marks.SIGNATURE}
    if isinstance(value, dict):
        return {key: folded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [folded(one) for one in value]
    return value


def _document(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def texts_in(value: Any) -> Iterator[str]:
    """Every text inside `value`."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from texts_in(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from texts_in(one)


def paths_to(value: Any, wanted: Any, path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    """The paths of the texts in `value` for which `wanted(text)` holds; a document is one text."""
    if isinstance(value, str):
        if wanted(value):
            yield path
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from paths_to(one, wanted, (*path, str(key)))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from paths_to(one, wanted, (*path, index))
