"""Where things are kept: the keys that encrypt, the archive of logs, and the stack's further buckets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from architecture.refusals import says
from components.data.bucket import Bucket, BucketArgs, ObjectLock, Replica
from components.data.lifecycle import LifecycleRule
from components.identity.key import ExistingKey, Key, KeyArgs

if TYPE_CHECKING:
    import pulumi

    from architecture.platform import Platform
    from components.retention import Retention
    from settings import Settings
    from settings.storage import BucketSettings, LogArchiveSettings


@dataclass(frozen=True)
class Storage:
    """What the other layers may keep things in."""

    logs_key: Key | ExistingKey | None
    """For CloudWatch log groups; none where the stack has no keys of its own."""
    data_key: Key | None
    log_archive: Bucket | None
    buckets: Mapping[str, Bucket]
    replica_keys: Mapping[str, Key] = field(default_factory=dict)
    """By region, for what is kept in a second one."""


def build_storage(settings: Settings, platform: Platform) -> Storage:
    """Only the keys that something uses, the log archive, and each bucket of the stack's YAML."""
    archive = _log_archive(settings, platform)
    data_key = _key(settings, platform, "data", "Data at rest") if settings.own_keys and settings.keeps_data else None
    replica_keys = {
        region: _key(settings, platform, "data-replica", f"Copies of data in {region}", region=region)
        for region in sorted(_replica_regions(settings))
    }
    return Storage(
        logs_key=_logs_key(settings, platform),
        data_key=data_key,
        replica_keys=replica_keys,
        log_archive=archive,
        buckets={
            service: Bucket(
                platform.name(service),
                bucket_args(
                    service,
                    bucket,
                    settings.retention,
                    key_arn=data_key.arn if data_key else None,
                    replica_key_arn=replica_keys[bucket.replicate_to].arn if bucket.replicate_to else None,
                    access_log_bucket=archive.log_target_name if archive else None,
                ),
                platform.options(),
            )
            for service, bucket in sorted(settings.buckets.items())
        },
    )


def _replica_regions(settings: Settings) -> set[str]:
    """Where copies are kept that a key of ours encrypts."""
    of_buckets = {bucket.replicate_to for bucket in settings.buckets.values() if bucket.replicate_to}
    of_tables = {region for table in settings.tables.values() for region in table.replicas}
    of_backups = {settings.backup.copy_to} if settings.backup and settings.backup.copy_to else set[str]()
    return of_buckets | (of_tables | of_backups if settings.own_keys else set())


def _logs_key(settings: Settings, platform: Platform) -> Key | ExistingKey | None:
    if not (settings.own_keys and settings.writes_logs):
        return None
    if settings.network is not None and settings.network.stack is not None:
        # One system in several stacks has one key for its logs, made beside the network.
        return ExistingKey(arn=platform.stack(settings.network.stack).require_output("logsKeyArn"))
    # Log groups are called `/…/{product}-{environment}-…`, those of AWS WAF `aws-waf-logs-…`: this system's, no others.
    groups = [f"/*/{platform.stem}-*", f"aws-waf-logs-{platform.stem}-*"]
    return _key(settings, platform, "logs", "CloudWatch logs", log_groups=groups)


def _key(
    settings: Settings,
    platform: Platform,
    service: str,
    what: str,
    *,
    log_groups: list[str] | None = None,
    region: str | None = None,
) -> Key:
    with says("keys"):
        args = KeyArgs(
            description=f"{what} of {platform.stem}",
            log_groups=log_groups or [],
            rotation_days=settings.keys.rotation_days,
            region=region,
            retention=settings.retention,
        )
    return Key(platform.name(service), args, platform.options())


def _log_archive(settings: Settings, platform: Platform) -> Bucket | None:
    if settings.log_archive is None:
        return None
    args = log_archive_args(settings.log_archive, settings.retention)
    return Bucket(platform.name("log-archive"), args, platform.options())


def log_archive_args(archive: LogArchiveSettings, retention: Retention) -> BucketArgs:
    """What the stack's YAML says of the log archive."""
    with says("log_archive"):
        return BucketArgs(
            encryption="s3",
            receives_logs_from=("cloudfront", "config", "elb", "s3", "vpc-flow-logs"),
            noncurrent_days=archive.noncurrent_days,
            lifecycle=[
                LifecycleRule(
                    transitions={"GLACIER": archive.glacier_after_days}, delete_after_days=archive.delete_after_days
                )
            ],
            retention=retention,
        )


def bucket_args(
    service: str,
    bucket: BucketSettings,
    retention: Retention,
    *,
    key_arn: pulumi.Input[str] | None,
    replica_key_arn: pulumi.Input[str] | None,
    access_log_bucket: pulumi.Input[str] | None,
) -> BucketArgs:
    """What the stack's YAML says of one further bucket."""
    with says(f"buckets.{service}"):
        return BucketArgs(
            key_arn=key_arn,
            versioning=bucket.versioning,
            noncurrent_days=bucket.noncurrent_days,
            abort_uploads_days=bucket.abort_uploads_days,
            lifecycle=[
                LifecycleRule(
                    prefix=rule.prefix, transitions=rule.transitions, delete_after_days=rule.delete_after_days
                )
                for rule in bucket.lifecycle
            ],
            intelligent_tiering=bucket.intelligent_tiering,
            object_lock=ObjectLock(mode=bucket.object_lock.mode, days=bucket.object_lock.days)
            if bucket.object_lock
            else None,
            replica=Replica(region=bucket.replicate_to, key_arn=replica_key_arn) if bucket.replicate_to else None,
            access_log_bucket=access_log_bucket,
            retention=retention,
        )
