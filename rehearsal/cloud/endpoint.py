"""Where the emulated account may be asked as AWS is: a port of this machine."""

from __future__ import annotations

import socket

from rehearsal.isolation import LOOPBACK


def listener(port: int = 0) -> socket.socket:
    """A socket on which the account may be asked as AWS is, by the SDK; at any free port unless one is given."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((LOOPBACK, port))
    made.listen()
    return made


def address(of: socket.socket) -> str:
    return f"http://{LOOPBACK}:{of.getsockname()[1]}"
