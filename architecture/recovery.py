"""What the stack promises for the day on which data is lost, and the reminder to try it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from architecture.context import require
from components.messaging.schedule import Schedule, ScheduleArgs
from components.widgets import widgets_of
from settings import recovery

if TYPE_CHECKING:
    from architecture.context import Context
    from components.widgets import Widget
    from settings.recovery import DrillSettings

RUNBOOK = "docs/runbooks/restore.md"


@dataclass(frozen=True)
class Recovery:
    """The ways back to each store."""

    ways: list[dict[str, str]]
    reminder: Schedule | None = None

    @property
    def widgets(self) -> list[Widget]:
        """What a dashboard shows of them."""
        return widgets_of(self.reminder)

    @property
    def outputs(self) -> dict[str, Any]:
        """Store, disaster, way back, loss and time."""
        return {"recovery": self.ways}


def build_recovery(ctx: Context) -> Recovery | None:
    """The drill's reminder, and what it is to prove; none where the stack's YAML has no such section."""
    promise = ctx.settings.recovery
    if promise is None:
        return None
    reminder = _remind(ctx, promise.drill) if promise.drill is not None else None
    return Recovery(recovery.table(ctx.settings), reminder)


def _remind(ctx: Context, drill: DrillSettings) -> Schedule:
    topics = require(next(iter(ctx.alerts), None), "alerts")
    text = (
        f"Restore something of {ctx.stem} today, by {RUNBOOK}, and write the hours that it took into recovery.measured "
        "of the stack's file: a way back that nobody has tried is none."
    )
    reminder = Schedule(
        ctx.name("recovery-drill"),
        ScheduleArgs(
            expression=drill.expression,
            timezone=drill.timezone,
            input={"reminder": text, "planned": "<aws.scheduler.scheduled-time>"},
        ),
        target=topics.reminder,
        opts=ctx.opts,
    )
    reminder.alarms(topics.alarm_topics)
    return reminder
