"""What is kept for the day on which something is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.operations.backup import Backup, Store

if TYPE_CHECKING:
    from architecture.context import Context


def build_backups(ctx: Context) -> Backup | None:
    """Backups of the stack's stores; none where the stack's YAML has no such section."""
    settings = ctx.settings
    args = settings.backup
    if args is None:
        return None
    stores: list[Store] = [settings.database.engine] if settings.database else []
    if settings.tables:
        stores.append("dynamodb")
    backup = Backup(
        ctx.name("backup"),
        args,
        tags={"Project": settings.product, "Environment": settings.environment},
        stores=stores,
        # The vault's own is also that of what is backed up.
        key=ctx.keys.data,
        copy_key=ctx.keys.replicas.get(args.copy_to) if args.copy_to else None,
        opts=ctx.opts,
    )
    if ctx.topics is not None:
        backup.alarms(ctx.topics)
    return backup
