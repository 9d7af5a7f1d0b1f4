"""One dashboard for the whole system, from what its components give to look at.

Use: Dashboard("wiki-dev-overview", DashboardArgs(), widgets=[*service.widgets, *database.widgets])
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

import pulumi
import pulumi_aws as aws

from ..account import Account
from ..alarms import Expression, Metric
from ..args import ComponentArgs
from ..component import Component
from ..errors import ArgumentError
from ..widgets import Widget

Box = dict[str, object]
"""One box as CloudWatch takes it; its values may be outputs."""

WIDTH, GRAPH_WIDTH, GRAPH_HEIGHT, TITLE_HEIGHT = 24, 8, 6, 1

# Hidden metrics of expressions count, too. AWS states no bound of the body's own size: these are what bounds it.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html
GRAPH_METRICS: Final = 500
PAGE_METRICS: Final = 2_500
PAGE_BOXES: Final = 500


class DashboardArgs(ComponentArgs):
    """A dashboard. Three of up to 50 metrics each are free, then $3 a month for each. What CloudWatch does not take in
    one (2,500 metrics, 500 graphs and headings) goes on in a second, called `{name}-2`, and so on; 500 metrics in one
    graph go on in the next beside it."""


class Dashboard(Component):
    """A CloudWatch dashboard: for each kind of component a heading, and for each metric a graph with a line of each."""

    CHILDREN = ("dashboard",)

    name: pulumi.Output[str]
    """Of the first, where there is too much for one."""

    def __init__(
        self,
        name: str,
        args: DashboardArgs,
        *,
        widgets: Sequence[Widget],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param widgets: What is shown, in this order: the `widgets` of components.
        """
        super().__init__(name, args, opts)
        if not widgets:
            raise ArgumentError("widgets", [], "would show nothing; give those of one component or more")
        region = Account.of(self).region
        made = pages(split(joined(widgets)))
        if len(made) > 1:
            pulumi.info(f"{name}: CloudWatch takes {PAGE_METRICS} metrics in a dashboard; there are {len(made)}", self)
        names = [
            self._page(name if number == 1 else f"{name}-{number}", page, region)
            for number, page in enumerate(made, start=1)
        ]
        self.name = names[0]
        self.register_outputs({"name": self.name})

    @property
    def outputs(self) -> dict[str, pulumi.Output[str]]:
        """The dashboard's name, by which the console finds it."""
        return {"dashboard": self.name}

    def _page(self, name: str, graphs: Sequence[Widget], region: pulumi.Input[str]) -> pulumi.Output[str]:
        return aws.cloudwatch.Dashboard(
            f"{name}-dashboard",
            dashboard_name=name,
            dashboard_body=pulumi.Output.json_dumps({"widgets": arranged(graphs, region)}, sort_keys=True),
            opts=self._child("dashboard"),
        ).dashboard_name


def joined(widgets: Sequence[Widget]) -> list[Widget]:
    """Those of one section, title and region as one graph, in the order in which the first of each comes."""
    graphs: dict[str, dict[tuple[str, str | None], Widget]] = {}
    for widget in widgets:
        lines = {f"{widget.of} {label}".strip(): shown for label, shown in widget.lines.items()}
        section = graphs.setdefault(widget.section, {})
        before = section.get((widget.title, widget.region))
        if before is not None:
            if twice := before.lines.keys() & lines.keys():
                raise ArgumentError("widgets", min(twice), f"is twice in {widget.title}; give each component once")
            lines = {**before.lines, **lines}
        section[widget.title, widget.region] = replace(widget, of="", lines=lines, name=widget.title)
    return [graph for section in graphs.values() for graph in section.values()]


