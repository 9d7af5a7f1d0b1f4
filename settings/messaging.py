"""Settings of queues and workflows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from components.errors import Mistake, nearest
from components.messaging.definition import definition_mistakes, placeholders
from components.messaging.event_route import EventRouteArgs
from components.messaging.schedule import ScheduleArgs
from components.messaging.workflow import WorkflowArgs
from components.spelling import to_camel
from components.values import Name
from settings.workloads import definitions

if TYPE_CHECKING:
    from settings import Settings

# Placeholders that every definition may use, beside `<queue>QueueUrl` for each queue of the stack.
BUS, SOURCE = "eventBusName", "eventSource"


class EventSettings(EventRouteArgs):
    """Which events start a workflow."""

    bus: Literal["own", "default"] = "own"
    """own: what the system's parts say. default: what AWS's services say."""


class WorkflowSettings(WorkflowArgs):
    """A workflow, and what starts it."""

    definition: Name
    """The file workloads/workflows/<definition>.asl.json."""

    schedule: ScheduleArgs | None = None
    event: EventSettings | None = None

    def mistakes(self) -> Iterator[Mistake]:
        known = definitions()
        if self.definition not in known:
            hint, names = nearest(self.definition, known), ", ".join(known)
            reason = f"has no file workloads/workflows/{self.definition}.asl.json; {hint}there are: {names}"
            yield Mistake("definition", self.definition, reason)
            return
        text = known[self.definition].read_text(encoding="utf-8")
        yield from (mistake.at("definition") for mistake in definition_mistakes(text, self.kind))

    def placeholders(self) -> frozenset[str]:
        """What the definition asks for."""
        path = definitions().get(self.definition)
        return placeholders(path.read_text(encoding="utf-8")) if path is not None else frozenset()


# What stands behind the name of a queue or a workflow in the names of the components that belong to it.
PARTS_OF_A_WORKFLOW = ("-schedule", "-event")


def queue_placeholder(queue: str) -> str:
    """`jobs` becomes `jobsQueueUrl`, `mail-outbox` becomes `mailOutboxQueueUrl`."""
    return f"{to_camel(queue.replace('-', '_'))}QueueUrl"


def combinations(settings: Settings) -> Iterator[tuple[str, str]]:
    """What cannot work together: key and why."""
    taken = {name: f"buckets.{name}" for name in settings.buckets}
    for section, names in (("queues", settings.queues), ("workflows", settings.workflows)):
        for name in names:
            if name in taken:
                yield f"{section}.{name}", f"is the name of {taken[name]} too; give one of them another"
            taken[name] = f"{section}.{name}"
    for name in settings.workflows:
        for part in PARTS_OF_A_WORKFLOW:
            if f"{name}{part}" in taken:
                yield taken[f"{name}{part}"], f"is how a part of workflows.{name} is called; choose another name"
    given = {BUS, SOURCE, *map(queue_placeholder, settings.queues)}
    for name, workflow in settings.workflows.items():
        for unknown in sorted(workflow.placeholders() - given):
            names = f"'{workflow.definition}' names ${{{unknown}}}, which the stack does not have"
            known = f"it has {', '.join(sorted(given))} (each queue gives <queue>QueueUrl)"
            yield f"workflows.{name}.definition", f"{names}; {nearest(unknown, given)}{known}"
        for queue, lacking in _without_group(workflow, settings):
            why = f"'{workflow.definition}' sends to the FIFO queue {queue} without {lacking}; SQS refuses the message"
            yield f"workflows.{name}.definition", f"{why}; add it to the parameters of the step"


def _without_group(workflow: WorkflowSettings, settings: Settings) -> Iterator[tuple[str, str]]:
    """The FIFO queues to which a definition sends what they refuse, and what is lacking."""
    path = definitions().get(workflow.definition)
    if path is None:
        return
    for sent in _sendings(json.loads(path.read_text(encoding="utf-8"))):
        for name, queue in settings.queues.items():
            if queue.fifo and f"${{{queue_placeholder(name)}}}" in str(sent["QueueUrl"]):
                needed = ["MessageGroupId", *(["MessageDeduplicationId"] if queue.deduplication == "id" else [])]
                yield from ((name, one) for one in needed if one not in sent and f"{one}.$" not in sent)


def _sendings(part: Any) -> Iterator[Mapping[str, Any]]:
    """What a definition hands to SQS, wherever in it."""
    if isinstance(part, dict):
        if "QueueUrl" in part and "MessageBody" in {key.removesuffix(".$") for key in part}:
            yield part
        for one in part.values():
            yield from _sendings(one)
    elif isinstance(part, list):
        for one in part:
            yield from _sendings(one)
