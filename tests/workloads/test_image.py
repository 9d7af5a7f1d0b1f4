"""What the image is made of, read from its Dockerfile: nothing here can build one."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
API = ROOT / "workloads/api"
WRITABLE = "/tmp"  # noqa: S108 inside the container


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"(?m)^\s*#.*\n", "", (API / "Dockerfile").read_text()).replace("\\\n", " ")
    return [(line.split()[0], line.partition(" ")[2].strip()) for line in text.splitlines() if line.strip()]


def last_stage() -> list[tuple[str, str]]:
    every = instructions()
    start = max(number for number, (word, _) in enumerate(every) if word == "FROM")
    return every[start:]


def test_the_linter_finds_nothing() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, API / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_it_runs_as_a_user_without_rights_whose_number_can_be_seen() -> None:
    (user,) = [rest for word, rest in last_stage() if word == "USER"]
    uid, gid = user.split(":")
    assert int(uid) >= 10000
    assert int(gid) >= 10000


def test_nothing_but_the_folder_for_what_is_written_belongs_to_the_user_that_runs_it() -> None:
    assert not [rest for word, rest in last_stage() if "--chown" in rest]
    given = [rest.split() for word, rest in last_stage() if word == "RUN" and "chown" in rest.split()]
    (user,) = [rest for word, rest in last_stage() if word == "USER"]
    assert given == [f"chown {user} {WRITABLE} && chmod 0700 {WRITABLE}".split()]


def test_what_is_written_goes_to_a_volume_that_its_user_may_write() -> None:
    """ECS and Docker give a new volume the owner of the image's folder, but only of one that the image declares, and as
    it was when it was declared."""
    words = [(word, rest) for word, rest in last_stage() if word == "VOLUME" or "chown" in rest.split()]
    assert [word for word, _ in words] == ["RUN", "VOLUME"]
    assert words[-1] == ("VOLUME", WRITABLE)


def test_it_writes_no_bytecode_and_nothing_outside_tmp() -> None:
    environment = dict(re.findall(r"(\w+)=(\S+)", next(rest for word, rest in last_stage() if word == "ENV")))
    assert environment["PYTHONDONTWRITEBYTECODE"] == "1"
    assert environment["TMPDIR"] == environment["HOME"] == "/tmp"  # noqa: S108 inside the container


def test_the_process_itself_gets_sigterm() -> None:
    (command,) = [rest for word, rest in last_stage() if word == "CMD"]
    assert json.loads(command) == ["python", "-m", "api"]
    assert ("STOPSIGNAL", "SIGTERM") in last_stage()
    assert not [word for word, _ in last_stage() if word == "ENTRYPOINT"]


def test_its_health_is_asked_without_a_shell() -> None:
    (check,) = [rest for word, rest in last_stage() if word == "HEALTHCHECK"]
    command = json.loads(check.partition("CMD")[2])
    assert command[:2] == ["python", "-c"]
    compile(command[2], "health check", "exec")
    assert "/health" in command[2]


def test_the_base_can_be_pinned_by_its_digest_in_every_stage() -> None:
    assert instructions()[0] == ("ARG", "PYTHON=python:3.13-slim-bookworm")
    assert [rest.split()[0] for word, rest in instructions() if word == "FROM"] == ["${PYTHON}", "${PYTHON}"]


def test_packages_are_installed_with_hashes_and_never_built() -> None:
    (install,) = [rest for word, rest in instructions() if "pip install" in rest]
    assert {"--require-hashes", "--no-deps", "--no-cache-dir"} <= set(install.split())
    assert "--only-binary :all:" in install


def test_the_context_holds_the_application_and_no_secret_that_lies_about() -> None:
    lines = [line for line in (API / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert lines == ["*", "!*.py", "!requirements.txt"]
