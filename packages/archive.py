"""Zips that are the same bytes whenever and wherever they are made."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The first date that a zip can hold."""
_FILE = 0o100644 << 16
"""Readable by everybody: Lambda runs the code as another user than the one who owns it."""


def write(path: Path, files: Iterable[tuple[str, Path]]) -> None:
    """A zip of these files under these names: sorted, with one date and one mode, whatever the disk says of them."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, file in sorted(files):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = 3  # Unix, wherever it is made
            entry.external_attr = _FILE
            archive.writestr(entry, file.read_bytes(), zipfile.ZIP_DEFLATED, compresslevel=9)


def unzipped(path: Path) -> int:
    """The size of what a zip holds, in bytes."""
    with zipfile.ZipFile(path) as archive:
        return sum(entry.file_size for entry in archive.infolist())
