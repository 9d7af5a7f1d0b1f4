"""How a dashboard puts together what components give, and that nothing lies over anything else."""

from __future__ import annotations

import json
from itertools import combinations
from typing import Any

import pulumi
import pytest

from components.alarms import Expression, Metric
from components.errors import ArgumentError
from components.operations.dashboard import (
    GRAPH_METRICS,
    PAGE_BOXES,
    PAGE_METRICS,
    Dashboard,
    DashboardArgs,
    arranged,
    drawn,
    joined,
    pages,
    split,
)
from components.widgets import Widget, counted_by_programs, widgets_of
from tests.conftest import REGION, Recorder


def metric(name: str, of: pulumi.Input[str] = "x", statistic: str = "Sum") -> Metric:
    return Metric(namespace="AWS/SQS", name=name, dimensions={"QueueName": of}, statistic=statistic)


def widget(of: str, name: str = "Sent", section: str = "Queues", **how: Any) -> Widget:
    return Widget(section=section, of=of, lines={"": metric(name, of)}, **how)


def bodies(recorder: Recorder, *widgets: Widget) -> list[list[dict[str, Any]]]:
    recorder.run(lambda: Dashboard("wiki-dev-overview", DashboardArgs(), widgets=widgets) and None)
    made = sorted(recorder.of("dashboard:Dashboard"), key=lambda one: len(one.name))
    return [json.loads(one.inputs["dashboardBody"])["widgets"] for one in made]


def body(recorder: Recorder, *widgets: Widget) -> list[dict[str, Any]]:
    (found,) = bodies(recorder, *widgets)
    return found


@pytest.mark.covers("A15")
def test_each_kind_of_component_has_a_heading_and_each_metric_a_graph_with_a_line_of_each(recorder: Recorder) -> None:
    widgets = [widget("one"), widget("one", "Received"), widget("t", section="Tables"), widget("two")]
    found = body(recorder, *widgets)
    assert [one["properties"].get("markdown") or one["properties"]["title"] for one in found] == [
        "## Queues", "Sent", "Received", "## Tables", "Sent",
    ]  # fmt: skip
    assert found[1]["properties"]["metrics"] == [
        ["AWS/SQS", "Sent", "QueueName", "one", {"label": "one", "stat": "Sum"}],
        ["AWS/SQS", "Sent", "QueueName", "two", {"label": "two", "stat": "Sum"}],
    ]
    assert {one["properties"]["region"] for one in found if one["type"] == "metric"} == {REGION}


def test_a_title_is_the_metrics_own_name_unless_another_is_given() -> None:
    both = Widget(section="Queues", of="one", lines={"a": metric("Sent"), "b": metric("Received"), "c": metric("Sent")})
    assert both.title == "Sent, Received"
    assert widget("one", name="Sent").title == "Sent"
    assert Widget(section="s", of="o", lines={"": metric("Sent")}, name="Ours").title == "Ours"


def test_lines_of_one_component_are_told_apart_by_their_labels(recorder: Recorder) -> None:
    times = {statistic: metric("Age", statistic=statistic) for statistic in ("p50", "p99")}
    found = body(recorder, Widget(section="Queues", of="one", lines=times))
    assert [line[-1] for line in found[1]["properties"]["metrics"]] == [
        {"label": "one p50", "stat": "p50"}, {"label": "one p99", "stat": "p99"},
    ]  # fmt: skip


def test_what_a_region_keeps_is_drawn_apart(recorder: Recorder) -> None:
    found = body(recorder, widget("one"), widget("two", region="us-east-1"))
    assert [one["properties"]["region"] for one in found[1:]] == [REGION, "us-east-1"]


def test_an_axis_ends_and_points_stand_as_the_component_says() -> None:
    properties: Any = drawn(widget("one", most=100, period_seconds=300), REGION)["properties"]
    assert (properties["yAxis"], properties["period"]) == ({"left": {"min": 0, "max": 100}}, 300)
    plain: Any = drawn(widget("one"), REGION)["properties"]
    assert (plain["yAxis"], plain["period"]) == ({"left": {"min": 0}}, 60)


