"""The runbooks: every command in them is one that AWS has, with options that it has, and they name what exists."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable

import botocore.session
import pytest
from botocore import xform_name
from botocore.model import StructureShape

from tests.rehearsal.conftest import ROOT, Rehearsed

RUNBOOKS = sorted((ROOT / "docs" / "runbooks").glob("*.md"))
COMMANDS = [
    pytest.param(line.strip(), id=f"{path.stem}-{number}")
    for path in RUNBOOKS
    for number, line in enumerate(re.findall(r"^\s*(aws .*)$", path.read_text(encoding="utf-8"), re.MULTILINE))
]
GLOBAL = {"region"}
# The AWS CLI calls S3's plain operations so.
SERVICES = {"s3api": "s3"}


def wrong(command: str) -> list[str]:
    """What AWS would not understand of a command of its CLI."""
    words = shlex.split(command)
    service, verb = words[1], words[2]
    session = botocore.session.get_session()
    model = session.get_service_model(SERVICES.get(service, service))
    if verb == "wait":
        waiter = session.get_waiter_model(SERVICES.get(service, service)).get_waiter(_camel(words[3]))
        operation = waiter.operation
    else:
        operation = next((name for name in model.operation_names if xform_name(name, "-") == verb), "")
    if not operation:
        return [f"{service} has no {verb}"]
    shape = model.operation_model(operation).input_shape
    assert isinstance(shape, StructureShape)
    options = {xform_name(name, "-"): name for name in shape.members}
    given = {word[2:] for word in words if word.startswith("--")} - GLOBAL
    known = {option for option in given if option in options or option.removeprefix("no-") in options}
    missing = {name for name in shape.required_members if xform_name(name, "-") not in given}
    return [*(f"no option --{option}" for option in given - known), *(f"lacks {name}" for name in missing)]


def _camel(words: str) -> str:
    special = {"db": "DB"}
    return "".join(special.get(word, word.capitalize()) for word in words.split("-"))


@pytest.mark.covers("D16")
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_one_that_aws_has(command: str) -> None:
    assert wrong(command) == []


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        ("aws rds restore-cluster --x 1", "rds has no restore-cluster"),
        ("aws dynamodb describe-table --table kumiki", "no option --table"),
        ("aws dynamodb describe-table", "lacks TableName"),
    ],
)
def test_a_command_that_aws_does_not_have_is_found(command: str, fault: str) -> None:
    assert fault in wrong(command)


@pytest.mark.covers("D16")
def test_the_runbook_of_restores_names_what_prod_has(rehearsed: Callable[[str], Rehearsed]) -> None:
    made = {
        value
        for one in rehearsed("prod").report["resources"]
        for key, value in one["inputs"].items()
        if key in {"name", "clusterIdentifier", "identifier"} and isinstance(value, str)
    }
    text = (ROOT / "docs" / "runbooks" / "restore.md").read_text(encoding="utf-8")
    named = {name for name in re.findall(r"\bkumiki-prod-[a-z0-9-]+", text) if not name.endswith(("restored", "wrong"))}
    assert {name for name in named if not name.startswith("kumiki-prod-database-restored")} <= made
    assert "kumiki-prod-backup-vault" in named
