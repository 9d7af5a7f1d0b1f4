"""What a stack tells the outside, and other stacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from components.network.network import NETWORK_OUTPUTS, Network
from components.network.vpc import Vpc

if TYPE_CHECKING:
    from architecture.application import Application
    from architecture.storage import Storage


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


def export_application(application: Application) -> None:
    """What a pipeline needs to deploy: where images go, and what the cluster and its services are called."""
    if application.cluster is None:
        return
    pulumi.export("clusterName", application.cluster.name)
    pulumi.export("repositoryUrls", {name: one.url for name, one in application.repositories.items()})
    pulumi.export("serviceNames", {name: one.name for name, one in application.services.items()})
