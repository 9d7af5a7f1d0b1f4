"""What watches over what the system costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.operations.cost_guard import CostGuard

if TYPE_CHECKING:
    from architecture.context import Context

ALLOCATION_TAGS = ("Component", "Environment", "Owner", "Project")
"""The tags that everything carries, and by which the bill can be read."""


def build_cost_guard(ctx: Context) -> CostGuard | None:
    """The guard; none where the stack's YAML has no such section."""
    guard = ctx.settings.cost_guard
    if guard is None:
        return None
    ours = {"Environment": ctx.settings.environment, "Project": ctx.settings.product}
    return CostGuard(
        ctx.name("costs"),
        guard,
        counted_tags=ours if guard.counts == "tags" else None,
        allocation_tags=ALLOCATION_TAGS if guard.activate_tags else (),
        # Who reads the topics need not hear everything twice.
        topics=None if guard.emails else ctx.topics,
        billing_topics=ctx.us_east_topics if guard.billing_alarm else None,
        opts=ctx.opts,
    )
