"""The host's proxy: the real nginx with the template as the container fills it in, before an application."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.conftest import PATIENCE
from tests.workloads.conftest import until

TEMPLATE = Path(__file__).resolve().parents[2] / "workloads" / "host" / "nginx.conf.template"
SECRET = "opens-nothing"  # noqa: S105
LARGEST = 65_536


class _Application(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str(len(body)).encode())

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        # Who asked may be gone before the end.
        with contextlib.suppress(OSError):
            for _ in range(1024):
                self.wfile.write(b"x" * 65_536)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the name in the library
        del format, args


@dataclass(frozen=True)
class Proxy:
    port: int
    own_port: int
    pid: int

    def ask(self, method: str, body: bytes = b"", *, port: int | None = None) -> tuple[int, bytes]:
        connection = HTTPConnection("127.0.0.1", port or self.port, timeout=PATIENCE)
        try:
            connection.request(method, "/items", body or None, {"X-Origin-Secret": SECRET})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def kept(self) -> list[str]:
        """The files that it keeps of bodies and answers: nginx takes their names away and holds them open."""
        workers = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        opened = [str(file.readlink()) for worker in workers for file in Path(f"/proc/{worker}/fd").iterdir()]
        assert any("error.log" in name for name in opened), "its files are seen"
        return [name for name in opened if re.search("/(client|proxy)/", name)]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    nginx = shutil.which("nginx")
    if nginx is None:
        pytest.skip("there is no nginx on this machine")
    application = ThreadingHTTPServer(("127.0.0.1", 0), _Application)
    threading.Thread(target=application.serve_forever, daemon=True).start()
    port, own_port = _free_port(), _free_port()
    text = re.sub(r"(?<=\s)/tmp(?=/)", str(tmp_path), TEMPLATE.read_text()).replace("${ORIGIN_SECRET}", SECRET)
    for there, here in (
        ("listen 8080;", f"listen 127.0.0.1:{port};"),
        ("listen 127.0.0.1:8081;", f"listen 127.0.0.1:{own_port};"),
        ("http://api:8000", f"http://127.0.0.1:{application.server_port}"),
        ("/dev/stdout", "off"),
        ("/dev/stderr", str(tmp_path / "error.log")),
    ):
        assert text.count(there) == 1, there
        text = text.replace(there, here)
    text = text.replace("access_log off combined if=$worth_a_line;", "access_log off;")
    # In the container it is nobody special; started by root it would become another, who may not write here.
    (tmp_path / "nginx.conf").write_text(f"user root;\n{text}" if os.geteuid() == 0 else text)
    server = subprocess.Popen([nginx, "-c", str(tmp_path / "nginx.conf"), "-g", "daemon off;"])
    made = Proxy(port, own_port, server.pid)

    def answers() -> bool:
        assert server.poll() is None, (tmp_path / "error.log").read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        until(answers)
        yield made
    finally:
        server.terminate()
        server.wait()
        application.shutdown()
        application.server_close()


def test_a_body_may_have_64_kib_and_a_larger_one_is_refused(proxy: Proxy) -> None:
    assert proxy.ask("POST", b"x" * LARGEST) == (200, str(LARGEST).encode())
    assert proxy.ask("POST", b"x" * (LARGEST + 1))[0] == 413


def test_no_body_and_no_answer_is_written_into_the_containers_memory(proxy: Proxy) -> None:
    # A body that does not come to its end, as large as may be, is where a file would be.
    with socket.create_connection(("127.0.0.1", proxy.port)) as slow:
        head = f"POST /items HTTP/1.1\r\nHost: x\r\nX-Origin-Secret: {SECRET}\r\nContent-Length: {LARGEST}\r\n\r\n"
        slow.sendall(head.encode() + b"x" * (LARGEST - 1))
        # Asked after it, on another connection of the one worker, so that the first part has been read.
        assert proxy.ask("POST", b"x" * LARGEST)[0] == 200
        assert proxy.kept() == []
    # Somebody who asks for 64 MiB and reads none of it.
    with socket.create_connection(("127.0.0.1", proxy.port)) as idle:
        idle.sendall(f"GET /items HTTP/1.1\r\nHost: x\r\nX-Origin-Secret: {SECRET}\r\n\r\n".encode())
        idle.recv(1)
        # The answer comes while the other is asked; the kernel's buffers hold some of it.
        for _ in range(5):
            assert proxy.ask("POST", b"x")[0] == 200
            assert proxy.kept() == []


def test_its_health_is_told_on_a_port_of_the_container_alone(proxy: Proxy) -> None:
    assert proxy.ask("GET", port=proxy.own_port)[0] == 204
    connection = HTTPConnection("127.0.0.1", proxy.port, timeout=PATIENCE)
    connection.request("GET", "/")
    assert connection.getresponse().status == 403
    connection.close()
