"""Asks every part whether it can be built from the settings, before anything is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pulumi

from architecture.application import cluster_args, log_router_args, repository_args, service_args
from architecture.network import vpc_args
from architecture.storage import bucket_args, log_archive_args
from components.compute.service import Image
from components.network.flow_logs import FlowLogsToCloudWatch
from components.refusal import Refusal
from settings import Mistake, SettingsError

if TYPE_CHECKING:
    from settings import Settings


def check_parts(settings: Settings) -> None:
    """Refuse, all at once and by their keys, the values that only a component can judge.

    Otherwise the first of them would end a deployment in which other parts exist already.
    """
    mistakes = []
    for part in _parts(settings):
        try:
            part()
        except Refusal as refusal:
            mistakes.append(Mistake(refusal.field, f"{refusal.value!r} {refusal.reason}"))
    if mistakes:
        raise SettingsError(pulumi.get_stack(), mistakes)


def _parts(settings: Settings) -> Iterator[Callable[[], object]]:
    """The arguments of each component. What other components will hand out does not matter here, only that it does."""
    network, archive = settings.network, settings.log_archive
    if network is not None and not network.existing and not network.stack:
        yield lambda: vpc_args(network, settings, FlowLogsToCloudWatch())
    if archive is not None:
        yield lambda: log_archive_args(archive, settings.retention)
    key_arn = "arn:aws:kms:::key/to-be-made" if settings.own_keys else None
    for service, bucket in settings.buckets.items():
        yield lambda service=service, bucket=bucket: bucket_args(
            service,
            bucket,
            settings.retention,
            key_arn=key_arn,
            replica_key_arn=key_arn,
            access_log_bucket=None,
        )
    if settings.services:
        yield lambda: cluster_args(settings)
        yield lambda: log_router_args(settings, None, None)
    for name, service in settings.services.items():
        image = Image(uri=service.image or f"repository:{service.tag or 'built'}")
        yield lambda name=name, service=service: repository_args(name, service, settings, None)
        yield lambda name=name, service=service, image=image: service_args(name, service, settings, image, None)
