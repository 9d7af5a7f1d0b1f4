"""How queues, events and workflows join: permissions by what a definition names, alarms where there are topics."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml

from architecture.context import Keys, build_context
from architecture.messaging import build_messaging
from components.alarms import AlarmTopics
from settings import Settings
from tests.conftest import ROOT, Recorder

TOPICS = AlarmTopics(critical="arn:aws:sns:::critical", warning="arn:aws:sns:::warning")


def settings(name: str, **changes: Any) -> Settings:
    config = yaml.safe_load((ROOT / f"Pulumi.{name}.yaml").read_text(encoding="utf-8"))["config"]
    sections = {key.partition(":")[2]: value for key, value in config.items() if key.startswith("kumiki:")}
    return Settings.model_validate({**sections, **changes})


def build(recorder: Recorder, chosen: Settings, topics: AlarmTopics | None = None) -> Recorder:
    def program() -> None:
        build_messaging(replace(build_context(chosen), topics=topics, keys=Keys()))

    return recorder.run(program)


@pytest.mark.covers("A10")
@pytest.mark.parametrize("name", ["dev", "prod"])
def test_failed_batches_and_every_dead_letter_queue_have_an_alarm_for_the_warning_topic(
    name: str, recorder: Recorder
) -> None:
    build(recorder, settings(name), TOPICS)
    alarms = [alarm.inputs for alarm in recorder.of(":MetricAlarm")]
    watched = {value for alarm in alarms for value in alarm["dimensions"].values()}
    dead = {queue.inputs["name"] for queue in recorder.of("sqs/queue:Queue") if "dead-letters" in queue.name}
    assert len(dead) == 4
    assert dead <= watched
    assert {"ExecutionsFailed", "ExecutionsTimedOut"} <= {alarm["metricName"] for alarm in alarms}
    assert {tuple(alarm["alarmActions"]) for alarm in alarms} == {(TOPICS.warning,)}


def test_without_topics_there_are_no_alarms(recorder: Recorder) -> None:
    assert build(recorder, settings("dev")).of(":MetricAlarm") == []


def test_a_workflow_reaches_only_the_queues_that_its_definition_names(recorder: Recorder) -> None:
    queues = {"jobs": {"consumerTimeoutSeconds": 1}, "mail-outbox": {"consumerTimeoutSeconds": 1}}
    build(recorder, settings("dev", queues=queues))
    grants = [each.name for each in recorder.of(":RolePolicy") if "-send-for-" in each.name]
    assert grants == ["kumiki-dev-jobs-send-for-kumiki-dev-batch-role"]


def test_events_of_aws_itself_are_taken_from_the_default_bus(recorder: Recorder) -> None:
    event = {"pattern": {"source": ["aws.s3"]}, "bus": "default"}
    build(recorder, settings("dev", workflows={"batch": {"definition": "batch", "event": event}}))
    assert "eventBusName" not in recorder.one(":EventRule").inputs
