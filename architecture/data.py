"""Where the system keeps what it knows: the database, the cache, tables, secrets and parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pulumi

from architecture.context import require
from components.data.aurora import AuroraPostgres
from components.data.cache import Cache
from components.data.master_password import MasterPassword, MasterPasswordArgs
from components.data.parameters import ParameterTree
from components.data.postgres import Postgres
from components.data.secrets import SecretSet, SecretSetArgs
from components.data.table import Table
from components.data.table_args import TableArgs
from components.operations.database_extensions import DatabaseExtensions, DatabaseExtensionsArgs
from components.widgets import widgets_of
from settings.data import EXTENSIONS_PACKAGE
from settings.workloads import package

if TYPE_CHECKING:
    import pulumi_aws as aws

    from architecture.context import Context
    from components.identity.key import Key
    from components.network.network import Network
    from components.widgets import Widget
    from settings.application import ServiceSettings
    from settings.data import DatabaseSettings, TableUse
    from settings.functions import FunctionSettings
    from settings.simple_service import SimpleServiceSettings


@dataclass(frozen=True)
class Data:
    """What the application may use."""

    database: AuroraPostgres | Postgres | None
    cache: Cache | None
    secrets: SecretSet | None
    parameters: ParameterTree | None
    tables: Mapping[str, Table] = field(default_factory=dict)

    @property
    def outputs(self) -> dict[str, Any]:
        """Where the stores answer; never a password."""
        told: dict[str, Any] = {}
        if self.database is not None:
            told["databaseEndpoint"] = self.database.endpoint
            told["databaseReaderEndpoint"] = self.database.reader_endpoint
            told["databaseSecretArn"] = self.database.secret_arn
            told["databaseSecurityGroupId"] = self.database.security_group_id
        if self.cache is not None:
            told["cacheEndpoint"] = self.cache.endpoint
            told["cacheSecretArn"] = self.cache.secret_arn
            told["cacheSecurityGroupId"] = self.cache.security_group_id
        if self.tables:
            told["tableNames"] = {service: table.name for service, table in self.tables.items()}
        if self.secrets is not None:
            told["secretArns"] = dict(self.secrets.arns)
        if self.parameters is not None:
            told["parameterPath"] = self.parameters.path
        return told

    @property
    def widgets(self) -> list[Widget]:
        """What a dashboard shows of them."""
        return widgets_of(self.database, self.cache, *(table for _, table in sorted(self.tables.items())))

    def grant_tables(self, uses: Mapping[str, TableUse], role: aws.iam.Role) -> None:
        """Let a program with `role` do with each table what its settings say, and nothing more."""
        for name, use in sorted(uses.items()):
            table = self.tables[name]
            {"read": table.grant_read, "write": table.grant_write, "readWrite": table.grant_read_write}[use](role)

    def whereabouts(self, *, database: bool, cache: bool) -> dict[str, pulumi.Input[str]]:
        """What a program is told of the stores that it works with; nothing secret."""
        told: dict[str, pulumi.Input[str]] = {}
        if database:
            store = require(self.database, "database")
            told |= {
                "DATABASE_HOST": store.endpoint,
                "DATABASE_NAME": store.name,
                "DATABASE_PORT": pulumi.Output.from_input(store.port).apply(str),
            }
        if cache:
            kept = require(self.cache, "cache")
            told |= {"CACHE_HOST": kept.endpoint, "CACHE_PORT": str(kept.port)}
        return told

    def secret_arns(
        self, uses: ServiceSettings | SimpleServiceSettings | FunctionSettings
    ) -> dict[str, pulumi.Input[str]]:
        """The secrets that a program reads, by how the names of its variables begin: `session-key` as
        SESSION_KEY_SECRET. Those of database and cache are JSON objects."""
        arns: dict[str, pulumi.Input[str]] = {
            f"{name.replace('-', '_').upper()}_SECRET": require(self.secrets, "secrets").arns[name]
            for name in uses.secrets
        }
        if uses.database:
            arns["DATABASE_SECRET"] = require(self.database, "database").secret_arn
        if uses.cache:
            arns["CACHE_SECRET"] = require(self.cache, "cache").secret_arn
        return arns

    def secrets_by_arn(self, names: Sequence[str]) -> dict[str, pulumi.Input[str]]:
        """What a program is told that reads secrets itself: where `github-token` is, as GITHUB_TOKEN_SECRET_ARN."""
        return {
            f"{name.replace('-', '_').upper()}_SECRET_ARN": require(self.secrets, "secrets").arns[name]
            for name in names
        }

    def grant_secrets(self, names: Sequence[str], role: aws.iam.Role) -> None:
        """Let such a program with `role` read these, and nothing more."""
        if names:
            require(self.secrets, "secrets").grant_read(role, *names)

    def table_names(self, uses: Mapping[str, TableUse]) -> dict[str, pulumi.Input[str]]:
        """What such a program is told: the name of `sessions` as TABLE_SESSIONS."""
        return {f"TABLE_{name.replace('-', '_').upper()}": self.tables[name].name for name in uses}


def build_data(ctx: Context, network: Network | None) -> Data:
    """Each store of the stack's YAML, closed until the application asks for its way in."""
    settings, key = ctx.settings, ctx.keys.data
    database = _database(ctx, settings.database, require(network, "network")) if settings.database else None
    cache = None
    if settings.cache is not None:
        cache = Cache(
            ctx.name("cache"),
            settings.cache,
            network=require(network, "network"),
            key=key,
            log_key=ctx.keys.logs,
            opts=ctx.opts,
        )
    tables = {
        name: Table(ctx.name(name), args, key=key, replica_keys=_replica_keys(ctx, args), opts=ctx.opts)
        for name, args in sorted(settings.tables.items())
    }
    secrets = parameters = None
    if settings.secrets:
        of_set = SecretSetArgs(secrets=settings.secrets, retention=settings.retention)
        secrets = SecretSet(ctx.name("secrets"), of_set, key=key, opts=ctx.opts)
    if settings.parameters is not None:
        plain, secure = _whereabouts(database, cache)
        parameters = ParameterTree(
            ctx.name("parameters"),
            settings.parameters,
            path=ctx.path,
            computed=plain,
            secure=secure,
            key=key,
            opts=ctx.opts,
        )
    for watched in (cache, *tables.values()):
        if watched is not None and ctx.topics is not None:
            watched.alarms(ctx.topics)
    if database is not None and ctx.topics is not None:
        ctx.quiet_alarms.extend(database.alarms(ctx.topics))
    return Data(database=database, cache=cache, secrets=secrets, parameters=parameters, tables=tables)


