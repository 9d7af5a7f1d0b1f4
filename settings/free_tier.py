"""AWS's free tier: by which plan a stack has it, and how much of it its sections are held to."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BeforeValidator

from components.args import Args

RDS_CLASSES: Final = ("db.t3.micro", "db.t4g.micro")
"""Instance classes of RDS in the free tier that new versions of PostgreSQL run on."""
RDS_GIB: Final = 20
PLAN_BACKUP_DAYS: Final = 1
"""More is refused with a FreeTierRestrictionError (github.com/yc-software/qm/issues/352)."""
TABLE_UNITS: Final = 25
"""Of writing and of reading, in all tables and indexes together."""
HOST_TYPES: Final = ("t3.micro",)
DISK_GIB: Final = 30
"""Of EBS, all volumes together (https://aws.amazon.com/ebs/pricing/)."""


class FreeTierSettings(Args):
    """A stack that must cost nothing beside AWS's free tier. Which offers there are depends on the account."""

    plan: Literal["free", "paid", "legacy"] = "legacy"
    """legacy: made before 15 July 2025, with the offers of the first 12 months. free: a newer account as it begins,
    with credits and with limits, such as one day of backups. paid: a newer account that was upgraded."""


def _in_short(value: object) -> object:
    """`true` is the account for which the offers were made, as it was before there were plans."""
    if isinstance(value, (dict, FreeTierSettings)) or value is None:
        return value
    word = str(value).lower()
    if word not in ("true", "false"):
        raise ValueError("is not allowed; use true, false or the account's plan: {plan: free}, paid or legacy")
    return {} if word == "true" else None


FreeTier = Annotated[
    FreeTierSettings | None, BeforeValidator(_in_short, json_schema_input_type=FreeTierSettings | bool | None)
]
