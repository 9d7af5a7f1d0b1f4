"""Serve the wiki until SIGTERM."""

from __future__ import annotations

import os
import sys

from api.server import serve

from wiki import logs
from wiki.settings import Settings


def main() -> int:
    settings = Settings.read(os.environ)
    logs.write(settings.service, settings.log_level)
    return serve(
        "wiki.main:from_environment",
        port=settings.port,
        drain_seconds=settings.drain_seconds,
        linger_seconds=settings.linger_seconds,
    )


if __name__ == "__main__":
    sys.exit(main())
