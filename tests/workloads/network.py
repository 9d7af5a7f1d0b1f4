"""Networks that fail: a relay that falls silent, and a host that vanishes with all that is on its way."""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Relay:
    """Hands on what comes to `host:port` to a port of this machine, until it is told to fall silent.

    Silent, it keeps every connection and takes new ones, as a host does whose kernel still answers.
    """

    listener: socket.socket
    to: int
    flows: threading.Event = field(default_factory=threading.Event)
    lose: int = 0
    """How many answers from now on do not come back: the connection ends instead."""

    @property
    def host(self) -> str:
        return self.listener.getsockname()[0]

    @property
    def port(self) -> int:
        return self.listener.getsockname()[1]

    @contextmanager
    def silent(self) -> Iterator[None]:
        self.flows.clear()
        try:
            yield
        finally:
            self.flows.set()

    def serve(self) -> None:
        while True:
            try:
                caller, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._hand_on, args=(caller,), daemon=True).start()

    def _hand_on(self, caller: socket.socket) -> None:
        self.flows.wait()
        try:
            server = socket.create_connection(("127.0.0.1", self.to))
        except OSError:
            caller.close()
            return
        threading.Thread(target=self._pump, args=(server, caller), kwargs={"answers": True}, daemon=True).start()
        self._pump(caller, server)

    def _pump(self, source: socket.socket, sink: socket.socket, *, answers: bool = False) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self.flows.wait()
                if answers and self.lose:
                    self.lose -= 1
                    break
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@contextmanager
def relay(to: int, listener: socket.socket | None = None) -> Iterator[Relay]:
    """A relay to a port of this machine, by default at one of 127.0.0.1."""
    made = Relay(listener or socket.create_server(("127.0.0.1", 0)), to)
    made.flows.set()
    threading.Thread(target=made.serve, daemon=True).start()
    try:
        yield made
    finally:
        made.flows.set()
        # A thread that waits in accept() keeps the socket open; this wakes it.
        with suppress(OSError):
            made.listener.shutdown(socket.SHUT_RDWR)
        made.listener.close()


class NoNetwork(Exception):
    """Why this machine cannot make one."""


@dataclass(frozen=True)
class Host:
    """Another host on a wire of its own: a network namespace of Linux."""

    name: str
    address: str

    def listen(self) -> socket.socket:
        """A socket of this process that lives there."""
        made: list[socket.socket] = []

        def enter() -> None:
            # A namespace belongs to a thread; this one ends in it.
            with Path(f"/var/run/netns/{self.name}").open() as namespace:
                if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), 0x40000000) == 0:  # CLONE_NEWNET
                    made.append(socket.create_server((self.address, 0)))

        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        if not made:
            raise NoNetwork("this machine lets nobody into a network namespace")
        return made[0]

    def vanish(self) -> None:
        """From now on nothing comes from there, not even a refusal."""
        _ip("netns", "exec", self.name, "ip", "address", "flush", "dev", "wire")


@contextmanager
def host() -> Iterator[Host]:
    """A host at an address that nobody else has (RFC 5737)."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        raise NoNetwork("only root makes network namespaces, with iproute2's ip")
    name, outside = f"away-{os.getpid()}", f"w{os.getpid()}"
    here, there = f"192.0.2.{os.getpid() % 60 * 4 + 1}", f"192.0.2.{os.getpid() % 60 * 4 + 2}"
    try:
        _ip("netns", "add", name)
        _ip("link", "add", outside, "type", "veth", "peer", "name", "wire", "netns", name)
        _ip("address", "add", f"{here}/30", "dev", outside)
        _ip("link", "set", outside, "up")
        _ip("netns", "exec", name, "ip", "address", "add", f"{there}/30", "dev", "wire")
        _ip("netns", "exec", name, "ip", "link", "set", "wire", "up")
        yield Host(name, there)
    except subprocess.CalledProcessError as error:
        raise NoNetwork(f"`{' '.join(error.cmd)}` ended with {error.returncode}") from None
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=False, stderr=subprocess.DEVNULL)
        subprocess.run(["ip", "link", "delete", outside], check=False, stderr=subprocess.DEVNULL)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, stderr=subprocess.DEVNULL)
