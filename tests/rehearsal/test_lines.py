"""On which line of a stack file a setting stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal.lines import Line, of_setting
from rehearsal.problems import Problem
from tests.rehearsal.conftest import Rehearse, project

FILE = """config:
  aws:region: eu-west-1
  kumiki:tables:
    orders:
      billing: none
      indexes:
        - name: by-user
        - name: by-day
  shop:size: 2
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "Pulumi.dev.yaml"
    path.write_text(FILE, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("kumiki:tables", 3),
        ("kumiki:tables.orders", 4),
        ("kumiki:tables.orders.billing", 5),
        ("kumiki:tables.orders.indexes[1].name", 8),
        ("shop:size", 9),
        ("aws:region", 2),
        # What is missing belongs into what is there.
        ("kumiki:tables.orders.hashKey", 4),
        ("kumiki:tables.orders.indexes[7]", 6),
    ],
)
def test_a_key_stands_on_its_line(file: Path, key: str, line: int) -> None:
    assert of_setting(file.parent, file, key) == Line("Pulumi.dev.yaml", line)


@pytest.mark.parametrize("key", ["kumiki:queues", "size", "", "kumiki:"])
def test_what_the_file_has_nothing_of_stands_nowhere(file: Path, key: str) -> None:
    assert of_setting(file.parent, file, key) is None


@pytest.mark.parametrize("text", ["", "- 1", "config: 3", "config: [", "\x00"])
def test_a_file_that_is_no_stack_file_has_no_lines(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")

    assert of_setting(file.parent, file, "kumiki:tables") is None


def test_a_problem_says_where_it_is_in_the_report() -> None:
    assert Problem(kind="program", message="").as_json()["source"] is None


PROGRAM = """
import pulumi


class Wrong:
    def __init__(self, key, message, value):
        self.key, self.message, self.value = key, message, value


class Invalid(pulumi.RunError):
    mistakes = [Wrong("shop:size", "'tall' must be a number", "'tall'")]


raise Invalid("shop:size: 'tall' must be a number")
"""


def test_a_mistake_in_the_settings_is_told_by_key_value_and_line(tmp_path: Path, rehearse: Rehearse) -> None:
    done = rehearse(project(tmp_path, {"config": {"aws:region": "eu-west-1", "shop:size": "tall"}}, PROGRAM), "test")

    (problem,) = done.report["problems"]
    assert done.status == 2
    assert problem["mistakes"] == [
        {"key": "shop:size", "value": "'tall'", "message": "'tall' must be a number", "line": 3}
    ]
    assert (problem["source"]["file"], problem["source"]["line"]) == ("Pulumi.test.yaml", 3)
    assert "Pulumi.test.yaml:3" in done.text
