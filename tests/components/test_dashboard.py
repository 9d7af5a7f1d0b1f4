"""What the dashboard shows, and that nothing lies over anything else."""

from __future__ import annotations

import json
from itertools import combinations
from typing import Any

import pulumi
import pytest

from components.operations.dashboard import Dashboard, DashboardArgs, arranged, graph, load_balancer_graphs, rows
from components.refusal import Refusal
from tests.conftest import REGION, Recorder

WHOLE: dict[str, Any] = {
    "load_balancer": "app/wiki-dev/1", "cluster": "wiki-dev-cluster", "services": ["wiki-dev-api", "wiki-dev-worker"],
    "functions": ["wiki-dev-hook"],
    "database_cluster": "wiki-dev-database", "database_instance": "wiki-dev-one", "cache_nodes": ["wiki-dev-cache-001"],
    "tables": ["wiki-dev-sessions"], "workflows": {"nightly": "arn:aws:states:::stateMachine:nightly"},
    "errors": {"api": ("Kumiki/Logs", "wiki-dev-api-errors")},
}  # fmt: skip


def body(recorder: Recorder, **parts: Any) -> list[dict[str, Any]]:
    recorder.run(lambda: Dashboard("wiki-dev-overview", DashboardArgs(**parts)) and None)
    return json.loads(recorder.one("dashboard:Dashboard").inputs["dashboardBody"])["widgets"]


def shown(widgets: list[dict[str, Any]]) -> set[tuple[str, str]]:
    lines = [line for one in widgets if one["type"] == "metric" for line in one["properties"]["metrics"]]
    return {(line[0], line[1]) for line in lines if isinstance(line[0], str)}


@pytest.mark.covers("A15")
def test_one_dashboard_shows_ecs_aurora_and_the_load_balancer_together(recorder: Recorder) -> None:
    widgets = body(recorder, **WHOLE)
    assert {
        ("AWS/ApplicationELB", "RequestCount"), ("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count"),
        ("AWS/ECS", "CPUUtilization"), ("AWS/ECS", "MemoryUtilization"), ("ECS/ContainerInsights", "RunningTaskCount"),
        ("AWS/RDS", "CPUUtilization"), ("AWS/RDS", "DatabaseConnections"), ("AWS/RDS", "VolumeBytesUsed"),
        ("AWS/RDS", "FreeStorageSpace"), ("AWS/ElastiCache", "DatabaseMemoryUsagePercentage"),
        ("AWS/DynamoDB", "WriteThrottleEvents"),
        ("AWS/Lambda", "Errors"), ("AWS/Lambda", "Throttles"), ("AWS/Lambda", "Duration"),
        ("AWS/States", "ExecutionsFailed"), ("Kumiki/Logs", "wiki-dev-api-errors"),
    } <= shown(widgets)  # fmt: skip
    assert {one["properties"]["region"] for one in widgets if one["type"] == "metric"} == {REGION}


@pytest.mark.parametrize(
    "part",
    [
        "load_balancer",
        "functions",
        "database_cluster",
        "database_instance",
        "cache_nodes",
        "tables",
        "workflows",
        "errors",
    ],
)
def test_a_part_that_is_not_there_has_no_row(part: str, recorder: Recorder) -> None:
    titles = [one["properties"]["markdown"] for one in body(recorder, **{part: WHOLE[part]}) if one["type"] == "text"]
    assert len(titles) == 1


def test_every_service_has_its_line_in_its_cluster(recorder: Recorder) -> None:
    widgets = body(recorder, cluster="c", services=["one", "two"])
    for widget in widgets[1:]:
        assert [line[2:6] for line in widget["properties"]["metrics"]] == [
            ["ClusterName", "c", "ServiceName", service] for service in ("one", "two")
        ]


def test_no_widget_lies_over_another_or_outside() -> None:
    for count in range(1, 9):
        placed: list[Any] = arranged([("a", [graph("g", [], REGION)] * count), ("b", [graph("g", [], REGION)])])
        assert all(one["x"] + one["width"] <= 24 for one in placed)
        for one, other in combinations(placed, 2):
            beside = one["x"] + one["width"] <= other["x"] or other["x"] + other["width"] <= one["x"]
            assert beside or one["y"] + one["height"] <= other["y"] or other["y"] + other["height"] <= one["y"]


def test_the_share_of_errors_counts_both_what_targets_and_the_balancer_itself_answered() -> None:
    share = load_balancer_graphs("app/x/1", REGION)[1]["properties"]["metrics"]
    ids = {line[-1]["id"]: line[1] for line in share if isinstance(line[0], str)}
    assert ids == {
        "requests": "RequestCount", "balancer": "HTTPCode_ELB_5XX_Count", "targets": "HTTPCode_Target_5XX_Count",
    }  # fmt: skip
    assert all(name in share[0][0]["expression"] for name in ids)


def test_names_that_are_not_known_yet_are_waited_for(recorder: Recorder) -> None:
    widgets = body(recorder, database_cluster=pulumi.Output.from_input("later"))
    assert '"later"' in json.dumps(widgets)


def test_an_empty_dashboard_and_services_of_no_cluster_are_refused() -> None:
    assert rows(DashboardArgs(database_cluster="d"), REGION)
    with pytest.raises(Refusal, match="would be empty"):
        DashboardArgs(cluster="c")
    with pytest.raises(Refusal, match="cluster: None is needed"):
        DashboardArgs(services=["api"])


def test_all_that_programs_count_under_a_namespace_is_found_by_a_search() -> None:
    [(title, [widget])] = rows(DashboardArgs(counted=["wiki-dev", "wiki-dev"]), "ap-northeast-1")
    assert title == "Counted by programs"
    [[line]] = widget["properties"]["metrics"]
    assert line["expression"] == "SEARCH('Namespace=\"wiki-dev\"', 'Sum', 300)"
