"""Sampling, groups of traces and the collector beside a service."""

from __future__ import annotations

import json
from typing import Any

import pytest

from components.compute.trace_collector import CONTAINER, TraceCollectorArgs
from components.errors import ArgumentError
from components.operations.tracing import Tracing, TracingArgs
from tests.components.test_service import allowed, containers, make, service
from tests.conftest import Recorder
from tests.test_conventions import TOPICS

ECR = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/otel/collector:v0.48.0"


def trace(recorder: Recorder, *, name: str = "wiki-dev-tracing", **changes: Any) -> Recorder:
    joins = {key: changes.pop(key) for key in ("services", "sampled") if key in changes}
    where: dict[str, Any] = {"services": ["wiki-dev-worker", "wiki-dev-api"], "sampled": "wiki-dev-*", **joins}
    return recorder.run(lambda: Tracing(name, TracingArgs(**changes), **where).alarms(TOPICS) and None)


def test_a_tenth_of_the_requests_is_traced_and_one_of_each_second(recorder: Recorder) -> None:
    rule = trace(recorder).one(":SamplingRule").inputs
    assert (rule["fixedRate"], rule["reservoirSize"], rule["priority"], rule["version"]) == (0.1, 1, 1000, 1)
    assert (rule["serviceName"], rule["ruleName"]) == ("wiki-dev-*", "wiki-dev-tracing")
    assert {rule[key] for key in ("serviceType", "host", "httpMethod", "urlPath", "resourceArn")} == {"*"}


def test_traces_with_faults_and_slow_ones_have_groups_of_their_own(recorder: Recorder) -> None:
    groups = {one.inputs["groupName"]: one.inputs for one in trace(recorder, slow_seconds=2.5).of("xray/group:Group")}
    assert {name: one["filterExpression"] for name, one in groups.items()} == {
        "wiki-dev-tracing-faults": 'service("wiki-dev-api") { fault = true } OR '
        'service("wiki-dev-worker") { fault = true }',
        "wiki-dev-tracing-slow": 'responsetime > 2.5 AND (service("wiki-dev-api") OR service("wiki-dev-worker"))',
    }
    assert groups["wiki-dev-tracing-faults"]["insightsConfiguration"]["insightsEnabled"] is True
    assert groups["wiki-dev-tracing-slow"]["insightsConfiguration"]["insightsEnabled"] is False


def test_somebody_hears_of_many_faults(recorder: Recorder) -> None:
    alarms = {one.name: one.inputs for one in trace(recorder, alarm_faults=3).of(":MetricAlarm")}
    alarm = alarms["wiki-dev-tracing-faults-alarm"]
    assert (alarm["namespace"], alarm["metricName"]) == ("AWS/X-Ray", "ApproximateTraceCount")
    assert alarm["dimensions"] == {"GroupName": "wiki-dev-tracing-faults"}
    assert (alarm["statistic"], alarm["threshold"], alarm["period"]) == ("Sum", 3, 300)
    assert set(alarms) == {"wiki-dev-tracing-faults-alarm", "wiki-dev-tracing-slow-alarm"}


def test_names_fit_into_what_x_ray_takes(recorder: Recorder) -> None:
    trace(recorder, name="a-product-with-a-name-staging-tracing")
    names = [one.inputs["groupName"] for one in recorder.of(":Group")]
    names.append(recorder.one(":SamplingRule").inputs["ruleName"])
    assert len(set(names)) == 3
    for name in names:
        assert len(name) <= 32
        assert name.startswith("a-product-with-a-")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"sample_percent": 101}, "sample_percent"),
        ({"sample_percent": 0, "reservoir_per_second": 0}, "trace nothing"),
        ({"priority": 10_000}, "priority"),
        ({"slow_seconds": 0}, "slow_seconds"),
        ({"services": []}, "names nobody who sends traces"),
        ({"services": ['a") { ok } OR service("b']}, "is no name that X-Ray takes"),
        ({"sampled": "x" * 65}, "longer than 64"),
    ],
)
def test_what_x_ray_would_refuse_is_refused(given: dict[str, Any], says: str, recorder: Recorder) -> None:
    with pytest.raises(ArgumentError, match=says):
        trace(recorder, **given)


