"""The runbooks: every command in them is one that AWS has, with options that it has, and they name what exists."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable

import botocore.session
import pytest

from tests.rehearsal.aws_commands import blocks, commands, wrong
from tests.rehearsal.conftest import ROOT, Rehearsed

RUNBOOKS = sorted((ROOT / "docs" / "runbooks").glob("*.md"))
COMMANDS = [
    pytest.param(words, id=f"{path.stem}-{number}")
    for path in RUNBOOKS
    for number, words in enumerate(
        words for block in blocks(path.read_text(encoding="utf-8")) for words in commands(block)
    )
]


@pytest.mark.covers("D16")
@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_is_one_that_aws_has(words: list[str]) -> None:
    assert wrong(words) == []


@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.stem)
def test_no_command_is_overlooked(path: object) -> None:
    """Whatever stands before a command in its line."""
    for block in blocks(path.read_text(encoding="utf-8")):  # pyright: ignore[reportAttributeAccessIssue]
        assert len(list(commands(block))) == len(re.findall(r"(?<![\w/-])aws (?=[a-z])", block)), block


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        ("aws rds restore-cluster --x 1", "rds has no restore-cluster"),
        ("aws rds wait cluster-restored", "rds has no wait cluster-restored"),
        ("aws opensearch-serverless create-index", "opensearch-serverless has no create-index"),
        ("aws dynamodb describe-table --table kumiki", "no option --table"),
        ("aws dynamodb describe-table", "lacks TableName"),
    ],
)
def test_a_command_that_aws_does_not_have_is_found(command: str, fault: str) -> None:
    assert fault in wrong(shlex.split(command))


@pytest.mark.parametrize(
    ("line", "verbs"),
    [
        ("until aws rds wait db-cluster-available --x y; do sleep 30; done", ["wait"]),
        ("A=$(aws s3api get-object --key 'a|b;(c') && echo $A", ["get-object"]),
        ("jq . | while read -r x; do aws dynamodb scan --table-name x; done", ["scan"]),
        ("aws sts get-caller-identity | aws iam get-user > aws.json", ["get-caller-identity", "get-user"]),
        ("echo aws is a name", []),
    ],
)
def test_commands_are_found_wherever_they_stand(line: str, verbs: list[str]) -> None:
    assert [words[2] for words in commands(line)] == verbs


@pytest.mark.covers("D16")
def test_a_name_that_was_just_given_is_asked_for_until_it_is_there() -> None:
    """RDS renames within minutes (docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_RenameInstance.html), and the
    waiters of AWS's SDK end with an error for a name that RDS does not know."""
    for waiter in ("DBClusterAvailable", "DBInstanceAvailable"):
        acceptors = botocore.session.get_session().get_waiter_model("rds").get_waiter(waiter).acceptors
        assert {each.matcher for each in acceptors} <= {"pathAll", "pathAny"}, "knows errors now: the loops may go"
    for path in RUNBOOKS:
        lines = path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines):
            for kind, name in re.findall(r"--new-db-(cluster|instance)-identifier (\S+)", line):
                asked = f"until aws rds wait db-{kind}-available --db-{kind}-identifier {name}; do sleep 30; done"
                assert asked in lines[number:], line
                assert f"aws rds wait db-{kind}-available --db-{kind}-identifier {name}" not in lines, line


@pytest.mark.covers("D16")
def test_the_runbook_of_restores_names_what_prod_has(rehearsed: Callable[[str], Rehearsed]) -> None:
    made = {
        value
        for one in rehearsed("prod").report["resources"]
        for key, value in one["inputs"].items()
        if key in {"name", "clusterIdentifier", "identifier"} and isinstance(value, str)
    }
    text = (ROOT / "docs" / "runbooks" / "restore.md").read_text(encoding="utf-8")
    # What the commands themselves make, or rename to, is not there before. A part of a URN is Pulumi's name for it.
    made |= {one["name"] for one in rehearsed("prod").report["resources"]}
    named = {name for name in re.findall(r"\bkumiki-prod-[a-z0-9-]+", text) if not name.endswith("restored")}
    assert {name for name in named if not re.match(r"kumiki-prod-database-(restored|wrong|before)", name)} <= made
    assert "kumiki-prod-backup-vault" in named