def test_expressions_of_several_components_do_not_take_each_others_metrics() -> None:
    def share(of: str) -> Expression:
        metrics = {"calls": metric("Calls", of), "failed": metric("Failed", of)}
        return "100 * FILL(failed, 0) / (calls + failed)", metrics

    both = [Widget(section="s", of=of, lines={"": share(of)}, name="Failed, %") for of in ("one", "two")]
    properties: Any = drawn(joined(both)[0], REGION)["properties"]
    lines = properties["metrics"]
    assert [line[0] for line in (lines[0], lines[3])] == [
        {"expression": "100 * FILL(e0_failed, 0) / (e0_calls + e0_failed)", "id": "e0", "label": "one"},
        {"expression": "100 * FILL(e1_failed, 0) / (e1_calls + e1_failed)", "id": "e1", "label": "two"},
    ]
    hidden = {line[-1]["id"]: (line[1], line[3]) for line in lines if isinstance(line[0], str)}
    assert hidden == {
        "e0_calls": ("Calls", "one"), "e0_failed": ("Failed", "one"),
        "e1_calls": ("Calls", "two"), "e1_failed": ("Failed", "two"),
    }  # fmt: skip
    assert all(line[-1]["visible"] is False for line in lines if isinstance(line[0], str))


def test_all_metrics_of_an_alarm_are_those_of_its_own_expression() -> None:
    added: Expression = ("SUM(FILL(METRICS(), 0))", {"read": metric("Read"), "write": metric("Written")})
    properties: Any = drawn(Widget(section="s", of="t", lines={"": added}, name="Both"), REGION)["properties"]
    assert properties["metrics"][0][0]["expression"] == 'SUM(FILL(METRICS("e0_"), 0))'


def test_all_that_programs_count_under_a_namespace_is_found_by_a_search(recorder: Recorder) -> None:
    found = body(recorder, counted_by_programs("wiki-dev"))
    assert found[0]["properties"]["markdown"] == "## Counted by programs"
    assert found[1]["properties"]["title"] == "wiki-dev"
    [[line]] = found[1]["properties"]["metrics"]
    assert line == {"expression": "SEARCH('Namespace=\"wiki-dev\"', 'Sum', 300)", "id": "e0"}


def test_no_widget_lies_over_another_or_outside() -> None:
    for count in range(1, 9):
        graphs = [*(widget("a", f"m{number}") for number in range(count)), widget("b", section="other")]
        placed: list[Any] = arranged(graphs, REGION)
        assert len(placed) == count + 3
        assert all(one["x"] + one["width"] <= 24 for one in placed)
        for one, other in combinations(placed, 2):
            beside = one["x"] + one["width"] <= other["x"] or other["x"] + other["width"] <= one["x"]
            assert beside or one["y"] + one["height"] <= other["y"] or other["y"] + other["height"] <= one["y"]


def test_a_graph_with_more_metrics_than_cloudwatch_takes_goes_on_in_the_next() -> None:
    (graph,) = joined([widget(f"queue-{number}") for number in range(GRAPH_METRICS + 1)])
    first, second = split([graph])
    assert (len(first.lines), len(second.lines)) == (GRAPH_METRICS, 1)
    assert first.title == second.title
    # Those of expressions count, shown or not.
    pair: Expression = ("a + b", {"a": metric("A"), "b": metric("B")})
    pairs = Widget(section="s", of="", lines={str(number): pair for number in range(300)}, name="Pairs")
    assert [len(one.lines) for one in split([pairs])] == [250, 50]


def test_more_than_cloudwatch_takes_goes_on_in_a_second_dashboard(recorder: Recorder) -> None:
    widgets = [widget(f"queue-{queue}", f"M{graph}") for graph in range(6) for queue in range(GRAPH_METRICS)]
    first, second = bodies(recorder, *widgets)
    assert recorder.named("wiki-dev-overview-2-dashboard").inputs["dashboardName"] == "wiki-dev-overview-2"
    titles = [[one["properties"].get("title") for one in page] for page in (first, second)]
    assert titles == [[None, "M0", "M1", "M2", "M3", "M4"], [None, "M5"]]
    assert sum(len(one["properties"].get("metrics", [])) for one in first) == PAGE_METRICS


def test_no_dashboard_has_more_boxes_than_cloudwatch_takes() -> None:
    graphs = [widget("a", f"M{number}", section=f"s{number % 3}") for number in range(PAGE_BOXES + 100)]
    found = pages(graphs)
    assert [graph for page in found for graph in page] == graphs
    assert all(len(arranged(page, REGION)) <= PAGE_BOXES for page in found)


def test_names_that_are_not_known_yet_are_waited_for(recorder: Recorder) -> None:
    later = Widget(section="s", of="o", lines={"": metric("Sent", pulumi.Output.from_input("later"))})
    assert '"later"' in json.dumps(body(recorder, later))


def test_nothing_to_show_and_a_component_that_is_given_twice_are_refused(recorder: Recorder) -> None:
    with pytest.raises(ArgumentError, match=r"widgets: \[\] would show nothing"):
        recorder.run(lambda: Dashboard("wiki-dev-overview", DashboardArgs(), widgets=[]) and None)
    with pytest.raises(ArgumentError, match="widgets: 'one' is twice in Sent"):
        joined([widget("one"), widget("one")])
    assert widgets_of(None) == []
