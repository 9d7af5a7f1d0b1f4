"""Serves an application until SIGTERM: goes on until whoever sends requests here knows of it, finishes those under way,
and goes."""

from __future__ import annotations

import signal
import threading
from types import FrameType

import uvicorn


class Server(uvicorn.Server):
    """Uvicorn closes at SIGTERM. A load balancer hears of an instance that is taken away (Spot) at the same moment as
    the task, and sends requests for some seconds more, on connections that it has kept."""

    def __init__(self, config: uvicorn.Config, linger_seconds: int) -> None:
        super().__init__(config)
        self._linger_seconds = linger_seconds
        self._told = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._told or sig != signal.SIGTERM:
            super().handle_exit(sig, frame)
            return
        self._told = True
        # The answer to a connection's next request ends it, so that none is closed under a request.
        self.config.encoded_headers = [*self.config.encoded_headers, (b"connection", b"close")]
        timer = threading.Timer(self._linger_seconds, super().handle_exit, (sig, frame))
        timer.daemon = True
        timer.start()


def serve(application: str, *, port: int, drain_seconds: int, linger_seconds: int) -> int:
    """Serve what a function makes, named as module:name; the exit status of the process."""
    config = uvicorn.Config(
        application,
        factory=True,
        host="0.0.0.0",  # noqa: S104 inside a container: the security group decides who gets here
        port=port,
        log_config=None,
        # Longer than the load balancer's 60 seconds, or it would now and then use one that has just been closed.
        timeout_keep_alive=75,
        timeout_graceful_shutdown=max(1, drain_seconds - linger_seconds),
        # The load balancer says who called; nobody else can reach the task.
        proxy_headers=True,
        forwarded_allow_ips="*",
        server_header=False,
    )
    server = Server(config, linger_seconds)
    server.run()
    return 0 if server.started else 3
