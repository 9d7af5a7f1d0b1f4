"""The one small server: its image's repository, its way to the database, and what it may read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_aws as aws

from architecture.refusals import says
from components.compute.free_tier_host import FreeTierHost, FreeTierHostArgs, HostDatabase
from components.compute.repository import Repository, RepositoryArgs

if TYPE_CHECKING:
    from architecture.data import Data
    from architecture.platform import Platform
    from architecture.storage import Storage
    from components.alarms import AlarmTopics
    from components.network.network import Network
    from settings import Settings
    from settings.host import HostSettings

FILES = Path(__file__).resolve().parent.parent / "workloads" / "host"


@dataclass(frozen=True)
class Host:
    """The server, and where its image lies."""

    server: FreeTierHost
    repository: Repository


@dataclass(frozen=True, kw_only=True)
class HostPlace:
    """What the server is given by the other parts."""

    vpc_id: pulumi.Input[str]
    subnet_id: pulumi.Input[str]
    availability_zone: pulumi.Input[str]
    repository_url: pulumi.Input[str]
    database: HostDatabase | None
    key_arn: pulumi.Input[str] | None
    log_key_arn: pulumi.Input[str] | None


def build_host(
    settings: Settings,
    platform: Platform,
    network: Network | None,
    storage: Storage,
    data: Data,
    topics: AlarmTopics | None,
) -> Host | None:
    """The server of the stack's YAML, connected to the database and the bucket that it names."""
    host = settings.host
    if host is None or network is None:
        return None
    key_arn = storage.data_key.arn if storage.data_key else None
    repository = Repository(
        platform.name("host-api"), host_repository_args(host, settings, key_arn), platform.options()
    )
    subnet_id = network.public_subnet_ids.apply(lambda ids: ids[0])
    database = data.database if host.database else None
    place = HostPlace(
        vpc_id=network.vpc_id,
        subnet_id=subnet_id,
        availability_zone=aws.ec2.get_subnet_output(
            id=subnet_id, opts=pulumi.InvokeOptions(provider=platform.provider)
        ).availability_zone,
        repository_url=repository.url,
        database=_told_of(database),
        key_arn=key_arn,
        log_key_arn=storage.logs_key.arn if storage.logs_key else None,
    )
    server = FreeTierHost(platform.name("host"), host_args(host, settings, place), platform.options())
    repository.grant_pull(server.role)
    if database is not None:
        database.allow_from(server.security_group_id, "host")
        database.grant_connect(server.role)
        server.allow_to(database.security_group_id, database.port, "database")
    if host.reads is not None:
        storage.buckets[host.reads.bucket].grant_read(server.role, host.reads.folder)
    if topics is not None:
        server.alarms(topics)
    return Host(server=server, repository=repository)


def _told_of(database: Any) -> HostDatabase | None:
    if database is None:
        return None
    return HostDatabase(
        endpoint=database.endpoint, port=database.port, name=database.name, secret_arn=database.secret_arn
    )


def host_repository_args(host: HostSettings, settings: Settings, key_arn: pulumi.Input[str] | None) -> RepositoryArgs:
    """What the stack's YAML says of the repository of the host's image."""
    with says("host"):
        return RepositoryArgs(key_arn=key_arn, keep_images=host.keep_images, retention=settings.retention)


def host_args(host: HostSettings, settings: Settings, place: HostPlace) -> FreeTierHostArgs:
    """What the stack's YAML says of the server."""
    ssh = host.ssh
    names = {"first_tag": "tag", "ssh_from": "ssh.allow_from", "ssh_key_name": "ssh.key_name"}
    names |= {f"ssh_from[{index}]": f"ssh.allow_from[{index}]" for index in range(len(ssh.allow_from) if ssh else 0)}
    with says("host", names):
        return FreeTierHostArgs(
            vpc_id=place.vpc_id,
            subnet_id=place.subnet_id,
            availability_zone=place.availability_zone,
            files=FILES,
            repository_url=place.repository_url,
            first_tag=host.tag,
            environment=settings.environment,
            database=place.database,
            instance_type=host.instance_type,
            system=host.system,
            ami_id=host.ami_id,
            root_gib=host.root_gib,
            data_gib=host.data_gib,
            ssh_from=ssh.allow_from if ssh else (),
            ssh_key_name=ssh.key_name if ssh else None,
            key_arn=place.key_arn,
            log_key_arn=place.log_key_arn,
            log_retention_days=settings.logs.retention_days,
            parameter_path=f"/{settings.product}/{settings.environment}",
            retention=settings.retention,
        )


PLACE_TO_BE = HostPlace(
    vpc_id="vpc-to-be-made",
    subnet_id="subnet-to-be-made",
    availability_zone="to-be-made",
    repository_url="to-be-made",
    database=None,
    key_arn=None,
    log_key_arn=None,
)
"""For judging the settings before anything exists."""
