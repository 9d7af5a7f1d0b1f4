"""What there is to build, where it goes, and whether what lies there still fits the sources."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

ROOT = Path(__file__).resolve().parent.parent
BUILT = ROOT / "build" / "packages"
COMMAND = "make packages"

Architecture = Literal["arm64", "x86_64"]
ARCHITECTURES: tuple[Architecture, ...] = ("arm64", "x86_64")

PYTHON = "3.13"
RUNTIME = f"python{PYTHON}"

_RULES = ("archive.py", "build.py", "plan.py")
"""The modules that decide what a package looks like: another one of them, another package."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """A folder of workloads/ that is imported in Lambda under its own name."""

    name: str
    folder: Path
    requirements: Path | None
    """A hashed file of what goes into the layer; none for code that needs only the runtime, which has boto3."""

    def files(self) -> list[Path]:
        """The code, the certificates that it trusts, and nothing that merely lies beside it."""
        found = (path for path in self.folder.rglob("*") if path.suffix in {".py", ".pem"})
        return sorted(path for path in found if path.name != "__main__.py")


@dataclass(frozen=True, kw_only=True)
class Built:
    """A package as it lies in the build folder."""

    code: Path
    layer: Path | None
    manifest: Path


class NotBuilt(Exception):
    """A package is missing or older than its sources. The message says what to run."""


def sources(root: Path = ROOT) -> dict[str, Source]:
    """Every workload that is a Python package, by its name; none that runs from its image alone, and has no layer."""
    found = {}
    for folder in sorted((root / "workloads").iterdir()):
        layer = folder / "layer.txt"
        if (folder / "__init__.py").is_file() and (layer.is_file() or not (folder / "Dockerfile").is_file()):
            found[folder.name] = Source(
                name=folder.name, folder=folder, requirements=layer if layer.is_file() else None
            )
    return found


def place(source: Source, target: str, built: Path = BUILT) -> Built:
    """Where the package of a source is, for an architecture or another target."""
    folder = built / target / source.name
    return Built(
        code=folder / "code.zip",
        layer=folder / "layer.zip" if source.requirements is not None else None,
        manifest=folder / "manifest.json",
    )


def digest(source: Source, target: str) -> str:
    """Of everything that decides the bytes of a package."""
    parts = [PYTHON, target, *(f"{name} {_digest(Path(__file__).parent / name)}" for name in _RULES)]
    if source.requirements is not None:
        parts.append(f"layer {_digest(source.requirements)}")
    parts += [f"{path.relative_to(source.folder)} {_digest(path)}" for path in source.files()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def stale(source: Source, target: str, built: Path = BUILT) -> str | None:
    """Why a package cannot be used: "is missing", "is older than its sources"; None if it can."""
    where = place(source, target, built)
    if not all(path.is_file() for path in (where.code, where.layer or where.code, where.manifest)):
        return "is missing"
    try:
        said: dict[str, Any] = json.loads(where.manifest.read_text(encoding="utf-8"))
    except ValueError:
        return "is damaged"
    if said.get("inputs") != digest(source, target):
        return "is older than its sources"
    sizes = {"code": where.code, **({"layer": where.layer} if where.layer else {})}
    if any(said.get(part, {}).get("zipped") != path.stat().st_size for part, path in sizes.items()):
        return "is damaged"
    return None


def usable(source: Source, architecture: Architecture, built: Path = BUILT) -> Built:
    """The package, or `NotBuilt`."""
    why = stale(source, architecture, built)
    if why is not None:
        raise NotBuilt(f"the package of workloads/{source.name} for {architecture} {why}: run `{COMMAND}`")
    return place(source, architecture, built)


def wanted() -> Iterator[tuple[Source, Architecture]]:
    """Every package that a stack may ask for."""
    return ((source, architecture) for source in sources().values() for architecture in ARCHITECTURES)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
