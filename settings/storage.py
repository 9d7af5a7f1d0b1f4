"""Settings of logs, keys and buckets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from components.args import Args, as_far_as_known
from components.errors import Mistake
from components.identity.key import RotationDays
from components.log_kinds import LEAST_DAYS, LogKind
from components.values import Days, LogRetentionDays

if TYPE_CHECKING:
    from settings import Settings


class LogKindSettings(Args):
    """Days for which each kind of log is kept, wherever it is; the days are those that CloudWatch knows."""

    application: LogRetentionDays | None = None
    """What programs say of their work. Left out: retentionDays."""

    access: LogRetentionDays = 365
    """Who asked for what: of buckets, sites, load balancers, APIs, firewalls and networks."""

    error: LogRetentionDays = 180
    """What went wrong, and every record among which there may be such."""

    audit: LogRetentionDays = 1096
    """Who changed what in the account. The trail is locked for as long."""

    def mistakes(self) -> Iterator[Mistake]:
        for kind, least in LEAST_DAYS.items():
            days = getattr(self, kind)
            if days is not None and days < least:
                yield Mistake(kind, days, f"is less than {kind} logs must be kept; use {least} or more")


class LogSettings(Args):
    """Logs: CloudWatch's groups, and the kinds of logs wherever they are."""

    retention_days: LogRetentionDays = 30
    """Days until a record in CloudWatch is deleted."""

    kinds: LogKindSettings | None = None
    """Each log is of a kind, is tagged with it, and is kept for its days at least, in CloudWatch and in the archive
    ($0.033 a GB and month in CloudWatch). Left out: retentionDays counts there, and logArchive.deleteAfterDays here."""

    def days(self, kind: LogKind) -> int:
        """For how long logs of this kind are kept at least, where the stack says kinds."""
        kinds = self.kinds or LogKindSettings()
        return getattr(kinds, kind) or self.retention_days


class KeySettings(Args):
    """KMS keys of the stack's own: one for logs, one for data, each only if something uses it."""

    own: bool | None = None
    """Without own keys AWS's managed ones encrypt. Left out: yes, but not in a freeTier stack ($1 a month each)."""

    rotation_days: RotationDays = 365
    """Days between two rotations."""


class LogArchiveSettings(Args):
    """The bucket to which AWS services write their logs."""

    glacier_after_days: Days = 90
    """Days until a log moves to Glacier Flexible Retrieval (reading then takes hours)."""

    delete_after_days: Days = 365
    """Days until a log is deleted."""

    noncurrent_days: Days = 30
    """Days for which an overwritten or deleted log is still kept."""

    function_logs: bool = False
    """Whether what functions write, where there are any, flows into it by Firehose: $0.036 a GB; what services write
    comes there anyway. CloudWatch allows two subscriptions of a log group; this is one of them."""

    group_logs: bool = False
    """Whether what APIs, firewalls, the network and the database write into groups of CloudWatch, where there are any,
    flows into it, too: as above, and for the same price. What the site's firewall writes stays in us-east-1."""

    def mistakes(self) -> Iterator[Mistake]:
        if self.delete_after_days <= self.glacier_after_days:
            reason = f"must come after glacierAfterDays, which is {self.glacier_after_days}"
            yield Mistake("delete_after_days", self.delete_after_days, reason)


def _kinds(settings: Settings) -> Iterator[tuple[str, str]]:
    kinds, archive = settings.logs.kinds, settings.log_archive
    if kinds is None:
        return
    if archive is not None and "delete_after_days" in archive.model_fields_set:
        yield "logArchive.deleteAfterDays", "is said by logs.kinds, for each kind; leave it out"
    if archive is not None and archive.glacier_after_days >= settings.logs.days("error"):
        days = settings.logs.days("error")
        yield (
            "logArchive.glacierAfterDays",
            f"{archive.glacier_after_days} is no sooner than errors end, at {days} days",
        )
    if settings.baseline is not None and "audit_days" in settings.baseline.model_fields_set:
        yield "baseline.auditDays", "is said by logs.kinds.audit; leave it out"


def copies(settings: Settings) -> Iterator[tuple[str, str]]:
    """The keys that name a region for copies, each with the region."""
    for name, bucket in settings.buckets.items():
        if bucket.replicate_to:
            yield f"buckets.{name}.replicateTo", bucket.replicate_to
    for name, table in settings.tables.items():
        yield from ((f"tables.{name}.replicas", region) for region in table.replicas)
    if settings.backup is not None and settings.backup.copy_to:
        yield "backup.copyTo", settings.backup.copy_to


def combinations(settings: Settings) -> Iterator[tuple[str, str]]:
    """What cannot work together: key and why."""
    if settings.free_tier and settings.keys.own:
        yield "keys.own", "true costs $1 a month for each key and freeTier is true; use false"
    if settings.free_tier:
        for name, bucket in settings.buckets.items():
            if bucket.replicate_to:
                yield f"buckets.{name}.replicateTo", "costs money and freeTier is true; leave it out"
    yield from as_far_as_known(_kinds(settings))
    # What is wrong by itself is said of itself, and makes no other copy wrong.
    allowed = [one for one in settings.residency.regions if one != settings.region]
    named = [(key, region) for key, region in copies(settings) if region in allowed]
    for key, other in named:
        if other != (region := named[0][1]):
            yield key, f"{other} is another region than {region}; the stack's copies are all in one, under one key"
    for name, bucket in settings.buckets.items():
        if bucket.replicate_to == settings.region:
            yield f"buckets.{name}.replicateTo", f"{bucket.replicate_to} is the stack's own region; use another"
        if bucket.replicate_to and bucket.encryption == "kms" and settings.keys.own is False:
            yield f"buckets.{name}.replicateTo", "needs keys at both ends; set keys.own to true, or encryption to s3"
