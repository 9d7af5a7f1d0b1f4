"""How the parts hand each other work: queues, events, and the workflows that schedules and events start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from components.messaging.event_bus import EventBus, EventBusArgs
from components.messaging.event_route import EventRoute
from components.messaging.queue import Queue
from components.messaging.schedule import Schedule
from components.messaging.workflow import Workflow
from components.widgets import widgets_of
from settings.messaging import BUS, SOURCE, queue_placeholder
from settings.workloads import definitions

if TYPE_CHECKING:
    import pulumi

    from architecture.context import Context
    from components.widgets import Widget
    from settings.messaging import WorkflowSettings


@dataclass(frozen=True)
class Messaging:
    """What the other layers may send to, take from and start."""

    queues: Mapping[str, Queue]
    bus: EventBus | None
    """Only where a workflow listens or speaks there."""
    workflows: Mapping[str, Workflow]
    schedules: Mapping[str, Schedule]
    routes: Mapping[str, EventRoute]

    @property
    def widgets(self) -> list[Widget]:
        """What a dashboard shows of them."""
        return widgets_of(
            *self.queues.values(), *self.workflows.values(), *self.schedules.values(), *self.routes.values()
        )

    @property
    def outputs(self) -> dict[str, Any]:
        """Where to send work and events, what to start, and where failures wait."""
        told: dict[str, Any] = {}
        if self.queues:
            told["queueUrls"] = {service: queue.url for service, queue in self.queues.items()}
        dead_letters = {
            **{service: queue.dead_letters_url for service, queue in self.queues.items()},
            **{f"{service}-schedule": part.dead_letters_url for service, part in self.schedules.items()},
            **{f"{service}-event": part.dead_letters_url for service, part in self.routes.items()},
        }
        if dead_letters:
            told["deadLetterUrls"] = dead_letters
        if self.bus is not None:
            told["eventBusName"] = self.bus.bus_name
        if self.workflows:
            told["workflowArns"] = {service: workflow.arn for service, workflow in self.workflows.items()}
        return told


def build_messaging(ctx: Context) -> Messaging:
    """Each queue and workflow of the stack, with what starts it; alarms where there are topics."""
    settings = ctx.settings
    queues = {
        service: Queue(ctx.name(service), queue, opts=ctx.opts) for service, queue in sorted(settings.queues.items())
    }
    listens = any(one.event is not None and one.event.bus == "own" for one in settings.workflows.values())
    speaks = any(BUS in one.placeholders() for one in settings.workflows.values())
    bus = EventBus(ctx.name("events"), EventBusArgs(), opts=ctx.opts) if listens or speaks else None
    workflows, schedules, routes = {}, {}, {}
    for service, workflow in sorted(settings.workflows.items()):
        made = workflows[service] = _workflow(ctx, service, workflow, queues, bus)
        if workflow.schedule is not None:
            schedules[service] = Schedule(
                ctx.name(f"{service}-schedule"), workflow.schedule, target=made.target, opts=ctx.opts
            )
        event = workflow.event
        if event is not None:
            described = event.description or f"Starts the workflow {service}."
            routes[service] = EventRoute(
                ctx.name(f"{service}-event"),
                event.model_copy(update={"description": described}),
                target=made.target,
                bus=bus if event.bus == "own" else None,
                opts=ctx.opts,
            )
    if ctx.topics is not None:
        for part in (*workflows.values(), *schedules.values(), *routes.values()):
            part.alarms(ctx.topics)
        worked = {service.queue for service in settings.services.values()}
        for service, queue in queues.items():
            _, age = queue.alarms(ctx.topics)
            # Messages wait until the tasks are back. One that failed is told at night, too.
            if service in worked:
                ctx.quiet_alarms.append(age)
    return Messaging(queues=queues, bus=bus, workflows=workflows, schedules=schedules, routes=routes)


def _workflow(
    ctx: Context, service: str, workflow: WorkflowSettings, queues: Mapping[str, Queue], bus: EventBus | None
) -> Workflow:
    values: dict[str, pulumi.Input[str]] = {queue_placeholder(name): queue.url for name, queue in queues.items()}
    # Who speaks, in the events of a workflow. Names the stack, because several may share one default bus.
    values[SOURCE] = f"{ctx.settings.product}.{ctx.settings.environment}.{service}"
    if bus is not None:
        values[BUS] = bus.bus_name
    named = workflow.placeholders()
    made = Workflow(
        ctx.name(service),
        workflow,
        definition=definitions()[workflow.definition].read_text(encoding="utf-8"),
        substitutions={name: values[name] for name in sorted(named)},
        log_key=ctx.keys.logs,
        opts=ctx.opts,
    )
    # A workflow may reach what its definition names, and nothing else.
    for name, queue in queues.items():
        if queue_placeholder(name) in named:
            queue.grant_send(made.role)
    if bus is not None and BUS in named:
        bus.grant_put(made.role)
    return made
