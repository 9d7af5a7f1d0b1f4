"""Settings of the account's baseline."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from settings.section import Section

if TYPE_CHECKING:
    from settings import Settings

Way = Literal["create", "adopt", "skip"]
DetectorFeature = Literal[
    "S3_DATA_EVENTS",
    "EKS_AUDIT_LOGS",
    "EBS_MALWARE_PROTECTION",
    "RDS_LOGIN_EVENTS",
    "LAMBDA_NETWORK_LOGS",
]


class BaselineSettings(Section):
    """What an account has once: create it here, adopt what is there, or skip it."""

    guard_duty: Way = "create"
    guard_duty_features: list[DetectorFeature] = ["RDS_LOGIN_EVENTS", "S3_DATA_EVENTS"]
    config: Way = "create"
    recording_frequency: Literal["CONTINUOUS", "DAILY"] = "CONTINUOUS"
    config_rules: list[str] | None = None
    """Identifiers of AWS's managed rules; left out, a list that every account should keep."""

    trail: Way = "create"
    audit_lock: Literal["GOVERNANCE", "COMPLIANCE"] = "GOVERNANCE"
    """GOVERNANCE: who has a special permission can still delete. COMPLIANCE: nobody can, whatever happens."""

    audit_days: Annotated[int, Field(ge=1096, le=36500)] = 1096
    """Days for which the trail is locked and kept: three years at least."""

    access_analyzer: Way = "create"


def combinations(settings: Settings) -> Iterator[tuple[str, str]]:
    """What cannot work together: key and why."""
    baseline = settings.baseline
    if baseline is None:
        return
    if baseline.config == "create" and settings.log_archive is None:
        yield "baseline.config", "create needs the log archive, which is missing; add logArchive: {}"
    if baseline.trail == "create" and baseline.audit_lock == "COMPLIANCE" and settings.retention == "ephemeral":
        yield "baseline.auditLock", "COMPLIANCE cannot be torn down, and retention is ephemeral; use GOVERNANCE"
    if settings.free_tier:
        for part, way in (("guardDuty", baseline.guard_duty), ("config", baseline.config)):
            if way == "create":
                yield f"baseline.{part}", "create costs money and freeTier is true; use adopt or skip"
