"""Serve the application until SIGTERM: then take no new requests, finish those under way, and go."""

from __future__ import annotations

import os

import uvicorn

from api.logs import write_json_lines
from api.settings import Settings

settings = Settings.read(os.environ)
write_json_lines(settings.service, settings.log_level)
uvicorn.run(
    "api.main:from_environment",
    factory=True,
    host="0.0.0.0",  # noqa: S104 inside a container: the security group decides who gets here
    port=settings.port,
    log_config=None,
    # Longer than the load balancer's 60 seconds, or it would now and then use a connection that has just been closed.
    timeout_keep_alive=75,
    timeout_graceful_shutdown=settings.drain_seconds,
    # The load balancer says who called; nobody else can reach the task.
    proxy_headers=True,
    forwarded_allow_ips="*",
    server_header=False,
)
