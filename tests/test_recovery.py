"""What the stack promises for the day on which data is lost, against what its stores can do."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from components.data.bucket import BucketArgs
from components.data.table_args import TableArgs
from components.spelling import to_camel
from settings import Settings, SettingsError
from settings.data import DatabaseSettings
from settings.recovery import KEEP_NOTHING, duration, lines, stores, table
from tests.conftest import ROOT

TABLE = {"attributes": {"id": "S"}, "hashKey": "id"}
OSAKA = "ap-northeast-3"
PROD = {"rpoHours": 1, "rtoHours": 4}
STAGING = {"rpoHours": 24, "rtoHours": 24}
AGAIN = {"madeAgain": {"buckets.temporary": "a job writes them again"}}
WHOLE: dict[str, Any] = {
    "recovery": {**PROD, **AGAIN},
    "buckets": {"content": {"replicateTo": OSAKA}, "temporary": {"versioning": False}},
    "tables": {"pages": {**TABLE, "replicas": [OSAKA]}},
}


def settings(sections: dict[str, Any]) -> Settings:
    given = {
        "product": "deepwiki-omr",
        "environment": "prod",
        "owner": "platform",
        "alerts": {"emails": ["ops@example.com"]},
        **sections,
    }
    return Settings.parse({
        f"kumiki:{key}": one if isinstance(one, str) else json.dumps(one)
        for key, one in given.items()
        if one is not None
    })  # fmt: skip


def refused(sections: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(SettingsError) as error:
        settings(sections)
    said: dict[str, str] = {}
    for one in error.value.mistakes:
        key = one.key.removeprefix("kumiki:")
        said[key] = f"{said.get(key, '')}\n{one.message}"
    return said


@pytest.mark.covers("D16")
def test_replicas_and_continuous_backups_keep_prods_promise() -> None:
    told = {(one["store"], one["disaster"]): one for one in table(settings(WHOLE))}
    assert {key: (one["by"], one["lost at most"], one["back after about"]) for key, one in told.items()} == {
        ("buckets.content", "damage"): ("old versions, 30 days", "nothing", "1 hour"),
        ("buckets.content", "region"): ("copy in ap-northeast-3", "15 minutes", "2 hours"),
        ("buckets.temporary", "damage"): ("made again: a job writes them again", "all", ""),
        ("buckets.temporary", "region"): ("made again: a job writes them again", "all", ""),
        ("tables.pages", "damage"): ("continuous backup, 35 days", "5 minutes", "2 hours"),
        ("tables.pages", "region"): ("replica in ap-northeast-3", "6 minutes", "2 hours"),
    }
    assert all(one["basis"] for one in told.values() if not one["by"].startswith("made again"))


@pytest.mark.covers("D16")
@pytest.mark.parametrize(
    ("changes", "store", "words"),
    [
        ({"tables": {"pages": TABLE}}, "tables.pages", "no way back when the region .* add ap-northeast-3 to "),
        (
            {"tables": {"pages": {**TABLE, "recoveryDays": 0, "replicas": [OSAKA]}}},
            "tables.pages",
            "no way back when data is changed or deleted .* set tables.pages.recoveryDays to 35",
        ),
        (
            {"tables": {"pages": TABLE}, "backup": {"copyTo": OSAKA, "everyHours": 2}},
            "tables.pages",
            r"loses up to 5 hours when the region is lost \(vault in ap-northeast-3, every 2 hours\), and .* is 1",
        ),
        ({"buckets": {"content": {}}}, "buckets.content", "set buckets.content.replicateTo to ap-northeast-3"),
        (
            {"buckets": {"content": {"replicateTo": OSAKA, "replicationTimeControl": False}}},
            "buckets.content",
            "loses up to 3 hours .* buckets.content.replicationTimeControl to true",
        ),
        ({"buckets": {"content": {"versioning": False}}}, "buckets.content", "set buckets.content."),
        (
            {"network": {}, "database": {"instanceClass": "db.r6g.large"}, "backup": {"copyTo": OSAKA}},
            "database",
            "loses up to 27 hours .* less than 5 hours would need a global cluster",
        ),
        ({"userPool": {}}, "userPool", "Cognito keeps no backups of people: name it in recovery.madeAgain"),
        (
            {"recovery": {**PROD, "rtoHours": 1.5}, "buckets": {}},
            "tables.pages",
            "takes about 2 hours when data is changed .* assumed.*, and .*rtoHours is 1.5; raise recovery.rtoHours",
        ),
    ],
)  # fmt: skip
def test_a_store_that_cannot_keep_the_promise_is_refused_with_what_to_set(
    changes: dict[str, Any], store: str, words: str
) -> None:
    without = {"recovery": PROD, "buckets": {}, "tables": {"pages": {**TABLE, "replicas": [OSAKA]}}}
    said = refused({**WHOLE, **without, **changes})
    assert re.search(words, said[store]), said


@pytest.mark.covers("D16")
def test_stagings_promise_needs_two_backups_a_day() -> None:
    """A backup counts until the next one is there: a day between them is more than a day that may be lost."""
    staging = {"environment": "staging", "recovery": STAGING, "tables": {"pages": TABLE}}
    said = refused({**staging, "backup": {"copyTo": OSAKA}})
    assert "loses up to 27 hours when the region is lost" in said["tables.pages"]
    made = table(settings({**staging, "backup": {"copyTo": OSAKA, "everyHours": 12}}))
    assert [one["by"] for one in made] == ["continuous backup, 35 days", "vault in ap-northeast-3, every 12 hours"]


def test_what_the_drill_measured_counts_instead_of_what_is_assumed() -> None:
    slow = {**WHOLE, "recovery": {**PROD, **AGAIN, "measured": {"tables.pages": {"damage": 6}}}}
    assert "takes about 6 hours" in refused(slow)["tables.pages"]
    quick = {**WHOLE, "recovery": {**PROD, **AGAIN, "measured": {"tables.pages": {"damage": 0.7}}}}
    (one,) = [one for one in table(settings(quick)) if (one["store"], one["disaster"]) == ("tables.pages", "damage")]
    assert (one["back after about"], one["basis"]) == ("42 minutes", "measured in the drill")


def test_a_promise_for_damage_alone_asks_for_no_copies() -> None:
    alone = {**WHOLE, "recovery": {**PROD, **AGAIN, "disasters": ["damage"]}, "tables": {"pages": TABLE}}
    assert {line.disaster for line in lines(settings(alone))} == {"damage"}


@pytest.mark.parametrize(
    ("recovery", "key", "words"),
    [
        ({"madeAgain": {"buckets.tempory": "by a job, daily"}}, "madeAgain.buckets.tempory", "buckets.temporary"),
        ({**AGAIN, "measured": {"tables.page": {"damage": 1}}}, "measured.tables.page", "did you mean 'tables.pages'"),
        ({"madeAgain": {"buckets.temporary": "yes"}}, "madeAgain.buckets.temporary", "10"),
        ({"rpoHours": 0}, "rpoHours", "greater than 0|more than 0|use"),
        ({"disasters": []}, "disasters", "too few entries"),
        ({"disasters": ["fire"]}, "disasters[0]", "use damage or region"),
        ({"drill": {"expression": "cron(0 10 1 1 ?)"}}, "drill.expression", "has 5 fields and needs 6"),
    ],
)  # fmt: skip
def test_a_promise_that_cannot_be_is_refused(recovery: dict[str, Any], key: str, words: str) -> None:
    said = refused({**WHOLE, "recovery": {**PROD, **recovery}})
    assert re.search(words, said[f"recovery.{key}"]), said


def test_a_drill_needs_people_to_remind() -> None:
    assert "add the section alerts, or use null" in refused({**WHOLE, "alerts": None})["recovery.drill"]
    settings({**WHOLE, "alerts": None, "recovery": {**PROD, **AGAIN, "drill": None}})


@pytest.mark.covers("D17")
@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"buckets": {"content": {"replicateTo": "us-west-2"}}}, "buckets.content.replicateTo"),
        ({"tables": {"pages": {**TABLE, "replicas": ["us-west-2"]}}}, "tables.pages.replicas[0]"),
        ({"backup": {"copyTo": "us-west-2"}}, "backup.copyTo"),
    ],
)
def test_a_copy_outside_japan_is_refused(changes: dict[str, Any], key: str) -> None:
    said = refused({**WHOLE, **changes})
    # Of the copies that are where they should be nothing is said.
    assert "another region than" not in str(said)
    assert "is not a region in which this stack may keep data" in said[key]


def test_all_copies_are_in_one_region() -> None:
    """They share a key there, and the topic of its alarms."""
    two = {
        "residency": {"regions": ["ap-northeast-1", OSAKA, "ap-southeast-1"]},
        "backup": {"copyTo": "ap-southeast-1"},
    }
    assert "another region than ap-northeast-3" in refused({**WHOLE, **two})["backup.copyTo"]


def test_every_section_keeps_data_or_is_said_not_to() -> None:
    """A new part of a stack that keeps something must be given a way back, or a reason why it needs none."""
    kept = {store.name.partition(".")[0] for store in stores(_everything())}
    makes_nothing = {
        "product", "environment", "owner", "region", "residency", "accounts", "freeTier", "retention", "logs", "keys",
        "network", "domain", "loadBalancer", "alerts", "workflows", "delivery", "frontEnd", "backup", "recovery",
        "costGuard", "databaseCopy", "expected", "cluster", "logRouter", "services", "functions", "functionQuota",
        "apis", "apiLogRole", "tracing", "deployers", "pipeline", "roleBoundary", "officeHours",
    }  # fmt: skip
    sections = {to_camel(name) for name in Settings.model_fields}
    assert sections == kept | set(KEEP_NOTHING) | makes_nothing
    assert not kept & set(KEEP_NOTHING)


def _everything() -> Settings:
    """Of each section that keeps data, something; of some it is asked only whether they are there."""
    anything: Any = Settings.model_construct
    return anything(
        buckets={"content": BucketArgs()},
        tables={"pages": TableArgs(attributes={"id": "S"}, hash_key="id")},
        database=DatabaseSettings(instance_class="db.r6g.large"),
        vector_collections={"pages": True},
        **dict.fromkeys(("cache", "user_pool", "lake", "host"), True),
    )


@pytest.mark.parametrize(
    ("hours", "words"), [(0, "nothing"), (0.25, "15 minutes"), (1, "1 hour"), (1.5, "90 minutes"), (26.5, "27 hours")]
)
def test_hours_are_said_as_people_say_them(hours: float, words: str) -> None:
    assert duration(hours) == words


def test_the_runbook_that_the_reminder_names_is_there() -> None:
    from architecture.recovery import RUNBOOK  # noqa: PLC0415

    assert (ROOT / RUNBOOK).is_file()
