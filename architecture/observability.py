"""What watches over the system: the topics for alarms, traces, and what is made from what the other layers built."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from architecture.encryption import make_key
from components.account import Account
from components.edge.site_args import US_EAST
from components.identity.key import Key, ServiceUse
from components.operations.dashboard import Dashboard, DashboardArgs
from components.operations.error_log_alarm import ErrorLogAlarm, ErrorLogAlarmArgs
from components.operations.topics import PUBLISHERS, Topics, TopicsArgs, publisher_arn
from components.operations.tracing import RETENTION_DAYS, Tracing
from components.widgets import counted_by_programs, widgets_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from architecture.application import Application
    from architecture.context import Context
    from components.alarms import Severity
    from components.compute.service import Service
    from components.widgets import Shown, Widget


def build_topics(ctx: Context) -> Topics | None:
    """Where alarms go; none where the stack's YAML has no such section, and then there are no alarms."""
    alerts = ctx.settings.alerts
    if alerts is None:
        return None
    key = _alerts_key(ctx, "alerts-encryption") if ctx.settings.own_keys else None
    return Topics(ctx.name("alerts"), alerts, stem=ctx.stem, key=key, opts=ctx.opts)


def build_us_east_topics(ctx: Context) -> Topics | None:
    """The topic of alarms on metrics that are in us-east-1 only; none where no part has such metrics.

    E-mails only: a Slack channel has one configuration, which hears the stack's own topics.
    """
    alerts = ctx.settings.alerts
    if alerts is None or not ctx.settings.has_us_east_metrics:
        return None
    return _topics_elsewhere(ctx, alerts, "us-east-alerts", US_EAST, "critical")


def build_replica_topics(ctx: Context) -> Topics | None:
    """The topic of alarms on the copies of buckets, in their region, where S3 counts what lags; e-mails only."""
    alerts, region = ctx.settings.alerts, ctx.settings.copies_region
    if alerts is None or region is None or not ctx.settings.copies_buckets:
        return None
    return _topics_elsewhere(ctx, alerts, "replica-alerts", region, "warning")


def _topics_elsewhere(ctx: Context, alerts: TopicsArgs, service: str, region: str, severity: Severity) -> Topics:
    key = _alerts_key(ctx, f"{service}-encryption", region=region) if ctx.settings.own_keys else None
    return Topics(
        ctx.name(service),
        TopicsArgs(emails=alerts.emails),
        stem=ctx.stem,
        key=key,
        # One for all that is there: each address must agree to each topic.
        severities=(severity,),
        region=region,
        opts=ctx.opts,
    )


def build_watch(ctx: Context, application: Application, *layers: Shown | None) -> Dashboard | None:
    """One dashboard of what the layers show, in their order; none where there is nothing to show."""
    counted = [counted_by_programs(namespace) for namespace in ctx.settings.metrics_namespaces]
    widgets = [*widgets_of(*layers), *counted, *widgets_of(*application.errors, ctx)]
    return Dashboard(ctx.name("overview"), DashboardArgs(), widgets=widgets, opts=ctx.opts) if widgets else None


def watch_errors(ctx: Context, services: Mapping[str, Service]) -> list[ErrorLogAlarm]:
    """An alarm and saved queries for each service's log group of errors; none where nobody would hear of it."""
    if ctx.topics is None:
        return []
    made = [
        ErrorLogAlarm(
            ctx.name(f"{name}-errors"),
            ErrorLogAlarmArgs(),
            log_group=service.error_log_group_name,
            topics=ctx.topics,
            opts=ctx.opts,
        )
        for name, service in sorted(services.items())
    ]
    # A task that is sent home, or comes before its database, says so as an error.
    ctx.quiet_alarms.extend(one.alarm for one in made)
    return made


def _alerts_key(ctx: Context, service: str, region: str | None = None) -> Key:
    # A key of its own: those of logs and data need not be open to the services that publish.
    account = Account.of(ctx.provider)
    publishers = [
        ServiceUse(principal=publisher, source_arn=publisher_arn(account, publisher, ctx.stem, region))
        for publisher in PUBLISHERS
    ]
    return make_key(ctx, service, f"Alerts of {ctx.stem}", services=publishers, region=region)


@dataclass(frozen=True)
class Traces:
    """The groups of traces; none where the stack's YAML has no section tracing."""

    tracing: Tracing | None = None

    @property
    def widgets(self) -> list[Widget]:
        """What a dashboard shows of them."""
        return widgets_of(self.tracing)

    @property
    def outputs(self) -> dict[str, Any]:
        """Where to look."""
        if self.tracing is None:
            return {}
        return {
            "traceGroups": {"faults": self.tracing.faults_group, "slow": self.tracing.slow_group},
            "traceRetentionDays": RETENTION_DAYS,
        }


def build_tracing(ctx: Context) -> Traces:
    """Sampling and groups over all that sends traces; alarms where there are topics."""
    args = ctx.settings.tracing
    if args is None:
        return Traces()
    # What they are called in AWS is what they are called in their traces, too.
    services = [ctx.name(name) for name in ctx.settings.traced]
    tracing = Tracing(ctx.name("tracing"), args, services=services, sampled=f"{ctx.stem}-*", opts=ctx.opts)
    if ctx.topics is not None:
        tracing.alarms(ctx.topics)
    return Traces(tracing)
