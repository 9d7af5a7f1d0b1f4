"""Mistakes about the lake in a stack's file, each refused with the key, the value, the mend."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.stack_files import config_of, project, refusal


def lake(**changes: Any) -> dict[str, Any]:
    return {"kumiki:lake": changes}


def buckets(*names: str) -> dict[str, Any]:
    return {"kumiki:buckets": {name: {} for name in names}}


NETWORK = {"cidr": "10.20.0.0/16", "zones": 2, "tiers": ["public", "private", "isolated"], "nat": "none"}


@pytest.mark.covers("B14", "B15")
@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        (lake(scanLimitMib=9), ["kumiki:lake.scanLimitMib: 9 is not allowed; use 10 to 7696581394432 MiB"]),
        (
            lake(schedule="cron(0 3 * * * *)"),
            ["kumiki:lake.schedule: 'cron(0 3 * * * *)' must have ? as exactly one of day of month"],
        ),
        (lake(schedule="every night"), ["kumiki:lake.schedule: 'every night'", "cron("]),
        (lake(timezone="Tokyo"), ["kumiki:lake.timezone: 'Tokyo'"]),
        (lake(crawled=["exports", "exports/sessions"]), ["kumiki:lake.crawled: 'exports/sessions' lies in 'exports'"]),
        (lake(crawled=["/exports"]), ["kumiki:lake.crawled: '/exports' is not a folder"]),
        (buckets("lake-clean"), ["kumiki:buckets.lake-clean: ", "zone of the lake"]),
        (lake(workerType="G1X"), ["kumiki:lake.workerType: 'G1X' is not allowed; did you mean 'G.1X'"]),
        (lake(maxWorkers=1), ["kumiki:lake.maxWorkers: 1 is not allowed; use 2 to 299"]),
        (lake(timeoutMinutes=0), ["kumiki:lake.timeoutMinutes: 0 is not allowed"]),
        (lake(firstDay="yesterday"), ["kumiki:lake.firstDay: 'yesterday' is not allowed; use a day such as"]),
        (lake(keepResultsDays=0), ["kumiki:lake.keepResultsDays: 0 is not allowed; use 1 to"]),
        (lake(zones=["raw", "clean"]), ["kumiki:lake.zones: is not a known key"]),
        (lake(exportTables=["sesions"]), ["kumiki:lake.exportTables[0]: 'sesions' is not a table of this stack"]),
        (lake(exportTables=["settings", "settings"]), ["kumiki:lake.exportTables[1]: 'settings' is there twice"]),
        (
            {
                **lake(exportTables=["notes"]),
                "kumiki:tables": {"notes": {"attributes": {"id": "S"}, "hashKey": "id", "recoveryDays": 0}},
                "kumiki:services": {"api": {"tag": "1", "port": 80, "cpu": 256, "memory": 512}},
            },
            ["kumiki:lake.exportTables[0]: 'notes' has recoveryDays: 0"],
        ),
        (lake(exportSchedule="rate(1 fortnight)"), ["kumiki:lake.exportSchedule: 'rate(1 fortnight)'"]),
        (
            lake(lakeFormation={"administrators": []}),
            ["kumiki:lake.lakeFormation.administrators: [] has too few entries; write 1 or more"],
        ),
        (
            lake(lakeFormation={"administrators": ["deployer"]}),
            ["kumiki:lake.lakeFormation.administrators[0]: 'deployer' is not allowed; it must be a role or user"],
        ),
        ({"kumiki:database": None}, ["kumiki:lake: reads history from the database, which is missing"]),
        (
            {"kumiki:region": "il-central-1", "kumiki:residency": {"regions": ["il-central-1"]}},
            ["kumiki:region: 'il-central-1' has no authority in workloads/"],
        ),
        ({"kumiki:logArchive": None}, ["kumiki:lake: reads the applications' logs from the log archive"]),
        ({"kumiki:network": {**NETWORK, "endpoints": ["ecsPrivate"]}}, ["kumiki:network.endpoints: lacks glue, kms"]),
    ],
)  # fmt: skip
def test_a_mistake_about_the_lake_is_refused_with_its_key_and_its_mend(
    tmp_path: Path, changes: dict[str, Any], parts: list[str]
) -> None:
    said = refusal(project(tmp_path, {"config": config_of("analytics", changes)}))
    for part in parts:
        assert part in said
