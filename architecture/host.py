"""The one small server: its image's repository, its way to the database, and what it may read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from architecture.context import require
from components.compute.free_tier_host import FreeTierHost
from components.compute.repository import Repository, RepositoryArgs
from components.widgets import widgets_of

if TYPE_CHECKING:
    from architecture.context import Context
    from architecture.data import Data
    from architecture.storage import Storage
    from components.network.network import Network
    from components.widgets import Widget

FILES = Path(__file__).resolve().parent.parent / "workloads" / "host"


@dataclass(frozen=True)
class Host:
    """The server, and where its image lies."""

    server: FreeTierHost
    repository: Repository

    @property
    def widgets(self) -> list[Widget]:
        """What a dashboard shows of them."""
        return widgets_of(self.server)

    @property
    def outputs(self) -> dict[str, Any]:
        """What a pipeline needs to bring the host another image, and where the host is."""
        return {
            "hostName": self.server.name,
            "hostPublicDns": self.server.public_dns,
            "hostRepositoryUrl": self.repository.url,
            "hostDeploymentDocument": self.server.deployment_document,
            "hostLogGroup": self.server.log_group_name,
        }


def build_host(ctx: Context, network: Network | None, storage: Storage, data: Data) -> Host | None:
    """The server of the stack's YAML, connected to the database and the bucket that it names; none without its
    section."""
    settings, host = ctx.settings, ctx.settings.host
    if host is None:
        return None
    images = RepositoryArgs(keep_images=host.keep_images, retention=settings.retention)
    repository = Repository(ctx.name("host-api"), images, key=ctx.keys.data, opts=ctx.opts)
    database = require(data.database, "database") if host.database else None
    server = FreeTierHost(
        ctx.name("host"),
        host,
        network=require(network, "network"),
        repository=repository,
        files=FILES,
        environment=settings.environment,
        parameter_path=settings.path,
        database=database,
        key=ctx.keys.data,
        logs_key=ctx.keys.logs,
        opts=ctx.opts,
    )
    repository.grant_pull(server.role)
    if database is not None:
        database.allow_from(server.security_group_id, "host")
        database.grant_connect(server.role)
        server.allow_to(database.security_group_id, database.port, "database")
    if host.reads is not None:
        storage.buckets[host.reads.bucket].grant_read(server.role, host.reads.folder)
    if ctx.topics is not None:
        ctx.quiet_alarms.extend(server.alarms(ctx.topics))
    return Host(server=server, repository=repository)