def _replica_keys(ctx: Context, table: TableArgs) -> dict[str, Key]:
    return {region: ctx.keys.replicas[region] for region in table.replicas} if ctx.settings.own_keys else {}


def _database(ctx: Context, database: DatabaseSettings, network: Network) -> AuroraPostgres | Postgres:
    name, key, log_key = ctx.name("database"), ctx.keys.data, ctx.keys.logs
    made: AuroraPostgres | Postgres
    if database.engine == "aurora":
        made = AuroraPostgres(name, database, network=network, key=key, log_key=log_key, opts=ctx.opts)
    else:
        # A secret is not free.
        password = _free_password(ctx, database) if ctx.settings.free_tier else None
        made = Postgres(name, database, network=network, password=password, key=key, log_key=log_key, opts=ctx.opts)
    if database.extensions:
        args = DatabaseExtensionsArgs(
            extensions=database.extensions, log_retention_days=ctx.settings.logs.retention_days
        )
        DatabaseExtensions(
            ctx.name("database-extensions"),
            args,
            database=made,
            network=network,
            package=package(*EXTENSIONS_PACKAGE),
            key=key,
            log_key=log_key,
            opts=ctx.opts,
        )
    return made


def _free_password(ctx: Context, database: DatabaseSettings) -> MasterPassword:
    args = MasterPasswordArgs(parameter=f"{ctx.path}/database/master", user=database.user)
    return MasterPassword(ctx.name("database-password"), args, key=ctx.keys.data, opts=ctx.opts)


def _whereabouts(
    database: AuroraPostgres | Postgres | None, cache: Cache | None
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
