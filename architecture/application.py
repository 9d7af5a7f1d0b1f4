"""What runs: the cluster, the services in it, where their images lie and where their logs go."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi

from architecture.context import require
from architecture.images import PLATFORMS, DeployedImage, deployed_image, own_repository
from architecture.observability import watch_errors
from architecture.simple_service import NAME as SIMPLE
from architecture.simple_service import build_simple_service, simple_image
from components.compute.access import Secret
from components.compute.cluster import Cluster
from components.compute.live_image import Image
from components.compute.log_router import LogRouter
from components.compute.service import Service
from components.data.bucket import Bucket, BucketArgs
from components.edge.http_api import USER_HEADER
from components.widgets import widgets_of
from settings.application import BUILDER

if TYPE_CHECKING:
    from architecture.context import Context
    from architecture.data import Data
    from architecture.edge import Edge
    from architecture.messaging import Messaging
    from architecture.models import Models
    from architecture.search import Search
    from architecture.storage import Storage
    from architecture.users import Users
    from components.compute.app_runner_service import AppRunnerService
    from components.compute.express_service import ExpressService
    from components.compute.repository import Repository
    from components.network.network import Network
    from components.operations.error_log_alarm import ErrorLogAlarm
    from components.widgets import Widget
    from settings.application import ServiceSettings

LOG_ROUTER_FILES = Path(__file__).resolve().parent.parent / "workloads" / "log-router"


@dataclass(frozen=True)
class Application:
    """What runs in containers; nothing of it where the stack has no services."""

    cluster: Cluster | None = None
    services: Mapping[str, Service] = field(default_factory=dict)
    images: Mapping[str, DeployedImage] = field(default_factory=dict)
    """The images that a pipeline brings, by the service whose repository they lie in."""
    deployed: Mapping[str, Service] = field(default_factory=dict)
    """The services that run one of these."""
    errors: Sequence[ErrorLogAlarm] = ()
    """The alarms on what services log."""
    simple: ExpressService | AppRunnerService | None = None
    """The one whose surroundings AWS makes."""

    @property
    def widgets(self) -> list[Widget]:
        """What a dashboard shows of them."""
        return widgets_of(*self.services.values(), self.simple)

    @property
    def outputs(self) -> dict[str, Any]:
        """What a pipeline needs to deploy: where images go, and what the cluster and its services are called."""
        told = (
            {} if self.simple is None else {"simpleServiceName": self.simple.name, "simpleServiceUrl": self.simple.url}
        )
        if self.cluster is None:
            return told
        return {
            **told,
            "clusterName": self.cluster.name,
            "repositoryUrls": {name: one.repository.url for name, one in self.images.items()},
            "serviceNames": {name: one.name for name, one in self.services.items()},
        }


def build_application(
    ctx: Context,
    network: Network | None,
    data: Data,
    edge: Edge,
    messaging: Messaging,
    models: Models,
    search: Search,
    storage: Storage,
    users: Users,
) -> Application:
    """The cluster and each service of the stack's YAML, connected to the parts that it names."""
    cluster = None
    if ctx.settings.has_cluster:
        cluster = Cluster(ctx.name(ctx.settings.cluster.called), ctx.settings.cluster, ctx.opts)
    images, deployed = _images(ctx)
    simple = build_simple_service(ctx, cluster, network, data, storage, images)
    if cluster is None or not ctx.settings.services:
        return Application(cluster=cluster, images=deployed, simple=simple)
    router = _log_router(ctx)
    services = {
        name: _service(
            name,
            ctx,
            cluster,
            router,
            images[service.image_of or name],
            network,
            data,
            edge,
            messaging,
            models,
            search,
            storage,
            users,
        )
        for name, service in sorted(ctx.settings.services.items())
    }
    brought = {name for name, service in ctx.settings.services.items() if (service.image_of or name) in deployed}
    return Application(
        cluster=cluster,
        services=services,
        images=deployed,
        deployed={name: service for name, service in services.items() if name in brought},
        errors=watch_errors(ctx, services),
        simple=simple,
    )


