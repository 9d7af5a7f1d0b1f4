"""Settings of what watches over the costs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from settings.section import Section

if TYPE_CHECKING:
    from settings import Settings

NotNegative = Annotated[float, Field(ge=0)]


class ExpectedSettings(Section):
    """What passes through the system in a month. Nothing is made of it: a rehearsal compares it with the free tier, or
    says what the month costs."""

    storage_gb: NotNegative = 0
    """Kept in S3, on average."""

    images_gb: NotNegative = 0
    """Kept in ECR."""

    transfer_gb: NotNegative = 0
    """Sent to users by CloudFront."""

    internet_gb: NotNegative = 0
    """Sent to the internet by servers, not to CloudFront."""

    logs_gb: NotNegative = 0
    """Written to CloudWatch."""

    metrics: NotNegative = 0
    """Metrics that programs publish."""

    emails: NotNegative = 0
    """From topics."""

    workflow_steps: NotNegative = 0
    function_calls: NotNegative = 0

    function_milliseconds: NotNegative = 0
    """How long a call takes, on average."""

    table_reads: NotNegative = 0
    table_writes: NotNegative = 0
    table_gb: NotNegative = 0
    """Kept in tables."""


class CostGuardSettings(Section):
    """Budgets for what carries this stack's tags, the monitor of unusual costs, and the tags on the bill."""

    monthly_limit_usd: float
    """What a month may cost."""

    emails: list[str] = []
    """Who hears of it. Left out: the topics of alerts."""

    growth_percent: int = 150
    """How much more than in the month before is too much."""

    monitor: str = "create"
    """`create`, `skip`, or the ARN of the account's monitor of services: an account has only one."""

    anomaly_percent: int = 150
    anomaly_minimum_usd: float = 1
    billing_alarm: bool = False
    """Alarm on the whole account's bill, in us-east-1. Somebody must switch on billing alerts in the account once."""

    activate_tags: bool = False
    """Show Component, Environment, Owner and Project on the bill. AWS refuses until it has known a tag for a day, so
    not in the first deployment to an account."""


def combinations(settings: Settings) -> Iterator[tuple[str, str]]:
    """What cannot work together: key and why."""
    guard = settings.cost_guard
    if guard is None or settings.alerts is not None:
        return
    if not guard.emails:
        yield "costGuard.emails", "is empty and there are no alerts; write an address, or add the section alerts"
    if guard.billing_alarm:
        yield "costGuard.billingAlarm", "true goes to the people of alerts, which are missing; add the section alerts"
