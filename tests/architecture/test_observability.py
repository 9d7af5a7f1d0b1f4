"""What is made from the other layers, whichever of them there are."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pulumi_aws as aws
import pytest

from architecture.application import Application
from architecture.context import Context
from architecture.data import Data
from architecture.edge import Edge
from architecture.functions import Functions
from architecture.messaging import Messaging
from architecture.observability import build_watch, watch_errors
from components.alarms import AlarmTopics, Metric
from components.widgets import Widget
from settings import Settings
from tests.conftest import REGION, Recorder

COUNTS = {"environment": {"METRICS_NAMESPACE": "wiki-dev-counts"}}
NAMED = {"product": "wiki", "environment": "dev", "owner": "platform"}
SETTINGS = Settings.model_validate(
    {
        **NAMED,
        # One namespace of two programs is shown once.
        "functions": {"hook": {"package": "api", "handler": "api.function.handler", **COUNTS}},
        "services": {"api": {"tag": "1.0.0", **COUNTS}},
    }
)
TOPICS = AlarmTopics(critical="arn:aws:sns:::critical", warning="arn:aws:sns:::warning")


def part(name: str, **known: Any) -> Any:
    """A component that shows one metric."""
    metric = Metric(namespace="AWS/SQS", name="Sent", dimensions={"QueueName": name}, statistic="Sum")
    return SimpleNamespace(widgets=[Widget(section="Parts", of=name, lines={"": metric})], **known)


API = part("wiki-dev-api", error_log_group_name="/ecs/wiki-dev-api/errors")
LAYERS: dict[str, Any] = {
    "edge": Edge(load_balancer=part("wiki-dev-web")),
    "data": Data(
        database=part("wiki-dev-database"),
        cache=part("wiki-dev-cache"),
        secrets=None,
        parameters=None,
        tables={"sessions": part("wiki-dev-sessions")},
    ),
    "application": Application(services={"api": API}),
    "messaging": Messaging(
        queues={"jobs": part("wiki-dev-jobs")},
        bus=None,
        workflows={"nightly": part("wiki-dev-nightly")},
        schedules={"nightly": part("wiki-dev-nightly-schedule")},
        routes={"nightly": part("wiki-dev-nightly-event")},
    ),
    "functions": Functions(functions={"hook": part("wiki-dev-hook")}),
}


def watch(recorder: Recorder, topics: AlarmTopics | None, *, settings: Settings = SETTINGS, **layers: Any) -> Recorder:
    def program() -> None:
        provider = aws.Provider("wiki-dev-aws-provider", region=REGION)
        ctx = Context(settings=settings, provider=provider, topics=topics)
        application = layers.get("application", Application())
        application = replace(application, errors=watch_errors(ctx, application.services))
        build_watch(ctx, application, *layers.values(), None)

    return recorder.run(program)


@pytest.mark.covers("A14", "A15")
def test_each_services_errors_ring_and_one_dashboard_shows_every_layer(recorder: Recorder) -> None:
    watch(recorder, TOPICS, **LAYERS)
    assert recorder.one(":LogMetricFilter").inputs["logGroupName"] == "/ecs/wiki-dev-api/errors"
    assert recorder.one(":MetricAlarm").inputs["alarmActions"] == ["arn:aws:sns:::critical"]
    body = json.loads(recorder.one("dashboard:Dashboard").inputs["dashboardBody"])
    graphs = [one["properties"] for one in body["widgets"] if one["type"] == "metric"]
    assert [line[3] for line in graphs[0]["metrics"]] == [
        "wiki-dev-web", "wiki-dev-database", "wiki-dev-cache", "wiki-dev-sessions", "wiki-dev-api", "wiki-dev-jobs",
        "wiki-dev-nightly", "wiki-dev-nightly-schedule", "wiki-dev-nightly-event", "wiki-dev-hook",
    ]  # fmt: skip
    assert [one["title"] for one in graphs[1:]] == ["wiki-dev-counts", "ERROR and above"]


@pytest.mark.parametrize("layer", sorted(LAYERS))
def test_a_layer_that_is_not_there_is_not_missed(layer: str, recorder: Recorder) -> None:
    watch(recorder, TOPICS, **{name: made for name, made in LAYERS.items() if name != layer})
    assert json.loads(recorder.one("dashboard:Dashboard").inputs["dashboardBody"])["widgets"]


def test_without_layers_there_is_no_dashboard_and_without_topics_no_alarm(recorder: Recorder) -> None:
    watch(recorder, TOPICS, settings=Settings.model_validate(NAMED))
    assert not [each for each in recorder.resources if each.type != "pulumi:providers:aws"]


def test_nobody_is_called_where_nobody_would_hear(recorder: Recorder) -> None:
    watch(recorder, None, **LAYERS)
    assert not recorder.of(":MetricAlarm")
    assert not recorder.of(":LogMetricFilter")
