"""A package of a few lines, for tests of what is built around it."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from components.compute.package import Package
from packages import archive

CODE = """\
from json import loads

def handle(event, context):
    return event

again = handle
late: object = handle
"""


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="tiny-package-")


def zipped(name: str, **files: str) -> Path:
    """A zip of these files; `a__b` is the module `b` of the package `a`."""
    folder = Path(_folder().name)
    entries = []
    for number, (module, text) in enumerate(sorted(files.items())):
        path = folder / f"{name}-{number}.py"
        path.write_text(text)
        entries.append((f"{module.replace('__', '/')}.py", path))
    archive.write(folder / f"{name}.zip", entries)
    return folder / f"{name}.zip"


@cache
def tiny_package(*, layer: bool = False) -> Package:
    """A module `tiny.handler`, whose `handle` answers with the event."""
    code = zipped("tiny", tiny__handler=CODE)
    libraries = zipped("libraries", python__library="") if layer else None
    return Package(code=code, layer=libraries, runtime="python3.13", architecture="arm64")
