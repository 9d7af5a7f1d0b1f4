"""What is kept for the day on which something is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architecture.refusals import says
from components.operations.backup import Backup, BackupArgs, Copy, Store

if TYPE_CHECKING:
    import pulumi

    from architecture.platform import Platform
    from architecture.storage import Storage
    from components.alarms import AlarmTopics
    from settings import Settings
    from settings.recovery import BackupSettings


def build_recovery(
    settings: Settings, platform: Platform, storage: Storage, topics: AlarmTopics | None
) -> Backup | None:
    """Backups of the stack's stores; none where the stack's YAML has no such section."""
    if settings.backup is None:
        return None
    replica = storage.replica_keys.get(settings.backup.copy_to) if settings.backup.copy_to else None
    args = backup_args(
        settings.backup,
        settings,
        key_arn=storage.data_key.arn if storage.data_key else None,
        copy_key_arn=replica.arn if replica else None,
    )
    backup = Backup(platform.name("backup"), args, platform.options())
    if topics is not None:
        backup.alarms(topics)
    return backup


def backup_args(
    backup: BackupSettings,
    settings: Settings,
    *,
    key_arn: pulumi.Input[str] | None,
    copy_key_arn: pulumi.Input[str] | None,
) -> BackupArgs:
    """What the stack's YAML says of the backups."""
    with says("backup"):
        return BackupArgs(
            tags={"Project": settings.product, "Environment": settings.environment},
            stores=_stores(settings),
            keep_days=backup.keep_days,
            weekly_keep_days=backup.weekly_keep_days,
            hour=backup.hour,
            copy=Copy(region=backup.copy_to, key_arn=copy_key_arn) if backup.copy_to else None,
            lock=backup.lock,
            # The vault's own is also that of what is backed up.
            key_arn=key_arn,
            retention=settings.retention,
        )


def _stores(settings: Settings) -> list[Store]:
    found: list[Store] = []
    if settings.database is not None:
        found.append(settings.database.engine)
    if settings.tables:
        found.append("dynamodb")
    return found
