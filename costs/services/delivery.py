"""Builds, pipelines, images and analyses."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from costs.model import CostComponent, Resource, by_use, fixed, free, not_priced
from costs.services.registry import number, prices
from costs.stack import Stack

_GB_IN_TB: Final = 1024
_QUERY_GB: Final = Decimal(10) / 1024
"""What a query of Athena reads, at least. https://aws.amazon.com/athena/pricing/"""
_MINUTES: Final = 60
_WORKERS: Final = {
    "G.025X": Decimal("0.25"),
    "G.1X": Decimal(1),
    "G.2X": Decimal(2),
    "G.4X": Decimal(4),
    "G.8X": Decimal(8),
}
"""DPUs of a worker. https://docs.aws.amazon.com/glue/latest/dg/worker-types.html"""


@prices("ecr/repository:Repository")
def images(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """By the GB that is kept."""
    yield by_use("images of all repositories", "ecr.storage_gb_month", stack.use("imagesGb", one))


@prices("ecr/registryScanningConfiguration:RegistryScanningConfiguration")
def scanning(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """Free but for Inspector, which looks at each image again and again."""
    del stack
    if one.inputs.get("scanType") == "ENHANCED":
        yield not_priced("scans by Inspector", "Inspector has no price here")
    else:
        yield free("the images are paid")


@prices("ecr/replicationConfiguration:ReplicationConfiguration")
def copied(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """All images once more for each destination, and their way there."""
    rules = (one.inputs.get("replicationConfiguration") or {}).get("rules") or []
    places = [place for rule in rules for place in rule.get("destinations") or []]
    away = [place for place in places if place.get("region") != one.region]
    yield by_use("copies of images", "ecr.storage_gb_month", stack.expects("imagesGb") * len(places))
    yield by_use("data to another region", "datatransfer.inter_region_gb", stack.expects("imagesGb") * len(away))


_BUILDERS: Final = {
    ("LINUX_CONTAINER", "BUILD_GENERAL1_SMALL"): "codebuild.linux.small_minute",
    ("LINUX_CONTAINER", "BUILD_GENERAL1_MEDIUM"): "codebuild.linux.medium_minute",
    ("LINUX_CONTAINER", "BUILD_GENERAL1_LARGE"): "codebuild.linux.large_minute",
    ("ARM_CONTAINER", "BUILD_GENERAL1_SMALL"): "codebuild.arm.small_minute",
}


@prices("codebuild/project:Project")
def build(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """By the minute, by the kind of machine; each build is at least one."""
    environment = one.inputs.get("environment") or {}
    kind = str(environment.get("type")), str(environment.get("computeType"))
    minutes = max(stack.use("buildMinutes", one), stack.use("builds", one))
    if kind not in _BUILDERS:
        yield not_priced(f"builds on {' '.join(kind)}", "this kind of machine has no price here")
    else:
        yield by_use(f"minutes of builds, {' '.join(kind)}", _BUILDERS[kind], minutes)


@prices("codepipeline/pipeline:Pipeline")
def pipeline(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """A pipeline of the first type by the month, of the second by the minute of its actions, each at least one."""
    if one.inputs.get("pipelineType") == "V2":
        minutes = max(stack.use("buildMinutes", one), stack.use("builds", one))
        yield by_use("minutes of actions", "codepipeline.v2_action_minute", minutes)
    else:
        yield fixed("active pipeline", "codepipeline.v1_active_month", 1)


@prices("amplify/app:App")
def app(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """Builds, data that is served, and pages that servers make."""
    yield by_use("minutes of builds", "amplify.build_minute", stack.use("buildMinutes", one))
    yield by_use("data served", "amplify.served_gb", stack.use("transferGb", one))
    if one.inputs.get("platform") == "WEB_COMPUTE":
        yield by_use("pages made by servers", "amplify.ssr_requests", stack.use("siteRequests", one))
        yield not_priced("time of servers", "how long they take is not among the use that is known")


_JOB: Final = "glue/job:Job"


@prices(_JOB)
def job(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """By the DPU and hour, each run at least a minute; flexible ones for two thirds of it."""
    flexible = one.inputs.get("executionClass") == "FLEX"
    kind = "glue.etl_flex.dpu_hour" if flexible else "glue.etl.dpu_hour"
    workers = max(_dpus(each) for each in stack.of(_JOB))
    least = stack.use("jobRuns", one) * workers / _MINUTES
    yield by_use("DPU-hours of all jobs", kind, max(stack.use("jobHours", one), least))


def _dpus(one: Resource) -> Decimal:
    size = _WORKERS.get(str(one.inputs.get("workerType") or ""), Decimal(1))
    return number(one.inputs, "numberOfWorkers") * size or number(one.inputs, "maxCapacity", 10)


@prices("glue/crawler:Crawler")
def crawler(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """As a job: a tenth of the hours of the stack's jobs, all of them where there is none. Each run is at least ten
    minutes of two DPUs."""
    share = 10 if stack.of(_JOB) else 1
    least = stack.use("jobRuns", one) / share * 2 * 10 / _MINUTES
    yield by_use("DPU-hours of all crawlers", "glue.crawler.dpu_hour", max(stack.use("jobHours", one) / share, least))


@prices("glue/catalogDatabase:CatalogDatabase", "glue/catalogTable:CatalogTable")
def catalogue(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """Tables, databases and partitions: a million are free in an account."""
    del one, stack
    yield by_use("object of the catalogue", "glue.catalog.objects_month", 1)


@prices("athena/workgroup:Workgroup")
def queries(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """By the TB that queries read, each at least 10 MB."""
    read = max(stack.use("scannedGb", one), stack.use("queries", one) * _QUERY_GB)
    yield by_use("data that queries read", "athena.scanned_tb", read / Decimal(_GB_IN_TB))
