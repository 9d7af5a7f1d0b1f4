"""An event bus of the system's own, on which its parts tell each other what has happened.

Use: bus = EventBus("wiki-dev-events", EventBusArgs())
     bus.grant_put(task_role)
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from components.children import Children, Transform
from components.policy import document, statement


@dataclass(frozen=True, kw_only=True)
class EventBusArgs:
    """What the caller decides about a bus. $1 for a million events; what matches no rule is forgotten."""

    transform: Transform = field(default_factory=dict)
    """Changes to the properties of named children, for what this component does not offer."""


class EventBus(pulumi.ComponentResource):
    """A bus that only this account's roles may put events on, each by a grant."""

    CHILDREN = ("bus", "grant")

    arn: pulumi.Output[str]
    bus_name: pulumi.Output[str]

    def __init__(self, name: str, args: EventBusArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("kumiki:messaging:EventBus", name, None, opts)
        self._prefix = name
        self._child = Children(self, args.transform, self.CHILDREN)
        bus = aws.cloudwatch.EventBus(f"{name}-bus", name=name, tags={"Name": f"{name}-bus"}, opts=self._child("bus"))
        self.arn, self.bus_name = bus.arn, bus.name
        self.register_outputs({"arn": self.arn})

    def grant_put(self, role: aws.iam.Role) -> None:
        """Let `role` put events on this bus, and nothing more."""
        aws.iam.RolePolicy(
            f"{self._prefix}-put-for-{role.pulumi_resource_name}",
            role=role.id,
            policy=document(statement("PutEvents", actions="events:PutEvents", resources=self.arn)),
            opts=self._child("grant"),
        )
