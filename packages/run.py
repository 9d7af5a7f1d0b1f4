"""Runs a package on this machine as Lambda does: unzipped, in a process of its own, with nothing else to import."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packages.build import LOCAL, build
from packages.plan import Built, Source, place

_RUNNER = Path(__file__).with_name("runner.py")


@dataclass(frozen=True, kw_only=True)
class Run:
    """What one copy of a function did."""

    answers: list[Any]
    """One for each event; `{"errorType", "errorMessage"}` where the handler raised."""
    import_seconds: float
    """How long the copy took until it could take the first event."""
    first_seconds: float
    """How long it took for its first answer."""
    log: list[str]


# What Lambda's runtime for Python has beside the standard library.
_RUNTIME = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3")


@contextmanager
def unpacked(package: Built) -> Iterator[Path]:
    """A folder with the code in `code` and the layer in `layer`, as Lambda has them in /var/task and /opt; `runtime` is
    what every function finds there."""
    with tempfile.TemporaryDirectory(prefix="function-") as name:
        for part, path in (("code", package.code), ("layer", package.layer)):
            (Path(name) / part).mkdir()
            if path is not None:
                with zipfile.ZipFile(path) as archive:
                    archive.extractall(Path(name) / part)
        (Path(name) / "runtime").mkdir()
        for module in _RUNTIME:
            spec = importlib.util.find_spec(module)
            if spec is not None and spec.origin is not None:
                found = Path(spec.origin)
                found = found.parent if found.name == "__init__.py" else found
                (Path(name) / "runtime" / found.name).symlink_to(found)
        yield Path(name)


def local(source: Source) -> Built:
    """The package of a source for this machine's own interpreter, built if it must be."""
    build(source, LOCAL)
    return place(source, LOCAL)


def run(folder: Path, handler: str, events: Iterable[Any], environment: Mapping[str, str] | None = None) -> Run:
    """Start one copy of the function in an unpacked package, and give it these events one after the other."""
    # The interpreter without this project's packages: whatever is not in the package cannot be imported.
    interpreter = getattr(sys, "_base_executable", sys.executable)
    with tempfile.NamedTemporaryFile("r", suffix=".json") as answers:
        done = subprocess.run(  # noqa: S603 a handler of this project
            [interpreter, "-I", "-S", "-B", str(_RUNNER), str(folder), handler, answers.name],
            input=json.dumps(list(events)),
            env={"PATH": os.environ.get("PATH", ""), **(environment or {})},
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{handler} did not start:\n{done.stdout}{done.stderr}")
        said = json.loads(answers.read())
    return Run(
        answers=said["answers"],
        import_seconds=said["import_seconds"],
        first_seconds=said["first_seconds"],
        log=[*done.stdout.splitlines(), *done.stderr.splitlines()],
    )
