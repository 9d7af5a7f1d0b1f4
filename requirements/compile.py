"""Compile pyproject.toml to the requirements files that are installed, and tell when they are stale.

    python requirements/compile.py              resolve what changed, keep every other pin
    python requirements/compile.py --upgrade    take the newest versions that pyproject.toml allows
    python requirements/compile.py --check      offline; exit 1 if a file is stale or was edited by hand

The first line of each file records two digests: of what it was compiled from and of the lines below it. Comparing them
needs no network, no uv and no installed package.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sync import find_uv

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
HEADER = "# Compiled from pyproject.toml by `make requirements`; do not edit."


@dataclass(frozen=True, kw_only=True)
class Target:
    """One requirements file and the tables it is compiled from."""

    path: str
    groups: tuple[str, ...]
    constraint: str | None = None
    """A requirements file whose pins this one must share."""


DEVELOPMENT = "requirements/dev.txt"
RUNTIME = Target(path="requirements.txt", groups=("program",))
TARGETS = (
    RUNTIME,
    Target(
        path=DEVELOPMENT,
        groups=("program", "rehearsal", "test", "check", "workloads", "functions", "authorizer"),
        constraint=RUNTIME.path,
    ),
    # Added to .venv by whoever has services with `build`.
    Target(path="requirements/images.txt", groups=("images",), constraint=DEVELOPMENT),
    # Half a gigabyte, which only the tests of the lake's jobs and of pages need: added to .venv by what runs those.
    Target(path="requirements/jobs.txt", groups=("jobs", "browser"), constraint=DEVELOPMENT),
    Target(path="requirements/uv.txt", groups=("bootstrap",)),
    # What the images install: the versions with which their tests ran.
    Target(path="workloads/api/requirements.txt", groups=("workloads", "functions"), constraint=DEVELOPMENT),
    Target(path="workloads/wiki/requirements.txt", groups=("wiki",), constraint=DEVELOPMENT),
    # And what the layer of the api's function holds.
    Target(path="workloads/api/layer.txt", groups=("functions",), constraint=DEVELOPMENT),
    Target(path="workloads/authorizer/layer.txt", groups=("authorizer",), constraint=DEVELOPMENT),
    Target(path="workloads/extensions/layer.txt", groups=("extensions",), constraint=DEVELOPMENT),
)


def inputs_digest(root: Path, target: Target) -> str:
    """A digest of everything that decides what `target` should contain."""
    pyproject = tomllib.loads((root / "pyproject.toml").read_text())
    inputs = {
        "requires-python": pyproject["project"]["requires-python"],
        "groups": {group: sorted(pyproject["dependency-groups"][group]) for group in target.groups},
        "constraint": (root / target.constraint).read_text() if target.constraint else None,
    }
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:16]


def header(root: Path, target: Target, body: str) -> str:
    return f"{HEADER} inputs {inputs_digest(root, target)} body {hashlib.sha256(body.encode()).hexdigest()[:16]}\n"


def stale(root: Path) -> Iterator[str]:
    """One sentence for each file that no longer fits pyproject.toml."""
    for target in TARGETS:
        path = root / target.path
        if not path.is_file():
            yield f"{target.path} is missing: run `make requirements`"
            continue
        first, _, body = path.read_text().partition("\n")
        if first + "\n" != header(root, target, body):
            yield f"{target.path} does not belong to pyproject.toml as it is now: run `make requirements`"


def compile_all(root: Path, uv: str, *, upgrade: bool) -> None:
    minimum = tomllib.loads((root / "pyproject.toml").read_text())["project"]["requires-python"].removeprefix(">=")
    for target in TARGETS:
        path = root / target.path
        command = [uv, "--quiet", "pip", "compile", "--universal", "--python-version", minimum]
        # No header and no index: neither this machine's command line nor an address belongs in a committed file.
        command += ["--generate-hashes", "--no-header", "--no-emit-index-url", "--no-emit-find-links"]
        for group in target.groups:
            command += ["--group", f"pyproject.toml:{group}"]
        if target.constraint:
            command += ["--constraint", target.constraint]
        if upgrade:
            command += ["--upgrade"]
        partial = path.with_suffix(".tmp")
        if path.is_file():
            shutil.copyfile(path, partial)  # uv keeps the pins it finds in its output file
        command += ["--output-file", str(partial.relative_to(root))]
        environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
        try:
            subprocess.run(command, cwd=root, env=environment, check=True)  # noqa: S603 - every argument is from this file
            body = partial.read_text()
            path.write_text(header(root, target, body) + body)
        finally:
            partial.unlink(missing_ok=True)
        print(f"{target.path}: {sum('==' in line for line in body.splitlines())} packages")


def main() -> int:
    parser = argparse.ArgumentParser(description="Compile pyproject.toml to hashed requirements files.")
    parser.add_argument("--check", action="store_true", help="only tell whether the files are stale")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions that pyproject.toml allows")
    options = parser.parse_args()
    if options.check:
        problems = list(stale(ROOT))
        print("\n".join(problems), end="\n" if problems else "", file=sys.stderr)
        return 1 if problems else 0
    compile_all(ROOT, str(find_uv()), upgrade=options.upgrade)
    return 0


if __name__ == "__main__":
    sys.exit(main())
