"""What files and archives among the inputs hold, as a hash: two reports tell by it whether they are the same."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from rehearsal import marks


def with_hashes(value: Any, folder: Path) -> Any:
    """`value` with a `hash` in each file and archive that can be read; paths begin in `folder`."""
    if isinstance(value, list):
        return [with_hashes(one, folder) for one in value]
    if not isinstance(value, dict):
        return value
    if value.get(marks.SIGNATURE) in (marks.ASSET, marks.ARCHIVE):
        content = _content(value, folder)
        return value if content is None else {**value, "hash": content}
    return {key: with_hashes(one, folder) for key, one in value.items()}


def _content(value: dict[str, Any], folder: Path) -> str | None:
    if isinstance(value.get("text"), str):
        return hashlib.sha256(value["text"].encode()).hexdigest()
    if isinstance(value.get("assets"), dict):
        parts = {name: _content(one, folder) for name, one in sorted(value["assets"].items()) if isinstance(one, dict)}
        return hashlib.sha256(repr(parts).encode()).hexdigest()
    if not isinstance(value.get("path"), str):
        return None
    path = folder / value["path"]
    try:
        if path.is_dir():
            parts = {str(one.relative_to(path)): _hash(one) for one in sorted(path.rglob("*")) if one.is_file()}
            return hashlib.sha256(repr(parts).encode()).hexdigest()
        return _hash(path)
    except OSError:
        return None


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
