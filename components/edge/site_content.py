"""The files of a built front end: what each is called in the bucket, what it is, and how long a browser may keep it."""

from __future__ import annotations

import base64
import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from ..errors import ArgumentError

PROJECT = Path(__file__).resolve().parents[2]
"""From where folders are seen."""

FOR_EVER = "public, max-age=31536000, immutable"
"""A file whose name changes with its content need never be asked for again."""
ASK_AGAIN = "no-cache"
"""Keep it, but ask each time whether there is a new one: the page that names all others."""

LARGEST_BYTES = 2 * 1024 * 1024
"""Of all files together: they are kept in the stack's state. Larger sites are uploaded by a pipeline."""

# `mimetypes` reads the machine's own tables too; these decide whether a browser runs what it gets.
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/vnd.microsoft.icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
    ".xml": "application/xml",
}


@dataclass(frozen=True, kw_only=True)
class SiteFile:
    """One object of the bucket."""

    key: str
    content_type: str
    cache_control: str
    text: str | None
    """The content, if it is text in UTF-8."""
    base64: str | None
    """The content, if it is anything else."""


def read_site(folder: Path, *, index: str, needed: Sequence[str], immutable: Sequence[str]) -> list[SiteFile]:
    """The files in `folder`, hidden ones left out; refuses a folder without its pages."""
    keys = site_keys(folder)
    if index not in keys:
        raise ArgumentError(
            "index", index, f"is not in {folder}, so that the site would have no first page{_pages(keys)}"
        )
    for page in needed:
        if page.lstrip("/") not in keys:
            raise ArgumentError("error_pages", page, f"is not in {folder}{_pages(keys)}")
    size = sum(path.stat().st_size for path in keys.values())
    if size > LARGEST_BYTES:
        raise ArgumentError(
            "content",
            str(folder),
            f"has {size:,} bytes; up to {LARGEST_BYTES:,} go with the stack: use none, and upload by a pipeline",
        )
    return [_file(key, path, immutable) for key, path in keys.items()]


def site_keys(folder: Path) -> dict[str, Path]:
    """What each file in `folder` is called in the bucket; hidden ones stay where they are, under any other name too."""
    if not folder.is_dir():
        raise ArgumentError("content", str(folder), "is not a folder; build the front end there, or use none")
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and not _is_hidden(path.relative_to(folder)))
    root = folder.resolve()
    for path in paths:
        real = path.resolve()
        if not real.is_relative_to(root) or _is_hidden(real.relative_to(root)):
            raise ArgumentError(
                "content", str(path), f"is a link to {real}, which is not published: copy the file, or remove it"
            )
    return {path.relative_to(folder).as_posix(): path for path in paths}


def content_type(key: str) -> str:
    """What a browser is told that the file is."""
    suffix = Path(key).suffix.lower()
    return _TYPES.get(suffix) or mimetypes.guess_type(key, strict=True)[0] or "application/octet-stream"


def cache_control(key: str, immutable: Sequence[str]) -> str:
    """How long a browser may use the file without asking."""
    return FOR_EVER if any(fnmatchcase(key, pattern) for pattern in immutable) else ASK_AGAIN


def _file(key: str, path: Path, immutable: Sequence[str]) -> SiteFile:
    raw = path.read_bytes()
    try:
        text, encoded = raw.decode(), None
    except UnicodeDecodeError:
        text, encoded = None, base64.b64encode(raw).decode()
    return SiteFile(
        key=key,
        content_type=content_type(key),
        cache_control=cache_control(key, immutable),
        text=text,
        base64=encoded,
    )


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") and part != ".well-known" for part in path.parts)


def _pages(keys: Sequence[str] | dict[str, Path]) -> str:
    pages = [key for key in keys if key.endswith(".html")]
    return f"; there are {', '.join(pages)}" if pages else ""
