"""A function that takes jobs from a queue, and one of whose messages at a time may fail."""

import tempfile
import zipfile
from pathlib import Path

from components.compute.function import Function, FunctionArgs
from components.compute.package import Package
from components.messaging.queue import Queue, QueueArgs

code = Path(tempfile.mkdtemp()) / "code.zip"
with zipfile.ZipFile(code, "w") as archive:
    archive.writestr("jobs.py", "def handle(event, context):\n    return {}\n")

worker = Function(
    "wiki-dev-worker",
    FunctionArgs(handler="jobs.handle", timeout_seconds=60),
    package=Package(code=code, runtime="python3.13", architecture="arm64"),
)
worker.consume(Queue("wiki-dev-jobs", QueueArgs(consumer_timeout_seconds=60)))
