"""On which line of a stack file a setting stands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from rehearsal.lines import Line, of_parts, of_setting
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


def test_parts_are_known_by_the_keys_that_name_them(file: Path) -> None:
    file.write_text(
        "config:\n  kumiki:tables:\n    orders: {}\n  kumiki:logArchive: {}\n  other:tables: {users: {}}\n",
        encoding="utf-8",
    )

    assert {name: str(line) for name, line in of_parts(file.parent, file, "kumiki").items()} == {
        "tables": "Pulumi.dev.yaml:2",
        "orders": "Pulumi.dev.yaml:3",
        "log-archive": "Pulumi.dev.yaml:4",
    }


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


SHOP = """
import pulumi


class Table(pulumi.ComponentResource):
    def __init__(self, name):
        super().__init__("shop:data:Table", name)
        aws.sqs.Queue(f"{name}-queue", fifo_queue=True, content_based_deduplication="maybe",
                      opts=pulumi.ResourceOptions(parent=self, provider=provider))


Table("shop-dev-orders")
"""


def test_a_finding_names_the_setting_that_asks_for_its_part(tmp_path: Path, rehearse: Rehearse) -> None:
    config = {"plain:product": "shop", "plain:environment": "dev", "plain:tables": {"users": {}, "orders": {}}}
    folder = project(tmp_path, yaml.safe_dump({"config": config}, sort_keys=False), SHOP)
    done = rehearse(folder, "test", "--profile", "house")

    found = [one for one in done.report["problems"] if one["urn"] and one["urn"].endswith("::shop-dev-orders-queue")]
    lines = (folder / "Pulumi.test.yaml").read_text(encoding="utf-8").splitlines()
    assert found
    for one in found:
        assert lines[one["source"]["setting"]["line"] - 1].strip() == "orders: {}"
    assert "asked for at Pulumi.test.yaml:" in done.text


@pytest.mark.parametrize("text", ["config: [", "config: {a: 1}\nconfig: {}\n"])
def test_a_file_that_is_no_yaml_is_a_finding_in_the_files_too(tmp_path: Path, rehearse: Rehearse, text: str) -> None:
    folder = project(tmp_path, text, PROGRAM)
    done = rehearse(folder, "test", "--sarif", str(tmp_path / "s.json"), "--html", str(tmp_path / "p.html"))

    (problem,) = done.report["problems"]
    assert (done.status, done.report["ok"], problem["kind"]) == (2, False, "settings")
    assert "Pulumi.test.yaml" in problem["message"]
    assert json.loads((tmp_path / "s.json").read_text(encoding="utf-8"))["runs"][0]["results"]
    assert "Pulumi.test.yaml" in (tmp_path / "p.html").read_text(encoding="utf-8")
