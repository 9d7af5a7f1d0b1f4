"""What watches over Kumiki's stacks, on the emulated account."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.rehearsal.conftest import ROOT, Rehearse, Rehearsed, run

both = pytest.mark.parametrize("name", ["dev", "prod"])


@cache
def _rehearsed(name: str, folder: Path) -> Rehearsed:
    return run(ROOT, name, report_in=folder)


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A stack's rehearsal, made once for all tests of this module that one process runs."""
    folder = tmp_path_factory.mktemp("stacks")
    return lambda name: _rehearsed(name, folder)


def of_type(done: Rehearsed, ending: str) -> list[dict[str, Any]]:
    return [one for one in done.report["resources"] if one["type"].endswith(ending)]


# --- Topics ----------------------------------------------------------------------------------------------------------


@pytest.mark.covers("A14")
@both
def test_alarms_reach_somebody_by_two_topics_whose_key_admits_who_publishes(name: str, rehearsed: Any) -> None:
    done = rehearsed(name)
    topics = {one["inputs"]["name"]: one for one in of_type(done, ":Topic")}
    assert set(topics) == {f"kumiki-{name}-critical-alerts", f"kumiki-{name}-warning-alerts"}
    for topic in topics.values():
        heard = [one["inputs"] for one in of_type(done, ":TopicSubscription") if one["inputs"]["topic"] == topic["id"]]
        assert "email" in {one["protocol"] for one in heard}
        (key,) = [one for one in of_type(done, "key:Key") if one["outputs"]["arn"] == topic["inputs"]["kmsMasterKeyId"]]
        for service in ("cloudwatch.amazonaws.com", "events.amazonaws.com"):
            (use,) = [
                statement
                for statement in json.loads(key["inputs"]["policy"])["Statement"]
                if statement["Principal"].get("Service") == service
            ]
            assert {"kms:Decrypt", "kms:GenerateDataKey*"} <= set(use["Action"])
            (policy,) = [one["inputs"] for one in of_type(done, ":TopicPolicy") if one["inputs"]["arn"] == topic["id"]]
            (may,) = [
                statement
                for statement in json.loads(policy["policy"])["Statement"]
                if isinstance(statement["Principal"], dict) and statement["Principal"].get("Service") == service
            ]
            assert may["Condition"] == use["Condition"], "who may publish may use the key, and nobody else"


def test_a_slack_channel_can_hear_the_alarms_too(rehearse_kumiki: Rehearse) -> None:
    done = rehearse_kumiki({"kumiki:alerts": {"slack": {"workspaceId": "T012AB34C", "channelId": "C98ZY"}}})
    assert done.status == 0, done.text
    (channel,) = of_type(done, ":SlackChannelConfiguration")
    assert channel["status"] == "modelled"
    assert set(channel["inputs"]["snsTopicArns"]) == {one["id"] for one in of_type(done, ":Topic")}


# --- Refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"kumiki:alerts": {"emails": ["ops@example.com", "banana"]}},
         ["kumiki:alerts.emails[1]: 'banana' is not an e-mail address", "ops@example.com"]),
        ({"kumiki:alerts": {}}, ["kumiki:alerts: reach nobody; add emails or slack"]),
        ({"kumiki:alerts": {"slack": {"workspaceId": "ops", "channelId": "C1"}}},
         ["kumiki:alerts.slack.workspaceId: 'ops' is not a workspace's id"]),
    ],
)  # fmt: skip
def test_a_mistake_is_refused_with_its_key_and_its_mend(
    rehearse_kumiki: Rehearse, changes: dict[str, Any], parts: list[str]
) -> None:
    done = rehearse_kumiki(changes)
    assert done.status == 2, done.text
    for part in parts:
        assert part in done.text
