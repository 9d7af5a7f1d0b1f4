"""What watches over what the system costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from architecture.refusals import says
from components.operations.cost_guard import CostGuard, CostGuardArgs

if TYPE_CHECKING:
    from architecture.platform import Platform
    from components.alarms import AlarmTopics
    from settings import Settings
    from settings.cost import CostGuardSettings

ALLOCATION_TAGS = ("Component", "Environment", "Owner", "Project")
"""The tags that everything carries, and by which the bill can be read."""


def build_cost_guard(
    settings: Settings, platform: Platform, topics: AlarmTopics | None, us_east_topics: AlarmTopics | None
) -> CostGuard | None:
    """The guard; none where the stack's YAML has no such section."""
    if settings.cost_guard is None:
        return None
    args = cost_guard_args(settings.cost_guard, settings, topics, us_east_topics)
    return CostGuard(platform.name("costs"), args, platform.options())


def cost_guard_args(
    guard: CostGuardSettings,
    settings: Settings,
    topics: AlarmTopics | None,
    us_east_topics: AlarmTopics | None = None,
) -> CostGuardArgs:
    """What the stack's YAML says of the guard."""
    with says("cost_guard"):
        return CostGuardArgs(
            monthly_limit_usd=guard.monthly_limit_usd,
            counted_tags={"Environment": settings.environment, "Project": settings.product},
            emails=guard.emails,
            # Who reads the topics need not hear everything twice.
            topics=None if guard.emails else topics,
            growth_percent=guard.growth_percent,
            monitor=guard.monitor,
            anomaly_percent=guard.anomaly_percent,
            anomaly_minimum_usd=guard.anomaly_minimum_usd,
            billing_topics=us_east_topics if guard.billing_alarm else None,
            allocation_tags=ALLOCATION_TAGS if guard.activate_tags else (),
        )
