"""What every layer shares: settings, names, the provider, keys, the archive of logs, and where alarms go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

import pulumi
import pulumi_aws as aws

from architecture.transformation import tag_and_check
from components.widgets import widgets_of

if TYPE_CHECKING:
    from components.alarms import AlarmTopics
    from components.data.bucket import Bucket
    from components.identity.key import AnyKey, Key
    from components.operations.topics import Topics
    from components.widgets import Widget
    from settings import Settings

_Part = TypeVar("_Part")


@dataclass(frozen=True, kw_only=True)
class Keys:
    """The keys that encrypt; none where the stack has no keys of its own, or nothing would use them."""

    data: Key | None = None
    logs: AnyKey | None = None
    """For CloudWatch log groups."""
    replicas: Mapping[str, Key] = field(default_factory=dict)
    """By region, for what is kept in a second one; there is one such region at most."""


@dataclass(frozen=True, kw_only=True)
class Context:
    """What a layer builds with, beside the layers that it connects."""

    settings: Settings
    provider: aws.Provider
    keys: Keys = Keys()
    log_archive: Bucket | None = None
    """The bucket to which AWS services write their logs."""
    topics: AlarmTopics | None = None
    """Where alarms go; without it there are none."""
    us_east_topics: AlarmTopics | None = None
    """The same for metrics that are in us-east-1 only."""
    replica_topics: AlarmTopics | None = None
    """The same for metrics of the copies of buckets, which are in the copies' region."""
    alerts: tuple[Topics, ...] = ()
    """What tells them: the stack's own first."""
    quiet_alarms: list[aws.cloudwatch.MetricAlarm] = field(default_factory=list)
    """What would ring because of office hours: the alarms on what they stop, and on what waits for it."""
    us_east_quiet_alarms: list[aws.cloudwatch.MetricAlarm] = field(default_factory=list)
    """The same in us-east-1."""
    _stacks: dict[str, pulumi.StackReference] = field(default_factory=dict)

    @property
    def stem(self) -> str:
        """`{product}-{environment}`, with which every name begins."""
        return self.settings.stem

    @property
    def path(self) -> str:
        """`/{product}/{environment}`, under which the parameters of the stack are."""
        return self.settings.path

    @property
    def opts(self) -> pulumi.ResourceOptions:
        """The options of a component: everything goes to the one provider."""
        return pulumi.ResourceOptions(providers=[self.provider])

    def name(self, service: str) -> str:
        """The name of the component that provides `service`."""
        return f"{self.stem}-{service}"

    @property
    def widgets(self) -> list[Widget]:
        """What a dashboard shows of the alerts."""
        return widgets_of(*self.alerts)

    @property
    def outputs(self) -> dict[str, Any]:
        """For the system's other stacks, and for who reads logs and alarms."""
        told: dict[str, Any] = {}
        if self.keys.logs is not None:
            told["logsKeyArn"] = self.keys.logs.arn
        if self.log_archive is not None:
            told["logArchiveBucket"] = self.log_archive.name
        if self.topics is not None:
            told["alertTopics"] = {"critical": self.topics.critical, "warning": self.topics.warning}
        return told

    def stack(self, name: str) -> pulumi.StackReference:
        """What another stack exports; several layers may ask for the same one."""
        if name not in self._stacks:
            self._stacks[name] = pulumi.StackReference(name)
        return self._stacks[name]


def require(part: _Part | None, section: str) -> _Part:
    """A part that the settings guarantee to be there where another needs it."""
    if part is None:
        raise pulumi.RunError(f"{section}: is missing, and another part needs it; add the section")
    return part


def build_context(settings: Settings) -> Context:
    """The explicit provider (region, tags, allowed accounts), the transformation of every later resource, and what the
    layers use in common."""
    # They build with a context themselves.
    from architecture.encryption import build_keys  # noqa: PLC0415
    from architecture.observability import build_replica_topics, build_topics, build_us_east_topics  # noqa: PLC0415
    from architecture.storage import build_log_archive  # noqa: PLC0415

    tags = {"Project": settings.product, "Environment": settings.environment, "Owner": settings.owner}
    protected = settings.retention == "protected"
    pulumi.runtime.register_stack_transformation(
        tag_and_check(
            settings.stem,
            tags,
            logs=settings.logs,
            protected=protected,
            role_boundary=settings.role_boundary,
            scheduled=settings.office_hours is not None,
        )
    )
    provider = aws.Provider(
        f"{settings.stem}-aws-provider",
        region=settings.region,
        default_tags=aws.ProviderDefaultTagsArgs(tags=tags),
        # The wrong credentials in somebody's shell must not deploy prod into dev's account.
        allowed_account_ids=settings.accounts or None,
    )
    ctx = Context(settings=settings, provider=provider)
    ctx = replace(ctx, keys=build_keys(ctx), log_archive=build_log_archive(ctx))
    topics, us_east, replica = build_topics(ctx), build_us_east_topics(ctx), build_replica_topics(ctx)
    return replace(
        ctx,
        topics=topics.alarm_topics if topics is not None else None,
        us_east_topics=us_east.alarm_topics if us_east is not None else None,
        replica_topics=replica.alarm_topics if replica is not None else None,
        alerts=tuple(one for one in (topics, us_east, replica) if one is not None),
    )
