"""What a stack tells the outside, and other stacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from components.network.network import NETWORK_OUTPUTS, Network
from components.network.vpc import Vpc

if TYPE_CHECKING:
    from architecture.messaging import Messaging
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


def export_messaging(messaging: Messaging) -> None:
    """Where to send work and events, what to start, and where failures wait."""
    if messaging.queues:
        pulumi.export("queueUrls", {service: queue.url for service, queue in messaging.queues.items()})
    dead_letters = {
        **{service: queue.dead_letters_url for service, queue in messaging.queues.items()},
        **{f"{service}-schedule": part.dead_letters_url for service, part in messaging.schedules.items()},
        **{f"{service}-event": part.dead_letters_url for service, part in messaging.routes.items()},
    }
    if dead_letters:
        pulumi.export("deadLetterUrls", dead_letters)
    if messaging.bus is not None:
        pulumi.export("eventBusName", messaging.bus.bus_name)
    if messaging.workflows:
        pulumi.export("workflowArns", {service: workflow.arn for service, workflow in messaging.workflows.items()})
