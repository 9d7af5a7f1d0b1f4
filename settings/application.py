"""Settings of what runs in containers."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

from components.args import as_far_as_known, in_yaml
from components.compute.cluster import ClusterArgs
from components.compute.fargate import ImageUri
from components.compute.repository import KeepImages
from components.compute.service_args import ServiceArgs
from components.errors import dotted
from components.network.endpoints import BUNDLES
from components.spelling import to_camel
from components.values import FixedTag, Name, text
from settings.data import TableUse, unknown_tables
from settings.models import ENDPOINTS
from settings.search import CollectionUse, KnowledgeBaseUse

if TYPE_CHECKING:
    from settings import Settings

ROOT: Final = Path(__file__).resolve().parent.parent

PROBES: Final = ("/health", "/ready")
"""Paths on which the program asks for nobody's name: those of `workloads/api`."""

BUILDER: Final = "pulumi_awsx"
"""The package that builds images; most stacks do without it."""
_INSTALL = ".venv/bin/python -m pip install --require-hashes -r requirements/images.txt"

BucketUse = Literal["read", "write", "readWrite"]

Variable = Annotated[str, text(r"[A-Za-z_]\w{0,254}", "use letters, digits and _")]


class ClusterSettings(ClusterArgs):
    """The cluster, and what it is called."""

    service: Name | None = None
    """What it is for, as part of its name: {product}-{environment}-{service}-cluster. Left out:
    {product}-{environment}-cluster. Another name is another cluster, with all of its services."""

    @property
    def called(self) -> str:
        """As a component is called behind product and environment."""
        return "cluster" if self.service is None else f"{self.service}-cluster"


class ServiceSettings(ServiceArgs):
    """A service, the image that it runs, and which parts of the stack it works with."""

    image: ImageUri | None = None
    """An image of one's own choice, with tag or digest. Left out: the service's own repository, with `tag`."""

    tag: FixedTag | None = None
    """The image with which a new stack begins. Then deployments write into a parameter which one runs, and every update
    reads it there."""

    source: str = "workloads/api"
    """The folder of the Dockerfile from which a deployment builds the images that `tag` means."""

    build: str | None = None
    """The folder of a Dockerfile: each update builds the image and pushes it, which needs Docker, and a package that
    others do without (requirements/images.txt)."""

    image_of: str | None = None
    """Another service whose image this one runs too, with a `command` of its own: one build, one tag."""

    keep_images: KeepImages = 10
    """Images that have run and stay, for going back."""

    database: bool = False
    """Whether it works with the stack's database; it is told of it by DATABASE_HOST, DATABASE_PORT, DATABASE_NAME and
    DATABASE_SECRET."""

    cache: bool = False
    """Whether it works with the stack's cache; it is told of it by CACHE_HOST, CACHE_PORT and CACHE_SECRET."""

    secrets: list[Name] = []
    """The secrets of the stack whose values its environment has; `session-key` as SESSION_KEY_SECRET."""

    parameters: dict[Variable, str] = {}
    """Environment variables that have the value of a plain parameter of the stack: LOG_LEVEL: api/log-level."""

    tables: dict[str, TableUse] = {}
    """What it may do with which tables of the stack; it is told the name of sessions as TABLE_SESSIONS."""

    models: list[Name] = []
    """The models of modelAccess that it may invoke; it is told as MODELS_PATH under which parameters it finds how."""

    collections: dict[str, CollectionUse] = {}
    """What it may do with which collections of the stack; it is told where search is as COLLECTION_SEARCH_URL."""

    knowledge_bases: dict[str, KnowledgeBaseUse] = {}
    """What it may ask of which knowledge bases of the stack: for chunks that fit a question (retrieve), or an answer
    from them, too (generate). It is told the id of wiki as KNOWLEDGE_BASE_WIKI."""

    user_pool: bool = False
    """Whether it judges tokens of the stack's user pool; it is told whose as USER_POOL_ISSUER and
    USER_POOL_CLIENT_IDS."""

    buckets: dict[str, BucketUse] = {}
    """What it may do with which buckets of the stack; it is told the name of content as BUCKET_CONTENT."""

    secret_arns: list[Name] = []
    """Secrets of the stack that the code reads itself, whenever it needs them, so that one that is changed counts
    without new tasks; it is told of `github-token` as GITHUB_TOKEN_SECRET_ARN."""

    sends_to: Name | None = None
    """A queue to which it sends; it is told where as QUEUE_URL."""

    queue: str | None = None
    """A worker's queue: it is told the queue's address as QUEUE_URL, may take messages and answer workflows."""


