"""Which records count as errors, and who hears of them."""

from __future__ import annotations

from typing import Any

import pytest

from components.alarms import AlarmTopics
from components.errors import ArgumentError
from components.operations.error_log_alarm import ErrorLogAlarm, ErrorLogAlarmArgs, pattern
from tests.conftest import Recorder

NAME = "wiki-dev-api-errors"
TOPICS = AlarmTopics(critical="arn:aws:sns:::critical", warning="arn:aws:sns:::warning")


def build(recorder: Recorder, **args: Any) -> Recorder:
    group = "/ecs/wiki-dev-api/errors"
    return recorder.run(lambda: ErrorLogAlarm(NAME, ErrorLogAlarmArgs(**args), log_group=group, topics=TOPICS))


def test_one_error_rings_and_silence_does_not(recorder: Recorder) -> None:
    alarm = build(recorder).one(":MetricAlarm").inputs
    assert (alarm["threshold"], alarm["comparisonOperator"]) == (1, "GreaterThanOrEqualToThreshold")
    assert alarm["treatMissingData"] == "notBreaching"
    assert alarm["alarmActions"] == alarm["okActions"] == ["arn:aws:sns:::critical"]


def test_a_warning_goes_to_the_other_topic_only(recorder: Recorder) -> None:
    assert build(recorder, severity="warning").one(":MetricAlarm").inputs["alarmActions"] == ["arn:aws:sns:::warning"]


def test_the_alarm_watches_the_metric_that_the_filter_writes(recorder: Recorder) -> None:
    build(recorder)
    written = recorder.one(":LogMetricFilter").inputs["metricTransformation"]
    alarm = recorder.one(":MetricAlarm").inputs
    assert (alarm["namespace"], alarm["metricName"]) == (written["namespace"], written["name"])
    assert (written["value"], written["defaultValue"]) == ("1", "0")
    assert not written["namespace"].startswith("AWS/"), "those are CloudWatch's own"


def test_every_level_from_error_on_counts_and_no_other() -> None:
    text = pattern(["ERROR", "CRITICAL"])
    assert text == '{ ($.level = "ERROR") || ($.level = "CRITICAL") }'
    assert "WARN" not in pattern(ErrorLogAlarmArgs().levels)


def test_the_saved_queries_are_about_this_log_and_begin_with_its_name(recorder: Recorder) -> None:
    for query in build(recorder).of(":QueryDefinition"):
        assert query.inputs["logGroupNames"] == ["/ecs/wiki-dev-api/errors"]
        assert query.inputs["name"].startswith(f"{NAME}/")
        assert '"ERROR"' in query.inputs["queryString"]
        assert "{levels}" not in query.inputs["queryString"]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"threshold": 0}, "threshold: 0 is not allowed; use 1 or more"),
        ({"period_seconds": 90}, "period_seconds: 90"),
        ({"levels": []}, "levels"),
    ],
)
def test_what_cannot_be_is_refused(args: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        ErrorLogAlarmArgs(**args)
