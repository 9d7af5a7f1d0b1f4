"""What the account must have once: who attacks, what changed, who did what, what can be reached from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architecture.encryption import make_key
from components.account import Account
from components.data.bucket import Bucket, BucketArgs, ObjectLock
from components.data.lifecycle import LifecycleRule
from components.identity.key import Key, ServiceUse
from components.operations.account_baseline import AccountBaseline
from components.operations.trail import audit_statements, trail_arn

if TYPE_CHECKING:
    from architecture.context import Context
    from settings.baseline import BaselineSettings


def build_account_baseline(ctx: Context) -> AccountBaseline | None:
    """The account's baseline, with the locked bucket of its trail; none where the stack's YAML has no such section."""
    baseline = ctx.settings.baseline
    if baseline is None:
        return None
    name = ctx.name("baseline")
    own_trail = baseline.trail == "create"
    key = _audit_key(ctx, name) if own_trail and ctx.settings.own_keys else None
    made = AccountBaseline(
        name,
        baseline,
        config_bucket=ctx.log_archive,
        trail_bucket=_audit_bucket(baseline, ctx, name, key) if own_trail else None,
        trail_key=key,
        logs_key=ctx.keys.logs,
        opts=ctx.opts,
    )
    if ctx.topics is not None:
        made.alarms(ctx.topics)
    return made


def _audit_bucket(baseline: BaselineSettings, ctx: Context, name: str, key: Key | None) -> Bucket:
    account, logs = Account.of(ctx.provider), ctx.settings.logs
    days = logs.days("audit") if logs.kinds is not None else baseline.audit_days
    args = BucketArgs(
        encryption="kms" if key is not None else "s3",
        object_lock=ObjectLock(mode=baseline.audit_lock, days=days),
        # Rarely read, never changed: a fifth of the price from the first months on.
        lifecycle=[LifecycleRule(transitions={"GLACIER": 90}, delete_after_days=days)],
        retention=ctx.settings.retention,
    )
    return Bucket(
        ctx.name("audit"), args, key=key, statements=lambda arn: audit_statements(name, arn, account), opts=ctx.opts
    )


def _audit_key(ctx: Context, name: str) -> Key:
    source = trail_arn(name, Account.of(ctx.provider))
    use = ServiceUse(principal="cloudtrail.amazonaws.com", source_arn=source)
    return make_key(ctx, "audit-encryption", f"Audit trail of {ctx.stem}", services=[use])
