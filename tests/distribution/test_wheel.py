"""What somebody gets who installs the project: a command, the components, and nothing besides."""

from __future__ import annotations

import json
import re
import tomllib
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from kumiki.__main__ import COMMANDS
from tests.conftest import ROOT
from tests.distribution.conftest import Kumiki

CALENDAR = {"boto3-stubs", "pip", "regex"}
"""Versions of these are not promises of what stays as it is."""

PROGRAM = """
import pulumi
from costs import LIMIT

from kumiki.components import Key, KeyArgs, Queue, QueueArgs

key = Key("shop-dev-data", KeyArgs(description="What the shop has at rest"))
Queue("shop-dev-jobs", QueueArgs(consumer_timeout_seconds=LIMIT), key=key)
"""


def test_the_wheel_has_one_import_name_and_every_file_that_its_parts_read(wheel: Path) -> None:
    mapped = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    folders = {name: mapped["sources"].get(name, name) for name in mapped["only-include"]}
    names = set(zipfile.ZipFile(wheel).namelist())
    expected = {
        f"{place}/{path.relative_to(ROOT / folder).as_posix()}"
        for folder, place in folders.items()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in names if not name.startswith("kumiki-")} == expected
    assert {name.split("/")[0] for name in expected} == {"kumiki"}
    assert "kumiki/py.typed" in expected
    modules = {f"{place.removeprefix('kumiki/parts/').removesuffix('.py').replace('/', '.')}" for place in expected}
    assert {module for module, _ in COMMANDS.values()} <= modules


def test_what_the_wheel_requires_is_what_the_tests_ran_with_up_to_the_next_major_version(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    required = [Requirement(one) for one in message_from_bytes(archive.read(metadata)).get_all("Requires-Dist") or []]
    pinned = dict(re.findall(r"^([\w-]+)(?:\[.*\])?==([\w.]+)", (ROOT / "requirements/dev.txt").read_text(), re.M))
    assert {"pulumi", "pulumi-aws", "moto", "typer"} <= {one.name for one in required}
    for one in required:
        version = pinned[one.name]
        assert one.specifier.contains(version), one
        major = int(version.split(".")[0])
        assert one.name in CALENDAR or not one.specifier.contains(f"{major + 1}.0"), f"{one} allows the next major"


@pytest.mark.rehearsal
def test_the_installed_command_rehearses_a_program_with_no_repository_beside_it(kumiki: Kumiki, tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (tmp_path / "__main__.py").write_text(PROGRAM)
    # Of the same name as a part of the command.
    (tmp_path / "costs.py").write_text("LIMIT = 30\n")

    done = kumiki("rehearse", "--json", "report.json", "--html", "report.html", folder=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    made = {one["type"]: one["status"] for one in report["resources"]}
    assert made["aws:sqs/queue:Queue"] == "emulated"
    assert "kumiki:messaging:Queue" in made
    assert report["problems"] == []
    assert "<svg" in (tmp_path / "report.html").read_text()


def test_the_installed_command_says_what_only_the_repository_has(kumiki: Kumiki, tmp_path: Path) -> None:
    refused = kumiki("schema", folder=tmp_path)
    assert (refused.returncode, refused.stderr.splitlines()[0]) == (
        2,
        "error schema stack: only a checkout of the repository has stack files",
    )
    assert json.loads(kumiki("schema", "report", folder=tmp_path).stdout)["$schema"]
