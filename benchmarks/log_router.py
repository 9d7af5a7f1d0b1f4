"""What the log router takes of a task: CPU for each record, memory in a burst, and the rate that its share pays for."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from components.compute.log_router import LogRouterArgs
from tests.workloads.fluent_bit import EXECUTABLE, Account, Program, Record, printed

FILES = Path(__file__).resolve().parent.parent / "workloads" / "log-router"
UNITS = 1024
"""CPU units of one processor."""
REQUEST = {
    "time": "2026-01-02T03:04:05.678Z", "level": "INFO", "service": "api", "message": "GET /items 200",
    "request_id": "7f0c1d1e-6f0a-4d55-9d2e-0d8a7c1b2a3f", "method": "GET", "path": "/items", "status": 200,
    "duration_ms": 12.5, "user_id": "0b9f6c2e-51f7-4f0e-8f0e-1d2c3b4a5f60",
}  # fmt: skip
KINDS = {
    "requests": json.dumps(REQUEST),
    "texts": "2026-04-05 06:07:08.123  INFO 1 --- [main] c.e.Application : the items of the page were read",
    "errors": json.dumps({**REQUEST, "level": "ERROR"}),
}


def log_router(count: int = 50_000) -> Iterator[str]:
    """A line for each kind of record, or why there is none."""
    if EXECUTABLE is None:
        yield "not measured: there is no fluent-bit in PATH"
        return
    share = LogRouterArgs().cpu / UNITS
    yield f"{'kind':<10}{'CPU, us a record':>18}{f'records/s in {LogRouterArgs().cpu} units':>24}{'peak MiB':>10}"
    for kind, line in KINDS.items():
        # What stands for CloudWatch Logs is slower than the router.
        many = count // 25 if kind == "errors" else count
        seconds, peak = _measured([printed(line, "0a1b")] * many, to_cloudwatch=kind == "errors")
        yield f"{kind:<10}{seconds / many * 1e6:>18.0f}{share / (seconds / many):>24.0f}{peak:>10.0f}"


def _measured(records: list[Record], *, to_cloudwatch: bool) -> tuple[float, float]:
    """CPU seconds from the first record to the last one's arrival, and the peak of memory in MiB."""
    account = Account()
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            Program(FILES, Path(folder), account, upload_timeout="5s") as router,
        ):
            before = router.cpu_seconds()
            router.feed(records)
            while sum(map(len, account.objects().values())) < len(records) or (
                to_cloudwatch and len(account.events()) < len(records)
            ):
                time.sleep(2)
            return router.cpu_seconds() - before, router.peak_mib()
    finally:
        account.close()
