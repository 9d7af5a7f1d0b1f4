"""What can be asked of the logs that the applications leave in the archive."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from architecture.context import Context, require
from architecture.encryption import make_key
from components.analytics.log_table import LogTable
from components.analytics.workgroup import Results
from components.data.bucket import Bucket, BucketArgs
from components.data.lifecycle import LifecycleRule
from components.widgets import widgets_of

if TYPE_CHECKING:
    from components.identity.key import AnyKey
    from components.widgets import Widget

WORKLOADS: Final = Path(__file__).resolve().parent.parent / "workloads"


@dataclass(frozen=True)
class Analytics:
    """Where questions are asked, and where the answers are kept for a while."""

    log_table: LogTable
    results: Bucket

    @property
    def widgets(self) -> list[Widget]:
        """What a dashboard shows of them."""
        return widgets_of(self.log_table)

    @property
    def outputs(self) -> dict[str, Any]:
        """Where the logs are asked."""
        return {
            "logWorkgroup": self.log_table.workgroup_name,
            "logDatabase": self.log_table.database_name,
        }


def build_analytics(ctx: Context) -> Analytics | None:
    """The table over the log archive; none where the stack's file has no such section."""
    analytics = ctx.settings.log_analytics
    if analytics is None:
        return None
    archive = require(ctx.log_archive, "logArchive")
    key = make_key(ctx, "query-encryption", f"Results of queries in {ctx.stem}") if ctx.settings.own_keys else None
    results = results_bucket(ctx, "query-results", analytics.keep_results_days, key)
    table = LogTable(
        ctx.name("app-logs"),
        analytics,
        logs=archive,
        results=Results(bucket=results, key=key),
        services=sorted(ctx.settings.services),
        queries=queries_in("log-queries"),
        opts=ctx.opts,
    )
    return Analytics(table, results)


def results_bucket(ctx: Context, service: str, keep_days: int, key: AnyKey | None) -> Bucket:
    """A bucket for answers, in which nothing stays for long: all of it can be asked for again."""
    args = BucketArgs(
        noncurrent_days=1,
        lifecycle=[LifecycleRule(delete_after_days=keep_days)],
        retention=ctx.settings.retention,
    )
    return Bucket(ctx.name(service), args, key=key, access_logs=ctx.log_archive, opts=ctx.opts)


def queries_in(folder: str) -> dict[str, str]:
    """The files of a folder of workloads/, by their names."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted((WORKLOADS / folder).glob("*.sql"))}
