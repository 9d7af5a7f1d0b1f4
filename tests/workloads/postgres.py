"""A PostgreSQL on this machine, with TLS, for tests and measurements."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PASSWORD = "opens-nothing"  # noqa: S105


class NoPostgres(Exception):
    """Why this machine cannot run one."""


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

    @contextmanager
    def as_reader(self) -> Iterator[None]:
        """Restarted as a replica that follows nobody, and promoted at the end."""
        self.do("stop", "-m", "immediate")
        signal = self.folder / "data/standby.signal"
        signal.touch()
        if self.user:
            shutil.chown(signal, self.user)
        self.do("start")
        try:
            yield
        finally:
            self.do("promote")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


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
    raise NoPostgres("PostgreSQL refuses to run as root, and there is no account postgres or nobody")


@contextmanager
def running() -> Iterator[Postgres]:
    """A server with an empty database, for as long as the block lasts."""
    initdb, ctl = _program("initdb"), _program("pg_ctl")
    if initdb is None or ctl is None:
        raise NoPostgres("there is no PostgreSQL (initdb, pg_ctl) on this machine")
    user = _account()
    with tempfile.TemporaryDirectory(prefix="pg", dir="/tmp") as name:
        folder = Path(name)
        _certificate(folder)
        (folder / "password").write_text(PASSWORD)
        port = free_port()
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
