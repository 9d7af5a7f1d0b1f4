"""Settings of databases, caches, secrets and parameters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from settings.section import Region, Section, text

if TYPE_CHECKING:
    from settings import Settings
    from settings.network import NetworkSettings


class ReaderScalingSettings(Section):
    """Readers that Aurora adds under load and removes again."""

    max_readers: int
    """The most readers, with those that are always there."""

    cpu_percent: int = 70
    """The average CPU utilisation of the readers at which Aurora aims."""


class ServerlessSettings(Section):
    """Aurora Serverless v2, in capacity units of 2 GiB of memory."""

    min_units: float
    max_units: float


class StorageSettings(Section):
    """The volume of a database on RDS; Aurora's grows by itself."""

    gib: int = 20
    """The size at first."""

    max_gib: int | None = None
    """Let it grow by itself up to this."""


class DatabaseSettings(Section):
    """PostgreSQL: a cluster of Aurora or one instance of RDS."""

    engine: Literal["aurora", "rds"] = "aurora"
    version: Annotated[str, Field(strict=True)] = "17"
    """A major version, and AWS chooses and upgrades the minor one; or a minor version, which stays."""

    allow_major_upgrade: bool = False
    instance_class: str
    database: str = "app"
    """The database that is made first."""

    user: str = "dbadmin"
    """The master user."""

    readers: int | None = None
    """Aurora: instances beside the writer. Left out: 1."""

    reader_scaling: ReaderScalingSettings | None = None
    serverless: ServerlessSettings | None = None
    extensions: list[str] = []
    """What the deployment creates in the database, such as vector; by a function, free."""

    multi_az: bool | None = None
    """RDS: a standby in another zone."""

    storage: StorageSettings | None = None
    backup_days: int | None = None
    """Left out: 35 where retention is protected, else 7."""

    rotation_days: int = 30
    """Days between two changes of the master password."""

    apply_immediately: bool = False


class CacheSettings(Section):
    """A cache in memory: ElastiCache with Valkey or Redis OSS."""

    engine: Literal["valkey", "redis"] = "valkey"
    version: Annotated[str, Field(strict=True)] | None = None
    """Left out: 8.0 of Valkey, 7.1 of Redis OSS."""

    node_type: str
    replicas: int = 1
    """Copies of each shard in other zones."""

    shards: int | None = None
    """Cluster mode: groups of nodes over which the keys are spread."""

    snapshot_days: int = 7
    apply_immediately: bool = False


class RotationSettings(Section):
    """A Lambda function that gives a secret a new value."""

    function_arn: Annotated[str, text(r"arn:aws[\w-]*:lambda:[\w-]+:\d{12}:function:.+", "use the ARN of a function")]
    days: int = 30


class SecretSettings(Section):
    """A secret with a random value."""

    description: str
    """What it is for."""

    generate: bool = True
    """false: it has no value until somebody outside puts one in."""

    length: int = 48
    """Characters of the value."""

    rotation: RotationSettings | None = None


class ParameterSettings(Section):
    """The tree of SSM parameters under `/{product}/{environment}`."""

    values: dict[str, str] = {}
    """Name below the path → value. Where the stores answer is added by itself."""


class IndexSettings(Section):
    """Another way to find the items of a table."""

    hash_key: str
    range_key: str | None = None
    attributes: list[str] | None = None
    """What is copied beside the keys; left out: the whole item."""


class LocalIndexSettings(Section):
    """Another order of the items under one hash key."""

    range_key: str
    attributes: list[str] | None = None


class CapacitySettings(Section):
    """Between which numbers of units a second capacity moves."""

    minimum: int
    maximum: int


class ProvisionedSettings(Section):
    """Capacity that is there beforehand and follows the use."""

    read: CapacitySettings
    write: CapacitySettings
    utilisation_percent: int = 70
    """How much of it should be in use."""


class LimitSettings(Section):
    """The most units a second that are answered, and paid for, on demand."""

    read: int
    write: int


class TableSettings(Section):
    """A DynamoDB table."""

    attributes: dict[str, Literal["S", "N", "B"]]
    """The type of each attribute that is a key: S (text), N (number), B (bytes)."""

    hash_key: str
    range_key: str | None = None
    indexes: dict[str, IndexSettings] = {}
    local_indexes: dict[str, LocalIndexSettings] = {}
    provisioned: ProvisionedSettings | None = None
    """Left out: on demand."""

    limit: LimitSettings | None = None
    ttl: str | None = None
    """The attribute that says when an item ends, in epoch seconds."""

    stream: Literal["keys", "new", "old", "both"] | None = None
    recovery_days: int | None = None
    """Left out: 35, or none where freeTier is true."""

    replicas: list[Region] = []
    """Further regions in which the table can be read and written."""


TableUse = Literal["read", "write", "readWrite"]

_AURORA_ONLY = ("readers", "reader_scaling", "serverless")
_RDS_ONLY = ("multi_az", "storage")
_KEYS = {
    "readers": "readers", "reader_scaling": "readerScaling", "serverless": "serverless", "multi_az": "multiAz",
    "storage": "storage",
}  # fmt: skip


