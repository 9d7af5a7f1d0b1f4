"""What is made from the other layers, whichever of them there are."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pulumi_aws as aws
import pytest

from architecture.observability import build_watch
from architecture.platform import Platform
from components.alarms import AlarmTopics
from tests.conftest import REGION, Recorder

TOPICS = AlarmTopics(critical="arn:aws:sns:::critical", warning="arn:aws:sns:::warning")
LAYERS: dict[str, Any] = {
    "edge": SimpleNamespace(load_balancer=SimpleNamespace(arn_suffix="app/wiki-dev/1")),
    "data": SimpleNamespace(
        database=SimpleNamespace(cluster_identifier="wiki-dev-database"),
        cache=SimpleNamespace(nodes=["wiki-dev-cache-001"]),
        tables={"sessions": SimpleNamespace(name="wiki-dev-sessions")},
    ),
    "application": SimpleNamespace(
        cluster=SimpleNamespace(name="wiki-dev-cluster"),
        services={"api": SimpleNamespace(name="wiki-dev-api", error_log_group_name="/ecs/wiki-dev-api/errors")},
    ),
    "messaging": SimpleNamespace(workflows={"nightly": SimpleNamespace(arn="arn:aws:states:::stateMachine:nightly")}),
}


def watch(recorder: Recorder, topics: AlarmTopics | None, **layers: Any) -> Recorder:
    def program() -> None:
        platform = Platform("wiki-dev", aws.Provider("wiki-dev-aws-provider", region=REGION))
        build_watch(platform, topics, **layers)

    return recorder.run(program)


@pytest.mark.covers("A14", "A15")
def test_each_services_errors_ring_and_one_dashboard_shows_every_layer(recorder: Recorder) -> None:
    watch(recorder, TOPICS, **LAYERS)
    assert recorder.one(":LogMetricFilter").inputs["logGroupName"] == "/ecs/wiki-dev-api/errors"
    assert recorder.one(":MetricAlarm").inputs["alarmActions"] == ["arn:aws:sns:::critical"]
    body = recorder.one("dashboard:Dashboard").inputs["dashboardBody"]
    for shown in (
        "app/wiki-dev/1", "wiki-dev-database", "wiki-dev-cache-001", "wiki-dev-sessions", "wiki-dev-api",
        "stateMachine:nightly", "wiki-dev-api-errors",
    ):  # fmt: skip
        assert shown in body


@pytest.mark.parametrize("layer", sorted(LAYERS))
def test_a_layer_that_is_not_there_is_not_missed(layer: str, recorder: Recorder) -> None:
    watch(recorder, TOPICS, **{name: made for name, made in LAYERS.items() if name != layer})
    assert json.loads(recorder.one("dashboard:Dashboard").inputs["dashboardBody"])["widgets"]


def test_without_layers_there_is_no_dashboard_and_without_topics_no_alarm(recorder: Recorder) -> None:
    watch(recorder, TOPICS)
    assert not [each for each in recorder.resources if each.type != "pulumi:providers:aws"]


def test_nobody_is_called_where_nobody_would_hear(recorder: Recorder) -> None:
    watch(recorder, None, **LAYERS)
    assert not recorder.of(":MetricAlarm")
    assert not recorder.of(":LogMetricFilter")
