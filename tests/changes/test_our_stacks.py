"""Changes of our own development stack, made in its report: what each would do."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from rich.console import Console

from changes import show
from changes.__main__ import judged
from changes.show import Comparison
from changes.sides import report
from tests.rehearsal.conftest import Rehearsed, rehearsed  # noqa: F401 a fixture

Content = dict[str, Any]


@pytest.fixture
def change(request: pytest.FixtureRequest) -> Callable[[Callable[[Content], None]], Comparison]:
    """The development stack against itself with an edit."""
    before: Rehearsed = request.getfixturevalue("rehearsed")("dev")

    def compare(edit: Callable[[Content], None]) -> Comparison:
        after = copy.deepcopy(before.report)
        edit(after)
        return judged(report(before.report, "main", "dev"), report(after, "this tree", "dev"))

    return compare


def of_type(content: Content, ending: str) -> Iterator[Content]:
    return (one for one in content["resources"] if one["type"].endswith(ending) and one["custom"])


def kinds(comparison: Comparison) -> dict[str, str]:
    return {one.name: one.kind for one in comparison.changes}


def test_a_tag_more_touches_nothing_else(change: Callable[..., Comparison]) -> None:
    def edit(content: Content) -> None:
        for one in content["resources"]:
            if isinstance(one["inputs"].get("tags"), dict):
                one["inputs"]["tags"]["CostCentre"] = "42"

    found = change(edit)

    assert {one.kind for one in found.changes} == {"update"}
    assert {each.path for one in found.changes for each in one.properties} == {"tags.CostCentre"}
    assert found.problems == []


def test_another_image_restarts_the_services_that_run_it(change: Callable[..., Comparison]) -> None:
    def edit(content: Content) -> None:
        for one in of_type(content, ":TaskDefinition"):
            containers = json.loads(one["inputs"]["containerDefinitions"])
            for container in containers:
                container["image"] = container["image"].replace(":0.1.0", ":0.2.0")
            one["inputs"]["containerDefinitions"] = json.dumps(containers)

    found = change(edit)

    assert kinds(found) == {
        "kumiki-dev-api-task-definition": "replace",
        "kumiki-dev-worker-task-definition": "replace",
        "kumiki-dev-api-service": "update",
        "kumiki-dev-worker-service": "update",
    }
    assert found.problems == []
    paths = [each.path for one in found.changes if one.kind == "replace" for each in one.properties]
    assert all(path.endswith(".image") for path in paths), paths


def test_another_name_of_a_tier_moves_what_stands_in_it(change: Callable[..., Comparison]) -> None:
    def edit(content: Content) -> None:
        text = json.dumps(content["resources"])
        content["resources"] = json.loads(text.replace("network-isolated-subnet", "network-data-subnet"))

    found = kinds(change(edit))

    assert {name: kind for name, kind in found.items() if "-subnet-" in name} == {
        "kumiki-dev-network-data-subnet-1": "create",
        "kumiki-dev-network-data-subnet-2": "create",
        "kumiki-dev-network-isolated-subnet-1": "delete",
        "kumiki-dev-network-isolated-subnet-2": "delete",
    }


def test_a_section_with_data_does_not_go_unseen(change: Callable[..., Comparison]) -> None:
    def edit(content: Content) -> None:
        content["resources"] = [one for one in content["resources"] if "kumiki-dev-sessions" not in one["name"]]

    found = change(edit)

    (lost,) = [one for one in found.changes if one.data_loss]
    assert (lost.name, lost.kind) == ("kumiki-dev-sessions-table", "delete")
    assert found.refused


def test_an_unencrypted_database_takes_its_instances_along(change: Callable[..., Comparison]) -> None:
    def edit(content: Content) -> None:
        (cluster,) = of_type(content, "rds/cluster:Cluster")
        cluster["inputs"]["storageEncrypted"] = False

    found = change(edit)

    assert kinds(found)["kumiki-dev-database-cluster"] == "replace"
    assert kinds(found)["kumiki-dev-database-instance-1"] == "replace"
    assert found.refused
    assert any(one.kind == "encryption" and one.direction == "more" for one in found.security)


def test_one_more_reader_of_prod_shows_its_price(request: pytest.FixtureRequest) -> None:
    before: Content = request.getfixturevalue("rehearsed")("prod").report
    after = copy.deepcopy(before)
    reader = copy.deepcopy([*of_type(after, ":ClusterInstance")][-1])
    for key in ("urn", "name"):
        reader[key] = reader[key].replace("-instance-2", "-instance-3")
    after["resources"].append(reader)

    comparison = judged(report(before, "main", "prod"), report(after, "this tree", "prod"))

    cost = comparison.cost
    assert cost is not None
    # db.r6g.large: 730 hours of 0.313 USD, and two processors that GuardDuty watches.
    assert cost["lines"] == {
        "kumiki-prod-database-instance-3: Aurora db.r6g.large": 228.49,
        "kumiki-prod-baseline-rds-login-events-detector-feature: processors of databases": 2.66,
    }
    assert cost["components"] == {"kumiki-prod-database": 228.49, "kumiki-prod-baseline": 2.66}
    assert cost["delta_usd"] == 231.15
    console = Console(file=io.StringIO(), width=200)
    show.text(console, comparison)
    said = cast("io.StringIO", console.file).getvalue()
    assert "USD (+231.15)" in said
    assert "kumiki-prod-database: +228.49 USD a month" in said


def test_what_the_deployer_needs_or_needs_no_more_is_said(change: Callable[..., Comparison]) -> None:
    def edit(content: Content) -> None:
        content["resources"] = [one for one in content["resources"] if ":sqs/" not in one["type"]]

    gone = change(edit)
    told = {action for one in gone.deployer if one.direction == "less" for action in one.actions}
    # Queues keep messages: no update's policies delete them.
    deletes = [one for one in gone.deployer if one.direction == "more"]
    assert {one.actions for one in deletes} == {("sqs:DeleteQueue",)}
    assert deletes[0].text.startswith("this change deletes what keeps data and needs sqs:DeleteQueue on arn:aws:sqs:")
    assert {"sqs:CreateQueue", "sqs:SetQueueAttributes"} <= told
    assert {action.partition(":")[0] for action in told} == {"sqs"}
    assert gone.as_json()["deployer"][-1]["text"].startswith("this change needs no more sqs:")

    back = judged(gone.after, gone.before)
    assert {one.direction for one in back.deployer} == {"more"}
    assert {action for one in back.deployer for action in one.actions} == told