def _takes_from_neighbours(dockerfile: Path) -> bool:
    """Whether a deployment has to name a second context, as `.github/scripts/image.sh` does."""
    return dockerfile.is_file() and "--from=workloads " in dockerfile.read_text(encoding="utf-8")


def combinations(settings: Settings) -> Iterator[tuple[str, str]]:
    """What cannot work together: key and why."""
    for name, service in settings.services.items():
        key = f"services.{name}"
        given = [field for field in ("image", "tag", "build", "image_of") if getattr(service, field) is not None]
        if not given:
            yield f"{key}.tag", "is missing; say what runs: tag, or image, or build, or imageOf another service"
        elif len(given) > 1:
            yield f"{key}.{to_camel(given[1])}", f"and {given[0]} both say what runs; keep one of them"
        if service.build is not None and importlib.util.find_spec(BUILDER) is None:
            yield f"{key}.build", f"{service.build} needs a package that is not installed; run `{_INSTALL}`"
        if service.build is not None and _takes_from_neighbours(ROOT / service.build / "Dockerfile"):
            reason = "takes files of other folders, which an update does not hand over; use tag and source instead"
            yield f"{key}.build", f"{service.build} {reason}"
        if service.tag is not None and not (ROOT / service.source / "Dockerfile").is_file():
            yield f"{key}.source", f"{service.source} has no Dockerfile; name a folder of this repository that has one"
        yield from as_far_as_known(_shared_image(key, service, settings))
        yield from as_far_as_known(_surroundings(name, service, settings))
        if settings.network is None:
            yield key, "needs a network; add the section network"
        if settings.log_archive is None:
            yield key, "needs the log archive for its log; add logArchive: {}"
        if service.traffic is not None and settings.load_balancer is None:
            yield f"{key}.traffic", "needs a load balancer; add the section loadBalancer or remove this key"
        if service.database and settings.database is None:
            yield f"{key}.database", "true needs a database; add the section database or remove this key"
        if service.cache and settings.cache is None:
            yield f"{key}.cache", "true needs a cache; add the section cache or remove this key"
        yield from as_far_as_known(_signed_in(key, service, settings))
        if service.user_pool and settings.user_pool is None:
            yield f"{key}.userPool", "true needs users; add the section userPool or remove this key"
        if service.user_pool and settings.network and settings.network.lacks("cognito-idp"):
            yield "network.endpoints", f"lacks cognito-idp, whose keys {name} reads without NAT; add it"
        for secret in service.secret_arns:
            if secret not in settings.secrets:
                yield f"{key}.secretArns", f"{secret} is not a secret of this stack; add it to the section secrets"
        for bucket in service.buckets:
            if bucket not in settings.buckets:
                known = ", ".join(sorted(settings.buckets)) or "none"
                yield f"{key}.buckets.{bucket}", f"is not a bucket of this stack; the buckets are: {known}"
        for secret in service.secrets:
            if secret not in settings.secrets:
                yield f"{key}.secrets", f"{secret} is not a secret of this stack; add it to the section secrets"
            elif getattr(service, secret, False) is True:
                yield f"{key}.secrets", f"{secret} is what the secret of {key}.{secret} is called; rename it"
        yield from as_far_as_known(_parameters(key, service, settings))
        yield from as_far_as_known(unknown_tables(key, service.tables, settings))
        yield from as_far_as_known(_sender(key, service, settings))
        yield from as_far_as_known(_worker(key, service, settings))
        network = settings.network
        if service.models and network and (missing := network.lacks(*ENDPOINTS)):
            listed = ", ".join(missing)
            yield "network.endpoints", f"lacks {listed}, by which {name} asks models where there is no NAT; add it"
        yield from as_far_as_known(_same_priority(name, service, settings))
        if settings.free_tier:
            yield key, "runs on Fargate, which is not free, and freeTier is true; remove it"
        if service.secret_arns and network and network.lacks("secretsmanager"):
            yield "network.endpoints", f"lacks secretsmanager, where {name} reads secrets without NAT; add it"
        if service.shell_access and network and network.lacks(*BUNDLES["ecsExec"]):
            yield (
                f"{key}.shellAccess",
                "true needs the endpoint ecsExec where there is no NAT; add it to network.endpoints",
            )
        if network and not network.existing and not network.stack:
            if missing := network.lacks(*BUNDLES["ecsPrivate"]):
                listed = ", ".join(missing)
                yield "network.endpoints", f"lacks {listed}, which the tasks of {name} need without NAT; add ecsPrivate"
            if "private" not in network.tiers:
                yield "network.tiers", f"lacks private, in which the tasks of {name} run; add it"


