"""`--watch`: what a change of a file shows, that mistakes are shown and watching goes on, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from rehearsal.changes import is_whole, problem_changes, resource_changes
from rehearsal.preload import services, sources
from tests.conftest import PATIENCE
from tests.rehearsal.conftest import ROOT, SILENT_PACK, project
from tests.rehearsal.test_processes import all_gone, descendants, wait_for

PROGRAM = """
from helper import CIDR
vpc = aws.ec2.Vpc("vpc", cidr_block=CIDR, opts=opts)
aws.sqs.Queue("jobs", delay_seconds=pulumi.Config().require_int("delay"), opts=opts)
"""


class Watched:
    """A rehearsal that watches, and what it has said."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self._said = folder.parent / "said"
        watch = [*command, "test", "--watch", "--program", str(folder)]
        with self._said.open("w") as said:
            self.process = subprocess.Popen(
                [*watch, "--policy-pack", str(SILENT_PACK), "--json", str(folder / "report.json")],
                cwd=ROOT,
                env={**os.environ, "COLUMNS": "300", "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._read = 0

    def next(self) -> str:
        """What the next rehearsal says, once it is over and the files are watched again."""
        wait_for("the next rehearsal", lambda: "Ctrl-C ends it" in self._said.read_text()[self._read :])
        text = self._said.read_text()[self._read :]
        self._read += len(text)
        return text

    def rest(self) -> str:
        return self._said.read_text()[self._read :]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
def test_each_change_is_shown_and_ctrl_c_ends_everything(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "project").mkdir()
    folder = project(tmp_path / "project", {"config": {"plain:delay": 5}}, PROGRAM)
    (folder / "helper.py").write_text('CIDR = "10.0.0.0/16"\n')
    watched = Watched(command, folder)
    try:
        assert "ok · " in watched.next(), "the first rehearsal shows its report"

        (folder / "helper.py").write_text('CIDR = "10.20.0.0/16"\n')
        text = watched.next()
        assert "helper.py changed" in text
        assert '~ ec2 Vpc vpc: cidrBlock "10.0.0.0/16" → "10.20.0.0/16"' in text, "a changed module is loaded anew"
        assert "sqs Queue" not in text

        (folder / "Pulumi.test.yaml").write_text("config: {plain:delay: 5}}\n")
        assert "error settings: Pulumi.test.yaml, line 1" in watched.next()

        (folder / "helper.py").write_text("CIDR = (\n")
        (folder / "Pulumi.test.yaml").write_text("config: {plain:delay: 7}\n")
        text = watched.next()
        assert "solved settings: Pulumi.test.yaml, line 1" in text
        assert "error program: helper.py, line 1" in text

        (folder / "helper.py").write_text('CIDR = "10.20.0.0/16"\n')
        text = watched.next()
        assert "solved program: helper.py, line 1" in text
        assert "~ sqs Queue jobs: delaySeconds 5 → 7" in text
        assert "ec2 Vpc" not in text, "compared with the last program that reached its end"
        assert json.loads((folder / "report.json").read_text())["ok"] is True

        below = descendants(watched.process.pid)
        os.killpg(watched.process.pid, signal.SIGINT)
        assert watched.process.wait(PATIENCE) == 0, "the status of the last rehearsal"
        assert watched.rest().strip() == "no longer watching: nothing is left running"
        wait_for("the children to end", lambda: all_gone(below))
    finally:
        if watched.process.poll() is None:
            os.killpg(watched.process.pid, signal.SIGKILL)
            watched.process.wait()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_rehearsal_under_way_ends_with_the_process_that_watches(
    tmp_path: Path, command: list[str], end: signal.Signals
) -> None:
    (tmp_path / "project").mkdir()
    folder = project(
        tmp_path / "project", {"config": {}}, 'open("started", "w").close()\nimport time\ntime.sleep(1000)\n'
    )
    watched = Watched(command, folder)
    try:
        wait_for("the program", (folder / "started").exists)
        below = descendants(watched.process.pid)
        assert len(below) >= 5, "the rehearsal, its cloud, its linter and two passes"
        watched.process.send_signal(end)
        watched.process.wait(PATIENCE)
        wait_for("the children to end", lambda: all_gone(below))
        assert "Traceback" not in watched.rest()
    finally:
        if watched.process.poll() is None:
            os.killpg(watched.process.pid, signal.SIGKILL)
            watched.process.wait()


def test_watch_and_serve_exclude_each_other(command: list[str]) -> None:
    done = subprocess.run(
        [*command, "dev", "--watch", "--serve"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "--watch and --serve exclude each other" in done.stdout) == (2, True)


# --- What changed -------------------------------------------------------------------------------------------------


def resource(name: str, type_: str = "aws:sqs/queue:Queue", **inputs: Any) -> dict[str, Any]:
    return {"urn": f"urn:pulumi:t::p::{type_}::{name}", "type": type_, "name": name, "inputs": inputs, "protect": False}


def report(*resources: dict[str, Any], problems: tuple[dict[str, Any], ...] = (), **outputs: Any) -> dict[str, Any]:
    return {"resources": list(resources), "problems": list(problems), "outputs": outputs}


def test_resources_are_added_removed_and_changed_by_property() -> None:
    before = report(resource("a", delaySeconds=1, tags={"One": "1", "Two": "2"}), resource("b"), url="x")
    after = report(resource("a", delaySeconds=2, tags={"One": "1"}, fifoQueue=True), resource("c"), url="y")

    assert list(resource_changes(before, after)) == [
        ("~", 'sqs Queue a: delaySeconds 1 → 2; fifoQueue nothing → true; tags.Two "2" → nothing'),
        ("-", "sqs Queue b"),
        ("+", "sqs Queue c"),
        ("~", 'outputs: url "x" → "y"'),
    ]
    assert list(resource_changes(before, before)) == []


def test_documents_are_compared_as_what_they_say() -> None:
    before = resource("q", policy='{"Statement": [{"Effect": "Allow", "Action": "sqs:*"}]}')
    spaced = resource("q", policy='{"Statement":[{"Action":"sqs:*","Effect":"Allow"}]}')
    other = resource("q", policy='{"Statement": [{"Effect": "Deny", "Action": "sqs:*"}]}')

    assert list(resource_changes(report(before), report(spaced))) == []
    assert list(resource_changes(report(before), report(other))) == [
        ("~", 'sqs Queue q: policy.Statement[0].Effect "Allow" → "Deny"')
    ]


def test_of_many_changes_the_rest_is_counted() -> None:
    many = [resource(f"queue-{number:02}") for number in range(50)]
    changes = list(resource_changes(report(), report(*many)))
    assert (len(changes), changes[-1]) == (41, (" ", "… and 10 more"))
    wide = resource("q")
    wide["inputs"] = {f"p{number}": number for number in range(9)}
    assert next(iter(resource_changes(report(resource("q")), report(wide))))[1].endswith("; … and 3 more")


def test_problems_are_new_or_solved() -> None:
    one, two, three = ({"kind": "lint", "level": "error", "message": text} for text in "abc")
    new, solved = problem_changes(report(problems=(one, two)), report(problems=(two, three)))
    assert (new, solved) == ([three], [one])


def test_a_report_is_whole_if_the_program_reached_its_end() -> None:
    found = {"kind": "lint", "level": "error", "message": "m"}
    assert is_whole(report(problems=(found,)))
    assert not is_whole(report(problems=({**found, "kind": "program"},)))
    assert not is_whole({"problems": [found]})


def test_what_a_program_imports_is_found_by_its_source(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "__main__.py").write_text(
        "import os\nfrom parts.queue import make\nimport pulumi_aws as aws\naws.s3.Bucket('b')\n"
    )
    (tmp_path / "parts" / "queue.py").write_text("import helper\nfrom pulumi_aws import sqs, sns as topics\n")
    (tmp_path / "helper.py").write_text("import pulumi_aws as aws\nkey = aws.kms.Key('k')\n")
    (tmp_path / "unused.py").write_text("import pulumi_aws as aws\naws.rds.Cluster('c')\n")

    main = tmp_path / "__main__.py"
    assert {path.name for path in sources(main)} == {"__main__.py", "queue.py", "helper.py"}
    assert {"s3", "sqs", "sns", "kms"} <= services(main)
    assert "rds" not in services(main)
