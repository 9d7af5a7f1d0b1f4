"""What a dashboard shows of a component: graphs that it gives beside its alarms, of the same metrics.

    @property
    def widgets(self) -> list[Widget]:
        return [self._graph("Queues (SQS)", self._age)]

The dashboard draws the widgets of one section and one title as one graph, with a line or more for each component.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from .alarms import Expression, Metric


@dataclass(frozen=True, kw_only=True)
class Widget:
    """One graph over time of one component."""

    section: str
    """The heading under which it stands: a kind of component, such as `Functions (Lambda)`."""

    of: str
    """The component's name. The labels of its lines begin with it."""

    lines: Mapping[str, Metric | Expression]
    """What a line is called after the component's name (nothing, where it is the only one) → what it shows."""

    name: str = ""
    """The title, where it is not the metrics' own name: of expressions, and of what programs count."""

    most: float | None = None
    """Where its axis ends; it begins at 0. Left out: where its highest value is."""

    period_seconds: int = 60
    """For how long one point stands: no shorter than CloudWatch gets values."""

    region: str | None = None
    """For metrics that AWS keeps elsewhere than where the stack is."""

    @property
    def title(self) -> str:
        """AWS's own name of the metric that it shows, or of each."""
        return self.name or ", ".join(dict.fromkeys(metric.name for metric in self.metrics))

    @property
    def metrics(self) -> Iterator[Metric]:
        """All that it reads, also for an expression."""
        for shown in self.lines.values():
            yield from (shown,) if isinstance(shown, Metric) else shown[1].values()


class Shown(Protocol):
    """A component, or a part of the system made of several, that has something to show."""

    @property
    def widgets(self) -> list[Widget]: ...


def widgets_of(*parts: Shown | None) -> list[Widget]:
    """The widgets of those parts that there are."""
    return [widget for part in parts if part is not None for widget in part.widgets]


def counted_by_programs(namespace: str) -> Widget:
    """All that programs count under a namespace. What it is called only they know, so that it is searched for."""
    search = f"SEARCH('Namespace=\"{namespace}\"', 'Sum', 300)"
    return Widget(section="Counted by programs", of="", lines={"": (search, {})}, name=namespace)
