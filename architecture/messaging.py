"""How the parts hand each other work: queues, events, and the workflows that schedules and events start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic.alias_generators import to_camel

from architecture.refusals import says
from components.messaging.definition import placeholders
from components.messaging.event_bus import EventBus, EventBusArgs
from components.messaging.event_route import EventRoute, EventRouteArgs
from components.messaging.queue import Queue, QueueArgs
from components.messaging.schedule import Schedule, ScheduleArgs
from components.messaging.workflow import Workflow, WorkflowArgs
from components.refusal import Refusal, nearest

if TYPE_CHECKING:
    import pulumi

    from architecture.platform import Platform
    from architecture.storage import Storage
    from components.alarms import AlarmTopics
    from components.messaging.target import Target
    from settings import Settings
    from settings.messaging import EventSettings, QueueSettings, ScheduleSettings, WorkflowSettings

WORKFLOWS = Path(__file__).resolve().parent.parent / "workloads" / "workflows"

# Placeholders that every definition may use, beside `<queue>QueueUrl` for each queue of the stack.
_BUS, _SOURCE = "eventBusName", "eventSource"


@dataclass(frozen=True)
class Messaging:
    """What the other layers may send to, take from and start."""

    queues: Mapping[str, Queue]
    bus: EventBus | None
    """Only where a workflow listens or speaks there."""
    workflows: Mapping[str, Workflow]
    schedules: Mapping[str, Schedule]
    routes: Mapping[str, EventRoute]


def build_messaging(settings: Settings, platform: Platform, storage: Storage, topics: AlarmTopics | None) -> Messaging:
    """Each queue and workflow of the stack's YAML, with what starts it; alarms where there are topics."""
    queues = {
        service: Queue(platform.name(service), queue_args(service, queue), platform.options())
        for service, queue in sorted(settings.queues.items())
    }
    bus = EventBus(platform.name("events"), EventBusArgs(), platform.options()) if _needs_bus(settings) else None
    workflows, schedules, routes = {}, {}, {}
    for service, workflow in sorted(settings.workflows.items()):
        made = _workflow(service, workflow, settings, platform, storage, queues, bus)
        workflows[service] = made
        if workflow.schedule is not None:
            when = schedule_args(service, workflow.schedule, made.target)
            schedules[service] = Schedule(platform.name(f"{service}-schedule"), when, platform.options())
        if workflow.event is not None:
            on = bus.bus_name if bus is not None and workflow.event.bus == "own" else None
            event = event_route_args(service, workflow.event, made.target, bus=on)
            routes[service] = EventRoute(platform.name(f"{service}-event"), event, platform.options())
    if topics is not None:
        for part in (*queues.values(), *workflows.values(), *schedules.values(), *routes.values()):
            part.alarms(topics)
    return Messaging(queues=queues, bus=bus, workflows=workflows, schedules=schedules, routes=routes)


def _workflow(
    service: str,
    workflow: WorkflowSettings,
    settings: Settings,
    platform: Platform,
    storage: Storage,
    queues: Mapping[str, Queue],
    bus: EventBus | None,
) -> Workflow:
    values: dict[str, pulumi.Input[str]] = {_placeholder(name): queue.url for name, queue in queues.items()}
    values[_SOURCE] = _source(service, settings)
    if bus is not None:
        values[_BUS] = bus.bus_name
    args = workflow_args(
        service, workflow, settings, values=values, log_key_arn=storage.logs_key.arn if storage.logs_key else None
    )
    made = Workflow(platform.name(service), args, platform.options())
    # A workflow may reach what its definition names, and nothing else.
    for name, queue in queues.items():
        if _placeholder(name) in args.substitutions:
            queue.grant_send(made.role)
    if bus is not None and _BUS in args.substitutions:
        bus.grant_put(made.role)
    return made


def queue_args(service: str, queue: QueueSettings) -> QueueArgs:
    """What the stack's YAML says of one queue."""
    with says(f"queues.{service}"):
        return QueueArgs(**queue.model_dump())


def workflow_args(
    service: str,
    workflow: WorkflowSettings,
    settings: Settings,
    *,
    values: Mapping[str, pulumi.Input[str]] | None = None,
    log_key_arn: pulumi.Input[str] | None = None,
) -> WorkflowArgs:
    """What the stack's YAML and the definition's file say of one workflow. It gets the values that it names."""
    if values is None:
        values = dict.fromkeys((*map(_placeholder, settings.queues), _BUS, _SOURCE), "to be made")
    with says(f"workflows.{service}"):
        text = _read(workflow.definition)
        named = placeholders(text)
        unknown = sorted(named - set(values))
        if unknown:
            raise Refusal(
                "definition",
                workflow.definition,
                f"names ${{{unknown[0]}}}, which the stack does not have; {nearest(unknown[0], values)}"
                f"it has {', '.join(sorted(values))} (each queue gives <queue>QueueUrl)",
            )
        return WorkflowArgs(
            definition=text,
            substitutions={name: values[name] for name in sorted(named)},
            kind=workflow.kind,
            log_execution_data=workflow.log_execution_data,
            log_retention_days=settings.logs.retention_days,
            log_key_arn=log_key_arn,
        )


def schedule_args(service: str, schedule: ScheduleSettings, target: Target, of: str = "workflows") -> ScheduleArgs:
    """What the stack's YAML says of when a workflow, or what else the section `of` has, starts."""
    with says(f"{of}.{service}.schedule"):
        return ScheduleArgs(target=target, **schedule.model_dump())


def event_route_args(
    service: str, event: EventSettings, target: Target, *, bus: pulumi.Input[str] | None
) -> EventRouteArgs:
    """What the stack's YAML says of the events that start a workflow."""
    with says(f"workflows.{service}.event"):
        return EventRouteArgs(
            target=target,
            bus_name=bus,
            description=f"Starts the workflow {service}.",
            **event.model_dump(exclude={"bus"}),
        )


def _read(definition: str) -> str:
    path = WORKFLOWS / f"{definition}.asl.json"
    if not path.is_file():
        known = sorted(each.name.removesuffix(".asl.json") for each in WORKFLOWS.glob("*.asl.json"))
        raise Refusal(
            "definition",
            definition,
            f"has no file workloads/workflows/{definition}.asl.json; {nearest(definition, known)}"
            f"there are: {', '.join(known)}",
        )
    return path.read_text(encoding="utf-8")


def _needs_bus(settings: Settings) -> bool:
    return any(
        (workflow.event is not None and workflow.event.bus == "own") or _BUS in placeholders(_read(workflow.definition))
        for workflow in settings.workflows.values()
    )


def _placeholder(queue: str) -> str:
    """`jobs` becomes `jobsQueueUrl`, `mail-outbox` becomes `mailOutboxQueueUrl`."""
    return f"{to_camel(queue.replace('-', '_'))}QueueUrl"


def _source(service: str, settings: Settings) -> str:
    """Who speaks, in the events of a workflow. Names the stack, because several may share one default bus."""
    return f"{settings.product}.{settings.environment}.{service}"
