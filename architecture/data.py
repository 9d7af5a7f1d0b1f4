"""Where the system keeps what it knows: the database, the cache, secrets and parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pulumi

from architecture.refusals import says
from components.data.aurora import AuroraPostgres, AuroraPostgresArgs, ReaderScaling, Serverless
from components.data.postgres import Postgres, PostgresArgs

if TYPE_CHECKING:
    from architecture.platform import Platform
    from architecture.storage import Storage
    from components.alarms import AlarmTopics
    from components.data.database import Database
    from components.network.network import Network
    from settings import Settings
    from settings.data import DatabaseSettings


@dataclass(frozen=True)
class Data:
    """What the application may use."""

    database: Database | None


@dataclass(frozen=True, kw_only=True)
class Ground:
    """Where a data store stands, and with which keys."""

    vpc_id: pulumi.Input[str]
    subnet_ids: pulumi.Input[list[str]]
    subnet_group_name: pulumi.Input[str]
    key_arn: pulumi.Input[str] | None
    log_key_arn: pulumi.Input[str] | None


def build_data(
    settings: Settings, platform: Platform, network: Network | None, storage: Storage, topics: AlarmTopics | None
) -> Data:
    """Each store of the stack's YAML, closed until the application asks for its way in."""
    database: AuroraPostgres | Postgres | None = None
    if settings.database is not None and network is not None:
        if network.database_subnet_group_name is None:
            raise pulumi.RunError("database: the network has no database subnet group; give its name, or two zones")
        ground = Ground(
            vpc_id=network.vpc_id,
            subnet_ids=data_subnet_ids(network),
            subnet_group_name=network.database_subnet_group_name,
            key_arn=storage.data_key.arn if storage.data_key else None,
            log_key_arn=storage.logs_key.arn if storage.logs_key else None,
        )
        args = database_args(settings.database, settings, ground)
        component = AuroraPostgres if isinstance(args, AuroraPostgresArgs) else Postgres
        database = component(platform.name("database"), args, platform.options())  # pyright: ignore[reportArgumentType] each with its own
        if topics is not None:
            database.alarms(topics)
    return Data(database=database)


def data_subnet_ids(network: Network) -> pulumi.Output[list[str]]:
    """The subnets for data: the isolated ones, or the private ones where there are none."""
    return pulumi.Output.all(isolated=network.isolated_subnet_ids, private=network.private_subnet_ids).apply(
        lambda tiers: tiers["isolated"] or tiers["private"]
    )


def database_args(database: DatabaseSettings, settings: Settings, ground: Ground) -> AuroraPostgresArgs | PostgresArgs:
    """What the stack's YAML says of the database."""
    protected = settings.retention == "protected"
    common: dict[str, Any] = {
        "vpc_id": ground.vpc_id,
        "subnet_group_name": ground.subnet_group_name,
        "key_arn": ground.key_arn,
        "log_key_arn": ground.log_key_arn,
        "version": database.version,
        "allow_major_upgrade": database.allow_major_upgrade,
        "instance_class": database.instance_class,
        "database": database.database,
        "user": database.user,
        "backup_days": database.backup_days if database.backup_days is not None else (35 if protected else 7),
        "rotation_days": database.rotation_days,
        "log_retention_days": settings.logs.retention_days,
        "apply_immediately": database.apply_immediately,
        "retention": settings.retention,
    }
    with says("database"):
        if database.engine == "rds":
            storage = (
                {"storage_gib": database.storage.gib, "max_storage_gib": database.storage.max_gib}
                if database.storage
                else {}
            )
            return PostgresArgs(**common, **storage, multi_az=bool(database.multi_az))
        scaling, serverless = database.reader_scaling, database.serverless
        own = settings.network is not None and not settings.network.existing and not settings.network.stack
        return AuroraPostgresArgs(
            **common,
            subnet_ids=ground.subnet_ids,
            zones=settings.network.zones if settings.network and own else 2,
            readers=1 if database.readers is None else database.readers,
            reader_scaling=ReaderScaling(max_readers=scaling.max_readers, cpu_percent=scaling.cpu_percent)
            if scaling
            else None,
            serverless=Serverless(min_units=serverless.min_units, max_units=serverless.max_units)
            if serverless
            else None,
        )


GROUND_TO_BE = Ground(
    vpc_id="vpc-to-be-made",
    subnet_ids=["subnet-to-be-made"],
    subnet_group_name="to-be-made",
    key_arn=None,
    log_key_arn=None,
)
"""For judging the settings before anything exists."""
