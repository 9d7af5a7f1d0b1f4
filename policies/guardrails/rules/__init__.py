"""All rules, in the order of the catalogue."""

from __future__ import annotations

from guardrails.rules import (
    backups,
    bucket_care,
    buckets,
    costs,
    distributions,
    free_tier,
    functions,
    keys,
    logs,
    naming,
    networks,
    permissions,
    residency,
    security_groups,
    tables,
    tagging,
    users,
    waivers,
)

RULES = (
    *naming.RULES,
    *tagging.RULES,
    *buckets.RULES,
    *bucket_care.RULES,
    *keys.RULES,
    *tables.RULES,
    *networks.RULES,
    *distributions.RULES,
    *security_groups.RULES,
    *logs.RULES,
    *permissions.RULES,
    *functions.RULES,
    *residency.RULES,
    *costs.RULES,
    *free_tier.RULES,
    *backups.RULES,
    *users.RULES,
    *waivers.RULES,
)
