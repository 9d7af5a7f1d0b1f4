"""Four kinds of logs, and the days for which each is kept at least."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

LogKind = Literal["application", "access", "error", "audit"]
"""application: what programs say of their work. access: who asked for what. error: what went wrong, and every record
among which there may be such. audit: who changed what in the account."""

TAG: Final = "LogClass"
"""The tag that says of what kind the logs are that a group or a bucket holds. The policy pack reads it."""

LEAST_DAYS: Final[Mapping[LogKind, int]] = {
    "application": 1,
    "access": 365,
    "error": 180,
    # Three years, one of which may be a leap year.
    "audit": 1096,
}
