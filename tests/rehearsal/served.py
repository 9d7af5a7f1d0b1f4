"""A stack that is rehearsed with `--serve`, as a user does who looks around in its account."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

from tests.conftest import PATIENCE
from tests.rehearsal.conftest import ROOT


@contextmanager
def served(command: Sequence[str], *arguments: str, report: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Where its account answers, and the report, which is written to `report`."""
    process = subprocess.Popen(
        [*command, *arguments, "--serve", "--port", "0", "--json", str(report)],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "300", "NO_COLOR": "1", "TERM": "dumb"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    said = []
    address = None
    for line in process.stdout:
        said.append(line)
        if found := re.search(r"http://127\.0\.0\.1:\d+", line):
            address = found[0]
            break
    try:
        assert address is not None, "".join(said)
        yield address, json.loads(report.read_text(encoding="utf-8"))
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=PATIENCE)


def client(address: str, service: str, region: str) -> Any:
    """A client of the AWS SDK that asks the emulated account."""
    return boto3.client(service, region, endpoint_url=address, aws_access_key_id="any", aws_secret_access_key="any")
