"""Where everything stands in a picture, in pixels.

Graphviz arranges what is joined by arrows: it is the oldest and best kept of its kind, knows groups within groups, and
comes as a wheel with its own libraries. Every size is given to it, none is measured by the machine's fonts, so that the
same report gives the same picture everywhere. What no arrow leads to stands below in rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from pictures.kinds import TIERS
from pictures.model import Arrow, Group, Node, Picture, group_of

WIDTH: Final = 204
HEIGHT: Final = 50
"""Of a node."""
_LOW: Final = 38
"""The height of what no arrow leads to: it is the smaller part of what a picture tells."""
_GAP: Final = 12
_HEADING: Final = 24
_MARGIN: Final = 16
_LETTER: Final = 6
"""The width of a letter of a label."""
_NARROWEST: Final = 6 * (WIDTH + _GAP)
"""The rows below are at least that long."""
_INCH: Final = 72


@dataclass(frozen=True)
class Box:
    """A rectangle: left, top, width and height."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Frame:
    """A group with its heading."""

    heading: str
    box: Box
    depth: int
    """0 for the outermost."""


@dataclass(frozen=True)
class Line:
    """An arrow as it is drawn."""

    arrow: Arrow
    path: str
    """In the words of SVG: Bézier curves, then the end of the arrow's head."""
    label_at: tuple[int, int] | None


@dataclass(frozen=True)
class Layout:
    """Everything with its place."""

    width: int
    height: int
    nodes: dict[str, Box]
    frames: tuple[Frame, ...]
    lines: tuple[Line, ...]


def layout(picture: Picture) -> Layout:
    """Arrange it."""
    joined = {key for arrow in picture.arrows for key in (arrow.source, arrow.target)}
    graph = _Graph(picture, joined)
    alone = [one for one in picture.nodes if one.key not in joined]
    nodes, frames, height = _rows(alone, graph.height, max(graph.width, _NARROWEST))
    boxes = {**graph.nodes, **nodes}
    right = max((box.x + box.width for box in (*boxes.values(), *(one.box for one in graph.frames))), default=WIDTH)
    return Layout(right + _MARGIN, height + _MARGIN, boxes, (*graph.frames, *frames), graph.lines)


# What arrows join.


