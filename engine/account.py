"""The process of the emulated account: it outlives the engine's commands, and serves a provider to each."""

from __future__ import annotations

import gc
import json
import os
import socket
import sys
import threading
from collections import Counter
from concurrent import futures
from contextlib import suppress
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from typing import Final

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from engine.kept import InProcess, Kept
from engine.marks import socket_in
from engine.provider import Provider
from rehearsal.cloud.endpoint import address, listener
from rehearsal.stacks import Stack, load

_LARGEST: Final = 400 * 1024 * 1024
"""Bytes of a message, as the engine has it: the state of a stack is one."""
_OPTIONS: Final = (("grpc.max_receive_message_length", _LARGEST), ("grpc.max_send_message_length", _LARGEST))
_THREADS: Final = 32


class Process:
    """Answers at a socket: the plug-ins of the engine, and the run itself."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._kept = Kept(stack.existing_ids)
        self._kept.expect(stack.region)
        self._cloud = InProcess(self._kept)
        self._said: list[str] = []
        self._counted: Counter[str] = Counter()

    def open(self, endpoint: socket.socket) -> None:
        """Answer there as AWS does."""
        self._kept.open(endpoint)

    def serve(self, listening: Listener) -> None:
        """Until this process ends."""
        while True:
            threading.Thread(target=self._talk, args=(listening.accept(),), daemon=True).start()

    def _talk(self, connection: Connection) -> None:
        server: grpc.Server | None = None
        with suppress(EOFError, OSError):
            while True:
                question, *arguments = connection.recv()
                if question == "open":
                    server, port = provider(self._cloud, self._stack, arguments[0], self._said, self._counted)
                    connection.send(port)
                elif question == "told":
                    told = dict(self._counted), list(self._said)
                    self._counted.clear()
                    self._said.clear()
                    connection.send(told)
        if server is not None:
            server.stop(None)


def provider(
    cloud: InProcess, stack: Stack, engine: str, said: list[str], counted: Counter[str]
) -> tuple[grpc.Server, int]:
    """A provider of the account's at a port of this machine, and the port."""
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=_THREADS), options=_OPTIONS)
    served = Provider(cloud, stack, engine, said, counted)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(served, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def main(folder: Path, stack: Stack, port: int) -> None:
    """Tell the address of the account as one line of JSON, then serve until standard input ends."""
    os.chdir(stack.folder)
    endpoint = listener(port)
    process = Process(stack)
    listening = Listener(socket_in(folder), "AF_UNIX", backlog=64)
    process.open(endpoint)
    gc.freeze()
    print(json.dumps({"address": address(endpoint)}), flush=True)
    threading.Thread(target=process.serve, args=(listening,), daemon=True).start()
    # Whoever started this holds the other end: it closes when that process ends, however it does.
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), load(Path(sys.argv[2]), sys.argv[3]), int(sys.argv[4]))
