"""The function that creates extensions, on a PostgreSQL of this machine and over TLS."""

from __future__ import annotations

import json
import subprocess
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import psycopg
import pytest
from cryptography import x509
from extensions import create
from extensions.create import ExtensionError, handler

from packages.build import build
from packages.plan import place, sources
from tests.workloads.postgres import PASSWORD, Postgres

SECRET = "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:rds!db"  # noqa: S105
# pgvector is on few machines; these come with every PostgreSQL.
EXTENSIONS = ("citext", "hstore")


class Context:
    """A call that has this much time left."""

    def __init__(self, seconds: float = 120) -> None:
        self.seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return round(self.seconds * 1000)


class Secrets:
    """Secrets Manager with one secret, whose value may change from one reading to the next."""

    def __init__(self, *values: object) -> None:
        self.values = [value if isinstance(value, str) else json.dumps(value) for value in values]

    def get_secret_value(self, SecretId: str) -> dict[str, str]:  # noqa: N803 as in boto3
        assert SecretId == SECRET
        return {"SecretString": self.values.pop(0) if len(self.values) > 1 else self.values[0]}


LOGIN = {"username": "app", "password": PASSWORD}


@pytest.fixture
def server(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[Postgres]:
    """A database that has none of the extensions, known to the function as Lambda would tell it."""
    available = _available(postgres)
    if not set(EXTENSIONS) <= available:
        pytest.skip("PostgreSQL came without its own extensions (postgresql-contrib)")
    monkeypatch.setenv("DATABASE_HOST", "localhost")
    monkeypatch.setenv("DATABASE_PORT", str(postgres.port))
    monkeypatch.setenv("DATABASE_NAME", "postgres")
    monkeypatch.setenv("DATABASE_SECRET_ARN", SECRET)
    monkeypatch.setattr(create, "CERTIFICATES", postgres.certificate)
    monkeypatch.setattr(
        create.connect, "__kwdefaults__", {"certificates": postgres.certificate, "pause": lambda _: None}
    )
    keep(monkeypatch, Secrets(LOGIN))
    _drop(postgres)
    yield postgres
    _drop(postgres)


def keep(monkeypatch: pytest.MonkeyPatch, secrets: Secrets) -> None:
    monkeypatch.setattr(boto3, "client", lambda service: {"secretsmanager": secrets}[service])


def _available(postgres: Postgres) -> set[str]:
    return {name for (name,) in _ask(postgres, "SELECT name FROM pg_available_extensions")}


def _created(postgres: Postgres) -> set[str]:
    return {name for (name,) in _ask(postgres, "SELECT extname FROM pg_extension")} - {"plpgsql"}


def _ask(postgres: Postgres, question: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(host=str(postgres.folder), port=postgres.port, user="app", dbname="postgres") as connection:
        return connection.execute(question.encode()).fetchall()


def _drop(postgres: Postgres) -> None:
    for name in EXTENSIONS:
        postgres.execute(f"DROP EXTENSION IF EXISTS {name}")


@pytest.mark.covers("B1")
def test_extensions_are_created_and_a_second_call_changes_nothing(server: Postgres) -> None:
    first = handler({"extensions": list(EXTENSIONS)}, Context())
    assert set(first) == set(EXTENSIONS) == _created(server)
    assert all(version[0].isdigit() for version in first.values())
    assert handler({"extensions": list(EXTENSIONS)}, Context()) == first


def test_all_are_created_or_none_and_the_error_says_which_cannot(server: Postgres) -> None:
    with pytest.raises(ExtensionError, match="no_such_thing cannot be created") as error:
        handler({"extensions": ["citext", "no_such_thing"]}, Context())
    assert PASSWORD not in str(error.value)
    assert _created(server) == set()


def test_a_name_is_never_read_as_sql(server: Postgres) -> None:
    server.execute("CREATE TABLE items (id int)")
    with pytest.raises(ExtensionError):
        handler({"extensions": ['citext"; DROP TABLE items; --']}, Context())
    assert _ask(server, "SELECT count(*) FROM items") == [(0,)]


@pytest.mark.usefixtures("server")
def test_a_password_that_was_changed_in_between_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    keep(monkeypatch, Secrets({"username": "app", "password": "the old one"}, LOGIN))
    assert set(handler({"extensions": ["citext"]}, Context())) == {"citext"}


@pytest.mark.usefixtures("server")
def test_a_database_that_stays_away_is_an_error_before_the_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_PORT", "1")
    context, pauses = Context(40), []

    def wait(seconds: float) -> None:
        pauses.append(seconds)
        context.seconds -= seconds

    monkeypatch.setattr(create, "sleep", wait)
    with pytest.raises(ExtensionError, match="localhost cannot be reached") as error:
        handler({"extensions": ["citext"]}, context)
    assert len(pauses) > 3
    assert context.seconds > 10, "there must be time to say so"
    assert PASSWORD not in str(error.value)


def test_a_server_that_no_authority_of_rds_has_signed_is_not_told_the_password(
    server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(create, "CERTIFICATES", sources()["extensions"].folder / "rds.pem")
    with pytest.raises(ExtensionError, match="certificate verify failed"):
        handler({"extensions": ["citext"]}, Context(5))
    assert _created(server) == set()


@pytest.mark.usefixtures("server")
def test_a_server_under_another_name_is_not_told_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_HOST", "127.0.0.1")
    with pytest.raises(ExtensionError, match="does not match host name"):
        handler({"extensions": ["citext"]}, Context(5))


@pytest.mark.usefixtures("server")
def test_a_secret_that_is_none_is_not_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    keep(monkeypatch, Secrets("hunter2"))
    with pytest.raises(ExtensionError, match="is not JSON") as error:
        handler({"extensions": ["citext"]}, Context())
    assert "hunter2" not in str(error.value)
    assert error.value.__cause__ is None


# --- What it trusts --------------------------------------------------------------------------------------------------


def test_the_certificates_are_those_of_rds_in_every_region_and_good_for_years() -> None:
    found = x509.load_pem_x509_certificates((sources()["extensions"].folder / "rds.pem").read_bytes())
    names = set()
    for certificate in found:
        certificate.verify_directly_issued_by(certificate)
        names.add(certificate.subject.rfc4514_string().split("CN=")[1].split(",")[0])
        assert certificate.not_valid_after_utc > datetime.now(UTC) + timedelta(days=365 * 10)
    for algorithm in ("RSA2048", "RSA4096", "ECC384"):
        assert f"Amazon RDS ap-northeast-1 Root CA {algorithm} G1" in names
        assert f"Amazon RDS us-east-1 Root CA {algorithm} G1" in names
    assert all(name.startswith("Amazon RDS ") and name.endswith(" G1") for name in names)
    assert len(names) == len(found)


def test_the_package_holds_the_code_the_certificates_and_a_driver(tmp_path: Path) -> None:
    source = sources()["extensions"]
    build(source, "local", tmp_path / "built")
    built = place(source, "local", tmp_path / "built")
    assert built.layer is not None
    for archive in (built.code, built.layer):
        with zipfile.ZipFile(archive) as opened:
            opened.extractall(tmp_path / "runtime")
    assert (tmp_path / "runtime/extensions/rds.pem").is_file()
    program = "import psycopg, extensions.create as c; assert c.CERTIFICATES.is_file(); print(psycopg.pq.__impl__)"
    done = subprocess.run(
        [".venv/bin/python", "-c", program], capture_output=True, text=True, check=False,
        env={"PYTHONPATH": f"{tmp_path}/runtime:{tmp_path}/runtime/python"}, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert (done.returncode, done.stdout.strip()) == (0, "binary"), done.stderr
