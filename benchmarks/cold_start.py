"""How long the first call of a packaged function waits: for the imports, and for the first answer after them.

Measured with the real zip and layer on this machine's interpreter, in processes of their own and, as on Lambda, without
compiled files. A whole processor is what Lambda gives a function while it starts. Firecracker's own start and the
download of the package, some 100 to 300 ms, are not in it.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from packages.plan import sources
from packages.run import local, run, unpacked

GOAL_SECONDS = 1.0
"""The study tracker's service level for a cold start (C10)."""

_EVENT = {
    "version": "2.0",
    "routeKey": "$default",
    "rawPath": "/health",
    "rawQueryString": "",
    "headers": {"host": "example.com"},
    "requestContext": {"http": {"method": "GET", "path": "/health", "sourceIp": "203.0.113.7"}, "stage": "$default"},
    "isBase64Encoded": False,
}
_AWS = {"AWS_REGION": "ap-northeast-1", "AWS_DEFAULT_REGION": "ap-northeast-1"}
_STORES = {"in memory": {}, "DynamoDB table": {"TABLE_ITEMS": "items", **_AWS}}


def cold_starts(runs: int) -> Iterator[str]:
    """A line for each store of the api."""
    with unpacked(local(sources()["api"])) as folder:
        for store, environment in _STORES.items():
            run(folder, "api.function.handler", [_EVENT], environment)  # fills the file cache; not counted
            starts = [run(folder, "api.function.handler", [_EVENT], environment) for _ in range(runs)]
            imports = statistics.median(start.import_seconds for start in starts)
            whole = sorted(start.import_seconds + start.first_seconds for start in starts)
            verdict = "within" if statistics.median(whole) <= GOAL_SECONDS else "over"
            yield (
                f"cold start of api, items {store}: imports {imports:.2f} s, first answer after "
                f"{statistics.median(whole):.2f} s ({whole[0]:.2f} to {whole[-1]:.2f}), {verdict} {GOAL_SECONDS:g} s"
            )
