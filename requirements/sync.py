"""Make `.venv` hold exactly the packages of requirements/dev.txt. Run by the Makefile, only when its stamp is missing.

    python3 requirements/sync.py .venv/.synced-<key>
    python3 requirements/sync.py .venv/.jobs-<key>      add those of requirements/jobs.txt

Only the standard library, and only syntax that an old python3 can parse, so that it can say what is wrong. Nothing is
written outside the project but the download caches of uv and pip.
"""

import fcntl
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
UV_HOME = ROOT / ".uv"
REQUIREMENTS = ROOT / "requirements" / "dev.txt"
JOBS = ROOT / "requirements" / "jobs.txt"
OPTIONS = ["--require-hashes", "--compile-bytecode", "--python"]
OLDEST = (3, 11)


class SetupError(Exception):
    """Why this machine cannot be set up, and what to do about it."""


def run(*command, keep_open=()):
    environment = dict(os.environ, UV_PYTHON_DOWNLOADS="never", UV_NO_PROGRESS="1")
    environment.pop("VIRTUAL_ENV", None)
    result = subprocess.run(  # noqa: S603 - the arguments are this file's own
        [str(part) for part in command], cwd=str(ROOT), env=environment, pass_fds=keep_open, check=False
    )
    if result.returncode != 0:
        raise SetupError(f"`{' '.join(str(part) for part in command)}` failed; its message is above")


def find_uv(keep_open=()):
    """The uv on the PATH, or one installed into .uv/ with pip and checked against its hashes."""
    on_path = shutil.which("uv")
    if on_path:
        return on_path
    own = UV_HOME / "bin" / "uv"
    stamp = UV_HOME / ".installed"
    wanted = (ROOT / "requirements" / "uv.txt").read_text()
    if stamp.is_file() and stamp.read_text() == wanted and own.is_file():
        return own
    # Debian and Ubuntu ship python3 without ensurepip until python3-venv is installed.
    if not all(importlib.util.find_spec(module) for module in ("venv", "ensurepip")):
        raise SetupError(
            "this python3 cannot create virtual environments (no `venv` or `ensurepip`).\n"
            "Install it (Debian, Ubuntu: `apt install python3-venv`), or put `uv` on the PATH."
        )
    print("Installing uv into .uv/ ...", flush=True)
    run(sys.executable, "-m", "venv", "--clear", UV_HOME, keep_open=keep_open)
    pip = [UV_HOME / "bin" / "python", "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    run(*pip, "--require-hashes", "--requirement", ROOT / "requirements" / "uv.txt", keep_open=keep_open)
    stamp.write_text(wanted)
    return own


def sync(stamp, keep_open):
    python = VENV / "bin" / "python"
    stamps = list(VENV.glob(".synced-*"))
    if stamp in stamps and python.exists():
        return  # another make was faster
    started = time.monotonic()
    uv = find_uv(keep_open)
    # Without a stamp an earlier set-up was cut short and may have left half a package behind: start afresh.
    whole = bool(stamps) and python.exists()
    for old in [*stamps, *VENV.glob(".jobs-*")]:
        old.unlink()
    print(f"{'Updating' if whole else 'Creating'} .venv from requirements/dev.txt ...", flush=True)
    if not whole:
        shutil.rmtree(VENV, ignore_errors=True)
        run(uv, "--quiet", "venv", "--python", sys.executable, VENV, keep_open=keep_open)
    # Compiled now, once: without compiled files every start of the program costs about 3 s more.
    run(uv, "--quiet", "pip", "sync", *OPTIONS, python, REQUIREMENTS, keep_open=keep_open)
    write_command()
    stamp.touch()
    print(f"Set up in {time.monotonic() - started:.1f} s.", flush=True)


def write_command():
    """`.venv/bin/kumiki`: this folder's own command, wherever it is called from."""
    command = VENV / "bin" / "kumiki"
    command.write_text(
        f"#!{VENV / 'bin' / 'python'}\nimport sys\n\nsys.path.insert(0, {str(ROOT)!r})\n\n"
        "from kumiki.__main__ import main\n\nmain()\n"
    )
    command.chmod(0o755)


def add_jobs(stamp, keep_open):
    if stamp.exists():
        return
    started = time.monotonic()
    print(
        "Adding Spark, on which the lake's jobs run, and what drives a browser, from requirements/jobs.txt "
        "(once; 400 MB) ...",
        flush=True,
    )
    uv = find_uv(keep_open)
    for old in VENV.glob(".jobs-*"):
        old.unlink()
    run(uv, "--quiet", "pip", "install", *OPTIONS, VENV / "bin" / "python", "--requirement", JOBS, keep_open=keep_open)
    stamp.touch()
    print(f"Added in {time.monotonic() - started:.1f} s.", flush=True)


def main():
    if sys.version_info < OLDEST:
        found = ".".join(str(part) for part in sys.version_info[:3])
        raise SetupError(
            f"Python {OLDEST[0]}.{OLDEST[1]} or newer is needed, python3 is {found} ({sys.executable}).\n"
            "Name another with `make PYTHON=python3.12 ...`."
        )
    with REQUIREMENTS.open() as lock:
        # The children inherit the lock: should this process be killed, the next one waits until they are done writing.
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = ROOT / sys.argv[1]
        (add_jobs if stamp.name.startswith(".jobs-") else sync)(stamp, (lock.fileno(),))


if __name__ == "__main__":
    try:
        main()
    except SetupError as error:
        sys.exit(f"Set-up failed: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
