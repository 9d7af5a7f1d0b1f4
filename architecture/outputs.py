"""What a stack tells the outside, and other stacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from components.network.network import NETWORK_OUTPUTS, Network
from components.network.vpc import Vpc

if TYPE_CHECKING:
    from architecture.analytics import Analytics
    from architecture.storage import Storage
    from components.alarms import AlarmTopics
    from components.operations.dashboard import Dashboard


def export_network(network: Network | None) -> None:
    """The ids of the network, by which another stack can join it."""
    if network is None:
        return
    for attribute, output in NETWORK_OUTPUTS.items():
        value = getattr(network, attribute)
        if value is not None:
            pulumi.export(output, value)
    if isinstance(network, Vpc):
        pulumi.export("interfaceEndpointIds", network.interface_endpoint_ids)
        pulumi.export("natPublicIps", network.nat_public_ips)


def export_storage(storage: Storage) -> None:
    """The names of the buckets, by service."""
    if storage.log_archive is not None:
        pulumi.export("logArchiveBucket", storage.log_archive.name)
    pulumi.export("buckets", {service: bucket.name for service, bucket in storage.buckets.items()})


def export_topics(topics: AlarmTopics | None) -> None:
    """The topics to which alarms go."""
    if topics is not None:
        pulumi.export("alertTopics", {"critical": topics.critical, "warning": topics.warning})


def export_analytics(analytics: Analytics | None) -> None:
    """Where the logs can be asked: `aws athena start-query-execution --work-group … --query-execution-context …`."""
    if analytics is not None:
        pulumi.export("logWorkgroup", analytics.log_table.workgroup_name)
        pulumi.export("logDatabase", analytics.log_table.database_name)


def export_dashboard(dashboard: Dashboard | None) -> None:
    """The dashboard's name, by which the console finds it."""
    if dashboard is not None:
        pulumi.export("dashboard", dashboard.name)
