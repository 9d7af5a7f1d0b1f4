"""The base of every component: its type, the names and options of its children, and what it grants.

A component is built from its arguments (plain data, `components.args`) and its connections: other components, given
by name.

    class Queue(Component):
        CHILDREN = ("queue", "dead_letters", "grant")

        def __init__(self, name: str, args: QueueArgs, *, key: Key | None = None,
                     opts: pulumi.ResourceOptions | None = None) -> None:
            super().__init__(name, args, opts)
            queue = aws.sqs.Queue(f"{name}-queue", ..., opts=self._child("queue"))

Its type is `kumiki:{package}:{class}`, from where it stands. A child's name begins with the component's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Protocol, Unpack

import pulumi
import pulumi_aws as aws

from .alarms import AlarmOptions, Expression, Metric, metric_alarm
from .children import Children, Transform
from .policy import document
from .widgets import Widget

if TYPE_CHECKING:
    from .policy import Statement


class Transformed(Protocol):
    """Arguments with which a caller may change children's properties: those of every component."""

    @property
    def transform(self) -> Transform: ...


class Component(pulumi.ComponentResource):
    """A part of the system, made of resources whose parent it is."""

    CHILDREN: ClassVar[tuple[str, ...]]
    """What `transform` may change; each component lists its own."""

    def __init__(self, name: str, args: Transformed, opts: pulumi.ResourceOptions | None) -> None:
        kind = type(self)
        super().__init__(f"kumiki:{_package(kind)}:{kind.__name__}", name, None, opts)
        self._prefix = name
        self._child = Children(self, args.transform, self.CHILDREN)

    @property
    def widgets(self) -> list[Widget]:
        """What a dashboard shows of it; a component that has nothing to look at gives nothing."""
        return []

    def _graph(
        self,
        section: str,
        shown: Metric | Mapping[str, Metric | Expression],
        *,
        name: str = "",
        most: float | None = None,
        period_seconds: int = 60,
        region: str | None = None,
    ) -> Widget:
        """A graph of this component's: of one metric, or of several lines by their labels."""
        lines = {"": shown} if isinstance(shown, Metric) else shown
        return Widget(
            section=section,
            of=self._prefix,
            lines=lines,
            name=name,
            most=most,
            period_seconds=period_seconds,
            region=region,
        )

    def _allow(
        self, role: aws.iam.Role, verb: str, *statements: Statement, after: Sequence[pulumi.Resource] = ()
    ) -> aws.iam.RolePolicy:
        """Let `role` do what the statements say: a policy of this component's, at the role of another. Whoever waits
        for it has waited for what it comes `after`, too."""
        return aws.iam.RolePolicy(
            f"{self._prefix}-{verb}-for-{role.pulumi_resource_name}",
            role=role.id,
            policy=document(*statements),
            opts=self._child("grant", depends_on=list(after) or None),
        )

    def _alarm(self, what: str, *, description: str, **how: Unpack[AlarmOptions]) -> aws.cloudwatch.MetricAlarm:
        """An alarm on what this component does; it is said of which component `description` speaks."""
        return metric_alarm(
            f"{self._prefix}-{what}-alarm",
            description=f"{self._prefix}: {description}",
            opts=self._child("alarm"),
            **how,
        )


def _package(kind: type[Component]) -> str:
    """The package that a component stands in, by its last name: `network`; a module of none is its own."""
    package, _, module = kind.__module__.rpartition(".")
    return package.rpartition(".")[2] or module
