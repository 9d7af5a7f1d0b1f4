"""Settings of the simple alternative to a service: a web application whose surroundings AWS makes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Final, Literal

from components.annotations import TellsKind
from components.args import Args, as_far_as_known
from components.compute.app_runner_args import AppRunnerServiceArgs
from components.compute.express_args import ExpressServiceArgs
from components.compute.fargate import ImageUri, ecr_repository
from components.compute.repository import KeepImages
from components.errors import nearest
from components.network.endpoints import BUNDLES
from components.spelling import to_camel
from components.values import FixedTag, Name
from settings.application import ROOT, BucketUse, Variable
from settings.data import TableUse, unknown_tables

if TYPE_CHECKING:
    from settings import Settings

DEFAULT_KIND: Final = "express"
_TWO_ZONES: Final = 2
"""A load balancer stands in two zones or more."""


class _Uses(Args):
    """Which parts of the stack it works with."""

    image: ImageUri | None = None
    """An image of one's own choice, with tag or digest."""

    image_of: Name | None = None
    """A service whose image this one runs too, with a `command` of its own or without."""

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

    buckets: dict[str, BucketUse] = {}
    """What it may do with which buckets of the stack; it is told the name of content as BUCKET_CONTENT."""


class ExpressSettings(ExpressServiceArgs, _Uses):
    """ECS Express Mode, in the public subnets of the stack's network."""

    kind: Literal["express"] = "express"
    """Which of the two kinds it is; left out: express."""

    tag: FixedTag | None = None
    """The image in a repository of its own with which a new stack begins; then a parameter says which one runs, and
    every update reads it there. Deployments build it and write the parameter, as they do for services."""

    source: str = "workloads/api"
    """The folder of the Dockerfile of the images that `tag` means."""

    keep_images: KeepImages = 10
    """Images that have run and stay, for going back."""


class AppRunnerSettings(AppRunnerServiceArgs, _Uses):
    """App Runner, in accounts that had it before 30 April 2026. It has no repository of its own: App Runner keeps no
    service whose image is not there, and at first a repository of the stack's is empty."""

    kind: Literal["appRunner"]
    """Which of the two kinds it is."""


SimpleServiceSettings = Annotated[ExpressSettings | AppRunnerSettings, TellsKind("kind")]
"""A web application whose load balancer, address and scaling AWS makes."""


def combinations(settings: Settings) -> Iterator[tuple[str, str]]:
    """What cannot work together: key and why."""
    simple, key = settings.simple_service, "simpleService"
    if simple is None:
        return
    if settings.free_tier:
        yield key, f"{simple.kind} costs money for every hour and freeTier is true; remove it"
    yield from as_far_as_known(_image(key, simple, settings))
    for store in ("database", "cache"):
        if getattr(simple, store) and getattr(settings, store) is None:
            yield f"{key}.{store}", f"true needs a {store}; add the section {store} or remove this key"
    yield from as_far_as_known(unknown_tables(key, simple.tables, settings))
    for section in ("buckets", "secrets"):
        for name in getattr(simple, section):
            known = getattr(settings, section)
            if name not in known:
                listed = ", ".join(sorted(known)) or "none"
                yield f"{key}.{section}", f"{name} is not one of this stack; {nearest(name, known)}there are: {listed}"
    values = settings.parameters.values if settings.parameters is not None else {}
    for variable, name in simple.parameters.items():
        if name not in values:
            listed = ", ".join(sorted(values)) or "none"
            why = f"{name} is not a value of the section parameters; there are: {listed}"
            yield f"{key}.parameters.{variable}", why
        if variable in simple.environment:
            yield f"{key}.environment.{variable}", "has a value by parameters too; keep one of the two"
    judge = _express if simple.kind == "express" else _app_runner
    yield from as_far_as_known(judge(key, settings))


def _image(key: str, simple: SimpleServiceSettings, settings: Settings) -> Iterator[tuple[str, str]]:
    ways = ("image", "image_of", "tag") if simple.kind == "express" else ("image", "image_of")
    given = [way for way in ways if getattr(simple, way, None) is not None]
    if not given:
        yield f"{key}.{to_camel(ways[-1])}", f"is missing; say what runs: {', '.join(to_camel(way) for way in ways)}"
    elif len(given) > 1:
        yield f"{key}.{to_camel(given[1])}", f"and {to_camel(given[0])} both say what runs; keep one of them"
    if simple.kind == "express" and simple.tag is not None:
        yield from _own_image(key, simple)
    if simple.image_of is None:
        return
    other = settings.services.get(simple.image_of)
    if other is None:
        known = ", ".join(sorted(settings.services)) or "none"
        yield f"{key}.imageOf", f"{simple.image_of} is not a service of this stack; there are: {known}"
    elif other.image_of is not None:
        yield f"{key}.imageOf", f"{simple.image_of} runs the image of {other.image_of} itself; name that one"
    elif other.architecture != "X86_64":
        why = f"{simple.image_of} has images for {other.architecture}, and {simple.kind} runs on x86 alone; use image"
        yield f"{key}.imageOf", why
    elif simple.kind == "appRunner" and other.image is None:
        why = f"{simple.image_of} has a repository that is empty at first, and then App Runner makes no service"
        yield f"{key}.imageOf", f"{why}; set image to one that is there"


def _own_image(key: str, simple: ExpressSettings) -> Iterator[tuple[str, str]]:
    if not (ROOT / simple.source / "Dockerfile").is_file():
        yield f"{key}.source", f"{simple.source} has no Dockerfile; name a folder of this repository that has one"
    if simple.database and (ROOT / simple.source / "migrate.py").is_file():
        why = "with database: deployments migrate by a task of a service, and the tasks of this one ECS makes itself"
        yield f"{key}.tag", f"{why}; use imageOf, for a service whose image brings the tables up to date"


def _express(key: str, settings: Settings) -> Iterator[tuple[str, str]]:
    """In private subnets ECS would make an internal load balancer, at an address that nobody outside reaches
    (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/express-service-work.html)."""
    network = settings.network
    if network is None:
        yield key, "express needs a network with public subnets; add the section network"
        return
    if network.existing is not None:
        if len(network.existing.public_subnet_ids) < _TWO_ZONES:
            yield (
                "network.existing.publicSubnetIds",
                "has too few for the load balancer of simpleService; use 2 or more",
            )
    elif not network.stack:
        if "public" not in network.tiers:
            yield "network.tiers", "lacks public, where the load balancer of simpleService stands; add it"
        if network.zones < _TWO_ZONES:
            yield "network.zones", f"{network.zones} is too few for the load balancer of simpleService; use 2 or more"
        if missing := network.lacks(*BUNDLES["ecsPrivate"]):
            listed = ", ".join(missing)
            yield "network.endpoints", f"lacks {listed}, by which simpleService gets image and log; add ecsPrivate"


def _app_runner(key: str, settings: Settings) -> Iterator[tuple[str, str]]:
    simple, network = settings.simple_service, settings.network
    if simple is None:
        return
    # https://docs.aws.amazon.com/apprunner/latest/api/API_ImageRepository.html
    other = settings.services.get(simple.image_of or "")
    image = simple.image or (other.image if other is not None else None)
    if image is not None and ecr_repository(image) is None and not image.startswith("public.ecr.aws/"):
        field = "image" if simple.image is not None else "imageOf"
        yield f"{key}.{field}", f"{image} is not in ECR, from where alone App Runner takes images; copy it there"
    if not (simple.database or simple.cache):
        return
    if network is not None and not network.existing and not network.stack and "private" not in network.tiers:
        yield "network.tiers", f"lacks private, by which {key} reaches the stores; add it"