def _signed_in(key: str, service: ServiceSettings, settings: Settings) -> Iterator[tuple[str, str]]:
    """What a load balancer needs to judge tokens."""
    if service.traffic is None or not service.traffic.signed_in:
        return
    at = f"{key}.traffic.signedIn"
    if settings.user_pool is None:
        yield at, "true needs users; add the section userPool or remove this key"
    elif len(settings.user_pool.clients) != 1:
        known = ", ".join(sorted(settings.user_pool.clients)) or "none"
        yield at, f"true compares tokens with the id of one client, and userPool.clients has {known}; keep one there"
    if settings.load_balancer is not None and settings.load_balancer.allow_http:
        yield at, "true needs HTTPS: AWS judges no tokens on plain HTTP; remove loadBalancer.allowHttp"
    if settings.load_balancer is not None and settings.load_balancer.internal:
        yield at, "true, where the API before the load balancer judges tokens already; remove this key"
    public = service.traffic.public.paths if service.traffic.public is not None else []
    if spoken := [path for path in public if path not in PROBES]:
        named = " and ".join(PROBES)
        why = f"of these nobody has judged the token by which the program knows who asks; name only {named}"
        yield f"{key}.traffic.public.paths", f"{', '.join(spoken)}: {why}, or take signedIn away"


def _surroundings(name: str, service: ServiceSettings, settings: Settings) -> Iterator[tuple[str, str]]:
    """What does not go with the cluster, the log router or the load balancer of the stack."""
    found = service.mistakes_with(settings.cluster, settings.log_router, origin_secret=settings.has_origin_secret)
    for mistake in found:
        of_service = mistake.at("services", name)
        known = in_yaml(type(settings), mistake if mistake.path[0] == "log_router" else of_service)
        yield dotted(known.path), f"{known.value} {known.reason}"


def _parameters(key: str, service: ServiceSettings, settings: Settings) -> Iterator[tuple[str, str]]:
    """Variables that have the value of a parameter."""
    values = settings.parameters.values if settings.parameters is not None else {}
    for variable, name in service.parameters.items():
        if name not in values:
            known = ", ".join(sorted(values)) or "none"
            yield f"{key}.parameters.{variable}", f"{name} is not a value of the section parameters; there are: {known}"
        if variable in service.environment:
            yield f"{key}.environment.{variable}", "has a value by parameters too; keep one of the two"


def _same_priority(name: str, service: ServiceSettings, settings: Settings) -> Iterator[tuple[str, str]]:
    """A service whose requests would be decided at the same place in the order as those of one before it."""
    if service.traffic is None:
        return
    taken = dict(_priorities(settings))
    for key, priority in _priorities_of(name, service):
        first = next(other for other, number in taken.items() if number == priority)
        if first == key:
            continue
        free = next((number for number in range(priority, 0, -1) if number not in taken.values()), None)
        free = free if free is not None else max(taken.values()) + 1
        why = (
            f"{priority} is that of {first.removesuffix('.traffic.priority').removeprefix('services.')} too "
            "(left out, it is 100); give each service its own, and the lowest to the one whose hosts and paths are the "
            f"most special, such as {free}"
        )
        yield key, why


def _priorities(settings: Settings) -> Iterator[tuple[str, int]]:
    for name, service in settings.services.items():
        yield from _priorities_of(name, service)


def _priorities_of(name: str, service: ServiceSettings) -> Iterator[tuple[str, int]]:
    """The places of a service's rules in the order of the listener: key → number."""
    if service.traffic is not None:
        yield f"services.{name}.traffic.priority", service.traffic.priority
        if service.traffic.public is not None:
            yield f"services.{name}.traffic.public.priority", service.traffic.public.priority


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


def _sender(key: str, service: ServiceSettings, settings: Settings) -> Iterator[tuple[str, str]]:
    """A service that sends to a queue."""
    if service.sends_to is None:
        return
    if service.queue is not None:
        yield f"{key}.sendsTo", "and queue are both told as QUEUE_URL; a service has one of them"
    if service.sends_to not in settings.queues:
        known = ", ".join(sorted(settings.queues)) or "none"
        yield f"{key}.sendsTo", f"{service.sends_to} is not a queue of this stack; the queues are: {known}"
    if settings.network is not None and settings.network.lacks("sqs"):
        yield "network.endpoints", f"lacks sqs, to which {key} sends where there is no NAT; add it"


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
    needed = ("sqs", "states") if settings.workflows else ("sqs",)
    if settings.network is not None and (missing := settings.network.lacks(*needed)):
        listed = ", ".join(missing)
        yield "network.endpoints", f"lacks {listed}, which a worker calls where there is no NAT; add it"
