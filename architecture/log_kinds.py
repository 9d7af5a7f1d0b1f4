"""Of which kind the logs are that each part of a stack writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from components.data.lifecycle import LifecycleRule

if TYPE_CHECKING:
    from components.log_kinds import LogKind
    from components.values import StorageClass
    from settings import Settings
    from settings.storage import LogArchiveSettings

_OF_GROUPS: Final[Mapping[str, LogKind]] = {
    "kumiki:analytics:LogExport": "error",
    "kumiki:compute:ExpressService": "error",
    "kumiki:compute:FreeTierHost": "error",
    # A function has one group, in which errors stand among all else.
    "kumiki:compute:Function": "error",
    "kumiki:compute:Service": "error",
    "kumiki:data:AuroraPostgres": "error",
    "kumiki:data:Cache": "application",
    "kumiki:data:Postgres": "error",
    "kumiki:delivery:Build": "application",
    "kumiki:delivery:Pipeline": "application",
    "kumiki:edge:HttpApi": "access",
    "kumiki:edge:RestApi": "access",
    "kumiki:edge:WebAcl": "access",
    "kumiki:edge:WebSocketApi": "access",
    # Who asked a model for what.
    "kumiki:intelligence:InvocationLogs": "access",
    "kumiki:messaging:Workflow": "error",
    "kumiki:network:Vpc": "access",
    "kumiki:operations:AccountBaseline": "audit",
}
"""By the component that makes a log group. Where records of several kinds stand together, the one kept longest."""

_BY_NAME: Final[Mapping[str, LogKind]] = {
    "-log-router-log-group": "application",
    # What programs count; each line is in the archive, too.
    "-metrics-log-group": "application",
    "-output-log-group": "application",
    "-error-log-group": "error",
}
"""By how its name ends, where a component has groups of several kinds."""

_OF_BUCKETS: Final[Mapping[str, LogKind]] = {"audit": "audit", "log-archive": "access", "model-logs": "access"}
"""By the service of a bucket's component."""

_OF_PREFIXES: Final[Mapping[str, LogKind]] = {
    # Every record of the services, errors among them.
    "app-logs/": "error",
    "cloudfront-logs/": "access",
    # The record of configuration. AWS Config writes to no bucket with a default lock
    # (docs.aws.amazon.com/config/latest/developerguide/manage-delivery-channel.html), so the trail's cannot take it.
    "config/": "audit",
    # Of the database errors and all else.
    "database-logs/": "error",
    "database-logs-failed/": "error",
    # Of a function errors and all else.
    "function-logs/": "error",
    "function-logs-failed/": "error",
    # Of APIs, firewalls and the network.
    "group-logs/": "access",
    "group-logs-failed/": "access",
    "load-balancer-logs/": "access",
    "s3-access-logs/": "access",
    "vpc-flow-logs/": "access",
}
"""Of the archive, into which each service writes under its own prefix."""

_OF_GROUP_LOGS: Final = ("database-logs", "group-logs")
"""Those that are there with `logArchive.groupLogs` only."""


def kind_of_group(component: str, name: str) -> LogKind | None:
    """The kind of the log group `name` that a component of this type makes; None if nobody has said it yet."""
    for ending, kind in _BY_NAME.items():
        if name.endswith(ending):
            return kind
    return _OF_GROUPS.get(component)


def kind_of_bucket(service: str) -> LogKind | None:
    """The kind of the logs in the bucket of this service; None if it holds none."""
    return _OF_BUCKETS.get(service)


def archive_lifecycle(settings: Settings, archive: LogArchiveSettings) -> list[LifecycleRule]:
    """What becomes of the logs in the archive: all the same, or each as its kind demands where the stack says kinds."""
    moved: dict[StorageClass, int] = {"GLACIER": archive.glacier_after_days}
    if settings.logs.kinds is None:
        return [LifecycleRule(transitions=moved, delete_after_days=archive.delete_after_days)]
    return [
        LifecycleRule(prefix=prefix, transitions=moved, delete_after_days=settings.logs.days(kind))
        for prefix, kind in _OF_PREFIXES.items()
        if (archive.function_logs or not prefix.startswith("function-logs"))
        and (archive.group_logs or not prefix.startswith(_OF_GROUP_LOGS))
    ]
