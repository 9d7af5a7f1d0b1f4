"""Where the system runs: a network of its own, one that exists, or that of another stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architecture.refusals import says
from components.network.flow_logs import FlowLogs, FlowLogsToBucket, FlowLogsToCloudWatch
from components.network.network import Network
from components.network.vpc import Nat, Vpc, VpcArgs

if TYPE_CHECKING:
    from architecture.platform import Platform
    from architecture.storage import Storage
    from settings import Settings
    from settings.network import NetworkSettings

_NAT: dict[str, Nat] = {"none": "none", "single": "single", "perZone": "per_zone", "regional": "regional"}


def build_network(settings: Settings, platform: Platform, storage: Storage) -> Network | None:
    """The network in which everything else stands; none where the stack's YAML has no such section."""
    network = settings.network
    if network is None:
        return None
    if network.stack is not None:
        return Vpc.from_stack(platform.stack(network.stack))
    if network.existing is not None:
        return Vpc.from_existing(**network.existing.model_dump())
    args = vpc_args(network, settings, _flow_logs(network, settings, storage))
    return Vpc(platform.name("network"), args, platform.options())


def vpc_args(network: NetworkSettings, settings: Settings, flow_logs: FlowLogs) -> VpcArgs:
    """What the stack's YAML says of a network of its own."""
    with says("network"):
        return VpcArgs(
            cidr=network.cidr,
            zones=network.zones,
            tiers=network.tiers,
            subnets=network.subnets.listed() if network.subnets else None,
            nat=_NAT[network.nat],
            endpoints=network.endpoints,
            flow_logs=flow_logs,
            retention=settings.retention,
        )


def _flow_logs(network: NetworkSettings, settings: Settings, storage: Storage) -> FlowLogs:
    if network.flow_logs.destination == "s3" and storage.log_archive is not None:
        return FlowLogsToBucket(
            bucket_arn=storage.log_archive.log_target_arn,
            aggregation_seconds=network.flow_logs.aggregation_seconds,
        )
    return FlowLogsToCloudWatch(
        retention_days=settings.logs.retention_days,
        key_arn=storage.logs_key.arn if storage.logs_key else None,
        aggregation_seconds=network.flow_logs.aggregation_seconds,
    )
