"""A workflow that starts whenever the API puts an event on the bus."""

import json

from components.messaging.event_bus import EventBus, EventBusArgs
from components.messaging.event_route import EventRoute, EventRouteArgs
from components.messaging.workflow import Workflow, WorkflowArgs

definition = {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}
analysis = Workflow("wiki-dev-analysis", WorkflowArgs(), definition=json.dumps(definition))
bus = EventBus("wiki-dev-events", EventBusArgs())

EventRoute("wiki-dev-requested", EventRouteArgs(pattern={"source": ["wiki.api"]}), target=analysis.target, bus=bus)