def _service(
    name: str,
    ctx: Context,
    cluster: Cluster,
    router: LogRouter,
    image: Image,
    network: Network | None,
    data: Data,
    edge: Edge,
    messaging: Messaging,
    models: Models,
    search: Search,
    storage: Storage,
    users: Users,
) -> Service:
    args, place = ctx.settings.services[name], require(network, "network")
    queue = messaging.queues[args.queue] if args.queue is not None else None
    outbox = messaging.queues[args.sends_to] if args.sends_to is not None else None
    told = queue if queue is not None else outbox
    stores = {
        what: require(store, what)
        for what, wanted, store in (("database", args.database, data.database), ("cache", args.cache, data.cache))
        if wanted
    }
    service = Service(
        ctx.name(name),
        args,
        cluster=cluster,
        network=place,
        image=image,
        load_balancer=edge.load_balancer,
        user_pool=users.pool,
        queue=queue,
        environment={
            **_environment(name, args, ctx, data),
            **({"QUEUE_URL": told.url} if told is not None else {}),
            **data.table_names(args.tables),
            **storage.bucket_names(args.buckets),
            **data.secrets_by_arn(args.secret_arns),
            **models.environment(args.models),
            **search.environment(args.collections, args.knowledge_bases),
            **users.environment(judges=args.user_pool),
        },
        # What ECS puts into the environment when a task starts.
        secrets={variable: Secret(arn=arn, key=ctx.keys.data) for variable, arn in data.secret_arns(args).items()},
        internet=ctx.settings.network is not None and ctx.settings.network.nat != "none",
        log_router=router,
        log_name=name,
        logs_key=ctx.keys.logs,
        opts=ctx.opts,
    )
    for what, store in stores.items():
        store.allow_from(service.security_group_id, name)
        service.allow_to(store.security_group_id, store.port, what)
    data.grant_tables(args.tables, service.task_role)
    data.grant_secrets(args.secret_arns, service.task_role)
    storage.grant_buckets(args.buckets, service.task_role)
    models.grant(args.models, service.task_role)
    search.admit(name, service, service.task_role, args.collections, args.knowledge_bases)
    if args.tables and place.dynamodb_prefix_list_id is not None:
        service.allow_to_prefix_list(place.dynamodb_prefix_list_id, "dynamodb")
    if outbox is not None:
        outbox.grant_send(service.task_role)
    if queue is not None:
        queue.grant_consume(service.task_role)
        for workflow in messaging.workflows.values():
            workflow.grant_answer(service.task_role)
    if ctx.topics is not None:
        ctx.quiet_alarms.extend(service.alarms(ctx.topics))
    return service


def _environment(name: str, args: ServiceSettings, ctx: Context, data: Data) -> dict[str, pulumi.Input[str]]:
    """What the application is told; nothing secret."""
    told: dict[str, pulumi.Input[str]] = {"ENVIRONMENT": ctx.settings.environment, "SERVICE_NAME": name}
    if args.traffic is not None and args.traffic.signed_in:
        # The load balancer has judged the token, and passes it on as it is.
        told["USER_HEADER"] = "authorization"
    elif args.traffic is not None and ctx.settings.apis_into_vpc:
        # Only the API reaches it.
        told["USER_HEADER"] = USER_HEADER
    told |= data.whereabouts(database=args.database, cache=args.cache)
    # By value: the stack itself sets its plain parameters, and so a task without NAT needs no endpoint for Systems
    # Manager, $10 a month in each zone.
    values = ctx.settings.parameters.values if ctx.settings.parameters is not None else {}
    return told | {variable: values[parameter] for variable, parameter in args.parameters.items()}


def _log_router(ctx: Context) -> LogRouter:
    archive = require(ctx.log_archive, "logArchive")
    # Not in the archive, where everything ends after a year: tasks would no longer start.
    bucket = Bucket(
        ctx.name("config"),
        BucketArgs(retention=ctx.settings.retention),
        key=ctx.keys.data,
        access_logs=archive,
        opts=ctx.opts,
    )
    return LogRouter(
        ctx.name("log-router"),
        ctx.settings.log_router,
        files=LOG_ROUTER_FILES,
        bucket=bucket,
        archive=archive,
        key=ctx.keys.data,
        opts=ctx.opts,
    )


def _images(ctx: Context) -> tuple[dict[str, Image], dict[str, DeployedImage]]:
    """The images of the services that do not run another's, the simple one among them: the one that the stack's YAML
    names, or one in a repository of the service's own."""
    images: dict[str, Image] = {}
    deployed: dict[str, DeployedImage] = {}
    for name, service in sorted(ctx.settings.services.items()):
        if service.image is not None:
            images[name] = Image(uri=service.image)
        elif service.image_of is None:
            repository = own_repository(ctx, name, service.keep_images)
            if service.build is not None:
                uri = _built(name, service.build, service.architecture, ctx, repository)
                images[name] = Image(uri=uri, repository=repository)
            else:
                deployed[name] = deployed_image(
                    ctx,
                    name,
                    repository,
                    first_tag=service.tag or "",
                    source=service.source,
                    architecture=service.architecture,
                )
                images[name] = Image.of(deployed[name].live)
    if (simple := simple_image(ctx)) is not None:
        deployed[SIMPLE] = simple
        images[SIMPLE] = Image.of(simple.live)
    return images, deployed


def _built(name: str, folder: str, architecture: str, ctx: Context, repository: Repository) -> pulumi.Output[str]:
    """Built and pushed by each update. Slow to import, and run by a plugin that the rehearsal does not have."""
    awsx: Any = importlib.import_module(BUILDER)
    image = awsx.ecr.Image(
        f"{ctx.name(name)}-image",
        repository_url=repository.url,
        context=folder,
        platform=PLATFORMS[architecture],
        opts=ctx.opts,
    )
    return image.image_uri
