"""What watches over the system: the topics for alarms, and what is made from what the other layers built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from architecture.refusals import says
from components.account import Account
from components.edge.site_args import US_EAST
from components.edge.web_socket_api import WebSocketApi
from components.identity.key import Key, KeyArgs, ServiceUse
from components.operations.dashboard import Dashboard, DashboardArgs
from components.operations.error_log_alarm import ErrorLogAlarm, ErrorLogAlarmArgs
from components.operations.topics import PUBLISHERS, Slack, Topics, TopicsArgs, publisher_arn

if TYPE_CHECKING:
    import pulumi

    from architecture.platform import Platform
    from components.alarms import AlarmTopics
    from settings import Settings
    from settings.observability import AlertSettings


def build_topics(settings: Settings, platform: Platform) -> AlarmTopics | None:
    """Where alarms go; none where the stack's YAML has no such section, and then there are no alarms."""
    if settings.alerts is None:
        return None
    key = _alerts_key(settings, platform, "alerts-encryption") if settings.own_keys else None
    args = topics_args(settings.alerts, platform.stem, key_arn=key.arn if key else None)
    return Topics(platform.name("alerts"), args, platform.options()).alarm_topics


def build_us_east_topics(settings: Settings, platform: Platform) -> AlarmTopics | None:
    """The topic of alarms on metrics that are in us-east-1 only; none where no part has such metrics.

    E-mails only: a Slack channel has one configuration, which hears the stack's own topics.
    """
    if settings.alerts is None or not settings.has_us_east_metrics:
        return None
    key = None
    if settings.own_keys:
        key = _alerts_key(settings, platform, "us-east-alerts-encryption", region=US_EAST)
    args = topics_args(settings.alerts, platform.stem, key_arn=key.arn if key else None, region=US_EAST)
    return Topics(platform.name("us-east-alerts"), args, platform.options()).alarm_topics


def build_watch(
    platform: Platform,
    topics: AlarmTopics | None,
    edge: Any = None,
    data: Any = None,
    application: Any = None,
    messaging: Any = None,
    functions: Any = None,
    apis: Any = None,
) -> Dashboard | None:
    """What is made from the other layers: an alarm on each service's errors, and one dashboard over all of them."""
    services = application.services if application is not None else {}
    workflows = messaging.workflows if messaging is not None else {}
    load_balancer = edge.load_balancer if edge is not None else None
    database = data.database if data is not None else None
    called = apis.apis if apis is not None else {}
    return build_dashboard(
        platform,
        load_balancer=load_balancer.arn_suffix if load_balancer is not None else None,
        cluster=application.cluster.name if application is not None and services else None,
        services=[service.name for _, service in sorted(services.items())],
        functions=[each.name for _, each in sorted(functions.functions.items())] if functions is not None else [],
        apis={name: api.dimensions for name, api in called.items() if not isinstance(api, WebSocketApi)},
        web_sockets={name: api.dimensions for name, api in called.items() if isinstance(api, WebSocketApi)},
        # A cluster of Aurora has the one, a single instance the other, and each its own metrics.
        database_cluster=getattr(database, "cluster_identifier", None),
        database_instance=getattr(database, "identifier", None),
        cache_nodes=data.cache.nodes if data is not None and data.cache is not None else (),
        tables=[table.name for _, table in sorted(data.tables.items())] if data is not None else (),
        workflows={name: workflow.arn for name, workflow in workflows.items()},
        counted=functions.namespaces if functions is not None else (),
        errors=watch_error_logs(
            platform, topics, {name: service.error_log_group_name for name, service in services.items()}
        ),
    )


def watch_error_logs(
    platform: Platform, topics: AlarmTopics | None, groups: Mapping[str, pulumi.Input[str]]
) -> dict[str, ErrorLogAlarm]:
    """An alarm and saved queries for each service's log group of errors; none where nobody would hear of it."""
    if topics is None:
        return {}
    return {
        service: ErrorLogAlarm(
            platform.name(f"{service}-errors"), ErrorLogAlarmArgs(log_group=group, topics=topics), platform.options()
        )
        for service, group in sorted(groups.items())
    }


def build_dashboard(
    platform: Platform,
    *,
    load_balancer: pulumi.Input[str] | None = None,
    cluster: pulumi.Input[str] | None = None,
    services: Sequence[pulumi.Input[str]] = (),
    functions: Sequence[pulumi.Input[str]] = (),
    apis: Mapping[str, Mapping[str, pulumi.Input[str]]] | None = None,
    web_sockets: Mapping[str, Mapping[str, pulumi.Input[str]]] | None = None,
    database_cluster: pulumi.Input[str] | None = None,
    database_instance: pulumi.Input[str] | None = None,
    cache_nodes: Sequence[pulumi.Input[str]] = (),
    tables: Sequence[pulumi.Input[str]] = (),
    workflows: Mapping[str, pulumi.Input[str]] | None = None,
    errors: Mapping[str, ErrorLogAlarm] | None = None,
    counted: Sequence[str] = (),
) -> Dashboard | None:
    """One dashboard over what there is; none where there is nothing to show."""
    logged = {service: (alarm.metric_namespace, alarm.metric_name) for service, alarm in (errors or {}).items()}
    several = services or functions or apis or web_sockets or cache_nodes or tables or workflows or counted or logged
    if load_balancer is None and database_cluster is None and database_instance is None and not several:
        return None
    args = DashboardArgs(
        load_balancer=load_balancer,
        cluster=cluster,
        services=services,
        functions=functions,
        apis=apis or {},
        web_sockets=web_sockets or {},
        database_cluster=database_cluster,
        database_instance=database_instance,
        cache_nodes=cache_nodes,
        tables=tables,
        workflows=workflows or {},
        errors=logged,
        counted=counted,
    )
    return Dashboard(platform.name("overview"), args, platform.options())


def topics_args(
    alerts: AlertSettings, stem: str, *, key_arn: pulumi.Input[str] | None, region: str | None = None
) -> TopicsArgs:
    """What the stack's YAML says of the topics."""
    with says("alerts"):
        slack = alerts.slack if region is None else None
        return TopicsArgs(
            stem=stem,
            emails=alerts.emails,
            slack=Slack(workspace_id=slack.workspace_id, channel_id=slack.channel_id) if slack else None,
            key_arn=key_arn,
            # One for all that is elsewhere: each address must agree to each topic.
            severities=("critical", "warning") if region is None else ("critical",),
            region=region,
        )


def _alerts_key(settings: Settings, platform: Platform, service: str, region: str | None = None) -> Key:
    # A key of its own: those of logs and data need not be open to the services that publish.
    account = Account.of(platform.provider)
    with says("keys"):
        args = KeyArgs(
            description=f"Alerts of {platform.stem}",
            services=[
                ServiceUse(principal=publisher, source_arn=publisher_arn(account, publisher, platform.stem, region))
                for publisher in PUBLISHERS
            ],
            rotation_days=settings.keys.rotation_days,
            region=region,
            retention=settings.retention,
        )
    return Key(platform.name(service), args, platform.options())
