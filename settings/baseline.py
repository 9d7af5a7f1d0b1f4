"""Settings of the account's baseline."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from components.log_kinds import LEAST_DAYS
from components.operations.account_baseline import AccountBaselineArgs

if TYPE_CHECKING:
    from settings import Settings


class BaselineSettings(AccountBaselineArgs):
    """What an account has once: create it here, adopt what is there, or skip it."""

    audit_lock: Literal["GOVERNANCE", "COMPLIANCE"] = "GOVERNANCE"
    """GOVERNANCE: who has a special permission can still delete. COMPLIANCE: nobody can, whatever happens."""

    audit_days: Annotated[int, Field(ge=LEAST_DAYS["audit"], le=36500)] = LEAST_DAYS["audit"]
    """Days for which the trail is locked and kept: three years at least. With logs.kinds its days of audit count."""


def combinations(settings: Settings) -> Iterator[tuple[str, str]]:
    """What cannot work together: key and why."""
    baseline = settings.baseline
    if baseline is None:
        return
    if baseline.config == "create" and settings.log_archive is None:
        yield "baseline.config", "create needs the log archive, which is missing; add logArchive: {}"
    if baseline.trail == "create" and baseline.audit_lock == "COMPLIANCE" and settings.retention == "ephemeral":
        yield "baseline.auditLock", "COMPLIANCE cannot be torn down, and retention is ephemeral; use GOVERNANCE"
    if settings.free_tier and baseline.trail_logs:
        yield "baseline.trailLogs", "true costs about $6 a month and freeTier is true; use false"
    if settings.free_tier:
        for part, way in (("guardDuty", baseline.guard_duty), ("config", baseline.config)):
            if way == "create":
                yield f"baseline.{part}", "create costs money and freeTier is true; use adopt or skip"
