"""Where the system keeps what it knows: the database, the cache, tables, secrets and parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pulumi

from architecture.functions import package_of
from architecture.refusals import says
from components.data.aurora import AuroraPostgres, AuroraPostgresArgs, ReaderScaling, Serverless
from components.data.cache import Cache, CacheArgs
from components.data.master_password import MasterPassword, MasterPasswordArgs
from components.data.parameters import ParameterTree, ParameterTreeArgs
from components.data.postgres import Postgres, PostgresArgs
from components.data.secrets import Rotation, Secret, SecretSet, SecretSetArgs
from components.data.table import Replica, RequestLimit, Table, TableArgs
from components.data.table_keys import Index, LocalIndex
from components.data.table_scaling import CapacityRange, Provisioned
from components.operations.database_extensions import DatabaseExtensions, DatabaseExtensionsArgs, check_extensions

if TYPE_CHECKING:
    import pulumi_aws as aws

    from architecture.platform import Platform
    from architecture.storage import Storage
    from components.alarms import AlarmTopics
    from components.compute.package import Package
    from components.data.database import Database
    from components.network.network import Network
    from settings import Settings
    from settings.data import (
        CacheSettings,
        DatabaseSettings,
        ParameterSettings,
        SecretSettings,
        TableSettings,
        TableUse,
    )


@dataclass(frozen=True)
class Data:
    """What the application may use."""

    database: Database | None
    cache: Cache | None
    secrets: SecretSet | None
    parameters: ParameterTree | None
    tables: Mapping[str, Table] = field(default_factory=dict)

    def grant_tables(self, uses: Mapping[str, TableUse], role: aws.iam.Role) -> None:
        """Let a program with `role` do with each table what its settings say, and nothing more."""
        for name, use in sorted(uses.items()):
            table = self.tables[name]
            {"read": table.grant_read, "write": table.grant_write, "readWrite": table.grant_read_write}[use](role)

    def table_names(self, uses: Mapping[str, TableUse]) -> dict[str, pulumi.Input[str]]:
        """What such a program is told: the name of `sessions` as TABLE_SESSIONS."""
        return {f"TABLE_{name.replace('-', '_').upper()}": self.tables[name].name for name in uses}


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
    keys = {
        "key_arn": storage.data_key.arn if storage.data_key else None,
        "log_key_arn": storage.logs_key.arn if storage.logs_key else None,
    }
    database = _database(settings, platform, network, keys)
    _extensions(settings, platform, network, database, keys)
    cache = _cache(settings, platform, network, keys)
    tables = {
        name: Table(platform.name(name), table_args(name, table, settings, **_table_keys(storage)), platform.options())
        for name, table in sorted(settings.tables.items())
    }
    for watched in (database, cache, *tables.values()):
        if watched is not None and topics is not None:
            watched.alarms(topics)
    return Data(
        database=database,
        cache=cache,
        secrets=_secrets(settings, platform, keys["key_arn"]),
        parameters=_parameters(settings, platform, keys["key_arn"], database, cache),
        tables=tables,
    )


def _table_keys(storage: Storage) -> dict[str, Any]:
    return {
        "key_arn": storage.data_key.arn if storage.data_key else None,
        "replica_key_arns": {region: key.arn for region, key in storage.replica_keys.items()},
    }


def _database(
    settings: Settings, platform: Platform, network: Network | None, keys: dict[str, Any]
) -> AuroraPostgres | Postgres | None:
    if settings.database is None or network is None:
        return None
    if network.database_subnet_group_name is None:
        raise pulumi.RunError("database: the network has no database subnet group; give its name, or two zones")
    ground = Ground(
        vpc_id=network.vpc_id,
        subnet_ids=data_subnet_ids(network),
        subnet_group_name=network.database_subnet_group_name,
        **keys,
    )
    # A secret is not free.
    password = _free_password(settings.database, settings, platform, ground) if settings.free_tier else None
    args = database_args(settings.database, settings, ground, password)
    if isinstance(args, AuroraPostgresArgs):
        return AuroraPostgres(platform.name("database"), args, platform.options())
    return Postgres(platform.name("database"), args, platform.options())


def _free_password(
    database: DatabaseSettings, settings: Settings, platform: Platform, ground: Ground
) -> MasterPassword:
    args = MasterPasswordArgs(
        parameter=f"/{settings.product}/{settings.environment}/database/master",
        user=database.user,
        key_arn=ground.key_arn,
    )
    return MasterPassword(platform.name("database-password"), args, platform.options())


def _extensions(
    settings: Settings, platform: Platform, network: Network | None, database: Database | None, keys: dict[str, Any]
) -> None:
    if settings.database is None or not settings.database.extensions or network is None or database is None:
        return
    args = DatabaseExtensionsArgs(
        extensions=settings.database.extensions,
        database=database,
        network=network,
        package=extensions_package(settings.database),
        log_retention_days=settings.logs.retention_days,
        **keys,
    )
    DatabaseExtensions(platform.name("database-extensions"), args, platform.options())


def _cache(settings: Settings, platform: Platform, network: Network | None, keys: dict[str, Any]) -> Cache | None:
    if settings.cache is None or network is None:
        return None
    ground = Ground(
        vpc_id=network.vpc_id, subnet_ids=data_subnet_ids(network), subnet_group_name="makes its own", **keys
    )
    return Cache(platform.name("cache"), cache_args(settings.cache, settings, ground), platform.options())


def _secrets(settings: Settings, platform: Platform, key_arn: pulumi.Input[str] | None) -> SecretSet | None:
    if not settings.secrets:
        return None
    args = secret_args(settings.secrets, settings, key_arn)
    return SecretSet(platform.name("secrets"), args, platform.options())


def _parameters(
    settings: Settings,
    platform: Platform,
    key_arn: pulumi.Input[str] | None,
    database: Database | None,
    cache: Cache | None,
) -> ParameterTree | None:
    if settings.parameters is None:
        return None
    plain, secure = whereabouts(database, cache)
    args = parameter_args(settings.parameters, settings, key_arn, plain, secure)
    return ParameterTree(platform.name("parameters"), args, platform.options())


def whereabouts(
    database: Database | None, cache: Cache | None
) -> tuple[dict[str, pulumi.Input[str]], dict[str, pulumi.Input[str]]]:
    """For programs that are not deployed from here: which secret opens a store, in plain text because its ARN opens
    nothing, and where the stores answer, to be encrypted."""
    plain: dict[str, pulumi.Input[str]] = {}
    secure: dict[str, pulumi.Input[str]] = {}
    for service, store in (("database", database), ("cache", cache)):
        if store is not None:
            plain[f"{service}/secret-arn"] = store.secret_arn
            secure[f"{service}/endpoint"] = store.endpoint
            secure[f"{service}/reader-endpoint"] = store.reader_endpoint
    return plain, secure


def data_subnet_ids(network: Network) -> pulumi.Output[list[str]]:
    """The subnets for data: the isolated ones, or the private ones where there are none."""
    return pulumi.Output.all(isolated=network.isolated_subnet_ids, private=network.private_subnet_ids).apply(
        lambda tiers: tiers["isolated"] or tiers["private"]
    )


def database_args(
    database: DatabaseSettings, settings: Settings, ground: Ground, password: MasterPassword | None = None
) -> AuroraPostgresArgs | PostgresArgs:
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
            return PostgresArgs(
                **common,
                **storage,
                multi_az=bool(database.multi_az),
                password=password,
                cpu_alarm=not settings.free_tier,
            )
        scaling, serverless = database.reader_scaling, database.serverless
        return AuroraPostgresArgs(
            **common,
            subnet_ids=ground.subnet_ids,
            zones=_zones(settings),
            readers=1 if database.readers is None else database.readers,
            reader_scaling=ReaderScaling(max_readers=scaling.max_readers, cpu_percent=scaling.cpu_percent)
            if scaling
            else None,
            serverless=Serverless(min_units=serverless.min_units, max_units=serverless.max_units)
            if serverless
            else None,
        )


def extensions_package(database: DatabaseSettings) -> Package:
    """What the function runs that creates the database's extensions, if those are known and it has been built."""
    with says("database", {"package": "extensions"}):
        check_extensions(database.extensions)
        return package_of("extensions", "arm64")


