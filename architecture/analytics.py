"""What can be asked of the logs that the applications leave in the archive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from architecture.refusals import says
from components.analytics.log_table import LogTable, LogTableArgs
from components.data.bucket import Bucket, BucketArgs
from components.data.lifecycle import LifecycleRule
from components.identity.key import Key, KeyArgs

if TYPE_CHECKING:
    import pulumi

    from architecture.platform import Platform
    from architecture.storage import Storage
    from components.retention import Retention
    from settings import Settings
    from settings.analytics import LogAnalyticsSettings

QUERIES = Path(__file__).resolve().parent.parent / "workloads" / "log-queries"


@dataclass(frozen=True)
class Analytics:
    """Where questions are asked, and where the answers are kept for a while."""

    log_table: LogTable
    results: Bucket


def build_analytics(settings: Settings, platform: Platform, storage: Storage) -> Analytics | None:
    """The table over the log archive; none where the stack's YAML has no such section."""
    analytics = settings.log_analytics
    if analytics is None or storage.log_archive is None:
        return None
    key = _results_key(settings, platform) if settings.own_keys else None
    results = Bucket(
        platform.name("query-results"),
        results_args(
            analytics,
            settings.retention,
            key_arn=key.arn if key else None,
            access_log_bucket=storage.log_archive.log_target_name,
        ),
        platform.options(),
    )
    args = log_table_args(
        analytics,
        settings,
        log_bucket=storage.log_archive.name,
        log_bucket_arn=storage.log_archive.arn,
        results_bucket=results.name,
        results_bucket_arn=results.arn,
        results_key_arn=key.arn if key else None,
    )
    return Analytics(LogTable(platform.name("app-logs"), args, platform.options()), results)


def log_table_args(
    analytics: LogAnalyticsSettings,
    settings: Settings,
    *,
    log_bucket: pulumi.Input[str],
    log_bucket_arn: pulumi.Input[str],
    results_bucket: pulumi.Input[str],
    results_bucket_arn: pulumi.Input[str],
    results_key_arn: pulumi.Input[str] | None,
) -> LogTableArgs:
    """What the stack's YAML says of the table."""
    with says("log_analytics"):
        return LogTableArgs(
            log_bucket=log_bucket,
            log_bucket_arn=log_bucket_arn,
            services=sorted(settings.services) if analytics.services is None else analytics.services,
            results_bucket=results_bucket,
            results_bucket_arn=results_bucket_arn,
            results_key_arn=results_key_arn,
            years=(analytics.first_year, analytics.last_year),
            scan_limit_mib=analytics.scan_limit_mib,
            queries=saved_queries(),
        )


def results_args(
    analytics: LogAnalyticsSettings,
    retention: Retention,
    *,
    key_arn: pulumi.Input[str] | None,
    access_log_bucket: pulumi.Input[str] | None,
) -> BucketArgs:
    """The bucket for results, in which nothing stays for long: all of it can be asked for again."""
    with says("log_analytics"):
        return BucketArgs(
            key_arn=key_arn,
            noncurrent_days=1,
            lifecycle=[LifecycleRule(delete_after_days=analytics.keep_results_days)],
            access_log_bucket=access_log_bucket,
            retention=retention,
        )


def saved_queries() -> Mapping[str, str]:
    """The files in workloads/log-queries, by their names."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(QUERIES.glob("*.sql"))}


def _results_key(settings: Settings, platform: Platform) -> Key:
    with says("keys"):
        args = KeyArgs(
            description=f"Results of queries in {platform.stem}",
            rotation_days=settings.keys.rotation_days,
            retention=settings.retention,
        )
    return Key(platform.name("query-encryption"), args, platform.options())
