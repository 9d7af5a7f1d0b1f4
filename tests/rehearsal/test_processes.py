"""What a rehearsal starts, it ends: after Ctrl-C, after --serve, after an error."""

from __future__ import annotations

import os
import re
import runpy
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.conftest import PATIENCE
from tests.rehearsal.conftest import ROOT, SILENT_PACK, project

pytestmark = pytest.mark.usefixtures("command")

SLOW = """
aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", opts=opts)
open("started", "w").close()
import time
time.sleep(3600)
"""
NETWORK = """
vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", opts=opts)
aws.ec2.VpcEndpoint("s3", vpc_id=vpc.id, service_name="com.amazonaws.ap-northeast-1.s3", opts=opts)
"""


@contextmanager
def started(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A rehearsal in a process group of its own, as a terminal would start it."""
    command = [sys.executable, "-m", "rehearsal", "test", "--program", str(folder), "--policy-pack", str(SILENT_PACK)]
    process = subprocess.Popen(
        [*command, *arguments],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "300", "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def descendants(parent: int) -> list[int]:
    """The processes below `parent`, by /proc."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(entry.parent.name))
    found, queue = [], [parent]
    while queue:
        below = children.get(queue.pop(), [])
        found += below
        queue += below
    return found


def wait_for(what: str, condition: object, seconds: float = PATIENCE) -> None:
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"timed out waiting for {what}"
        time.sleep(0.05)


def all_gone(processes: list[int]) -> bool:
    return all(has_ended(process) for process in processes)


def has_ended(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    # Nobody may have asked yet how it ended.
    return state == "Z"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
def test_ctrl_c_ends_everything_with_one_line(tmp_path: Path) -> None:
    folder = project(tmp_path, {"config": {}}, SLOW)
    with started(folder) as process:
        wait_for("the program", (folder / "started").exists)
        below = descendants(process.pid)
        assert len(below) >= 4, "the cloud, the pack and two passes"
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 130
        assert "interrupted" in output
        assert "Traceback" not in output
        wait_for("the children to end", lambda: all_gone(below))


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
@pytest.mark.parametrize("arguments", [["graph", "--svg"], ["cost", "--json"]])
def test_ctrl_c_ends_what_a_command_rehearses_and_leaves_no_file(tmp_path: Path, arguments: list[str]) -> None:
    folder = project(tmp_path, {"config": {}}, SLOW)
    out = tmp_path / "out"
    out.mkdir()
    command, option = arguments
    process = subprocess.Popen(
        [sys.executable, "-m", "kumiki", command, "test", "--program", str(folder), option, str(out / "file")],
        cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        wait_for("the program", (folder / "started").exists)
        below = descendants(process.pid)
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=PATIENCE)
        assert (process.returncode, output) == (130, "interrupted: nothing is left running\n")
        wait_for("the children to end", lambda: all_gone(below))
        assert list(out.iterdir()) == []
        assert [one for one in (folder / "build").rglob("*") if one.is_file()] == []
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
def test_sigterm_ends_everything_too(tmp_path: Path) -> None:
    folder = project(tmp_path, {"config": {}}, SLOW)
    with started(folder) as process:
        wait_for("the program", (folder / "started").exists)
        below = descendants(process.pid)
        process.terminate()
        process.communicate(timeout=PATIENCE)
        assert process.returncode == 130
        wait_for("the children to end", lambda: all_gone(below))


@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM"])
def test_a_signal_that_comes_while_a_process_is_started_is_not_lost(tmp_path: Path, how: str) -> None:
    folder = project(tmp_path, {"config": {}}, NETWORK)
    command = f"""
import os, runpy, signal
os.register_at_fork(after_in_parent=lambda: os.kill(os.getpid(), signal.{how}))
runpy.run_module("rehearsal", run_name="__main__", alter_sys=True)
"""
    done = subprocess.run(
        [sys.executable, "-c", command, "test", "--program", str(folder), "--policy-pack", str(SILENT_PACK)],
        cwd=ROOT, env={**os.environ, "NO_COLOR": "1"}, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (130, "")
    assert done.stdout == "interrupted: nothing is left running\n"


def test_ctrl_c_before_anything_is_loaded_shows_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    class Early:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "rehearsal.cli":
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "rehearsal.cli", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Early(), *sys.meta_path])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("rehearsal", run_name="__main__")
    assert ended.value.code == 130


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
def test_a_rehearsal_that_is_killed_takes_everything_with_it(tmp_path: Path) -> None:
    folder = project(tmp_path, {"config": {}}, SLOW)
    with started(folder) as process:
        wait_for("the program", (folder / "started").exists)
        below = descendants(process.pid)
        assert len(below) >= 6, "the cloud, the linter, two packs and two passes"
        process.kill()
        process.wait()
        wait_for("the children to end", lambda: all_gone(below))


def test_refused_settings_are_not_served(tmp_path: Path) -> None:
    folder = project(tmp_path, {"config": {"kumiki:owner": "platform"}})
    with started(folder, "--serve", "--port", "0") as process:
        output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert "kumiki:product: is missing" in output
    assert "The emulated account is at" not in output


def test_an_interrupted_rehearsal_leaves_no_half_report(tmp_path: Path) -> None:
    folder = project(tmp_path, {"config": {}}, SLOW)
    with started(folder, "--json", str(tmp_path / "out.json")) as process:
        wait_for("the program", (folder / "started").exists)
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=PATIENCE)
    assert not list(tmp_path.glob("*out.json*"))


def test_serve_opens_the_deployed_account_until_ctrl_c(tmp_path: Path) -> None:
    folder = project(tmp_path, {"config": {}}, NETWORK)
    with started(folder, "--serve", "--port", "0") as process:
        assert process.stdout is not None
        address = None
        for line in process.stdout:
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                address = found[0]
                break
        assert address is not None
        ec2: Any = boto3.client(
            "ec2", "ap-northeast-1", endpoint_url=address, aws_access_key_id="any", aws_secret_access_key="any"
        )
        endpoints = ec2.describe_vpc_endpoints()["VpcEndpoints"]
        assert [one["ServiceName"] for one in endpoints] == ["com.amazonaws.ap-northeast-1.s3"]
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=PATIENCE)
        assert process.returncode == 0
    port = int(address.rpartition(":")[2])
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_a_taken_port_is_refused_before_anything_runs(tmp_path: Path) -> None:
    folder = project(tmp_path, {"config": {}}, 'open("ran", "w").close()')
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with started(folder, "--serve", "--port", str(port)) as process:
            output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert f"--port {port}: Address already in use" in output
    assert "choose another" in output
    assert not (folder / "ran").exists()
