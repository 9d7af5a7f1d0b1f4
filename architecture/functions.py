"""What runs on Lambda: each function of the stack's YAML, connected to what it names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pulumi

from architecture.context import require
from components.analytics.log_export import LogExport, LogExportArgs
from components.compute.function import Function
from components.messaging.schedule import Schedule
from components.widgets import widgets_of
from settings.workloads import package

if TYPE_CHECKING:
    from architecture.context import Context
    from architecture.data import Data
    from architecture.messaging import Messaging
    from architecture.models import Models
    from architecture.search import Search
    from architecture.users import Users
    from components.data.cache import Cache
    from components.data.database import Database
    from components.network.network import Network
    from components.widgets import Widget
    from settings import Settings
    from settings.functions import FunctionSettings

FUNCTION_LOGS: Final = "function-logs"
"""The folder of the archive, and the service's name."""


@dataclass(frozen=True)
class Functions:
    """What runs on Lambda; nothing of it where the stack has no functions."""

    functions: Mapping[str, Function] = field(default_factory=dict)
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    log_export: LogExport | None = None
    """What brings their logs into the archive."""

    @property
    def widgets(self) -> list[Widget]:
        """What a dashboard shows of them."""
        return widgets_of(*self.functions.values(), *self.schedules.values(), self.log_export)

    @property
    def outputs(self) -> dict[str, Any]:
        """What the functions are called, which version of each the last deployment published, and where failures
        wait."""
        if not self.functions:
            return {}
        made = self.functions.items()
        told: dict[str, Any] = {
            "functionNames": {name: function.name for name, function in made},
            "functionAliases": {name: function.alias_arn for name, function in made},
            "functionVersions": {name: function.version for name, function in made},
            "functionDeadLetterUrls": {
                **{name: function.dead_letters_url for name, function in made},
                **{f"{name}-schedule": schedule.dead_letters_url for name, schedule in self.schedules.items()},
            },
        }
        shifting = {name: function.traffic_shifting for name, function in made}
        shifted = {name: one.application_name for name, one in shifting.items() if one is not None}
        return {**told, **({"functionDeployments": shifted} if shifted else {})}


def build_functions(
    ctx: Context,
    network: Network | None,
    data: Data,
    messaging: Messaging,
    models: Models,
    search: Search,
    users: Users,
) -> Functions:
    """Each function of the stack, connected to the stores, queues and users that it names."""
    functions, schedules = {}, {}
    for name, function in sorted(ctx.settings.functions.items()):
        stores: dict[str, Database | Cache] = {}
        if function.database:
            stores["database"] = require(data.database, "database")
        if function.cache:
            stores["cache"] = require(data.cache, "cache")
        made = functions[name] = Function(
            ctx.name(name),
            function,
            package=package(function.package, function.architecture),
            network=require(network, "network") if function.private else None,
            internet=function.private and ctx.settings.network is not None and ctx.settings.network.nat != "none",
            environment={
                **_environment(name, function, ctx.settings, data, messaging, users),
                **models.environment(function.models),
                **search.environment(function.collections, function.knowledge_bases),
            },
            secrets={f"{variable}_ARN": arn for variable, arn in data.secret_arns(function).items()},
            key=ctx.keys.data,
            logs_key=ctx.keys.logs,
            opts=ctx.opts,
        )
        for what, store in stores.items():
            store.allow_from(require(made.security_group_id, f"functions.{name}.private"), name)
            made.allow_to(store.security_group_id, store.port, what)
        data.grant_tables(function.tables, made.role)
        models.grant(function.models, made.role)
        search.admit(name, made, made.role, function.collections, function.knowledge_bases)
        if function.sends_to is not None:
            messaging.queues[function.sends_to].grant_send(made.role)
        if function.queue is not None:
            made.consume(messaging.queues[function.queue], function)
        for table, source in sorted(function.changes.items()):
            made.subscribe(data.tables[table], table, source)
        if function.schedule is not None:
            schedules[name] = Schedule(
                ctx.name(f"{name}-schedule"), function.schedule, target=made.target, opts=ctx.opts
            )
    log_export = _log_export(ctx, functions)
    if ctx.topics is not None:
        for part in (*functions.values(), *schedules.values(), log_export):
            if part is not None:
                part.alarms(ctx.topics)
    return Functions(functions=functions, schedules=schedules, log_export=log_export)


def _log_export(ctx: Context, functions: Mapping[str, Function]) -> LogExport | None:
    archive = ctx.settings.log_archive
    if archive is None or not archive.function_logs or not functions:
        return None
    return LogExport(
        ctx.name(FUNCTION_LOGS),
        LogExportArgs(folder=FUNCTION_LOGS, log_retention_days=ctx.settings.logs.retention_days),
        log_groups={name: function.log_group.name for name, function in functions.items()},
        bucket=require(ctx.log_archive, "logArchive"),
        log_key=ctx.keys.logs,
        opts=ctx.opts,
    )


def _environment(
    name: str,
    function: FunctionSettings,
    settings: Settings,
    data: Data,
    messaging: Messaging,
    users: Users,
) -> dict[str, pulumi.Input[str]]:
    """What the code is told; nothing secret."""
    told: dict[str, pulumi.Input[str]] = {"ENVIRONMENT": settings.environment, "SERVICE_NAME": name}
    told |= data.table_names(function.tables)
    if origins := _origins(name, settings):
        told["CORS_ORIGINS"] = ",".join(origins)
    if function.sends_to is not None:
        told["QUEUE_URL"] = messaging.queues[function.sends_to].url
    told |= data.whereabouts(database=function.database, cache=function.cache)
    if function.database:
        # A copy of a function answers one request at a time.
        told["DATABASE_CONNECTIONS"] = "1"
    return told | users.environment(judges=function.user_pool)


def _origins(name: str, settings: Settings) -> list[str]:
    """The pages that REST APIs let in: there the functions answer browsers themselves."""
    return sorted(
        {
            origin
            for api in settings.apis.values()
            if api.kind == "rest" and api.cors is not None
            for route in api.routes.values()
            if route.function == name
            for origin in api.cors.origins
        }
    )
