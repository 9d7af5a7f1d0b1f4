"""What the images are made of, read from their Dockerfiles: nothing here can build one."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest

from tests.workloads.build_context import context, copy_context
from tests.workloads.postgres import PASSWORD, Postgres

ROOT = Path(__file__).resolve().parents[2]
API = ROOT / "workloads/api"
IMAGES = sorted(path.parent for path in (ROOT / "workloads").glob("*/Dockerfile"))
WITH_EACH_IMAGE = pytest.mark.parametrize("image", IMAGES, ids=lambda path: path.name)
WRITABLE = "/tmp"  # noqa: S108 inside the container


def instructions(image: Path) -> list[tuple[str, str]]:
    text = re.sub(r"(?m)^\s*#.*\n", "", (image / "Dockerfile").read_text()).replace("\\\n", " ")
    return [(line.split()[0], line.partition(" ")[2].strip()) for line in text.splitlines() if line.strip()]


def last_stage(image: Path) -> list[tuple[str, str]]:
    every = instructions(image)
    start = max(number for number, (word, _) in enumerate(every) if word == "FROM")
    return every[start:]


@WITH_EACH_IMAGE
def test_the_linter_finds_nothing(image: Path) -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, image / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@WITH_EACH_IMAGE
def test_it_runs_as_a_user_without_rights_whose_number_can_be_seen(image: Path) -> None:
    (user,) = [rest for word, rest in last_stage(image) if word == "USER"]
    uid, gid = user.split(":")
    assert int(uid) >= 10000
    assert int(gid) >= 10000


@WITH_EACH_IMAGE
def test_nothing_but_the_folder_for_what_is_written_belongs_to_the_user_that_runs_it(image: Path) -> None:
    assert not [rest for word, rest in last_stage(image) if "--chown" in rest]
    given = [rest.split() for word, rest in last_stage(image) if word == "RUN" and "chown" in rest.split()]
    (user,) = [rest for word, rest in last_stage(image) if word == "USER"]
    assert given == [f"chown {user} {WRITABLE} && chmod 0700 {WRITABLE}".split()]


@WITH_EACH_IMAGE
def test_what_is_written_goes_to_a_volume_that_its_user_may_write(image: Path) -> None:
    """ECS and Docker give a new volume the owner of the image's folder, but only of one that the image declares, and as
    it was when it was declared."""
    words = [(word, rest) for word, rest in last_stage(image) if word == "VOLUME" or "chown" in rest.split()]
    assert [word for word, _ in words] == ["RUN", "VOLUME"]
    assert words[-1] == ("VOLUME", WRITABLE)


@WITH_EACH_IMAGE
def test_it_writes_no_bytecode_and_nothing_outside_tmp(image: Path) -> None:
    environment = dict(re.findall(r"(\w+)=(\S+)", next(rest for word, rest in last_stage(image) if word == "ENV")))
    assert environment["PYTHONDONTWRITEBYTECODE"] == "1"
    assert environment["TMPDIR"] == environment["HOME"] == "/tmp"  # noqa: S108 inside the container


@WITH_EACH_IMAGE
def test_the_process_itself_gets_sigterm(image: Path) -> None:
    (command,) = [rest for word, rest in last_stage(image) if word == "CMD"]
    assert json.loads(command) == ["python", "-m", image.name]
    assert ("STOPSIGNAL", "SIGTERM") in last_stage(image)
    assert not [word for word, _ in last_stage(image) if word == "ENTRYPOINT"]


@WITH_EACH_IMAGE
def test_its_health_is_asked_without_a_shell(image: Path) -> None:
    (check,) = [rest for word, rest in last_stage(image) if word == "HEALTHCHECK"]
    command = json.loads(check.partition("CMD")[2])
    assert command[:2] == ["python", "-c"]
    compile(command[2], "health check", "exec")
    assert "/health" in command[2]


@WITH_EACH_IMAGE
def test_the_base_can_be_pinned_by_its_digest_in_every_stage(image: Path) -> None:
    assert instructions(image)[0] == ("ARG", "PYTHON=python:3.13-slim-bookworm")
    assert [rest.split()[0] for word, rest in instructions(image) if word == "FROM"] == ["${PYTHON}", "${PYTHON}"]


@WITH_EACH_IMAGE
def test_packages_are_installed_with_hashes_and_never_built(image: Path) -> None:
    (install,) = [rest for word, rest in instructions(image) if "pip install" in rest]
    assert {"--require-hashes", "--no-deps", "--no-cache-dir"} <= set(install.split())
    assert "--only-binary :all:" in install


# --- What it is made of, run from exactly those files ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("ignore", "kept"),
    [
        ("", {"a.py", "sub/b.py", "sub/deep/c.py", ".env"}),
        ("*", set()),
        ("*\n!*.py", {"a.py"}),
        ("*\n!**/*.py", {"a.py", "sub/b.py", "sub/deep/c.py"}),
        ("*\n!sub", {"sub/b.py", "sub/deep/c.py"}),
        ("*\n!sub\nsub/deep", {"sub/b.py"}),
        ("*\n!sub/*.py", {"sub/b.py"}),
        ("# all but\n**/*.py\n!/a.py\n", {"a.py", ".env"}),
        ("sub/\n.*", {"a.py"}),
    ],
)
def test_what_is_ignored_is_read_as_docker_reads_it(tmp_path: Path, ignore: str, kept: set[str]) -> None:
    for name in ("a.py", "sub/b.py", "sub/deep/c.py", ".env"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / ".dockerignore").write_text(ignore)
    assert {str(one) for one in context(tmp_path)} - {".dockerignore"} == kept


def unpacked(image: Path, folder: Path) -> Path:
    """The folder in which an image starts, with what its Dockerfile copies of the contexts, and nothing else."""
    text = (image / "Dockerfile").read_text()
    (to,) = re.findall(r"^COPY \. (/app/\S+)$", text, re.MULTILINE)
    assert PurePosixPath(to).name == image.name, "the workflow migrates with `python -m <folder>.migrate`"
    copy_context(image, folder / to.lstrip("/"))
    for files, place in re.findall(r"^COPY --from=workloads (.+) (/app/\S+/)$", text, re.MULTILINE):
        (folder / place.lstrip("/")).mkdir()
        for file in files.split():
            shutil.copy(image.parent / file, folder / place.lstrip("/"))
    return folder / "app"


DATA = {"wiki": {"index.json"}}
"""What an application reads beside its modules."""


@WITH_EACH_IMAGE
def test_the_image_has_every_file_of_the_application_and_no_secret_that_lies_about(image: Path, tmp_path: Path) -> None:
    tracked = subprocess.run(["git", "ls-files", "."], cwd=image, capture_output=True, text=True, check=True).stdout
    wanted = {name for name in tracked.split() if name.endswith(".py")} | DATA.get(image.name, set())
    copy = tmp_path / image.name
    shutil.copytree(image, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for name in (".env", "key.pem", "migrations/.env", "migrations/dump.sql", ".git/config"):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text("secret")
    assert {str(one) for one in context(copy)} == wanted | {"requirements.txt"}


@WITH_EACH_IMAGE
def test_every_module_loads_from_the_files_of_the_image(image: Path, tmp_path: Path) -> None:
    app = unpacked(image, tmp_path)
    modules = sorted(f"{image.name}.{path.stem}" for path in (app / image.name).glob("[!_]*.py"))
    done = subprocess.run(
        [sys.executable, "-c", f"import {', '.join([*modules, f'{image.name}.__main__'])}"],
        cwd=app, env={"PYTHONPATH": str(app)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@WITH_EACH_IMAGE
def test_every_library_that_a_module_imports_is_installed(image: Path, tmp_path: Path) -> None:
    app = unpacked(image, tmp_path)
    pinned = re.findall(r"(?m)^([\w.-]+)==", (image / "requirements.txt").read_text())
    known = {name.lower().replace("-", "_") for name in pinned} | {"jwt", "psycopg_pool", *sys.stdlib_module_names}
    for path in app.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            top = {name.partition(".")[0] for name in names}
            assert top <= known | {"api", "wiki"}, path


def test_the_image_brings_the_steps_of_its_tables(tmp_path: Path) -> None:
    app = unpacked(API, tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", "from api.migrate import STEPS; assert STEPS.is_dir()"],
        cwd=app, env={"PYTHONPATH": str(app)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.covers("E10")
def test_the_image_brings_the_tables_up_to_date(postgres: Postgres, tmp_path: Path) -> None:
    postgres.execute("DROP TABLE IF EXISTS items, messages, conversations, alembic_version")
    app = unpacked(API, tmp_path)
    database = {
        "DATABASE_HOST": "localhost", "DATABASE_PORT": str(postgres.port), "DATABASE_NAME": "postgres",
        "DATABASE_SECRET": json.dumps({"username": "app", "password": PASSWORD}),
        "DATABASE_CERTIFICATES": str(postgres.certificate),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "api.migrate"],
        cwd=app, env={"PYTHONPATH": str(app), **database}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "migrate: from nothing to 0002\n"), done.stderr
