"""`python -m changes`: revisions, reports, exported states, and what is wrong with them."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from changes import sides
from changes.__main__ import FINE, REFUSED, app
from costs.ending import USAGE
from rehearsal.marks import REPORT_VERSION
from tests.rehearsal.conftest import Rehearse

PROGRAM = """
import pulumi
import pulumi_aws as aws

table = aws.dynamodb.Table(
    "orders", hash_key="KEY", attributes=[{"name": "KEY", "type": "S"}], billing_mode="PAY_PER_REQUEST"
)
bucket = aws.s3.Bucket("files", tags={"Owner": "OWNER"})
"""


def program(key: str = "id", owner: str = "me") -> str:
    return PROGRAM.replace("KEY", key).replace("OWNER", owner)


def diff(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["dev", "--program", str(folder), *arguments])


def _git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    return subprocess.run(
        ["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: app\nruntime: python\n")
    (folder / "Pulumi.dev.yaml").write_text("config:\n  aws:region: ap-northeast-1\n")
    (folder / "__main__.py").write_text(program())
    (folder / ".gitignore").write_text("/build/\n")
    _git(folder, "init", "--quiet", "--initial-branch=main")
    _git(folder, "add", "-A")
    _git(folder, "commit", "--quiet", "-m", "first")
    return folder


def test_a_revision_against_what_is_not_committed_yet(
    project: Path,
    rehearse: Rehearse,  # noqa: ARG001 not quick
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Other tests may write beside the sources meanwhile.
    monkeypatch.setattr(sides, "_own_tree", lambda: sides.git(sides.ROOT, "rev-parse", "HEAD^{tree}"))
    (project / "__main__.py").write_text(program(key="order", owner="you"))
    (project / "another.txt").write_text("never read")
    written = [project.parent / name for name in ("d.json", "d.md", "d.html")]
    files = [f"--{option}={path}" for option, path in zip(("json", "markdown", "html"), written, strict=True)]
    done = diff(project, "--against", "main", *files)

    assert done.exit_code == REFUSED, done.output
    assert done.output.startswith("refused: dev against main (")
    report = json.loads(written[0].read_text())
    kinds = {one["name"]: one["kind"] for one in report["changes"]}
    assert kinds == {"orders": "replace", "files": "update"}
    orders = report["changes"][0]
    assert orders["data_loss"] is True
    assert {one["path"]: one["effect"] for one in orders["properties"]}["hashKey"] == "replace"
    assert report["counts"]["errors"] == 1
    assert "**orders**" in written[1].read_text()
    # What is replaced is in the picture, in its colour; so it is in the page.
    place = re.search(r'(n\d+)\["orders<br/>dynamodb Table"\]', report["picture"])
    assert place is not None
    assert f"class {place[1]} replace" in report["picture"]
    assert re.search(r'data-change="replace"><title>dynamodb Table orders</title>', written[2].read_text())
    # Its verdict is that of the change, and says why.
    assert "<title>dev: failed</title>" in written[2].read_text()
    assert report["problems"][0]["rule"] in written[2].read_text()
    # Neither the folder of the other side nor its entry in the repository stays.
    assert _git(project, "worktree", "list").count("\n") == 0

    kept = sorted(path.name for path in (project / "build" / "changes").iterdir())
    assert len(kept) == 2
    again = diff(project, "--against", "main")
    assert (again.exit_code, again.output) == (REFUSED, done.output)
    assert sorted(path.name for path in (project / "build" / "changes").iterdir()) == kept
    quiet = diff(project, "--against", "main", "-q")
    assert quiet.exit_code == REFUSED
    assert done.output.startswith(quiet.output)
    assert "error [change-data-loss]" in quiet.output
    assert "files" in done.output
    assert "files" not in quiet.output


def test_of_a_stack_that_the_other_side_does_not_have_all_is_new(project: Path, rehearse: Rehearse) -> None:  # noqa: ARG001 not quick
    (project / "Pulumi.dev.yaml").rename(project / "Pulumi.old.yaml")
    _git(project, "add", "-A")
    _git(project, "commit", "--quiet", "-m", "another stack")
    (project / "Pulumi.old.yaml").rename(project / "Pulumi.dev.yaml")
    done = diff(project, "--against", "HEAD")

    assert (done.exit_code, "2 created" in done.output) == (FINE, True), done.output


def test_nothing_changed(project: Path, rehearse: Rehearse) -> None:  # noqa: ARG001 not quick
    done = diff(project)

    assert (done.exit_code, "nothing changes" in done.output) == (FINE, True), done.output


def test_the_errors_of_the_other_side_are_its_own(project: Path, rehearse: Rehearse) -> None:  # noqa: ARG001 not quick
    (project / "__main__.py").write_text("raise RuntimeError('half done')\n")
    _git(project, "commit", "--quiet", "-am", "broken")
    (project / "__main__.py").write_text(program())
    done = diff(project, "--against", "HEAD")

    assert done.exit_code == USAGE
    assert "HEAD (" in done.output
    assert "half done" in done.output
    assert "Traceback" not in done.output
    # What did not deploy may do so when something changes that git does not see.
    assert len(list((project / "build" / "changes").iterdir())) <= 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--against", "no-such-branch"], "there is no such revision"),
        (["--against", "--output=x"], "there is no such revision"),
        (["--against", "missing.json"], "there is no file missing.json"),
        (["--against", "main", "--against-stack", "dev"], "exclude each other"),
        (["--against-stack", "nowhere"], "there is no stack 'nowhere'"),
        (["--json", "no/such/folder/d.json"], "does not exist"),
        (["--json", "/"], "/ is a folder"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_rehearsed(project: Path, arguments: list[str], said: str) -> None:
    done = diff(project, *arguments)

    assert (done.exit_code, said in " ".join(done.output.split())) == (USAGE, True), done.output


def test_where_there_are_no_revisions_a_report_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_text("config: {}\n")
    done = diff(tmp_path, "--against", "main")

    assert (done.exit_code, "--against FILE" in done.output) == (USAGE, True), done.output


def test_a_program_may_lie_deeper_in_its_repository(project: Path, rehearse: Rehearse) -> None:  # noqa: ARG001 not quick
    deep = project / "deep"
    deep.mkdir()
    for name in ("Pulumi.yaml", "Pulumi.dev.yaml", "__main__.py"):
        (project / name).rename(deep / name)
    _git(project, "add", "-A")
    _git(project, "commit", "--quiet", "-m", "deeper")
    done = diff(deep, "--against", "main")

    assert (done.exit_code, "nothing changes" in done.output) == (FINE, True), done.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--phases", "--against", "main"], "--phases and --against exclude each other"),
        (["--phases", "--reverse"], "--phases and --reverse exclude each other"),
    ],
)
def test_phases_are_of_a_stack_that_grows_and_of_nothing_else(project: Path, arguments: list[str], said: str) -> None:
    done = diff(project, *arguments)
    assert done.exit_code == USAGE
    assert said in done.output


def test_a_stack_that_does_not_grow_is_said_not_to(project: Path) -> None:
    (project / "Pulumi.still.yaml").write_text("config: {}\n", encoding="utf-8")
    done = CliRunner().invoke(app, ["still", "--program", str(project), "--phases"])

    assert done.exit_code == USAGE
    assert "stack still does not grow: nothing in it comes after the first phase" in done.output


@pytest.mark.covers("B22")
def test_two_reports_need_no_rehearsal(tmp_path: Path) -> None:
    def write(name: str, **given: Any) -> Path:
        table = {
            "urn": "urn:pulumi:dev::app::aws:dynamodb/table:Table::orders",
            "type": "aws:dynamodb/table:Table",
            "name": "orders",
            "custom": True,
            "status": "emulated",
            "parent": "",
            "id": "orders",
            "inputs": given,
            "outputs": given,
            "region": "ap-northeast-1",
            "property_dependencies": {},
            **dict.fromkeys(("protect", "retain_on_delete", "delete_before_replace"), False),
            **{key: [] for key in ("depends_on", "aliases", "ignore_changes", "replace_on_changes")},
        }
        content = {
            "version": REPORT_VERSION,
            "project": "app",
            "stack": "dev",
            "region": None,
            "problems": [],
            "resources": [table],
        }
        path = tmp_path / name
        path.write_text(json.dumps(content))
        return path

    old, new = write("old.json", hashKey="a"), write("new.json", hashKey="b")
    forth = diff(tmp_path, "--against", str(old), "--report", str(new))
    back = diff(tmp_path, "--against", str(old), "--report", str(new), "--reverse")

    assert (forth.exit_code, back.exit_code) == (REFUSED, REFUSED)
    assert 'hashKey: "a" → "b"' in forth.output
    assert 'hashKey: "b" → "a"' in back.output


# Exported states.


def _state(report: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """The state that the engine would export of the stack that a report tells of."""
    keys = {
        "urn": "urn",
        "type": "type",
        "custom": "custom",
        "parent": "parent",
        "id": "id",
        "inputs": "inputs",
        "outputs": "outputs",
        "depends_on": "dependencies",
        "property_dependencies": "propertyDependencies",
        "protect": "protect",
    }
    resources = [{theirs: one[mine] for mine, theirs in keys.items()} for one in report["resources"]]
    return {"version": 3, "deployment": {"resources": resources, **changed}}


@pytest.fixture
def exported(project: Path, rehearse: Rehearse) -> Callable[..., Path]:
    done = rehearse(project, "dev")

    def write(**changed: Any) -> Path:
        path = project / "state.json"
        path.write_text(json.dumps(_state(done.report, **changed)))
        return path

    return write


def test_the_state_of_an_account_needs_no_login(project: Path, exported: Callable[..., Path]) -> None:
    assert diff(project, "--against", str(exported())).exit_code == FINE
    (project / "__main__.py").write_text(program(key="order"))
    done = diff(project, "--against", str(exported()))

    assert done.exit_code == REFUSED
    assert "the table orders would be replaced (changed: hashKey)" in done.output


def test_a_state_in_the_middle_of_something_is_refused(project: Path, exported: Callable[..., Path]) -> None:
    pending = [{"type": "creating", "resource": {"urn": "urn:pulumi:dev::app::aws:s3/bucket:Bucket::files"}}]
    done = diff(project, "--against", str(exported(pending_operations=pending)))

    assert (done.exit_code, "pulumi refresh" in done.output) == (USAGE, True)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "cannot be read as JSON"),
        ("[]", "neither a report nor an exported state"),
        ('{"deployment": "none"}', "no state of this kind of backend"),
        (
            '{"deployment": {"resources": [{"urn": "urn:pulumi:prod::app::pulumi:pulumi:Stack::s", "type": "t"}]}}',
            "the state of stack 'prod'",
        ),
        ('{"resources": [], "stack": "dev", "problems": []}', "a report of version 1"),
        (
            f'{{"version": {REPORT_VERSION}, "resources": [], "stack": "prod", "problems": []}}',
            "a report of stack 'prod'",
        ),
        (
            f'{{"version": {REPORT_VERSION}, "resources": [{{}}], "stack": "dev", "project": "app", "problems": []}}',
            "is damaged",
        ),
        (f'{{"version": {REPORT_VERSION}, "resources": []}}', "is damaged"),
        (
            f'{{"version": {REPORT_VERSION}, "project": "kumiki", "stack": "dev", "problems": [], "resources": []}}',
            "is damaged: KeyError 'region'",
        ),
        ('{"deployment": {"resources": [1]}}', "is damaged"),
        ('{"deployment": {"resources": [{"urn": "urn"}]}}', "is damaged"),
    ],
)
def test_a_file_that_is_none_of_both_is_refused(project: Path, content: str, said: str) -> None:
    path = project / "other.json"
    path.write_text(content)
    done = diff(project, "--against", str(path))

    assert (done.exit_code, said in " ".join(done.output.split())) == (USAGE, True), done.output


def test_a_side_with_other_pins_gets_an_environment_of_its_own(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    rehearse: Rehearse,  # noqa: ARG001 not quick
) -> None:
    (project / "requirements").mkdir()
    (project / "requirements" / "dev.txt").write_text("boto3==1.0\n")
    # Stands in for the project's own script, which would ask the package index.
    (project / "requirements" / "sync.py").write_text(
        "import os, pathlib, sys\n"
        "stamp = pathlib.Path(sys.argv[1])\n"
        "(stamp.parent / 'bin').mkdir(parents=True)\n"
        "python = stamp.parent / 'bin' / 'python'\n"
        'python.write_text(f\'#!/bin/sh\\necho its own >> {os.environ["SEEN"]}\\nexec {sys.executable} "$@"\\n\')\n'
        "python.chmod(0o755)\n"
    )
    _git(project, "add", "-A")
    _git(project, "commit", "--quiet", "-m", "older pins")
    (project / "requirements" / "dev.txt").write_text("boto3==2.0\n")
    seen = project.parent / "seen"
    monkeypatch.setenv("SEEN", str(seen))
    done = diff(project, "--against", "HEAD")

    assert done.exit_code == FINE, done.output
    assert seen.read_text() == "its own\n"

    (project / "requirements" / "sync.py").write_text("raise SystemExit('no index here')\n")
    _git(project, "commit", "--quiet", "-am", "no index")
    (project / "requirements" / "dev.txt").write_text("boto3==3.0\n")
    refused = diff(project, "--against", "HEAD")

    assert refused.exit_code == USAGE
    assert "no index here" in refused.output
