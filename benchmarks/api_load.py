"""What the api takes as its container runs it: requests a second, how long they wait, and the memory of the process.

    python -m benchmarks.api_load [--seconds N] [--callers N] [--workloads FOLDER]

`python -m api` in a process of its own, over each of its stores: memory, a PostgreSQL of this machine (by TLS), and
moto's server in the place of DynamoDB, whose own time is then most of the figure. Each caller keeps one connection and
asks again as soon as it has its answer: it makes an item, reads it, reads a page and deletes it. The callers share the
machine with what they measure, so that the processor's time for a request says more than the requests a second.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
_AWS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "ap-northeast-1"}


@dataclass(frozen=True, kw_only=True)
class Load:
    """What the callers saw, and what the process needed."""

    seconds: float
    waits: list[float]
    """The seconds of each request."""
    refused: int
    """Answers of another status than was expected."""
    cpu_seconds: float
    peak_mib: float


def api_load(seconds: float, callers: int, workloads: Path = ROOT / "workloads") -> Iterator[str]:
    """A line for each store."""
    yield f"{'api over':<12}{'requests/s':>12}{'p50 ms':>9}{'p99 ms':>9}{'CPU ms':>9}{'MiB':>7}{'refused':>9}"
    for store, surroundings in {"memory": _memory, "PostgreSQL": _postgres, "DynamoDB": _dynamodb}.items():
        with surroundings() as environment:
            if environment is None:
                yield f"{store:<12} not measured: there is no PostgreSQL (initdb, pg_ctl) that could run here"
                continue
            with _served(environment, workloads) as (process, port):
                found = _measured(process, port, seconds, callers)
        waits = sorted(found.waits)
        yield (
            f"{store:<12}{len(waits) / found.seconds:>12.0f}{statistics.median(waits) * 1000:>9.1f}"
            f"{waits[len(waits) * 99 // 100] * 1000:>9.1f}{found.cpu_seconds / len(waits) * 1000:>9.2f}"
            f"{found.peak_mib:>7.0f}{found.refused:>9}"
        )


@contextmanager
def _memory() -> Iterator[Mapping[str, str] | None]:
    yield {}


@contextmanager
def _postgres() -> Iterator[Mapping[str, str] | None]:
    from tests.workloads.postgres import PASSWORD, NoPostgres, running  # noqa: PLC0415 the tests' own server

    try:
        with running() as server:
            yield {
                "DATABASE_HOST": "localhost", "DATABASE_PORT": str(server.port), "DATABASE_NAME": "postgres",
                "DATABASE_SECRET": json.dumps({"username": "app", "password": PASSWORD}),
                "DATABASE_CERTIFICATES": str(server.certificate),
            }  # fmt: skip
    except NoPostgres:
        yield None


@contextmanager
def _dynamodb() -> Iterator[Mapping[str, str] | None]:
    import boto3  # noqa: PLC0415 the other lines do without

    port = _free_port()
    command = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)]
    moto = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 our own
    try:
        _await(port, moto)
        environment = {**_AWS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "TABLE_ITEMS": "items"}
        client: Any = boto3.client(
            "dynamodb", endpoint_url=environment["AWS_ENDPOINT_URL"], region_name="ap-northeast-1",
            aws_access_key_id="test", aws_secret_access_key="test",  # noqa: S106 moto takes any
        )  # fmt: skip
        client.create_table(
            TableName="items", BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "kind", "KeyType": "HASH"}, {"AttributeName": "id", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("kind", "id")],
        )  # fmt: skip
        yield environment
    finally:
        moto.kill()
        moto.wait()


@contextmanager
def _served(environment: Mapping[str, str], workloads: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """`python -m api` and its port."""
    port = _free_port()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "api"], cwd=workloads, stdout=log, stderr=log,
            env={"PATH": os.environ["PATH"], "PORT": str(port), "DRAIN_SECONDS": "5", **environment},
        )  # fmt: skip
        try:
            _await(port, process)
            yield process, port
        finally:
            process.kill()
            process.wait()


def _measured(process: subprocess.Popen[bytes], port: int, seconds: float, callers: int) -> Load:
    asyncio.run(_call(port, 2, callers))  # the first connections and imports; not counted
    before, begun = _cpu_seconds(process.pid), time.perf_counter()
    waits, refused = asyncio.run(_call(port, seconds, callers))
    taken = time.perf_counter() - begun
    status = Path(f"/proc/{process.pid}/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return Load(
        seconds=taken,
        waits=waits,
        refused=refused,
        cpu_seconds=_cpu_seconds(process.pid) - before,
        peak_mib=int(peak.split()[1]) / 1024,
    )


async def _call(port: int, seconds: float, callers: int) -> tuple[list[float], int]:
    """The seconds of each request of all callers, and how many were answered otherwise than expected."""
    waits: list[float] = []
    refused = 0
    end = time.perf_counter() + seconds

    async def caller() -> None:
        nonlocal refused
        reader, writer = await asyncio.open_connection("127.0.0.1", port)

        async def ask(wanted: int, method: str, path: str, body: bytes = b"") -> bytes:
            nonlocal refused
            started = time.perf_counter()
            head = f"{method} {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            lines = answer.lower().split(b"\r\n")
            length = next((int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:")), 0)
            content = await reader.readexactly(length)
            waits.append(time.perf_counter() - started)
            refused += int(answer.split(b" ", 2)[1]) != wanted
            return content

        item = json.dumps({"name": "Tea", "description": "緑茶" * 100}).encode()
        while time.perf_counter() < end:
            made = await ask(201, "POST", "/items", item)
            where = f"/items/{json.loads(made).get('id')}"
            await ask(200, "GET", where)
            await ask(200, "GET", "/items?limit=20")
            await ask(204, "DELETE", where)
        writer.close()

    await asyncio.gather(*(caller() for _ in range(callers)))
    return waits, refused


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"`{' '.join(map(str, process.args))}` does not answer") from None  # pyright: ignore[reportArgumentType]
            time.sleep(0.1)
        else:
            return


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=10, help="how long each store is asked")
    parser.add_argument("--callers", type=int, default=16, help="callers at a time")
    parser.add_argument("--workloads", type=Path, default=ROOT / "workloads", help="where the api is, to compare two")
    options = parser.parse_args()
    for found in api_load(options.seconds, options.callers, options.workloads):
        print(found, flush=True)


if __name__ == "__main__":
    main()