class _Graph:
    """The joined nodes as Graphviz arranges them."""

    def __init__(self, picture: Picture, joined: set[str]) -> None:
        self.nodes: dict[str, Box] = {}
        self.frames: tuple[Frame, ...] = ()
        self.lines: tuple[Line, ...] = ()
        self.width = self.height = 0
        if joined:
            self._arrange([one for one in picture.nodes if one.key in joined], picture.arrows)

    def _arrange(self, nodes: list[Node], arrows: Iterable[Arrow]) -> None:
        import pygraphviz  # noqa: PLC0415 only pictures need it

        names = {one.key: f"n{index}" for index, one in enumerate(nodes)}
        graph: Any = pygraphviz.AGraph(
            strict=False, directed=True, rankdir="LR", nodesep="0.25", ranksep="0.8", splines="true"
        )
        for one in nodes:
            graph.add_node(
                names[one.key],
                shape="box",
                label="",
                fixedsize="true",
                width=str(WIDTH / _INCH),
                height=str(HEIGHT / _INCH),
            )
        several = sorted(arrows, key=lambda one: (names[one.source], names[one.target], one.kind))
        for index, arrow in enumerate(several):
            label = {"label": _blank(_LETTER * len(ports(arrow)) + 6, 14)} if ports(arrow) else {}
            # What is only named besides must not pull apart what belongs to a request's way.
            weight = "8" if arrow.kind == "reaches" else "1"
            # A request's way goes from left to right.
            ends = {"tailport": "e", "headport": "w"} if arrow.kind == "reaches" else {}
            graph.add_edge(names[arrow.source], names[arrow.target], key=str(index), weight=weight, **ends, **label)
        groups: dict[Group, str] = {}
        for one in nodes:
            whole = group_of(one)
            parent = graph
            for depth in range(1, len(whole) + 1):
                group = whole[:depth]
                if group not in groups:
                    groups[group] = f"cluster_{len(groups)}"
                    parent.add_subgraph(
                        [], name=groups[group], label=_blank(8 * len(group[-1]), _HEADING - 8), labeljust="l"
                    )
                parent = parent.get_subgraph(groups[group])
            parent.add_node(names[one.key])
        graph.layout("dot")
        self._read(graph, names, groups, several)

    def _read(self, graph: Any, names: dict[str, str], groups: dict[Group, str], arrows: list[Arrow]) -> None:
        left, _, right, top = (float(one) for one in graph.graph_attr["bb"].split(","))
        self.width, self.height = round(right - left) + 2 * _MARGIN, round(top) + 2 * _MARGIN

        def at(x: str, y: str) -> tuple[int, int]:
            return round(float(x) - left) + _MARGIN, round(top - float(y)) + _MARGIN

        for key, name in names.items():
            x, y = at(*graph.get_node(name).attr["pos"].split(","))
            self.nodes[key] = Box(x - WIDTH // 2, y - HEIGHT // 2, WIDTH, HEIGHT)
        frames = []
        for group, cluster in groups.items():
            found = _cluster(graph, cluster)
            x0, y0, x1, y1 = found.graph_attr["bb"].split(",")
            (x, bottom), (far, y) = at(x0, y0), at(x1, y1)
            frames.append(Frame(group[-1], Box(x, y, far - x, bottom - y), len(group) - 1))
        self.frames = tuple(sorted(frames, key=lambda one: (one.depth, one.box.x, one.box.y)))
        lines = []
        for index, arrow in enumerate(arrows):
            edge = graph.get_edge(names[arrow.source], names[arrow.target], str(index))
            label = edge.attr["lp"]
            lines.append(Line(arrow, _path(edge.attr["pos"], at), at(*label.split(",")) if label else None))
        self.lines = tuple(lines)


def _cluster(graph: Any, name: str) -> Any:
    """A group of the graph, or one within a group."""
    found = (one.get_subgraph(name) for one in (graph, *graph.subgraphs_iter()))
    return next(one for one in found if one is not None)


def ports(arrow: Arrow) -> str:
    """What an arrow is labelled with: the ports that a network opens. Of AWS's own doors everybody knows the port."""
    opened = [one.partition(" by ")[0] for one in arrow.label.split(", ") if one.endswith(" by security groups")]
    return ", ".join(dict.fromkeys(opened))


def _blank(width: int, height: int) -> str:
    """Room for a text, whatever font it will have."""
    return f'<<TABLE FIXEDSIZE="TRUE" BORDER="0" WIDTH="{width}" HEIGHT="{height}"><TR><TD></TD></TR></TABLE>>'


def _path(position: str, at: Any) -> str:
    """Graphviz's curve in SVG's words."""
    parts = position.replace("\\\n", "").split(" ")
    end = next((one[2:] for one in parts if one.startswith("e,")), None)
    points = [at(*one.split(",")) for one in parts if not one.startswith(("e,", "s,"))]
    (x, y), rest = points[0], points[1:]
    text = f"M{x},{y} C" + " ".join(f"{px},{py}" for px, py in rest)
    return text + " L{},{}".format(*at(*end.split(","))) if end else text


# What no arrow joins.


def _rows(nodes: list[Node], top: int, width: int) -> tuple[dict[str, Box], list[Frame], int]:
    """Boxes below `top`, a frame for each tier, side by side while there is room; and where they end."""
    boxes: dict[str, Box] = {}
    frames: list[Frame] = []
    x, y, lowest = _MARGIN, top, top
    columns = max(1, (width - 2 * _MARGIN - _GAP) // (WIDTH + _GAP))
    for heading, several in _by_tier(nodes):
        lines = -(-len(several) // columns)
        wide = min(columns, len(several)) * (WIDTH + _GAP) + _GAP
        if x > _MARGIN and x + wide > width:
            x, y = _MARGIN, lowest + _GAP
        frame = Box(x, y, wide, _HEADING + lines * (_LOW + _GAP) + 4)
        frames.append(Frame(heading, frame, 0))
        for index, one in enumerate(several):
            row, column = divmod(index, columns)
            boxes[one.key] = Box(
                x + _GAP + column * (WIDTH + _GAP), y + _HEADING + row * (_LOW + _GAP) + 4, WIDTH, _LOW
            )
        x, lowest = x + wide + _GAP, max(lowest, y + frame.height)
    return boxes, frames, lowest


def _by_tier(nodes: list[Node]) -> Iterator[tuple[str, list[Node]]]:
    for tier, heading in TIERS.items():
        if several := [one for one in nodes if one.tier == tier]:
            yield heading, several
