"""What runs: the cluster, the services in it, where their images lie and where their logs go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi

from architecture.refusals import says, yaml_key
from components.compute.cluster import Cluster, ClusterArgs
from components.compute.fargate import Share, share_of_application
from components.compute.log_router import LogRouter, LogRouterArgs
from components.compute.repository import Repository, RepositoryArgs
from components.compute.scaling import QueueDepth, Scaling
from components.compute.service import Image, Service, ServiceArgs
from components.compute.task import Secret
from components.compute.traffic import Traffic
from components.data.bucket import Bucket, BucketArgs
from components.refusal import Refusal

if TYPE_CHECKING:
    from architecture.messaging import Messaging
    from architecture.platform import Platform
    from architecture.storage import Storage
    from components.alarms import AlarmTopics
    from components.messaging.queue import Queue
    from components.network.network import Network
    from settings import Settings
    from settings.application import ServiceSettings

LOG_ROUTER_FILES = Path(__file__).resolve().parent.parent / "workloads" / "log-router"


@dataclass(frozen=True)
class Application:
    """What runs in containers; nothing of it where the stack has no services."""

    cluster: Cluster | None = None
    services: Mapping[str, Service] = field(default_factory=dict)
    repositories: Mapping[str, Repository] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Place:
    """What a service is given by the other parts."""

    cluster_name: pulumi.Input[str]
    cluster_arn: pulumi.Input[str]
    network: Network
    log_router: LogRouter | None
    logs_key_arn: pulumi.Input[str] | None
    load_balancer: Any
    environment: Mapping[str, pulumi.Input[str]]
    secrets: Mapping[str, Secret]
    queue_name: pulumi.Input[str] | None = None


def build_application(
    settings: Settings,
    platform: Platform,
    network: Network | None,
    storage: Storage,
    data: Any = None,
    edge: Any = None,
    topics: AlarmTopics | None = None,
    messaging: Messaging | None = None,
) -> Application:
    """The cluster and each service of the stack's YAML, connected to the database and the queue that it names."""
    if not settings.services or network is None or storage.log_archive is None:
        return Application()
    cluster = Cluster(platform.name("cluster"), cluster_args(settings), platform.options())
    router = _log_router(settings, platform, storage)
    images, repositories = _images(settings, platform, storage)
    services: dict[str, Service] = {}
    for name, service in sorted(settings.services.items()):
        database = data.database if service.database and data is not None else None
        queue = messaging.queues[service.queue] if service.queue and messaging is not None else None
        place = Place(
            cluster_name=cluster.name,
            cluster_arn=cluster.arn,
            network=network,
            log_router=router,
            logs_key_arn=storage.logs_key.arn if storage.logs_key else None,
            load_balancer=edge.load_balancer if edge is not None else None,
            environment={
                **_environment(name, settings, database, queue),
                **(data.table_names(service.tables) if data is not None else {}),
            },
            queue_name=queue.queue_name if queue is not None else None,
            # ECS puts the whole secret, a JSON object, into the environment when a task starts.
            secrets={"DATABASE_SECRET": Secret(arn=database.secret_arn, key_arn=_data_key_arn(storage))}
            if database is not None
            else {},
        )
        made = Service(
            platform.name(name), service_args(name, service, settings, images[name], place), platform.options()
        )
        if database is not None:
            database.allow_from(made.security_group_id, name)
            made.allow_to(database.security_group_id, database.port, "database")
        if data is not None and service.tables:
            data.grant_tables(service.tables, made.task_role)
            if network.dynamodb_prefix_list_id is not None:
                made.allow_to_prefix_list(network.dynamodb_prefix_list_id, "dynamodb")
        if queue is not None and messaging is not None:
            queue.grant_consume(made.task_role)
            for workflow in messaging.workflows.values():
                workflow.grant_answer(made.task_role)
        if topics is not None:
            made.alarms(topics)
        services[name] = made
    return Application(cluster=cluster, services=services, repositories=repositories)


def cluster_args(settings: Settings) -> ClusterArgs:
    """What the stack's YAML says of the cluster."""
    cluster = settings.cluster
    with says("cluster"):
        return ClusterArgs(
            fargate_weight=cluster.fargate_weight,
            fargate_base=cluster.fargate_base,
            spot_weight=cluster.spot_weight,
            enhanced_insights=cluster.enhanced_insights,
        )


def log_router_args(settings: Settings, storage: Storage | None, configuration: Bucket | None) -> LogRouterArgs:
    """What the stack's YAML says of the log router."""
    archive = storage.log_archive if storage is not None else None
    key = storage.data_key if storage is not None else None
    with says("log_router"):
        return LogRouterArgs(
            configuration=LOG_ROUTER_FILES,
            bucket_name=configuration.name if configuration else "",
            bucket_arn=configuration.arn if configuration else "",
            bucket_key_arn=key.arn if key else None,
            archive_name=archive.name if archive else "",
            archive_arn=archive.arn if archive else "",
            image=settings.log_router.image,
            cpu=settings.log_router.cpu,
            memory=settings.log_router.memory,
        )


def repository_args(
    name: str, service: ServiceSettings, settings: Settings, key_arn: pulumi.Input[str] | None
) -> RepositoryArgs:
    """What the stack's YAML says of a service's repository."""
    with says(f"services.{name}"):
        return RepositoryArgs(key_arn=key_arn, keep_images=service.keep_images, retention=settings.retention)


