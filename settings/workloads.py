"""What a stack's file names of workloads/, as it lies there: packages of functions, definitions of workflows, mappings
of indexes."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from components.compute.package import Architecture, Package
from components.errors import ArgumentError, nearest
from packages.plan import RUNTIME, NotBuilt, sources, usable

ROOT: Final = Path(__file__).resolve().parent.parent


def definitions() -> dict[str, Path]:
    """The definitions of workflows, by name."""
    ending = ".asl.json"
    files = (ROOT / "workloads" / "workflows").glob(f"*{ending}")
    return {path.name.removesuffix(ending): path for path in sorted(files)}


def index_mappings() -> dict[str, Path]:
    """The mappings of indexes, by name: those that stand for themselves, and an application's own by its folder."""
    files = (ROOT / "workloads" / "indexes").glob("*.json")
    own = (ROOT / "workloads").glob("*/index.json")
    return {path.stem: path for path in sorted(files)} | {path.parent.name: path for path in sorted(own)}


def package(name: str, architecture: Architecture) -> Package:
    """A folder of workloads/, built; refused where it is not."""
    known = sources()
    if name not in known:
        hint, names = nearest(name, known), ", ".join(known)
        reason = f"is not a folder of workloads/ with Python for a function; {hint}there are: {names}"
        raise ArgumentError("package", name, reason)
    try:
        built = usable(known[name], architecture)
        return Package(code=built.code, layer=built.layer, runtime=RUNTIME, architecture=architecture)
    except NotBuilt as reason:
        raise ArgumentError("package", name, f"cannot be used: {reason}") from None
    except ArgumentError as error:
        # What lies in the build folder comes from the key `package`.
        raise ArgumentError("package", error.value, error.reason) from None
