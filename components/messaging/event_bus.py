"""An event bus of the system's own, on which its parts tell each other what has happened.

Use: bus = EventBus("wiki-dev-events", EventBusArgs())
     bus.grant_put(task_role)
"""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from ..args import ComponentArgs
from ..component import Component
from ..policy import statement


class EventBusArgs(ComponentArgs):
    """An EventBridge bus. $1 for a million events; what matches no rule is forgotten."""


class EventBus(Component):
    """A bus that only this account's roles may put events on, each by a grant."""

    CHILDREN = ("bus", "grant")

    arn: pulumi.Output[str]
    bus_name: pulumi.Output[str]

    def __init__(self, name: str, args: EventBusArgs, *, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        bus = aws.cloudwatch.EventBus(f"{name}-bus", name=name, tags={"Name": f"{name}-bus"}, opts=self._child("bus"))
        self.arn, self.bus_name = bus.arn, bus.name
        self.register_outputs({"arn": self.arn})

    def grant_put(self, role: aws.iam.Role) -> aws.iam.RolePolicy:
        """Let `role` put events on this bus, and nothing more."""
        return self._allow(role, "put", statement("PutEvents", actions="events:PutEvents", resources=self.arn))
