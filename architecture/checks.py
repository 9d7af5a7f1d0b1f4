"""Asks every part whether it can be built from the settings, before anything is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, cast

import pulumi

from architecture.analytics import log_table_args, results_args
from architecture.apis import Around, api_args, api_certificate_args
from architecture.application import cluster_args, log_router_args, repository_args, service_args
from architecture.baseline import audit_bucket_args, baseline_args
from architecture.builds import build_args, build_bucket_args
from architecture.copies import copies_bucket_args, copy_schedule_args
from architecture.cost import cost_guard_args
from architecture.data import (
    GROUND_TO_BE,
    cache_args,
    database_args,
    extensions_package,
    parameter_args,
    secret_args,
    table_args,
)
from architecture.delivery import deploy_role_args, front_end_args
from architecture.edge import certificate_args, load_balancer_args, private_zone_args, web_acl_args, zone_args
from architecture.functions import following, function_args
from architecture.host import PLACE_TO_BE, host_args, host_repository_args
from architecture.lake import authority, export_schedule_args, formation_args, job_size, lake_args
from architecture.lake import results_args as lake_results_args
from architecture.lake import schedule_args as lake_schedule_args
from architecture.lake import zone_args as lake_zone_args
from architecture.messaging import event_route_args, queue_args, schedule_args, workflow_args
from architecture.network import vpc_args
from architecture.observability import topics_args
from architecture.recovery import backup_args
from architecture.site import Reached, site_args, site_certificate_args, site_names, site_web_acl_args
from architecture.storage import bucket_args, log_archive_args
from architecture.users import user_pool_args
from components.alarms import AlarmTopics
from components.analytics.workgroup import Results
from components.compute.service import Image
from components.messaging.target import Target
from components.network.flow_logs import FlowLogsToCloudWatch
from components.refusal import Refusal
from settings import Mistake, SettingsError
from settings.lake import ZONES

if TYPE_CHECKING:
    from components.data.bucket import Bucket
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
    analytics = settings.log_analytics
    if analytics is not None:
        ours = {f"{bucket}_bucket{arn}": "to-be-made" for bucket in ("log", "results") for arn in ("", "_arn")}
        yield lambda: log_table_args(analytics, settings, **ours, results_key_arn=None)
        yield lambda: results_args(analytics, settings.retention, key_arn=None, access_log_bucket=None)
    if archive is not None:
        yield lambda: log_archive_args(archive, settings.retention)
    database = settings.database
    if database is not None:
        yield lambda: database_args(database, settings, GROUND_TO_BE)
        if database.extensions:
            yield lambda: extensions_package(database)
    cache, parameters = settings.cache, settings.parameters
    if cache is not None:
        yield lambda: cache_args(cache, settings, GROUND_TO_BE)
    for name, secret in settings.secrets.items():
        yield lambda name=name, secret=secret: secret_args({name: secret}, settings, None)
    if parameters is not None:
        yield lambda: parameter_args(parameters, settings, None, {}, {})
    delivery, front_end = settings.delivery, settings.front_end
    if delivery is not None:
        yield lambda: deploy_role_args(delivery, settings)
    if front_end is not None:
        yield lambda: front_end_args(front_end, settings)
    build = settings.build
    if build is not None:
        yield lambda: build_args(build, settings, bucket_name="to-be-made", bucket_arn="to-be-made")
        yield lambda: build_bucket_args(build, settings.retention, key_arn=None, access_log_bucket=None)
    key_arn = "arn:aws:kms:::key/to-be-made" if settings.own_keys else None
    for name, table in settings.tables.items():
        yield lambda name=name, table=table: table_args(
            name, table, settings, key_arn=key_arn, replica_key_arns=dict.fromkeys(table.replicas, "key-to-be-made")
        )
    alerts, stem = settings.alerts, f"{settings.product}-{settings.environment}"
    if alerts is not None:
        yield lambda: topics_args(alerts, stem, key_arn=key_arn)
    copy = settings.database_copy
    if copy is not None:
        to_start = Target(arn="arn:aws:states:::to-be-made", action="states:StartExecution")
        yield lambda: copies_bucket_args(copy, settings.retention, key_arn=key_arn, access_log_bucket=None)
        yield lambda: copy_schedule_args(copy, to_start)
    guard = settings.cost_guard
    if guard is not None:
        topics_to_be = AlarmTopics(critical="to-be-made", warning="to-be-made") if alerts is not None else None
        yield lambda: cost_guard_args(guard, settings, topics_to_be)
    pool = settings.user_pool
    if pool is not None:
        yield lambda: user_pool_args(pool, settings)
    backup = settings.backup
    if backup is not None:
        yield lambda: backup_args(backup, settings, key_arn=key_arn, copy_key_arn=key_arn)
    baseline = settings.baseline
    if baseline is not None:
        yield lambda: baseline_args(baseline, config_bucket="c", trail_bucket="t", trail_key_arn=key_arn)
        if baseline.trail == "create":
            yield lambda: audit_bucket_args(baseline, settings.retention, key_arn=key_arn)
    for service, bucket in settings.buckets.items():
        yield lambda service=service, bucket=bucket: bucket_args(
            service,
            bucket,
            settings.retention,
            key_arn=key_arn,
            replica_key_arn=key_arn,
            access_log_bucket=None,
        )
    yield from _lake_parts(settings)
    yield from _edge_parts(settings)
    yield from _messaging_parts(settings)
    for name, function in settings.functions.items():
        yield lambda name=name, function=function: function_args(name, function, settings)
        for table, changes in function.changes.items():
            yield lambda name=name, table=table, changes=changes: following(name, table, changes)
        if function.schedule is not None:
            target = Target(arn="arn:aws:lambda:::to-be-made", action="lambda:InvokeFunction")
            yield lambda name=name, when=function.schedule, target=target: schedule_args(
                name, when, target, "functions"
            )
    yield from _api_parts(settings)
    host = settings.host
    if host is not None:
        yield lambda: host_repository_args(host, settings, key_arn)
        yield lambda: host_args(host, settings, PLACE_TO_BE)
    yield from _site_parts(settings)


def _lake_parts(settings: Settings) -> Iterator[Callable[[], object]]:
    lake = settings.lake
    if lake is None:
        return
    ground = {"key_arn": None, "access_log_bucket": None}
    yield lambda: lake_zone_args(lake, settings.retention, **ground)
    yield lambda: lake_results_args(lake, settings.retention, **ground)
    # Only their names matter here.
    zones = cast("Mapping[str, Bucket]", dict.fromkeys(ZONES))
    results = Results(bucket="to-be-made", bucket_arn="to-be-made")
    yield lambda: lake_args(
        lake, settings, zones=zones, formation=None, results=results, key_arn=None, log_key_arn=None
    )
    yield lambda: job_size(lake)
    yield lambda: authority(settings.region)
    formation = lake.lake_formation
    if formation is not None:
        yield lambda: formation_args(formation, zones)
    target = Target(arn="arn:aws:states:::to-be-made", action="states:StartExecution")
    yield lambda: lake_schedule_args(lake, target)
    yield lambda: export_schedule_args(lake, target)


def _edge_parts(settings: Settings) -> Iterator[Callable[[], object]]:
    domain, balancer = settings.domain, settings.load_balancer
    if domain is not None:
        yield lambda: zone_args(domain, settings.retention)
        if settings.network is not None:
            yield lambda: private_zone_args(domain, settings.retention, "vpc-to-be-made")
        yield lambda: certificate_args(domain, "zone-to-be-made")
    if balancer is None:
        return
    arn = f"arn:aws:acm:{settings.region}:000000000000:certificate/to-be-made"
    yield lambda: load_balancer_args(
        balancer,
        settings.retention,
        vpc_id="vpc-to-be-made",
        subnet_ids=[],
        certificate_arn=balancer.certificate_arn or (None if balancer.allow_http else arn),
        access_log_bucket="bucket-to-be-made",
        web_acl_arn=None,
    )
    firewall = balancer.firewall
    if firewall is not None:
        yield lambda: web_acl_args(firewall, settings, behind_proxy=False, log_key_arn=None)


def _messaging_parts(settings: Settings) -> Iterator[Callable[[], object]]:
    for service, queue in settings.queues.items():
        yield lambda service=service, queue=queue: queue_args(service, queue)
    target = Target(arn="arn:aws:states:::to-be-made", action="states:StartExecution")
    for service, workflow in settings.workflows.items():
        yield lambda service=service, workflow=workflow: workflow_args(service, workflow, settings)
        if workflow.schedule is not None:
            yield lambda service=service, when=workflow.schedule: schedule_args(service, when, target)
        if workflow.event is not None:
            yield lambda service=service, event=workflow.event: event_route_args(service, event, target, bus=None)
    if settings.services:
        yield lambda: cluster_args(settings)
        yield lambda: log_router_args(settings, None, None)
    for name, service in settings.services.items():
        image = Image(uri=service.image or f"repository:{service.tag or 'built'}")
        yield lambda name=name, service=service: repository_args(name, service, settings, None)
        yield lambda name=name, service=service, image=image: service_args(name, service, settings, image, None)


def _api_parts(settings: Settings) -> Iterator[Callable[[], object]]:
    # Whether a function is there is asked, and nothing of it.
    around = Around(functions=dict.fromkeys(settings.functions, "to-be-made"))
    for name, api in settings.apis.items():
        yield lambda name=name, api=api: api_args(name, api, settings, around)
        if api.subdomain is not None and settings.domain is not None:
            yield lambda name=name, label=api.subdomain: api_certificate_args(name, label, settings, "zone-to-be-made")
        if api.firewall is not None:
            yield lambda name=name, firewall=api.firewall: web_acl_args(
                firewall, settings, behind_proxy=False, log_key_arn=None, section=f"apis.{name}.firewall"
            )


def _site_parts(settings: Settings) -> Iterator[Callable[[], object]]:
    site = settings.site
    if site is None:
        return
    names = site_names(site, settings)
    # Which parts there are, the settings know; where they are reached, only the deployment.
    reached = {origin.source: Reached(domain="to-be-made") for origin in site.origins.values()}
    yield lambda: site_args(
        site,
        settings,
        reached,
        certificate_arn="arn:aws:acm:us-east-1:000000000000:certificate/to-be-made" if names else None,
        web_acl_arn=None,
        access_log_bucket=None,
        request_log_bucket_arn=None,
    )
    if names:
        yield lambda: site_certificate_args(names, settings, "zone-to-be-made")
    firewall = site.firewall
    if firewall is not None:
        yield lambda: site_web_acl_args(firewall, settings, None)
