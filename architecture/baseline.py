"""What the account must have once: who attacks, what changed, who did what, what can be reached from outside."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from architecture.refusals import says
from components.account import Account
from components.data.bucket import Bucket, BucketArgs, ObjectLock
from components.data.lifecycle import LifecycleRule
from components.identity.key import Key, KeyArgs, ServiceUse
from components.operations.account_baseline import (
    CONFIG_RULES,
    AccountBaseline,
    AccountBaselineArgs,
    audit_statements,
    trail_arn,
)

if TYPE_CHECKING:
    import pulumi

    from architecture.platform import Platform
    from architecture.storage import Storage
    from components.alarms import AlarmTopics
    from components.retention import Retention
    from settings import Settings
    from settings.baseline import BaselineSettings


def build_baseline(
    settings: Settings, platform: Platform, storage: Storage, topics: AlarmTopics | None
) -> AccountBaseline | None:
    """The account's baseline, with the locked bucket of its trail; none where the stack's YAML has no such section."""
    baseline = settings.baseline
    if baseline is None:
        return None
    name = platform.name("baseline")
    own_trail = baseline.trail == "create"
    key = _audit_key(settings, platform, name) if own_trail and settings.own_keys else None
    audit = _audit_bucket(settings, baseline, platform, name, key) if own_trail else None
    args = baseline_args(
        baseline,
        config_bucket=storage.log_archive.log_target_name if storage.log_archive else None,
        trail_bucket=audit.log_target_name if audit else None,
        trail_key_arn=key.arn if key else None,
    )
    made = AccountBaseline(name, args, platform.options())
    if topics is not None:
        made.alarms(topics)
    return made


def baseline_args(
    baseline: BaselineSettings,
    *,
    config_bucket: pulumi.Input[str] | None,
    trail_bucket: pulumi.Input[str] | None,
    trail_key_arn: pulumi.Input[str] | None,
) -> AccountBaselineArgs:
    """What the stack's YAML says of the account."""
    with says("baseline"):
        return AccountBaselineArgs(
            guard_duty=baseline.guard_duty,
            guard_duty_features=baseline.guard_duty_features,
            config=baseline.config,
            config_bucket=config_bucket,
            recording_frequency=baseline.recording_frequency,
            config_rules=baseline.config_rules if baseline.config_rules is not None else CONFIG_RULES,
            trail=baseline.trail,
            trail_bucket=trail_bucket,
            trail_key_arn=trail_key_arn,
            access_analyzer=baseline.access_analyzer,
        )


def audit_bucket_args(
    baseline: BaselineSettings, retention: Retention, *, key_arn: pulumi.Input[str] | None
) -> BucketArgs:
    """The bucket of the trail, before its policy admits the trail."""
    with says("baseline"):
        days = baseline.audit_days
        return BucketArgs(
            key_arn=key_arn,
            encryption="kms" if key_arn is not None else "s3",
            object_lock=ObjectLock(mode=baseline.audit_lock, days=days),
            # Rarely read, never changed: a fifth of the price from the first months on.
            lifecycle=[LifecycleRule(transitions={"GLACIER": 90}, delete_after_days=days)],
            retention=retention,
        )


def _audit_bucket(
    settings: Settings, baseline: BaselineSettings, platform: Platform, name: str, key: Key | None
) -> Bucket:
    account = Account.of(platform.provider)
    args = audit_bucket_args(baseline, settings.retention, key_arn=key.arn if key else None)
    args = replace(args, statements=lambda arn: audit_statements(name, arn, account))
    return Bucket(platform.name("audit"), args, platform.options())


def _audit_key(settings: Settings, platform: Platform, name: str) -> Key:
    account = Account.of(platform.provider)
    with says("keys"):
        args = KeyArgs(
            description=f"Audit trail of {platform.stem}",
            services=[ServiceUse(principal="cloudtrail.amazonaws.com", source_arn=trail_arn(name, account))],
            rotation_days=settings.keys.rotation_days,
            retention=settings.retention,
        )
    return Key(platform.name("audit-encryption"), args, platform.options())