def split(graphs: Sequence[Widget]) -> list[Widget]:
    """The same, with no more metrics in a graph than CloudWatch takes."""
    found: list[Widget] = []
    for graph in graphs:
        parts: list[dict[str, Metric | Expression]] = [{}]
        for label, shown in graph.lines.items():
            if sum(map(_weight, parts[-1].values())) + _weight(shown) > GRAPH_METRICS:
                parts.append({})
            parts[-1][label] = shown
        found += [replace(graph, lines=lines) for lines in parts]
    return found


def pages(graphs: Sequence[Widget]) -> list[list[Widget]]:
    """The graphs by dashboard, each as full as CloudWatch lets it be."""
    found: list[list[Widget]] = [[]]
    for graph in graphs:
        page = [*found[-1], graph]
        metrics = sum(_weight(shown) for one in page for shown in one.lines.values())
        if metrics > PAGE_METRICS or len(page) + len({one.section for one in page}) > PAGE_BOXES:
            found.append([])
        found[-1].append(graph)
    return found


def arranged(graphs: Sequence[Widget], region: pulumi.Input[str]) -> list[Box]:
    """The graphs under their headings, three beside each other, none over another."""
    sections: dict[str, list[Widget]] = {}
    for graph in graphs:
        sections.setdefault(graph.section, []).append(graph)
    placed: list[Box] = []
    top, beside = 0, WIDTH // GRAPH_WIDTH
    for section, members in sections.items():
        heading: Box = {"type": "text", "properties": {"markdown": f"## {section}"}}
        placed.append({**heading, "x": 0, "y": top, "width": WIDTH, "height": TITLE_HEIGHT})
        top += TITLE_HEIGHT
        for number, graph in enumerate(members):
            row, column = divmod(number, beside)
            at = {"x": column * GRAPH_WIDTH, "y": top + row * GRAPH_HEIGHT}
            placed.append({**drawn(graph, region), **at, "width": GRAPH_WIDTH, "height": GRAPH_HEIGHT})
        top += GRAPH_HEIGHT * -(-len(members) // beside)
    return placed


def drawn(graph: Widget, region: pulumi.Input[str]) -> Box:
    """One graph as CloudWatch takes it, without its place."""
    lines = [line for number, one in enumerate(graph.lines.items()) for line in _lines(number, *one)]
    properties: Box = {
        "title": graph.title,
        "metrics": lines,
        "region": graph.region or region,
        "period": graph.period_seconds,
        "view": "timeSeries",
        "stacked": False,
        "yAxis": {"left": {"min": 0, **({"max": graph.most} if graph.most is not None else {})}},
    }
    return {"type": "metric", "properties": properties}


def _lines(number: int, label: str, shown: Metric | Expression) -> Iterator[list[object]]:
    labelled = {"label": label} if label else {}
    if isinstance(shown, Metric):
        yield _line(shown, labelled)
        return
    expression, metrics = shown
    # Several components may use the same ids in one graph.
    prefix = f"e{number}_"
    yield [{"expression": _with_own_ids(expression, metrics, prefix), "id": f"e{number}", **labelled}]
    for key, metric in sorted(metrics.items()):
        yield _line(metric, {"id": f"{prefix}{key}", "visible": False})


def _line(metric: Metric, options: Mapping[str, object]) -> list[object]:
    dimensions = [part for pair in sorted(metric.dimensions.items()) for part in pair]
    return [metric.namespace, metric.name, *dimensions, {"stat": metric.statistic, **options}]


def _with_own_ids(expression: str, metrics: Mapping[str, Metric], prefix: str) -> str:
    if not metrics:
        return expression
    ids = "|".join(map(re.escape, sorted(metrics)))
    own = re.sub(rf"\b({ids})\b", rf"{prefix}\1", expression)
    # All metrics of an alarm are those of its expression; of a graph only some.
    return own.replace("METRICS()", f'METRICS("{prefix}")')


def _weight(shown: Metric | Expression) -> int:
    """How many metrics CloudWatch reads for it. Nobody knows it of a search, which counts as one."""
    return 1 if isinstance(shown, Metric) else max(len(shown[1]), 1)
