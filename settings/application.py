"""Settings of what runs in containers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field
from pydantic.alias_generators import to_camel

from settings.data import TableUse, unknown_tables
from settings.section import Section, text

if TYPE_CHECKING:
    from settings import Settings


class ClusterSettings(Section):
    """Where the services of the stack run."""

    fargate_weight: int = 1
    fargate_base: int = 0
    spot_weight: int = 0
    """Against fargateWeight: the share of tasks that may be ended with two minutes' notice, for about 70 % less."""
    enhanced_insights: bool = False


class LogRouterSettings(Section):
    """Fluent Bit beside each task."""

    image: str | None = None
    """Left out: the one that Amazon serves from ECR. Private subnets without NAT reach images in ECR only."""
    cpu: int = 50
    memory: int = 128


class ScalingSettings(Section):
    """Between which numbers of tasks, and what each should be busy with; null switches a measure off."""

    minimum: int
    maximum: int
    cpu_percent: int | None = 60
    memory_percent: int | None = 70
    requests_per_task: int | None = None
    messages_per_task: int | None = None
    """For a worker: waiting messages of its queue that one task may have before it seeks help."""


class TrafficSettings(Section):
    """Which requests of the load balancer a service answers."""

    priority: int = 100
    hosts: list[str] = []
    paths: list[str] = ["/*"]
    health_path: str = "/health"
    grace_seconds: Annotated[int, Field(ge=0, le=7200)] = 60
    drain_seconds: int = 30


class ServiceSettings(Section):
    """One service: an image, a size, and who may call it."""

    image: str | None = None
    """An image of one's own choice, with tag or digest. Left out: the service's own repository, with `tag`."""
    tag: (
        Annotated[str, text(r"(?!latest$)\w[\w.-]{0,127}", "use a tag that stays, such as 1.4.2, not latest")] | None
    ) = None
    build: str | None = None
    """The folder of a Dockerfile: each update builds the image and pushes it, which needs Docker."""
    image_of: str | None = None
    """Another service whose image this one runs too, with a `command` of its own: one build, one tag."""
    keep_images: int = 10
    cpu: int = 256
    memory: int = 512
    architecture: Literal["X86_64", "ARM64"] = "X86_64"
    port: int | None = None
    traffic: TrafficSettings | None = None
    command: list[str] = []
    environment: dict[str, str] = {}
    tasks: int = 1
    scaling: ScalingSettings | None = None
    fargate_weight: int | None = None
    spot_weight: int | None = None
    deployment: Literal["rolling", "blueGreen", "canary"] = "rolling"
    bake_minutes: int = 10
    minimum_healthy_percent: int = 100
    maximum_percent: int = 200
    wait: bool = True
    """An update ends when the tasks are healthy. false for the very first one, while no image is there yet."""
    shell_access: bool = False
    database: bool = False
    """Whether it works with the stack's database."""
    tables: dict[str, TableUse] = {}
    """What it may do with which tables of the stack; it is told the name of sessions as TABLE_SESSIONS."""
    queue: str | None = None
    """A worker's queue: it is told the queue's address as QUEUE_URL, may take messages and answer workflows."""


def combinations(settings: Settings) -> Iterator[tuple[str, str]]:
    """What cannot work together: key and why."""
    for name, service in settings.services.items():
        key = f"services.{name}"
        given = [field for field in ("image", "tag", "build", "image_of") if getattr(service, field) is not None]
        if not given:
            yield f"{key}.tag", "is missing; say what runs: tag, or image, or build, or imageOf another service"
        elif len(given) > 1:
            yield f"{key}.{to_camel(given[1])}", f"and {given[0]} both say what runs; keep one of them"
        yield from _shared_image(key, service, settings)
        if settings.network is None:
            yield key, "needs a network; add the section network"
        if settings.log_archive is None:
            yield key, "needs the log archive for its log; add logArchive: {}"
        if service.traffic is not None and settings.load_balancer is None:
            yield f"{key}.traffic", "needs a load balancer; add the section loadBalancer or remove this key"
        if service.database and settings.database is None:
            yield f"{key}.database", "true needs a database; add the section database or remove this key"
        yield from unknown_tables(key, service.tables, settings)
        yield from _worker(key, service, settings)
        if settings.free_tier:
            yield key, "runs on Fargate, which is not free, and freeTier is true; remove it"
        network = settings.network
        if (
            service.shell_access
            and network
            and network.nat == "none"
            and not {"ecsExec", "ssmmessages"} & set(network.endpoints)
        ):
            yield (
                f"{key}.shellAccess",
                "true needs the endpoint ecsExec where there is no NAT; add it to network.endpoints",
            )
        if network and not network.existing and not network.stack:
            if network.nat == "none" and "ecsPrivate" not in network.endpoints:
                missing = {"ecr.api", "ecr.dkr", "logs", "secretsmanager"} - set(network.endpoints)
                if missing:
                    yield (
                        "network.endpoints",
                        (
                            f"lacks {', '.join(sorted(missing))}, which the tasks of {name} need without NAT; "
                            "add ecsPrivate"
                        ),
                    )
            if "private" not in network.tiers:
                yield "network.tiers", f"lacks private, in which the tasks of {name} run; add it"


def _shared_image(key: str, service: ServiceSettings, settings: Settings) -> Iterator[tuple[str, str]]:
    """A service that runs the image of another."""
    if service.image_of is None:
        return
    other = settings.services.get(service.image_of)
    if other is None or other.image_of is not None:
        known = ", ".join(sorted(name for name, one in settings.services.items() if one.image_of is None)) or "none"
        yield f"{key}.imageOf", f"{service.image_of} is not a service with an image of its own; there are: {known}"
    elif other.architecture != service.architecture:
        yield (
            f"{key}.architecture",
            f"{service.architecture} does not fit the image of {service.image_of}, which is for {other.architecture}",
        )


def _worker(key: str, service: ServiceSettings, settings: Settings) -> Iterator[tuple[str, str]]:
    """A service that works through a queue."""
    if service.scaling is not None and service.scaling.messages_per_task is not None and service.queue is None:
        yield f"{key}.scaling.messagesPerTask", "needs the queue to count in; add queue, or remove this key"
    if service.queue is None:
        return
    scaling = service.scaling
    if scaling is not None and scaling.messages_per_task is not None and scaling.minimum == 0:
        # Target tracking adds a task when there is more than one task's share, which a few messages never are.
        yield f"{key}.scaling.minimum", "0 would leave a few messages waiting for ever; use 1 (on Spot it costs little)"
    if service.queue not in settings.queues:
        known = ", ".join(sorted(settings.queues)) or "none"
        yield f"{key}.queue", f"{service.queue} is not a queue of this stack; the queues are: {known}"
    network = settings.network
    if network is not None and not network.existing and not network.stack and network.nat == "none":
        needed = {"sqs", "states"} if settings.workflows else {"sqs"}
        missing = needed - set(network.endpoints)
        if missing:
            listed = ", ".join(sorted(missing))
            yield "network.endpoints", f"lacks {listed}, which a worker calls where there is no NAT; add it"
