"""The simple alternative to a service: a web application whose load balancer, address and scaling AWS makes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pulumi

from architecture.context import require
from architecture.images import DeployedImage, deployed_image, own_repository
from components.compute.access import Secret
from components.compute.app_runner_service import AppRunnerService
from components.compute.express_service import ExpressService
from components.compute.live_image import Image

if TYPE_CHECKING:
    from architecture.context import Context
    from architecture.data import Data
    from architecture.storage import Storage
    from components.compute.cluster import Cluster
    from components.network.network import Network
    from settings.simple_service import SimpleServiceSettings

NAME = "simple"


def build_simple_service(
    ctx: Context,
    cluster: Cluster | None,
    network: Network | None,
    data: Data,
    storage: Storage,
    images: Mapping[str, Image],
) -> ExpressService | AppRunnerService | None:
    """The application of the stack's YAML, connected to the parts that it names; alarms where there are topics."""
    args = ctx.settings.simple_service
    if args is None:
        return None
    told = {**_environment(ctx, args, data), **data.table_names(args.tables), **storage.bucket_names(args.buckets)}
    hidden = {variable: Secret(arn=arn, key=ctx.keys.data) for variable, arn in data.secret_arns(args).items()}
    service: ExpressService | AppRunnerService
    if args.kind == "express":
        service = ExpressService(
            ctx.name(NAME),
            args,
            cluster=require(cluster, "cluster"),
            network=require(network, "network"),
            image=_image(args, images),
            environment=told,
            secrets=hidden,
            logs_key=ctx.keys.logs,
            opts=ctx.opts,
        )
    else:
        service = AppRunnerService(
            ctx.name(NAME),
            args,
            image=_image(args, images),
            # A connector brings all that it calls into the network, so it has one only for what answers nowhere else.
            network=network if args.database or args.cache else None,
            environment=told,
            secrets=hidden,
            key=ctx.keys.data,
            opts=ctx.opts,
        )
    _connect(args, service, network, data, storage)
    if ctx.topics is not None:
        service.alarms(ctx.topics)
    return service


def _connect(
    args: SimpleServiceSettings,
    service: ExpressService | AppRunnerService,
    network: Network | None,
    data: Data,
    storage: Storage,
) -> None:
    wanted = (("database", args.database, data.database), ("cache", args.cache, data.cache))
    for what, used, made in wanted:
        if used:
            store = require(made, what)
            store.allow_from(require(service.security_group_id, "network"), NAME)
            service.allow_to(store.security_group_id, store.port, what)
    data.grant_tables(args.tables, service.task_role)
    storage.grant_buckets(args.buckets, service.task_role)
    if network is None or service.security_group_id is None:
        return
    # The way to S3 an Express service has for its image.
    gateways = [("dynamodb", args.tables, network.dynamodb_prefix_list_id)]
    if args.kind == "appRunner":
        gateways.append(("s3", args.buckets, network.s3_prefix_list_id))
    for what, used, prefix_list in gateways:
        if used and prefix_list is not None:
            service.allow_to_prefix_list(prefix_list, what)


def _environment(ctx: Context, args: SimpleServiceSettings, data: Data) -> dict[str, pulumi.Input[str]]:
    """What the application is told; nothing secret."""
    told: dict[str, pulumi.Input[str]] = {"ENVIRONMENT": ctx.settings.environment, "SERVICE_NAME": NAME}
    told |= {"PORT": str(args.port)}
    told |= data.whereabouts(database=args.database, cache=args.cache)
    values = ctx.settings.parameters.values if ctx.settings.parameters is not None else {}
    return told | {variable: values[parameter] for variable, parameter in args.parameters.items()}


def _image(args: SimpleServiceSettings, images: Mapping[str, Image]) -> Image:
    if args.image is not None:
        return Image(uri=args.image)
    if args.image_of is not None:
        return images[args.image_of]
    return images[NAME]


def simple_image(ctx: Context) -> DeployedImage | None:
    """Its image in a repository of its own, where the stack's YAML says `tag`."""
    args = ctx.settings.simple_service
    if args is None or args.kind != "express" or args.tag is None:
        return None
    repository = own_repository(ctx, NAME, args.keep_images)
    # The provider knows no other architecture for Express.
    return deployed_image(ctx, NAME, repository, first_tag=args.tag, source=args.source, architecture="X86_64")