def _zones(settings: Settings) -> int:
    """Of the network, or two where only AWS knows."""
    network = settings.network
    return network.zones if network is not None and not network.existing and not network.stack else 2


def cache_args(cache: CacheSettings, settings: Settings, ground: Ground) -> CacheArgs:
    """What the stack's YAML says of the cache."""
    with says("cache"):
        return CacheArgs(
            vpc_id=ground.vpc_id,
            subnet_ids=ground.subnet_ids,
            zones=_zones(settings),
            engine=cache.engine,
            version=cache.version or {"valkey": "8.0", "redis": "7.1"}[cache.engine],
            node_type=cache.node_type,
            replicas=cache.replicas,
            shards=cache.shards,
            snapshot_days=cache.snapshot_days,
            key_arn=ground.key_arn,
            log_key_arn=ground.log_key_arn,
            log_retention_days=settings.logs.retention_days,
            apply_immediately=cache.apply_immediately,
            retention=settings.retention,
        )


def table_args(
    name: str,
    table: TableSettings,
    settings: Settings,
    *,
    key_arn: pulumi.Input[str] | None,
    replica_key_arns: Mapping[str, pulumi.Input[str]],
) -> TableArgs:
    """What the stack's YAML says of one table."""
    with says(f"tables.{name}"):
        return TableArgs(
            attributes=table.attributes,
            hash_key=table.hash_key,
            range_key=table.range_key,
            indexes={name: Index(**index.model_dump()) for name, index in table.indexes.items()},
            local_indexes={name: LocalIndex(**index.model_dump()) for name, index in table.local_indexes.items()},
            provisioned=_provisioned(table),
            limit=RequestLimit(**table.limit.model_dump()) if table.limit else None,
            ttl=table.ttl,
            stream=table.stream,
            recovery_days=table.recovery_days if table.recovery_days is not None else (0 if settings.free_tier else 35),
            replicas=[
                Replica(region=region, key_arn=replica_key_arns[region] if settings.own_keys else None)
                for region in table.replicas
            ],
            key_arn=key_arn,
            retention=settings.retention,
        )


