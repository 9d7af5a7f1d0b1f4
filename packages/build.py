"""Builds packages with uv, from hashed requirements and for Lambda's platform; nothing of a package is run for it."""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from packages import archive
from packages.plan import BUILT, PYTHON, ROOT, Source, digest, place, stale

LOCAL = "local"
"""The target of tests: this machine's own interpreter, which may be another than Lambda's."""

# Lambda's Python 3.13 runs on Amazon Linux 2023, whose glibc is 2.34.
_PLATFORMS = {"arm64": "aarch64-manylinux_2_28", "x86_64": "x86_64-manylinux_2_28"}

# What an installer leaves behind for itself, which differs from one installation to the next.
_NOISE = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_build.json", "uv_cache.json"}


class BuildError(Exception):
    """Why a package cannot be built."""


def build(source: Source, target: str, built: Path = BUILT) -> bool:
    """Make the package of a source unless it is there; whether there was anything to do."""
    where = place(source, target, built)
    built.mkdir(parents=True, exist_ok=True)
    with (built / f".{target}-{source.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two builds at once: the second finds the work done
        if stale(source, target, built) is None:
            return False
        with tempfile.TemporaryDirectory(dir=built, prefix=".making-") as name:
            made = _make(source, target, Path(name))
            shutil.rmtree(where.manifest.parent, ignore_errors=True)
            where.manifest.parent.parent.mkdir(parents=True, exist_ok=True)
            made.rename(where.manifest.parent)
    return True


def _make(source: Source, target: str, scratch: Path) -> Path:
    folder = scratch / "package"
    folder.mkdir()
    code = folder / "code.zip"
    archive.write(code, ((f"{source.name}/{path.relative_to(source.folder)}", path) for path in source.files()))
    manifest: dict[str, Any] = {"inputs": digest(source, target), "code": _sizes(code)}
    if source.requirements is not None:
        installed = scratch / "installed"
        _install(source.requirements, target, installed)
        layer = folder / "layer.zip"
        archive.write(layer, ((f"python/{path.relative_to(installed)}", path) for path in _kept(installed)))
        manifest["layer"] = _sizes(layer)
    (folder / "manifest.json").write_text(json.dumps(manifest, sort_keys=True, indent=1), encoding="utf-8")
    return folder


def _install(requirements: Path, target: str, folder: Path) -> None:
    options = ["--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:", "--no-compile-bytecode"]
    # `hardlink` and the like would make the zip's files those of the cache.
    options += ["--link-mode", "copy", "--target", str(folder), "--requirement", str(requirements)]
    if target == LOCAL:
        options += ["--python", sys.executable]
    else:
        options += ["--python", sys.executable, "--python-version", PYTHON, "--python-platform", _PLATFORMS[target]]
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    done = subprocess.run(  # noqa: S603 every argument is from this file
        [str(_uv()), "pip", "install", *options], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise BuildError(f"uv could not install {requirements.relative_to(ROOT)} for {target}:\n{done.stderr.strip()}")


def _kept(folder: Path) -> list[Path]:
    """What a function imports: no scripts, no compiled files, nothing that tells where it was installed."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and path.suffix != ".pyc"
        and path.relative_to(folder).parts[0] not in {"bin", ".lock"}
        and not (path.parent.suffix == ".dist-info" and path.name in _NOISE)
    ]


def _sizes(path: Path) -> dict[str, int]:
    return {"zipped": path.stat().st_size, "unzipped": archive.unzipped(path)}


def _uv() -> Path | str:
    spec = importlib.util.spec_from_file_location("sync", ROOT / "requirements" / "sync.py")
    assert spec is not None
    assert spec.loader is not None
    sync = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sync)
    return sync.find_uv()