# --- The collector ---------------------------------------------------------------------------------------------------


def test_the_application_is_told_where_its_collector_listens(recorder: Recorder) -> None:
    made = containers(make(recorder, tracing={"image": ECR, "sample_percent": 25}))
    app, collector = made["app"], made[CONTAINER]
    told = {one["name"]: one["value"] for one in app["environment"]}
    assert told["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://127.0.0.1:4318"
    assert told["OTEL_SERVICE_NAME"] == told["AWS_XRAY_TRACING_NAME"] == "wiki-dev-api"
    assert (told["OTEL_TRACES_SAMPLER"], told["OTEL_TRACES_SAMPLER_ARG"]) == ("parentbased_traceidratio", "0.25")
    assert app["dependsOn"] == [{"containerName": CONTAINER, "condition": "START"}]
    assert (app["cpu"] + collector["cpu"], app["memory"] + collector["memory"]) == (256, 512)
    assert collector["image"] == ECR
    given = {one["name"]: one["value"] for one in collector["environment"]}
    config = json.loads(given["AOT_CONFIG_CONTENT"])
    takes = config["receivers"]
    assert takes["awsxray"]["endpoint"] == told["AWS_XRAY_DAEMON_ADDRESS"]
    assert takes["otlp"]["protocols"]["http"]["endpoint"] == "127.0.0.1:4318"
    assert set(config["service"]["pipelines"]["traces"]["receivers"]) == set(takes)
    assert "command" not in collector


def test_a_collector_that_ends_does_not_end_the_application_and_begins_anew(recorder: Recorder) -> None:
    collector = containers(make(recorder, tracing={}))[CONTAINER]
    assert collector["essential"] is False
    assert collector["restartPolicy"] == {"enabled": True, "restartAttemptPeriod": 60}
    assert (collector["readonlyRootFilesystem"], collector["user"]) == (True, "10001:10001")


def test_the_application_may_send_traces_and_ecs_may_fetch_the_collector(recorder: Recorder) -> None:
    make(recorder, tracing={"image": ECR})
    assert allowed(recorder, "task")["xray:PutTraceSegments"] == "*"
    assert "repository/otel/collector" in str(allowed(recorder, "execution")["ecr:BatchGetImage"])
    assert "xray:PutTraceSegments" not in allowed(recorder, "execution")


def test_an_own_variable_wins_over_the_collectors(recorder: Recorder) -> None:
    made = containers(make(recorder, tracing={}, environment={"OTEL_TRACES_SAMPLER_ARG": "1"}))
    assert {"name": "OTEL_TRACES_SAMPLER_ARG", "value": "1"} in made["app"]["environment"]


def test_the_log_router_and_the_collector_both_take_of_the_task(recorder: Recorder) -> None:
    recorder.run(lambda: service(routed=True, tracing={}) and None)
    made = containers(recorder)
    assert sum(one["cpu"] for one in made.values()) == 256
    assert sum(one["memory"] for one in made.values()) == 512
    assert [one["containerName"] for one in made["app"]["dependsOn"]] == ["log-router", CONTAINER]


def test_a_collector_that_leaves_nothing_is_refused(recorder: Recorder) -> None:
    with pytest.raises(ArgumentError, match="leaves nothing of the task's 512 MiB"):
        make(recorder, tracing={"memory": 512})


def test_without_tracing_nothing_is_added(recorder: Recorder) -> None:
    made = containers(make(recorder))
    assert set(made) == {"app"}
    assert not [one for one in made["app"]["environment"] if one["name"].startswith("OTEL_")]
    assert "dependsOn" not in made["app"]


@pytest.mark.parametrize(
    "given", [{"sample_percent": 101}, {"image": "public.ecr.aws/x/collector:latest"}, {"memory": 32}, {"cpu": 0}]
)
def test_arguments_out_of_bounds_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError):
        TraceCollectorArgs(**given)
