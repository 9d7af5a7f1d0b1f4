"""What runs on Lambda: each function of the stack's YAML, connected to what it names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pulumi

from architecture.messaging import queue_args, schedule_args
from architecture.refusals import says
from components.compute.changes import Following
from components.compute.function import Function, FunctionArgs, check_consumption
from components.compute.gradual import SHIFTS, Shift
from components.compute.package import Architecture, Package
from components.messaging.schedule import Schedule
from components.refusal import Refusal, nearest
from packages.plan import RUNTIME, NotBuilt, sources, usable

if TYPE_CHECKING:
    from architecture.data import Data
    from architecture.messaging import Messaging
    from architecture.platform import Platform
    from architecture.storage import Storage
    from components.alarms import AlarmTopics
    from components.identity.user_pool import UserPool
    from components.network.network import Network
    from settings import Settings
    from settings.functions import ChangesSettings, FunctionSettings

NAMESPACE = "METRICS_NAMESPACE"
"""The variable by which workloads are told where to count."""


@dataclass(frozen=True)
class Functions:
    """What runs on Lambda; nothing of it where the stack has no functions."""

    functions: Mapping[str, Function] = field(default_factory=dict)
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    namespaces: tuple[str, ...] = ()
    """Where CloudWatch keeps what the code counts."""


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What a function is given by the other parts."""

    network: Network | None = None
    environment: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    secrets: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    key_arn: pulumi.Input[str] | None = None
    logs_key_arn: pulumi.Input[str] | None = None


def build_functions(
    settings: Settings,
    platform: Platform,
    network: Network | None,
    storage: Storage,
    data: Data,
    topics: AlarmTopics | None,
    messaging: Messaging,
    users: UserPool | None = None,
) -> Functions:
    """Each function of the stack's YAML, connected to the stores, queues and users that it names."""
    functions, schedules = {}, {}
    for name, function in sorted(settings.functions.items()):
        around = Surroundings(
            network=network if function.private else None,
            environment=_environment(name, function, settings, data, messaging, users),
            secrets=_secrets(function, data),
            key_arn=storage.data_key.arn if storage.data_key else None,
            logs_key_arn=storage.logs_key.arn if storage.logs_key else None,
        )
        made = Function(platform.name(name), function_args(name, function, settings, around), platform.options())
        if function.database and data.database is not None and made.security_group_id is not None:
            data.database.allow_from(made.security_group_id, name)
            made.allow_to(data.database.security_group_id, data.database.port, "database")
        if function.cache and data.cache is not None and made.security_group_id is not None:
            data.cache.allow_from(made.security_group_id, name)
            made.allow_to(data.cache.security_group_id, data.cache.port, "cache")
        data.grant_tables(function.tables, made.role)
        if function.sends_to is not None:
            messaging.queues[function.sends_to].grant_send(made.role)
        if function.queue is not None:
            queue = messaging.queues[function.queue]
            made.consume(queue, batch_size=function.batch_size, window_seconds=function.window_seconds)
        for table, changes in sorted(function.changes.items()):
            made.follow(data.tables[table], table, following(name, table, changes))
        if function.schedule is not None:
            when = schedule_args(name, function.schedule, made.target, "functions")
            schedules[name] = Schedule(platform.name(f"{name}-schedule"), when, platform.options())
        functions[name] = made
    if topics is not None:
        for part in (*functions.values(), *schedules.values()):
            part.alarms(topics)
    told = {one.environment[NAMESPACE] for one in settings.functions.values() if NAMESPACE in one.environment}
    return Functions(functions=functions, schedules=schedules, namespaces=tuple(sorted(told)))


