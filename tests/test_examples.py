"""The examples of the components, as they stand in the documentation: each runs as a program of its own."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from tests.conftest import ROOT, Recorder
from tests.test_conventions import found

FOLDER = ROOT / "docs" / "examples"
FILES = sorted(FOLDER.glob("*.py"))


def test_every_component_has_an_example() -> None:
    written = {file.stem.replace("_", "") for file in FILES}
    assert [one.__name__ for one in found() if one.__name__.lower() not in written] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_example_makes_the_component_that_it_is_of(file: Path, recorder: Recorder) -> None:
    recorder.run(lambda: runpy.run_path(str(file)) and None)
    made = {each.type.rpartition(":")[2].lower() for each in recorder.resources if each.type.startswith("kumiki:")}
    assert file.stem.replace("_", "") in made
    assert any(each.type.startswith("aws:") and each.parent for each in recorder.resources)
