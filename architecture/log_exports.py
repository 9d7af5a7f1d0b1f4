"""What APIs, firewalls, the network and the database write into groups of CloudWatch, on its way into the archive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from architecture.context import require
from components.analytics.log_export import LogExport, LogExportArgs
from components.network.vpc import Vpc
from components.widgets import widgets_of

if TYPE_CHECKING:
    import pulumi

    from architecture.apis import Apis
    from architecture.context import Context
    from architecture.data import Data
    from architecture.edge import Edge
    from components.network.network import Network
    from components.widgets import Widget


@dataclass(frozen=True)
class LogExports:
    """What brings them there: nothing where the stack does not want it, or has no such groups."""

    exports: tuple[LogExport, ...] = ()

    @property
    def widgets(self) -> list[Widget]:
        """What a dashboard shows of them."""
        return widgets_of(*self.exports)


def build_log_exports(ctx: Context, network: Network | None, data: Data, edge: Edge, apis: Apis) -> LogExports:
    """A stream for each kind of log. The site's firewall writes in us-east-1 alone, where nothing of ours is but what
    CloudFront needs (the rule residency-region): what it objects to stays where it is."""
    archive = ctx.settings.log_archive
    if archive is None or not archive.group_logs:
        return LogExports()
    access: dict[str, pulumi.Input[str]] = {name: api.log_group_name for name, api in apis.apis.items()}
    guards = (*apis.gates, *([edge.firewall] if edge.firewall is not None else []))
    access |= {one.metric_name.removeprefix(f"{ctx.stem}-"): one.log_group_name for one in guards}
    if isinstance(network, Vpc) and network.flow_log_group_name is not None:
        access["network"] = network.flow_log_group_name
    database = data.database.log_group_names if data.database is not None else {}
    made = [
        _export(ctx, "group-logs", access),
        _export(ctx, "database-logs", database),
    ]
    return LogExports(tuple(one for one in made if one is not None))


def _export(ctx: Context, folder: str, groups: Mapping[str, pulumi.Input[str]]) -> LogExport | None:
    if not groups:
        return None
    export = LogExport(
        ctx.name(folder),
        LogExportArgs(folder=folder, log_retention_days=ctx.settings.logs.retention_days),
        log_groups=groups,
        bucket=require(ctx.log_archive, "logArchive"),
        log_key=ctx.keys.logs,
        opts=ctx.opts,
    )
    if ctx.topics is not None:
        export.alarms(ctx.topics)
    return export