def function_args(
    name: str, function: FunctionSettings, settings: Settings, around: Surroundings | None = None
) -> FunctionArgs:
    """What the stack's YAML says of a function; without surroundings only to find out whether it can be built."""
    around = around or Surroundings()
    # What lies in the build folder comes from the key `package`.
    with says(f"functions.{name}", {"code": "package", "layer": "package"}):
        args = FunctionArgs(
            package=package_of(function.package, function.architecture),
            handler=function.handler,
            description=function.description,
            memory_mib=function.memory_mib,
            timeout_seconds=function.timeout_seconds,
            environment={**around.environment, **function.environment},
            secrets=around.secrets,
            key_arn=around.key_arn,
            alias=function.alias,
            provisioned_concurrency=function.provisioned_concurrency,
            reserved_concurrency=function.reserved_concurrency,
            tracing=function.tracing,
            network=around.network,
            internet=around.network is not None and settings.network is not None and settings.network.nat != "none",
            shift=_shift(function.shift),
            retries=function.retries,
            max_age_seconds=function.max_age_seconds,
            log_retention_days=settings.logs.retention_days,
            logs_key_arn=around.logs_key_arn,
        )
        if function.queue in settings.queues:
            check_consumption(
                args,
                queue_args(function.queue, settings.queues[function.queue]),
                batch_size=function.batch_size,
                window_seconds=function.window_seconds,
            )
        return args


def following(name: str, table: str, changes: ChangesSettings) -> Following:
    """What the stack's YAML says of the changes that a function follows."""
    with says(f"functions.{name}.changes.{table}"):
        return Following(
            filters=changes.filters,
            start=changes.start,
            batch_size=changes.batch_size,
            window_seconds=changes.window_seconds,
            at_a_time=changes.at_a_time,
            retries=changes.retries,
            max_age_seconds=changes.max_age_seconds,
        )


def _shift(named: str | None) -> Shift | None:
    if named is None:
        return None
    if named not in SHIFTS:
        raise Refusal("shift", named, f"is not known; {nearest(named, SHIFTS)}use one of {', '.join(SHIFTS)}")
    return SHIFTS[named]


def package_of(name: str, architecture: Architecture) -> Package:
    """A folder of workloads/, built; refused where it is not."""
    known = sources()
    if name not in known:
        raise Refusal(
            "package",
            name,
            f"is not a folder of workloads/ with Python in it; {nearest(name, known)}there are: {', '.join(known)}",
        )
    try:
        built = usable(known[name], architecture)
    except NotBuilt as reason:
        raise Refusal("package", name, f"cannot be used: {reason}") from None
    return Package(code=built.code, layer=built.layer, runtime=RUNTIME, architecture=architecture)


def _environment(
    name: str,
    function: FunctionSettings,
    settings: Settings,
    data: Data,
    messaging: Messaging,
    users: UserPool | None,
) -> dict[str, pulumi.Input[str]]:
    """What the code is told; nothing secret."""
    told: dict[str, pulumi.Input[str]] = {"ENVIRONMENT": settings.environment, "SERVICE_NAME": name}
    told |= data.table_names(function.tables)
    if origins := _origins(name, settings):
        told["CORS_ORIGINS"] = ",".join(origins)
    if function.sends_to is not None:
        told["QUEUE_URL"] = messaging.queues[function.sends_to].url
    if function.database and data.database is not None:
        told |= {
            "DATABASE_HOST": data.database.endpoint,
            "DATABASE_NAME": data.database.name,
            "DATABASE_PORT": pulumi.Output.from_input(data.database.port).apply(str),
            # A copy of a function answers one request at a time.
            "DATABASE_CONNECTIONS": "1",
        }
    if function.cache and data.cache is not None:
        told |= {"CACHE_HOST": data.cache.endpoint, "CACHE_PORT": str(data.cache.port)}
    if function.user_pool and users is not None:
        clients = [id_ for _, id_ in sorted(users.client_ids.items())]
        told |= {
            "USER_POOL_ISSUER": users.issuer,
            "USER_POOL_CLIENT_IDS": pulumi.Output.all(*clients).apply(",".join),
        }
    return told


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


def _secrets(function: FunctionSettings, data: Data) -> dict[str, pulumi.Input[str]]:
    """The variables that name secrets."""
    told: dict[str, pulumi.Input[str]] = {}
    if data.secrets is not None:
        told |= {f"{name.replace('-', '_').upper()}_SECRET_ARN": data.secrets.arns[name] for name in function.secrets}
    if function.database and data.database is not None:
        told["DATABASE_SECRET_ARN"] = data.database.secret_arn
    if function.cache and data.cache is not None:
        told["CACHE_SECRET_ARN"] = data.cache.secret_arn
    return told
