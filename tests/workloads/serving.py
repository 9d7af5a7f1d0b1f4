"""The api, or the wiki, as its container serves it: `python -m api`, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import httpx

from tests.workloads.conftest import until
from tests.workloads.postgres import free_port

WORKLOADS = Path(__file__).resolve().parents[2] / "workloads"


@dataclass(frozen=True)
class Api:
    """A process that answers."""

    process: subprocess.Popen[bytes]
    port: int
    log: IO[bytes]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def records(self) -> list[dict[str, Any]]:
        """What it has written so far."""
        self.log.seek(0)
        return [json.loads(line) for line in self.log.read().splitlines()]

    def peak_mib(self) -> float:
        """The most memory that it has had (proc(5))."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024


@contextmanager
def served(module: str = "api", /, **environment: str) -> Iterator[Api]:
    """The api, or another server, with these variables; ended with the block, if it has not ended by itself."""
    port = free_port()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-m", module], cwd=WORKLOADS, stdout=log, stderr=log,
            env={"PATH": os.environ["PATH"], "PORT": str(port), "PYTHONDONTWRITEBYTECODE": "1", **environment},
        )  # fmt: skip
        api = Api(process, port, log)

        def answers() -> bool:
            try:
                return httpx.get(f"{api.address}/health").status_code == 200
            except httpx.TransportError:
                assert process.poll() is None, api.records()
                return False

        try:
            until(answers)
            yield api
        finally:
            process.kill()
            process.wait()
