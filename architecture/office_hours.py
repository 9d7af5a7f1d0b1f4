"""When the stack runs: what office hours stop, and which alarms are quiet meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from components.edge.site_args import US_EAST
from components.operations.office_hours import OfficeHours
from components.widgets import widgets_of

if TYPE_CHECKING:
    from architecture.application import Application
    from architecture.context import Context
    from architecture.data import Data
    from architecture.host import Host
    from components.widgets import Widget


@dataclass(frozen=True)
class Hours:
    """The schedules of the stack's region, and those of us-east-1 for the alarms there."""

    ours: OfficeHours
    us_east: OfficeHours | None = None

    @property
    def widgets(self) -> list[Widget]:
        """What a dashboard shows of them."""
        return widgets_of(self.ours, self.us_east)

    @property
    def outputs(self) -> dict[str, Any]:
        """Where calls are that failed."""
        return {"officeHoursDeadLettersUrl": self.ours.dead_letters_url}


def build_office_hours(ctx: Context, application: Application, data: Data, host: Host | None) -> Hours | None:
    """After everything whose alarms would ring; none where the stack's YAML has no such section."""
    args = ctx.settings.office_hours
    if args is None:
        return None
    hours = OfficeHours(
        ctx.name("office-hours"),
        args,
        services=application.services,
        databases={"database": data.database} if data.database is not None else {},
        hosts={"host": host.server} if host is not None else {},
        alarms=ctx.quiet_alarms,
        opts=ctx.opts,
    )
    us_east = None
    if ctx.us_east_quiet_alarms:
        us_east = OfficeHours(
            ctx.name("us-east-office-hours"), args, alarms=ctx.us_east_quiet_alarms, region=US_EAST, opts=ctx.opts
        )
    if ctx.topics is not None:
        hours.alarms(ctx.topics)
    if us_east is not None and ctx.us_east_topics is not None:
        us_east.alarms(ctx.us_east_topics)
    return Hours(hours, us_east)
