"""A PostgreSQL of the tests' own, with TLS, where the machine has one."""

from __future__ import annotations

import logging
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PASSWORD = "opens-nothing"  # noqa: S105


@dataclass(frozen=True)
class Postgres:
    """A server that runs on this machine."""

    port: int
    certificate: Path
    """Of the authority that has signed the server's."""
    folder: Path
    ctl: tuple[str, ...]
    user: str | None

    def do(self, *command: str) -> None:
        subprocess.run(
            [*self.ctl, "-D", str(self.folder / "data"), "-w", *command],
            user=self.user, check=True, stdout=subprocess.DEVNULL, cwd=self.folder,
        )  # fmt: skip

    def execute(self, statement: str) -> None:
        # Over the socket, where no password is asked.
        with psycopg.connect(
            host=str(self.folder), port=self.port, user="app", dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(statement.encode())


def _program(name: str) -> str | None:
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return shutil.which(name) or (str(versions[-1]) if versions else None)


def _account() -> str | None:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    pytest.skip("PostgreSQL refuses to run as root, and there is no account postgres or nobody")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    initdb, ctl = _program("initdb"), _program("pg_ctl")
    if initdb is None or ctl is None:
        pytest.skip("there is no PostgreSQL (initdb, pg_ctl) on this machine")
    user = _account()
    with tempfile.TemporaryDirectory(prefix="pg", dir="/tmp") as name:
        folder = Path(name)
        _certificate(folder)
        (folder / "password").write_text(PASSWORD)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if user:
            for path in (folder, *folder.iterdir()):
                shutil.chown(path, user)
        subprocess.run(
            [initdb, "-D", str(folder / "data"), "-U", "app", "--pwfile", str(folder / "password"), "-E", "UTF8",
             "--locale=C", "--auth-local=trust", "--auth-host=scram-sha-256", "--no-sync"],
            user=user, check=True, stdout=subprocess.DEVNULL, cwd=folder,
        )  # fmt: skip
        (folder / "data/pg_hba.conf").write_text("local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n")
        with (folder / "data/postgresql.conf").open("a") as file:
            file.write(
                f"port={port}\nlisten_addresses='127.0.0.1'\nunix_socket_directories='{folder}'\nfsync=off\nssl=on\n"
                f"ssl_cert_file='{folder}/server.crt'\nssl_key_file='{folder}/server.key'\n"
            )
        server = Postgres(port, folder / "root.crt", folder, (ctl, "-l", str(folder / "log"), "-s"), user)
        server.do("start")
        try:
            yield server
        finally:
            server.do("stop", "-m", "immediate")


def _certificate(folder: Path) -> None:
    """A certificate for `localhost`, as RDS has them: signed by an authority that a root has signed.

    `another.crt` is a root of the same name that has signed nothing.
    """
    root, root_key = signed("Root CA")
    authority, authority_key = signed("Subordinate CA", root, root_key)
    server, key = signed("localhost", authority, authority_key, ca=False)
    another, _ = signed("Root CA")
    for name, certificates in {"root.crt": [root], "another.crt": [another], "server.crt": [server, authority]}.items():
        (folder / name).write_bytes(b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates))
    private = folder / "server.key"
    private.touch(mode=0o600)
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def signed(
    name: str,
    issuer: x509.Certificate | None = None,
    issuer_key: ec.EllipticCurvePrivateKey | None = None,
    *,
    ca: bool = True,
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """A certificate and its key, signed by `issuer` or by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if not ca:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    return builder.sign(issuer_key or key, hashes.SHA256()), key


@pytest.fixture
def postgres(postgres_server: Postgres) -> Postgres:
    """The server with an empty database and its first password."""
    postgres_server.execute("DROP TABLE IF EXISTS items")
    postgres_server.execute(f"ALTER USER app PASSWORD '{PASSWORD}'")
    return postgres_server


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """The application takes over the process's logging; the next test gets its own back."""
    root, pool = logging.getLogger(), logging.getLogger("psycopg.pool")
    before = root.handlers[:], root.level, pool.level
    yield
    root.handlers[:], root.level, pool.level = before


def until(true: object, seconds: float = 10) -> None:
    """Wait until `true()` holds."""
    assert callable(true)
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
