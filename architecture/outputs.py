"""What a stack tells the outside, and other stacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from components.network.network import NETWORK_OUTPUTS, Network
from components.network.vpc import Vpc

if TYPE_CHECKING:
    from architecture.data import Data
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


def export_data(data: Data) -> None:
    """Where the stores answer; never a password."""
    if data.database is not None:
        pulumi.export("databaseEndpoint", data.database.endpoint)
        pulumi.export("databaseReaderEndpoint", data.database.reader_endpoint)
        pulumi.export("databaseSecretArn", data.database.secret_arn)
        pulumi.export("databaseSecurityGroupId", data.database.security_group_id)
    if data.cache is not None:
        pulumi.export("cacheEndpoint", data.cache.endpoint)
        pulumi.export("cacheSecretArn", data.cache.secret_arn)
        pulumi.export("cacheSecurityGroupId", data.cache.security_group_id)
    if data.secrets is not None:
        pulumi.export("secretArns", dict(data.secrets.arns))
    if data.parameters is not None:
        pulumi.export("parameterPath", data.parameters.path)
