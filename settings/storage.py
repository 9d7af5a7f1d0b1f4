"""Settings of logs, keys and buckets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from settings.section import Days, LogRetentionDays, Region, Section, StorageClass

if TYPE_CHECKING:
    from settings import Settings


class LogSettings(Section):
    """CloudWatch log groups."""

    retention_days: LogRetentionDays = 30
    """Days until a record is deleted."""


class KeySettings(Section):
    """KMS keys of the stack's own: one for logs, one for data, each only if something uses it."""

    own: bool | None = None
    """Without own keys AWS's managed ones encrypt. Left out: yes, but not in a freeTier stack ($1 a month each)."""

    rotation_days: Annotated[int, Field(ge=90, le=2560)] = 365
    """Days between two rotations."""


class LogArchiveSettings(Section):
    """The bucket to which AWS services write their logs."""

    glacier_after_days: Days = 90
    """Days until a log moves to Glacier Flexible Retrieval (reading then takes hours)."""

    delete_after_days: Days = 365
    """Days until a log is deleted."""

    noncurrent_days: Days = 30
    """Days for which an overwritten or deleted log is still kept."""


class LifecycleSettings(Section):
    """What becomes of the objects under a prefix."""

    prefix: str = ""
    transitions: dict[StorageClass, Annotated[int, Field(ge=0)]] = {}
    delete_after_days: Days | None = None


class ObjectLockSettings(Section):
    """Versions that nobody can delete for a time."""

    mode: Literal["GOVERNANCE", "COMPLIANCE"]
    days: Days


class BucketSettings(Section):
    """One further bucket."""

    versioning: bool = True
    noncurrent_days: Days = 30
    abort_uploads_days: Days = 7
    lifecycle: list[LifecycleSettings] = []
    intelligent_tiering: bool = False
    object_lock: ObjectLockSettings | None = None
    replicate_to: Region | None = None


def combinations(settings: Settings) -> Iterator[tuple[str, str]]:
    """What cannot work together: key and why."""
    if settings.free_tier and settings.keys.own:
        yield "keys.own", "true costs $1 a month for each key and freeTier is true; use false"
    if settings.free_tier:
        for name, bucket in settings.buckets.items():
            if bucket.replicate_to:
                yield f"buckets.{name}.replicateTo", "costs money and freeTier is true; leave it out"
    archive = settings.log_archive
    if archive is not None and archive.delete_after_days <= archive.glacier_after_days:
        yield (
            "logArchive.deleteAfterDays",
            f"{archive.delete_after_days} must come after glacierAfterDays, which is {archive.glacier_after_days}",
        )
    for name, bucket in settings.buckets.items():
        if bucket.replicate_to == settings.region:
            yield f"buckets.{name}.replicateTo", f"{bucket.replicate_to} is the stack's own region; use another"
        if bucket.replicate_to and settings.keys.own is False:
            yield f"buckets.{name}.replicateTo", "needs keys at both ends; set keys.own to true"
