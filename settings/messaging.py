"""Settings of queues and workflows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from settings.section import Name, Section

if TYPE_CHECKING:
    from settings import Settings


class QueueSettings(Section):
    """One work queue, with a dead-letter queue behind it."""

    consumer_timeout_seconds: int
    """The longest that a consumer works on one message."""

    visibility_seconds: int | None = None
    """Seconds for which a received message is hidden; left out, six times the consumer's timeout."""

    max_attempts: int = 5
    """Deliveries before a message moves to the dead-letter queue."""

    alarm_age_seconds: int = 900
    """Age of the oldest message from which the consumers count as too slow."""

    fifo: bool = False
    """In order and once within each message group."""


class ScheduleSettings(Section):
    """When a workflow starts by itself."""

    expression: str
    """cron(minutes hours day-of-month month day-of-week year), rate(6 hours) or at(2030-01-31T02:00:00)."""

    timezone: str = "UTC"
    enabled: bool = True
    input: dict[str, Any] = {}
    flexible_minutes: int = 0
    max_retries: int = 3
    max_age_seconds: int = 3600


class EventSettings(Section):
    """Which events start a workflow."""

    pattern: dict[str, Any]
    """As EventBridge spells it: {source: [kumiki.api], detail-type: [Batch Requested]}."""

    bus: Literal["own", "default"] = "own"
    """own: what the system's parts say. default: what AWS's services say."""

    enabled: bool = True
    input_paths: dict[str, str] = {}
    input_template: str | None = None
    max_retries: int = 10
    max_age_seconds: int = 3600


class WorkflowSettings(Section):
    """One workflow."""

    definition: Name
    """The file workloads/workflows/<definition>.asl.json."""

    kind: Literal["STANDARD", "EXPRESS"] = "STANDARD"
    log_execution_data: bool = False
    """Write inputs and outputs of steps to the log; they may hold secrets and people's data."""

    schedule: ScheduleSettings | None = None
    event: EventSettings | None = None


# What stands behind the name of a queue or a workflow in the names of the components that belong to it.
PARTS_OF_A_WORKFLOW = ("-schedule", "-event")


def combinations(settings: Settings) -> Iterator[tuple[str, str]]:
    """What cannot work together: key and why."""
    taken = {name: f"buckets.{name}" for name in settings.buckets}
    for section, names in (("queues", settings.queues), ("workflows", settings.workflows)):
        for name in names:
            if name in taken:
                yield f"{section}.{name}", f"is the name of {taken[name]} too; give one of them another"
            taken[name] = f"{section}.{name}"
    for name in settings.workflows:
        for part in PARTS_OF_A_WORKFLOW:
            if f"{name}{part}" in taken:
                yield taken[f"{name}{part}"], f"is how a part of workflows.{name} is called; choose another name"
