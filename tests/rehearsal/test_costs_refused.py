"""Mistakes about money in a stack's file, each refused with the key, the value, the mend."""

from __future__ import annotations

from typing import Any

import pytest

from tests.rehearsal.conftest import Refuse


def guard(**changes: Any) -> dict[str, Any]:
    return {"kumiki:costGuard": {"monthlyLimitUsd": 50, "emails": ["ops@example.com"], **changes}}


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        (guard(monthlyLimitUsd=0), ["kumiki:costGuard.monthlyLimitUsd: 0 is not allowed; use 0.01 to "]),
        (guard(monthlyLimitUsd="much"), ["kumiki:costGuard.monthlyLimitUsd: 'much' "]),
        ({"kumiki:costGuard": {}}, ["kumiki:costGuard.monthlyLimitUsd: is missing"]),
        (guard(emails=["ops"]), ["kumiki:costGuard.emails[0]: 'ops' is not an e-mail address"]),
        ({**guard(emails=[]), "kumiki:alerts": None}, ["kumiki:costGuard.emails: is empty", "add the section alerts"]),
        (
            {**guard(billingAlarm=True), "kumiki:alerts": None},
            ["kumiki:costGuard.billingAlarm: true goes to the people of alerts, which are missing"],
        ),
        (guard(counts="everything"), ["kumiki:costGuard.counts: 'everything'", "account", "tags"]),
        (guard(monitor="adopt"), ["kumiki:costGuard.monitor: 'adopt' is not allowed", "create, skip or the ARN"]),
        (guard(budget=5), ["kumiki:costGuard.budget: is not a known key"]),
    ],
)
def test_a_mistake_about_costs_is_refused_with_its_key_and_its_mend(
    refuse_kumiki: Refuse, changes: dict[str, Any], parts: list[str]
) -> None:
    said = refuse_kumiki(changes)
    for part in parts:
        assert part in said


# Of dev only what may be free.
FREE = {
    **{f"kumiki:{key}": None for key in ("network", "logArchive", "database", "domain", "loadBalancer", "workflows",
                                        "secrets", "delivery", "baseline", "logAnalytics", "services", "tables",
                                        "costGuard", "officeHours")},
    "kumiki:freeTier": True,
    "kumiki:network": {"cidr": "10.0.0.0/16", "zones": 2, "nat": "none", "endpoints": []},
    "kumiki:logArchive": {},
}  # fmt: skip
DATABASE = {"engine": "rds", "version": "17", "instanceClass": "db.t3.micro", "storage": {"gib": 20}}


@pytest.mark.covers("E13", "E5")
@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        (
            {"kumiki:database": {**DATABASE, "storage": {"gib": 21}}},
            ["kumiki:database.storage.gib: 21 is more than the 20 GB that are free, and freeTier is true; use 20"],
        ),
        (
            {"kumiki:database": {**DATABASE, "storage": {"gib": 20, "maxGib": 40}}},
            ["kumiki:database.storage.maxGib: 40 lets the bill grow", "leave it out"],
        ),
        (
            {"kumiki:database": {**DATABASE, "instanceClass": "db.t3.small"}},
            ["kumiki:database.instanceClass: db.t3.small costs money and freeTier is true; use db.t3.micro"],
        ),
        ({"kumiki:database": {**DATABASE, "multiAz": True}}, ["kumiki:database.multiAz: true costs money"]),
        (
            {"kumiki:freeTier": {"plan": "free"}, "kumiki:database": {**DATABASE, "backupDays": 7}},
            ["kumiki:database.backupDays: 7 is more than the 1 day", "FreeTierRestrictionError", "use 1, or upgrade"],
        ),
        ({"kumiki:cache": {"nodeType": "cache.t3.micro"}}, ["kumiki:cache: costs money and freeTier is true"]),
        ({"kumiki:loadBalancer": {"allowHttp": True}}, ["kumiki:loadBalancer: costs about $25 a month"]),
        (
            {"kumiki:network": {"zones": 2, "nat": "single", "endpoints": []}},
            ["kumiki:network.nat: single costs money and freeTier is true"],
        ),
        (
            {"kumiki:network": {"zones": 2, "endpoints": ["ecsPrivate"]}},
            ["kumiki:network.endpoints: ecsPrivate cost $10 a month for each service and zone"],
        ),
        ({"kumiki:keys": {"own": True}}, ["kumiki:keys.own: true costs $1 a month for each key"]),
        ({"kumiki:secrets": {"a-key": {"description": "x"}}}, ["kumiki:secrets.a-key: costs $0.40 a month"]),
        (
            {"kumiki:domain": {"name": "example.com", "zone": "create"}},
            ["kumiki:domain.zone: create costs $0.50 a month for each zone"],
        ),
        (
            {"kumiki:host": {"tag": "1.0.0", "instanceType": "t3.small"}},
            ["kumiki:host.instanceType: t3.small costs money and freeTier is true; use t3.micro"],
        ),
        (
            {"kumiki:host": {"tag": "1.0.0", "rootGib": 12, "dataGib": 19}},
            ["kumiki:host.dataGib: 19 and rootGib 12 make 31 GiB"],
        ),
        (
            {"kumiki:database": DATABASE, "kumiki:databaseCopy": {}},
            ["kumiki:databaseCopy: needs a host that dumps the database, or a KMS key", "add host with database: true"],
        ),
        ({"kumiki:expected": {"storageGb": -1}}, ["kumiki:expected.storageGb: -1 "]),
        ({"kumiki:expected": {"storageGB": 1}}, ["kumiki:expected.storageGB: is not a known key", "storageGb"]),
    ],
)
def test_a_free_tier_stack_refuses_what_costs(refuse_kumiki: Refuse, changes: dict[str, Any], parts: list[str]) -> None:
    said = refuse_kumiki({**FREE, **changes})
    for part in parts:
        assert part in said
    assert "have 1 mistake:" in said, "and nothing else is wrong with it"


COPIED = {"engine": "rds", "version": "17", "instanceClass": "db.t3.small", "storage": {"gib": 20}}


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"kumiki:databaseCopy": {}}, ["kumiki:databaseCopy: copies a database on RDS, which is missing"]),
        (
            {"kumiki:databaseCopy": {"expression": "every week"}, "kumiki:database": COPIED},
            ["kumiki:databaseCopy.expression: 'every week'"],
        ),
        (
            {"kumiki:databaseCopy": {"keepDays": 30}, "kumiki:database": COPIED},
            ["kumiki:databaseCopy.keepDays: 30 "],
        ),
    ],
)
def test_a_copy_that_cannot_be_made_is_refused(
    refuse_kumiki: Refuse, changes: dict[str, Any], parts: list[str]
) -> None:
    said = refuse_kumiki(changes)
    for part in parts:
        assert part in said
