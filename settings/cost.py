"""Settings of what watches over the costs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from components.args import Args
from components.operations.cost_guard import CostGuardArgs

if TYPE_CHECKING:
    from settings import Settings

# The upper bound is no limit of AWS's: what is more has been mistyped.
NotNegative = Annotated[float, Field(ge=0, le=1e12)]


class ExpectedSettings(Args):
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

    model_input_tokens: NotNegative = 0
    """Read by chat models: prompts, and what is quoted in them."""

    model_output_tokens: NotNegative = 0
    """Written by chat models; about five times as dear."""

    embedded_tokens: NotNegative = 0
    """Made into vectors."""

    table_reads: NotNegative = 0
    table_writes: NotNegative = 0
    table_gb: NotNegative = 0
    """Kept in tables."""


class CostGuardSettings(CostGuardArgs):
    """Budgets, the monitor of unusual costs, and the tags on the bill."""

    counts: Literal["account", "tags"] = "account"
    """What the budgets count: the whole account, or what carries this stack's Environment and Project. The latter is
    nothing until these tags are activated, here or by the organisation's management account."""

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
