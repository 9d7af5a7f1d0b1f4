"""Serve the application until SIGTERM."""

from __future__ import annotations

import os
import sys

from api.logs import write_json_lines
from api.server import serve
from api.settings import Settings


def main() -> int:
    settings = Settings.read(os.environ)
    write_json_lines(settings.service, settings.log_level)
    return serve(
        "api.main:from_environment",
        port=settings.port,
        drain_seconds=settings.drain_seconds,
        linger_seconds=settings.linger_seconds,
    )


if __name__ == "__main__":
    sys.exit(main())
