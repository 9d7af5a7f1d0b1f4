"""A program runs in its own environment: its interpreter, its versions."""

from __future__ import annotations

import json
import sysconfig
import venv
from pathlib import Path

import pytest

from rehearsal import environment
from rehearsal.environment import Environment
from tests.rehearsal.conftest import Rehearse

PROGRAM = """
import sys

import pulumi
import pulumi_aws as aws
import regex

topic = aws.sns.Topic("news")
aws.sns.Topic("copies", tags={"of": topic.arn})
pulumi.export("prefix", sys.prefix)
pulumi.export("regex", regex.__version__)
pulumi.export("arn", topic.arn)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A program and its environment: with Pulumi, and another version of a package that the rehearsal has."""
    place = tmp_path / "surroundings"
    venv.create(place)
    (packages,) = place.glob("lib/python*/site-packages")
    (packages / "others.pth").write_text(sysconfig.get_path("purelib"))
    (packages / "regex.py").write_text("__version__ = 'its own'\n")
    (tmp_path / "Pulumi.yaml").write_text(
        "name: shop\nruntime: {name: python, options: {toolchain: pip, virtualenv: surroundings}}\n"
    )
    (tmp_path / "__main__.py").write_text(PROGRAM)
    return tmp_path


def test_the_programs_own_interpreter_runs_it_with_the_versions_that_it_has(project: Path, rehearse: Rehearse) -> None:
    done = rehearse(project, "dev")

    assert done.status == 0, done.text
    outputs = done.report["outputs"]
    assert outputs["prefix"] == str(project / "surroundings")
    assert outputs["regex"] == "its own"
    assert outputs["arn"].startswith("arn:aws:sns:us-east-1:")
    assert {one["status"] for one in done.report["resources"] if one["type"].startswith("aws:sns")} == {"emulated"}
    # The pack has heard of them, too, and each finding has its line.
    (topic,) = (one for one in done.report["problems"] if one["rule"] == "topic-tls" and one["urn"].endswith("::news"))
    assert (topic["source"]["file"], topic["source"]["line"]) == ("__main__.py", 8)
    assert done.report["gaps"] == []


def python(place: Path, version: tuple[int, int] = (3, 12), **packages: str) -> Path:
    """An interpreter that says of itself what the rehearsal asks."""
    file = place / "bin" / "python"
    file.parent.mkdir(parents=True)
    file.write_text(f"#!/bin/sh\necho '{json.dumps([version, packages])}'\n")
    file.chmod(0o755)
    return file


def said(options: str = "") -> dict[str, object]:
    return {"runtime": {"name": "python", "options": dict(one.split("=") for one in options.split())}}


@pytest.fixture(autouse=True)
def nothing_active(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)


def test_uv_has_it_beside_the_nearest_lock_file(tmp_path: Path) -> None:
    folder = tmp_path / "services" / "shop"
    folder.mkdir(parents=True)
    (folder / "pyproject.toml").touch()
    (tmp_path / "uv.lock").touch()
    own = python(tmp_path / ".venv", pulumi="3.200.0")
    assert environment.of(folder, said("toolchain=uv")).python == own
    (tmp_path / "uv.lock").unlink()
    assert environment.of(folder, said("toolchain=uv")).not_used == ".venv does not exist: `pulumi install` makes it"


def test_poetry_says_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = python(tmp_path / "cache" / "shop-py3.12", pulumi="3.200.0")
    tool = tmp_path / "bin" / "poetry"
    tool.parent.mkdir()
    tool.write_text(f"#!/bin/sh\n[ \"$*\" = 'env info --path' ] && echo {own.parent.parent}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tool.parent), prepend=":")
    assert environment.of(tmp_path, said("toolchain=poetry")).python == own


def test_without_a_name_the_active_one_is_taken_if_it_has_pulumi(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert environment.of(tmp_path, {"runtime": "python"}) == Environment()
    own = python(tmp_path / "active", pulumi="3.200.0")
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "active"))
    assert environment.of(tmp_path, {"runtime": "python"}).python == own
    python(tmp_path / "of something else")
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "of something else"))
    assert environment.of(tmp_path, {"runtime": "python"}) == Environment()


@pytest.mark.parametrize(
    ("version", "packages", "why"),
    [
        ((3, 9), {"pulumi": "3.200.0"}, "venv has Python 3.9; 3.11 is the oldest that a rehearsal runs with"),
        ((3, 12), {"pulumi": "3.94.2"}, "venv has pulumi 3.94.2; 3.130 is the oldest that a rehearsal runs with"),
        ((3, 12), {}, "venv has no pulumi: `pulumi install` installs it"),
    ],
)
def test_one_that_cannot_be_used_is_a_gap_and_no_error(
    tmp_path: Path, version: tuple[int, int], packages: dict[str, str], why: str
) -> None:
    python(tmp_path / "venv", version, **packages)
    found = environment.of(tmp_path, said("virtualenv=venv"))
    assert (found.python, found.not_used) == (None, why)
