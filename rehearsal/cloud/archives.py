"""The zip that the provider would upload for an archive of the program: of a file, a folder, or assets one by one."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path
from typing import Any

from pulumi.runtime import rpc

from rehearsal.problems import RequestError

_UNREACHED = b"stands for what lies at an address that a rehearsal does not fetch"


def zipped(archive: Any, key: str = "code") -> bytes:
    """The bytes of the zip for `archive`, as the program gave it; an error names `key` if there is none."""
    path = archive.get("path") if isinstance(archive, dict) else None
    if path is not None and zipfile.is_zipfile(path):
        return Path(path).read_bytes()
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in sorted(_files(archive, key).items()):
            # The zip's own date for every file: the same content makes the same bytes.
            target.writestr(zipfile.ZipInfo(name), content)
    return written.getvalue()


def _files(archive: Any, key: str) -> dict[str, bytes]:
    """Name in the zip → content."""
    if not isinstance(archive, dict) or not {"path", "assets", "uri"} & set(archive):
        raise RequestError(f"{key}: is not an archive", "give a pulumi.FileArchive or a pulumi.AssetArchive")
    if "uri" in archive:
        return {"remote": _UNREACHED}
    if "assets" in archive:
        return {
            name: content
            for place, each in archive["assets"].items()
            for name, content in _placed(place, each, f"{key}.{place}").items()
        }
    return _unpacked(Path(archive["path"]), key)


def _placed(place: str, given: Any, key: str) -> dict[str, bytes]:
    """One entry of an AssetArchive: a file, or another archive whose files lie below `place`."""
    if _is_asset(given):
        return {place: asset(given, key)}
    prefix = "" if place in (".", "") else f"{place.rstrip('/')}/"
    return {f"{prefix}{name}": content for name, content in _files(given, key).items()}


def _unpacked(path: Path, key: str) -> dict[str, bytes]:
    if path.is_dir():
        files = (each for each in path.rglob("*") if each.is_file())
        return {each.relative_to(path).as_posix(): each.read_bytes() for each in files}
    if path.is_file() and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            return {name: packed.read(name) for name in packed.namelist() if not name.endswith("/")}
    if path.is_file() and tarfile.is_tarfile(path):
        with tarfile.open(path) as packed:
            found = {each.name: packed.extractfile(each) for each in packed.getmembers()}
            return {name: file.read() for name, file in found.items() if file is not None}
    if path.exists():
        raise RequestError(f"{key}: {path} is neither a folder nor a zip or tar file", "pack it first")
    raise RequestError(f"{key}: {path} does not exist", "build it first, or correct the path")


def asset(given: Any, key: str = "source") -> bytes:
    """The bytes of an asset, or of the zip for an archive; an error names `key` if there are none."""
    if isinstance(given, dict) and "text" in given:
        return str(given["text"]).encode()
    if isinstance(given, dict) and "path" in given and Path(given["path"]).is_file():
        return Path(given["path"]).read_bytes()
    if isinstance(given, dict) and "uri" in given:
        return _UNREACHED
    return zipped(given, key)


def _is_asset(given: Any) -> bool:
    """Whether this is one file, though it be a packed one, and not an archive, whose files are meant."""
    return isinstance(given, dict) and (
        given.get(rpc._special_sig_key) == rpc._special_asset_sig or "text" in given  # noqa: SLF001 as in property_values.py
    )