def _provisioned(table: TableSettings) -> Provisioned | None:
    if table.provisioned is None:
        return None
    read, write = table.provisioned.read, table.provisioned.write
    return Provisioned(
        read=CapacityRange(minimum=read.minimum, maximum=read.maximum),
        write=CapacityRange(minimum=write.minimum, maximum=write.maximum),
        utilisation_percent=table.provisioned.utilisation_percent,
    )


def secret_args(
    secrets: Mapping[str, SecretSettings], settings: Settings, key_arn: pulumi.Input[str] | None
) -> SecretSetArgs:
    """What the stack's YAML says of the secrets."""
    made = {}
    for name, secret in secrets.items():
        with says(f"secrets.{name}"):
            made[name] = Secret(
                description=secret.description,
                length=secret.length if secret.generate else None,
                rotation=Rotation(function_arn=secret.rotation.function_arn, days=secret.rotation.days)
                if secret.rotation
                else None,
            )
    with says("secrets"):
        return SecretSetArgs(secrets=made, key_arn=key_arn, retention=settings.retention)


def parameter_args(
    parameters: ParameterSettings,
    settings: Settings,
    key_arn: pulumi.Input[str] | None,
    plain: dict[str, pulumi.Input[str]],
    secure: dict[str, pulumi.Input[str]],
) -> ParameterTreeArgs:
    """What the stack's YAML says of the parameters, and what the program knows."""
    with says("parameters"):
        return ParameterTreeArgs(
            path=f"/{settings.product}/{settings.environment}",
            values={**parameters.values, **plain},
            secure=secure,
            key_arn=key_arn,
        )


GROUND_TO_BE = Ground(
    vpc_id="vpc-to-be-made",
    subnet_ids=["subnet-to-be-made"],
    subnet_group_name="to-be-made",
    key_arn=None,
    log_key_arn=None,
)
"""For judging the settings before anything exists."""
