"""What alarms watch and dashboards show exists, and a dashboard shows what alarms watch."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest

from components.component import Component
from components.compute.counted import DIMENSION
from components.operations.dashboard import Dashboard, DashboardArgs
from components.widgets import Widget, widgets_of
from tests.aws_metrics import AWS_METRICS
from tests.conftest import ROOT, Recorder
from tests.test_conventions import WHOLE

OWN = "Kumiki/"
"""Begins the namespaces in which metric filters count."""

NOT_SHOWN = {
    # Ten metrics of each table.
    ("AWS/DynamoDB", "SystemErrors"),
    # In dollars and for the month: a page of AWS's own shows them.
    ("AWS/Billing", "EstimatedCharges"),
}


@dataclass(frozen=True)
class Used:
    """One metric, as an alarm or a line of a graph names it."""

    namespace: str
    name: str
    dimensions: frozenset[str]
    region: str | None


def watched(recorder: Recorder) -> set[Used]:
    """By alarms."""
    found = set()
    for alarm in (one.inputs for one in recorder.of(":MetricAlarm")):
        queries = [query["metric"] for query in alarm.get("metricQueries", []) if "metric" in query]
        for metric in queries or [alarm]:
            dimensions = frozenset(metric.get("dimensions") or {})
            found.add(Used(metric["namespace"], metric["metricName"], dimensions, alarm.get("region")))
    return found


def shown(body: dict[str, Any]) -> set[Used]:
    """By a dashboard."""
    return {
        Used(line[0], line[1], frozenset(line[2:-1:2]), graph["properties"]["region"])
        for graph in body["widgets"]
        if graph["type"] == "metric"
        for line in graph["properties"]["metrics"]
        if isinstance(line[0], str)
    }


@cache
def counted_by_programs() -> set[str]:
    """What the workloads count: the names in their calls of `Metrics.count` and `.took`."""
    calls = [
        call
        for path in (ROOT / "workloads").rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in ("count", "took")
    ]
    names = [call.args[0].value for call in calls if call.args and isinstance(call.args[0], ast.Constant)]
    return {name for name in names if isinstance(name, str)}


def not_at_aws(used: set[Used], recorder: Recorder) -> list[str]:
    """Those that nobody sends."""
    counted = {
        (change["namespace"], change["name"])
        for change in (one.inputs["metricTransformation"] for one in recorder.of(":LogMetricFilter"))
    }
    return sorted(
        f"{one.namespace} {one.name} by {', '.join(sorted(one.dimensions))}"
        for one in used
        if not (
            (one.namespace, one.name) in counted
            if one.namespace.startswith(OWN)
            else one.name in counted_by_programs()
            if one.dimensions == {DIMENSION}
            else one.namespace in AWS_METRICS and AWS_METRICS[one.namespace].has(one.name, one.dimensions)
        )
    )


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Component]:
    """Every component that is made."""
    found: list[Component] = []
    begin = Component.__init__

    def noted(self: Component, *args: Any, **kwargs: Any) -> None:
        begin(self, *args, **kwargs)
        found.append(self)

    monkeypatch.setattr(Component, "__init__", noted)
    return found


def look(component: type[Any], recorder: Recorder, made: list[Component]) -> tuple[list[Widget], dict[str, Any]]:
    """The widgets of a component with all that it can have, and of those that it was given, and their dashboard."""
    found: list[Widget] = []

    def program() -> None:
        WHOLE[component]({})
        # Some are made of others, and show those.
        found.extend({(one.of, one.section, one.title): one for one in widgets_of(*made)}.values())
        if found:
            Dashboard("wiki-dev-shown", DashboardArgs(), widgets=found)

    recorder.run(program)
    if not found:
        return [], {"widgets": []}
    return found, json.loads(recorder.named("wiki-dev-shown-dashboard").inputs["dashboardBody"])


every_component = pytest.mark.parametrize("component", list(WHOLE), ids=lambda component: component.__name__)


@every_component
def test_what_is_watched_and_shown_exists_and_is_looked_for_where_aws_keeps_it(
    component: type[Any], recorder: Recorder, made: list[Component]
) -> None:
    _, body = look(component, recorder, made)
    used = watched(recorder) | shown(body)
    assert not_at_aws(used, recorder) == []
    elsewhere = {one for one in used if one.namespace in AWS_METRICS and AWS_METRICS[one.namespace].us_east_only}
    assert {one.region for one in elsewhere} <= {"us-east-1"}


@every_component
def test_what_an_alarm_watches_can_be_looked_at(
    component: type[Any], recorder: Recorder, made: list[Component]
) -> None:
    _, body = look(component, recorder, made)
    names = {(one.namespace, one.name) for one in shown(body)}
    assert {(one.namespace, one.name) for one in watched(recorder)} - names <= NOT_SHOWN


@every_component
def test_a_graph_is_called_by_aws_s_own_name_of_what_it_shows(
    component: type[Any], recorder: Recorder, made: list[Component]
) -> None:
    widgets, _ = look(component, recorder, made)
    for widget in widgets:
        names = {metric.name for metric in widget.metrics if not metric.namespace.startswith(OWN)}
        assert not names or any(name in widget.title for name in names), widget.title
        assert widget.section
        assert widget.of.startswith("wiki-dev-")


def test_what_is_not_at_aws_is_found() -> None:
    recorder = Recorder()
    wrong = {
        Used("AWS/Lambda", "Invocation", frozenset({"FunctionName", "Resource"}), None),
        Used("AWS/Lambda", "Errors", frozenset({"Function"}), None),
        Used("AWS/Lamda", "Errors", frozenset({"FunctionName", "Resource"}), None),
        Used("Kumiki/Logs", "nobody-counts-this", frozenset(), None),
        Used("wiki-dev", "JobTimes", frozenset({"Service"}), None),
    }
    right = {
        Used("AWS/Lambda", "Errors", frozenset({"FunctionName", "Resource"}), None),
        Used("wiki-dev", "JobTime", frozenset({"Service"}), None),
    }
    assert len(not_at_aws({*wrong, *right}, recorder)) == len(wrong)


def test_each_namespace_says_where_aws_describes_it() -> None:
    assert all(one.source.startswith("https://docs.aws.amazon.com/") for one in AWS_METRICS.values())