def service_args(
    name: str, service: ServiceSettings, settings: Settings, image: Image, place: Place | None
) -> ServiceArgs:
    """What the stack's YAML says of a service; without a place only to find out whether it can be built."""
    _check_shares(name, service, settings)
    balancer = place.load_balancer if place is not None else None
    with says(f"services.{name}"):
        traffic = _traffic(service, balancer) if balancer is not None or place is None else None
        scaling = _scaling(service, place)
        if scaling is not None and traffic is None and scaling.requests_per_task is not None and place is not None:
            raise Refusal("scaling.requests_per_task", scaling.requests_per_task, "needs a load balancer")
        given: Any = {
            field: getattr(service, field)
            for field in (
                "cpu", "memory", "architecture", "port", "command", "fargate_weight", "spot_weight", "bake_minutes",
                "minimum_healthy_percent", "maximum_percent", "wait", "shell_access",
            )
        }  # fmt: skip
        network: Any = place.network if place is not None else None
        return ServiceArgs(
            **given,
            cluster_name=place.cluster_name if place else "",
            cluster_arn=place.cluster_arn if place else "",
            network=network,
            image=image,
            traffic=traffic,
            environment={**(place.environment if place else {}), **service.environment},
            secrets=place.secrets if place else {},
            tasks=scaling.minimum if scaling else service.tasks,
            scaling=scaling,
            # Requests can be shifted only where a load balancer brings them.
            deployment=service.deployment if traffic is not None or place is None else "rolling",
            internet=settings.network is not None and settings.network.nat != "none",
            log_router=place.log_router if place else None,
            log_name=name,
            log_retention_days=settings.logs.retention_days,
            logs_key_arn=place.logs_key_arn if place else None,
        )


def _check_shares(name: str, service: ServiceSettings, settings: Settings) -> None:
    """The sidecar's size is a key of its own section, the task's one of the service's."""
    router = Share(cpu=settings.log_router.cpu, memory=settings.log_router.memory)
    try:
        share_of_application(service.cpu, service.memory, router)
    except Refusal as refusal:
        field = refusal.field if refusal.field.startswith("log_router.") else f"services.{name}.{refusal.field}"
        raise Refusal(yaml_key(field), refusal.value, refusal.reason) from None


def _traffic(service: ServiceSettings, balancer: Any) -> Traffic | None:
    if service.traffic is None:
        return None
    return Traffic(
        **service.traffic.model_dump(),
        listener_arn=balancer.listener_arn if balancer is not None else "",
        load_balancer_security_group_id=balancer.security_group_id if balancer is not None else "",
        load_balancer_arn_suffix=balancer.arn_suffix if balancer is not None else "",
        origin_secret=balancer.origin_secret if balancer is not None else None,
    )


def _scaling(service: ServiceSettings, place: Place | None) -> Scaling | None:
    if service.scaling is None:
        return None
    measures = service.scaling.model_dump(exclude={"messages_per_task"})
    messages = service.scaling.messages_per_task
    if messages is None:
        return Scaling(**measures)
    queue_name = place.queue_name if place is not None else None
    return Scaling(
        **measures, queue=QueueDepth(queue_name="" if queue_name is None else queue_name, messages_per_task=messages)
    )


def _data_key_arn(storage: Storage) -> pulumi.Output[str] | None:
    return storage.data_key.arn if storage.data_key else None


def _environment(
    name: str, settings: Settings, database: Any, queue: Queue | None = None
) -> dict[str, pulumi.Input[str]]:
    """What the application is told; nothing secret."""
    told: dict[str, pulumi.Input[str]] = {"ENVIRONMENT": settings.environment, "SERVICE_NAME": name}
    if queue is not None:
        told["QUEUE_URL"] = queue.url
    if database is not None:
        told |= {
            "DATABASE_HOST": database.endpoint,
            "DATABASE_NAME": database.name,
            "DATABASE_PORT": pulumi.Output.from_input(database.port).apply(str),
        }
    return told


def _log_router(settings: Settings, platform: Platform, storage: Storage) -> LogRouter:
    archive = storage.log_archive
    # Not in the archive, where everything ends after a year: tasks would no longer start.
    bucket = Bucket(
        platform.name("config"),
        BucketArgs(
            key_arn=storage.data_key.arn if storage.data_key else None,
            access_log_bucket=archive.log_target_name if archive else None,
            retention=settings.retention,
        ),
        platform.options(),
    )
    args = log_router_args(settings, storage, bucket)
    return LogRouter(platform.name("log-router"), args, platform.options())


def _images(settings: Settings, platform: Platform, storage: Storage) -> tuple[dict[str, Image], dict[str, Repository]]:
    """The image of each service: the one that the stack's YAML names, one in a repository of the service's own, or that
    of another service."""
    images: dict[str, Image] = {}
    repositories: dict[str, Repository] = {}
    for name, service in sorted(settings.services.items()):
        if service.image is not None:
            images[name] = Image(uri=service.image)
        elif service.image_of is None:
            args = repository_args(name, service, settings, storage.data_key.arn if storage.data_key else None)
            repository = repositories[name] = Repository(platform.name(name), args, platform.options())
            if service.build is not None:
                uri = _built(name, service.build, service.architecture, platform, repository)
            else:
                uri = pulumi.Output.concat(repository.url, f":{service.tag}")
            images[name] = Image(uri=uri, repository_arn=repository.arn)
    shared = {name: images[service.image_of] for name, service in settings.services.items() if service.image_of}
    return {**images, **shared}, repositories


def _built(name: str, folder: str, architecture: str, platform: Platform, repository: Repository) -> pulumi.Output[str]:
    """Built and pushed by each update. Slow to import, and run by a plugin that the rehearsal does not have."""
    import pulumi_awsx as awsx  # noqa: PLC0415 only for stacks that build

    image = awsx.ecr.Image(
        f"{platform.name(name)}-image",
        repository_url=repository.url,
        context=folder,
        platform="linux/arm64" if architecture == "ARM64" else "linux/amd64",
        opts=platform.options(),
    )
    return image.image_uri