def combinations(settings: Settings) -> Iterator[tuple[str, str]]:
    """What cannot work together: key and why."""
    yield from _database(settings)
    yield from _cache(settings)
    yield from _tables(settings)
    if settings.free_tier:
        for name in settings.secrets:
            yield f"secrets.{name}", "costs $0.40 a month and freeTier is true; use an encrypted parameter"


def _database(settings: Settings) -> Iterator[tuple[str, str]]:
    database, network = settings.database, settings.network
    if database is None:
        return
    other, fields = ("rds", _RDS_ONLY) if database.engine == "aurora" else ("aurora", _AURORA_ONLY)
    for field in fields:
        if getattr(database, field) is not None:
            yield f"database.{_KEYS[field]}", f"is for the engine {other}; remove this key or set engine to {other}"
    if network is None:
        yield "database", "stands in a network, which is missing; add the section network"
        return
    own = network.existing is None and network.stack is None
    if own and network.zones < 2:
        readers = 1 if database.readers is None else database.readers
        if database.engine == "aurora" and readers:
            yield (
                "database.readers",
                f"{readers} must stand in another zone than the writer, and network.zones is {network.zones}; use 2",
            )
        else:
            yield "database", f"needs subnets in two zones, and network.zones is {network.zones}; set it to 2"
    if database.extensions:
        yield from _extensions(settings, network)
    if settings.free_tier and database.engine == "aurora":
        yield "database.engine", "aurora costs money and freeTier is true; use rds"
    if settings.free_tier:
        yield from _free_database(database)


def _extensions(settings: Settings, network: NetworkSettings) -> Iterator[tuple[str, str]]:
    """What the function that creates extensions needs around it."""
    if settings.free_tier:
        yield (
            "database.extensions",
            "need an endpoint to read the password by, which costs money, and freeTier is true; use a migration",
        )
        return
    if network.existing is not None or network.stack is not None:
        return
    if "private" not in network.tiers:
        yield (
            "network.tiers",
            "lacks private, in which the function runs that creates the database's extensions; add it",
        )
    if network.nat == "none" and not {"secretsmanager", "ecsPrivate"} & set(network.endpoints):
        yield (
            "network.endpoints",
            "lacks secretsmanager, which what creates the database's extensions calls where there is no NAT; add it",
        )


FREE_CLASSES = ("db.t3.micro", "db.t4g.micro")
"""Instance classes of RDS in the free tier that new versions of PostgreSQL run on."""
FREE_GIB = 20


def _free_database(database: DatabaseSettings) -> Iterator[tuple[str, str]]:
    """What is outside of the free tier: 750 hours of a micro class in one zone, 20 GB that do not grow."""
    if database.multi_az:
        yield "database.multiAz", "true costs money and freeTier is true; use false"
    if database.engine == "rds" and database.instance_class not in FREE_CLASSES:
        yield (
            "database.instanceClass",
            f"{database.instance_class} costs money and freeTier is true; use {' or '.join(FREE_CLASSES)}",
        )
    storage = database.storage
    if storage is not None and storage.gib > FREE_GIB:
        yield (
            "database.storage.gib",
            f"{storage.gib} is more than the {FREE_GIB} GB that are free, and freeTier is true; use {FREE_GIB}",
        )
    if storage is not None and storage.max_gib is not None:
        yield "database.storage.maxGib", f"{storage.max_gib} lets the bill grow, and freeTier is true; leave it out"


def _cache(settings: Settings) -> Iterator[tuple[str, str]]:
    cache, network = settings.cache, settings.network
    if cache is None:
        return
    if settings.free_tier:
        yield "cache", "costs money and freeTier is true; remove it"
    if network is None:
        yield "cache", "stands in a network, which is missing; add the section network"


_FREE_UNITS = 25


def _tables(settings: Settings) -> Iterator[tuple[str, str]]:
    for name, table in settings.tables.items():
        for region in table.replicas:
            if region == settings.region:
                yield f"tables.{name}.replicas", f"{region} is the stack's own region; use another"
            elif settings.free_tier:
                yield f"tables.{name}.replicas", f"{region} costs money and freeTier is true; leave it out"
        if not settings.free_tier:
            continue
        if table.provisioned is None:
            yield f"tables.{name}.provisioned", "is missing: on demand is never free, and freeTier is true; add it"
        if table.recovery_days:
            yield f"tables.{name}.recoveryDays", f"{table.recovery_days} costs money and freeTier is true; use 0"
    if settings.free_tier:
        for what in ("read", "write"):
            units = sum(
                getattr(table.provisioned, what).maximum * (1 + len(table.indexes))
                for table in settings.tables.values()
                if table.provisioned is not None
            )
            if units > _FREE_UNITS:
                yield (
                    "tables",
                    f"may use {units} {what} units with their indexes and freeTier is true; use {_FREE_UNITS} at most",
                )


def unknown_tables(key: str, uses: Iterable[str], settings: Settings) -> Iterator[tuple[str, str]]:
    """Tables that a program at `key` is to use and the stack does not have."""
    for name in uses:
        if name not in settings.tables:
            known = ", ".join(sorted(settings.tables)) or "none"
            yield f"{key}.tables.{name}", f"is not a table of this stack; the tables are: {known}"
