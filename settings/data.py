"""Settings of databases, caches, secrets and parameters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final, Literal

from components.args import as_far_as_known
from components.data.aurora_args import AuroraPostgresArgs
from components.data.database import DatabaseArgs
from components.data.postgres import PostgresArgs
from components.errors import ArgumentError, Mistake
from components.operations.database_extensions import Extensions
from settings.authorities import missing
from settings.free_tier import PLAN_BACKUP_DAYS, RDS_CLASSES, RDS_GIB, TABLE_UNITS
from settings.workloads import package

if TYPE_CHECKING:
    from settings import Settings
    from settings.network import NetworkSettings


class DatabaseSettings(AuroraPostgresArgs, PostgresArgs):
    """PostgreSQL: a cluster of Aurora or one instance of RDS. Encryption, TLS and a password that nobody sees are not
    to be decided."""

    engine: Literal["aurora", "rds"] = "aurora"

    extensions: Extensions = []
    """What the deployment creates in the database, such as vector; by a function, free."""

    def mistakes(self) -> Iterator[Mistake]:
        ours, theirs, other = AuroraPostgresArgs, PostgresArgs, "rds"
        if self.engine == "rds":
            ours, theirs, other = PostgresArgs, AuroraPostgresArgs, "aurora"
        for name in sorted(self.model_fields_set & (theirs.model_fields.keys() - DatabaseArgs.model_fields.keys())):
            (given,) = self.model_dump(include={name}, by_alias=True, exclude_unset=True).values()
            yield Mistake(name, given, f"is for the engine {other}; remove this key or set engine to {other}")
        yield from ours.mistakes(self)


TableUse = Literal["read", "write", "readWrite"]


def combinations(settings: Settings) -> Iterator[tuple[str, str]]:
    """What cannot work together: key and why."""
    yield from as_far_as_known(_database(settings))
    yield from as_far_as_known(_cache(settings))
    yield from as_far_as_known(_tables(settings))
    if settings.free_tier:
        for name in settings.secrets:
            yield f"secrets.{name}", "costs $0.40 a month and freeTier is true; use an encrypted parameter"


def _database(settings: Settings) -> Iterator[tuple[str, str]]:
    database, network = settings.database, settings.network
    if database is None:
        return
    if network is None:
        yield "database", "stands in a network, which is missing; add the section network"
        return
    own = network.existing is None and network.stack is None
    if own and network.zones < 2:
        if database.engine == "aurora" and database.readers:
            why = f"{database.readers} must stand in another zone than the writer, and network.zones is {network.zones}"
            yield "database.readers", f"{why}; use 2"
        else:
            yield "database", f"needs subnets in two zones, and network.zones is {network.zones}; set it to 2"
    if database.extensions:
        yield from as_far_as_known(_extensions(settings, network))
    if settings.free_tier and database.engine == "aurora":
        yield "database.engine", "aurora costs money and freeTier is true; use rds"
    if settings.free_tier:
        yield from as_far_as_known(_free_database(database))
        yield from as_far_as_known(_free_plan(settings, database))


EXTENSIONS_PACKAGE: Final = ("extensions", "arm64")
"""What the function runs that creates a database's extensions: the folder of workloads/, and for which processor."""


def _extensions(settings: Settings, network: NetworkSettings) -> Iterator[tuple[str, str]]:
    """What the function that creates extensions needs, and what it needs around it."""
    try:
        package(*EXTENSIONS_PACKAGE)
    except ArgumentError as error:
        yield "database.extensions", f"{error.value!r} {error.reason}"
    yield from missing(settings.region, "the function of database.extensions")
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
    if network.lacks("secretsmanager"):
        yield (
            "network.endpoints",
            "lacks secretsmanager, which what creates the database's extensions calls where there is no NAT; add it",
        )


def _free_database(database: DatabaseSettings) -> Iterator[tuple[str, str]]:
    """What is outside of the free tier: 750 hours of a micro class in one zone, 20 GB that do not grow."""
    if database.multi_az:
        yield "database.multiAz", "true costs money and freeTier is true; use false"
    if database.engine == "rds" and database.instance_class not in RDS_CLASSES:
        yield (
            "database.instanceClass",
            f"{database.instance_class} costs money and freeTier is true; use {' or '.join(RDS_CLASSES)}",
        )
    storage = database.storage
    if storage.gib > RDS_GIB:
        yield (
            "database.storage.gib",
            f"{storage.gib} is more than the {RDS_GIB} GB that are free, and freeTier is true; use {RDS_GIB}",
        )
    if storage.max_gib is not None:
        yield "database.storage.maxGib", f"{storage.max_gib} lets the bill grow, and freeTier is true; leave it out"


def _free_plan(settings: Settings, database: DatabaseSettings) -> Iterator[tuple[str, str]]:
    """What AWS refuses to an account that has not been upgraded, whatever it would cost."""
    days = database.kept_days
    if settings.free_tier and settings.free_tier.plan == "free" and days > PLAN_BACKUP_DAYS:
        said = f"{days}" if database.backup_days is not None else f"{days}, which it is if left out,"
        why = f"{said} is more than the {PLAN_BACKUP_DAYS} day of backups that RDS keeps on the account's free plan"
        mend = f"use {PLAN_BACKUP_DAYS}, or upgrade the account and set freeTier.plan to paid"
        yield "database.backupDays", f"{why} (FreeTierRestrictionError); {mend}"


def _cache(settings: Settings) -> Iterator[tuple[str, str]]:
    cache, network = settings.cache, settings.network
    if cache is None:
        return
    if settings.free_tier:
        yield "cache", "costs money and freeTier is true; remove it"
    if network is None:
        yield "cache", "stands in a network, which is missing; add the section network"
    elif cache.replicas and network.existing is None and network.stack is None and network.zones < 2:
        yield (
            "cache.replicas",
            f"{cache.replicas} must stand in another zone, and network.zones is {network.zones}; use 2, or replicas: 0",
        )


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
            if units > TABLE_UNITS:
                yield (
                    "tables",
                    f"may use {units} {what} units with their indexes and freeTier is true; use {TABLE_UNITS} at most",
                )


def unknown_tables(key: str, uses: Iterable[str], settings: Settings) -> Iterator[tuple[str, str]]:
    """Tables that a program at `key` is to use and the stack does not have."""
    for name in uses:
        if name not in settings.tables:
            known = ", ".join(sorted(settings.tables)) or "none"
            yield f"{key}.tables.{name}", f"is not a table of this stack; the tables are: {known}"
