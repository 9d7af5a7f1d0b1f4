"""Tables in the rehearsed stacks: what the program that uses them is told and may do; refused settings."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.iam import allowed
from tests.rehearsal.conftest import Refuse, Rehearse, Rehearsed

STACKS = ("dev", "prod")
REGION = "ap-northeast-1"
every_stack = pytest.mark.parametrize("name", STACKS)


def resources(done: Rehearsed, kind: str) -> list[dict[str, Any]]:
    return [one for one in done.report["resources"] if one["type"] == kind]


def role_policies(done: Rehearsed, role: str) -> list[dict[str, Any]]:
    identity = done.resource(role)["id"]
    policies = resources(done, "aws:iam/rolePolicy:RolePolicy")
    return [json.loads(one["inputs"]["policy"]) for one in policies if one["inputs"]["role"] == identity]


@pytest.mark.covers("B2")
@every_stack
def test_sessions_end_by_themselves_and_are_found_by_user(name: str, rehearsed: Callable[[str], Rehearsed]) -> None:
    table = rehearsed(name).resource(f"kumiki-{name}-sessions-table")
    assert table["status"] == "emulated"
    assert table["inputs"]["ttl"] == {"attributeName": "expires", "enabled": True}
    (index,) = table["inputs"]["globalSecondaryIndexes"]
    assert [key["attributeName"] for key in index["keySchemas"]] == ["user"]


@pytest.mark.covers("B2")
@every_stack
def test_tables_scale_with_the_requests_up_to_a_cap(name: str, rehearsed: Callable[[str], Rehearsed]) -> None:
    for service in ("sessions", "settings"):
        table = rehearsed(name).resource(f"kumiki-{name}-{service}-table")["inputs"]
        assert table["billingMode"] == "PAY_PER_REQUEST"
        assert table["onDemandThroughput"]["maxWriteRequestUnits"] == {"dev": 100, "prod": 1000}[name]


@every_stack
def test_a_table_can_be_restored_and_has_the_stacks_key(name: str, rehearsed: Callable[[str], Rehearsed]) -> None:
    done = rehearsed(name)
    key = done.resource(f"kumiki-{name}-data-key")["outputs"]["arn"]
    for table in resources(done, "aws:dynamodb/table:Table"):
        assert table["inputs"]["serverSideEncryption"] == {"enabled": True, "kmsKeyArn": key}
        assert table["inputs"]["pointInTimeRecovery"]["enabled"] is True
        assert table["inputs"]["deletionProtectionEnabled"] is table["protect"] is (name == "prod")


@pytest.mark.covers("B2")
@every_stack
def test_the_service_is_told_its_tables_may_use_them_and_reaches_them(
    name: str, rehearsed: Callable[[str], Rehearsed]
) -> None:
    done = rehearsed(name)
    task = done.resource(f"kumiki-{name}-api-task-definition")["inputs"]
    containers = json.loads(task["containerDefinitions"])
    told = {one["name"]: one["value"] for each in containers for one in each.get("environment", [])}
    policies = role_policies(done, f"kumiki-{name}-api-task-role")
    for service in ("sessions", "settings"):
        assert told[f"TABLE_{service.upper()}"] == f"kumiki-{name}-{service}"
        arn = f"arn:aws:dynamodb:{REGION}:123456789012:table/kumiki-{name}-{service}"
        for action in ("GetItem", "Query", "PutItem", "UpdateItem", "DeleteItem"):
            assert allowed(policies, f"dynamodb:{action}", arn), (service, action)
        assert not allowed(policies, "dynamodb:DeleteTable", arn)
    assert not allowed(policies, "dynamodb:GetItem", f"arn:aws:dynamodb:{REGION}:123456789012:table/other")
    way = done.resource(f"kumiki-{name}-api-dynamodb-egress-rule")["inputs"]
    assert way["prefixListId"] == done.report["outputs"]["dynamodbPrefixListId"]
    assert (way["fromPort"], way["toPort"]) == (443, 443)


@every_stack
def test_the_tables_are_watched(name: str, rehearsed: Callable[[str], Rehearsed]) -> None:
    alarms = {one["name"] for one in resources(rehearsed(name), "aws:cloudwatch/metricAlarm:MetricAlarm")}
    assert alarms >= {
        f"kumiki-{name}-sessions-throttled-alarm",
        f"kumiki-{name}-sessions-by-user-throttled-alarm",
        f"kumiki-{name}-sessions-system-errors-alarm",
        f"kumiki-{name}-settings-throttled-alarm",
    }


@pytest.mark.covers("B2", "C5")
def test_a_function_is_told_its_tables_and_capacity_follows_its_use(rehearse_kumiki: Rehearse) -> None:
    scaled = {**GOOD, "provisioned": {"read": UNITS, "write": UNITS}, "indexes": {"by-title": {"hashKey": "title"}}}
    function = {"package": "api", "handler": "api.function.handler", "tables": {"pages": "readWrite", "notes": "read"}}
    done = rehearse_kumiki({
        "kumiki:network": None, "kumiki:database": None, "kumiki:domain": None, "kumiki:loadBalancer": None,
        "kumiki:services": None, "kumiki:workflows": None, "kumiki:baseline": None, "kumiki:logAnalytics": None,
        "kumiki:delivery": None, "kumiki:queues": None, "kumiki:officeHours": None,
        "kumiki:functions": {"reader": function},
        "kumiki:tables": {"pages": {**scaled, "attributes": {"id": "S", "title": "S"}}, "notes": GOOD},
    })  # fmt: skip
    assert done.status == 0, done.text
    told = done.resource("kumiki-dev-reader-function")["inputs"]["environment"]["variables"]
    assert (told["TABLE_PAGES"], told["TABLE_NOTES"]) == ("kumiki-dev-pages", "kumiki-dev-notes")
    policies = role_policies(done, "kumiki-dev-reader-role")
    arn = f"arn:aws:dynamodb:{REGION}:123456789012:table/kumiki-dev"
    assert allowed(policies, "dynamodb:PutItem", f"{arn}-pages")
    assert allowed(policies, "dynamodb:Query", f"{arn}-pages/index/by-title")
    assert allowed(policies, "dynamodb:GetItem", f"{arn}-notes")
    assert not allowed(policies, "dynamodb:PutItem", f"{arn}-notes")
    targets = resources(done, "aws:appautoscaling/target:Target")
    assert {one["status"] for one in targets} == {"emulated"}
    assert {(one["inputs"]["resourceId"], one["inputs"]["scalableDimension"]) for one in targets} == {
        (f"table/kumiki-dev-pages{index}", f"dynamodb:{kind}:{what}CapacityUnits")
        for index, kind in (("", "table"), ("/index/by-title", "index"))
        for what in ("Read", "Write")
    }


# --- Mistakes --------------------------------------------------------------------------------------------------------

UNITS = {"minimum": 1, "maximum": 20}
GOOD: dict[str, Any] = {"attributes": {"id": "S"}, "hashKey": "id"}
API: dict[str, Any] = {"tag": "1", "tables": {"session": "read", "sessions": "all"}}


def test_what_the_settings_themselves_say_is_refused_all_at_once(refuse_kumiki: Refuse) -> None:
    said = refuse_kumiki({
        "kumiki:tables": {
            "no-keys": {"attributes": {"id": "S"}},
            "odd": {"attributes": {"id": "String"}, "hashKey": "id", "ttll": "x"},
            "far": {**GOOD, "replicas": ["mars-1"]},
        },
        "kumiki:services": {"api": API},
    })  # fmt: skip
    for part in (
        "kumiki:tables.no-keys.hashKey: is missing",
        "kumiki:tables.odd.attributes.id: 'String' is not allowed; use S, N or B",
        "kumiki:tables.odd.ttll: is not a known key; did you mean 'ttl'?",
        "kumiki:tables.far.replicas[0]: 'mars-1' is not an AWS region",
        "kumiki:services.api.tables.sessions: 'all' is not allowed; use read, write or readWrite",
    ):
        assert part in said


def test_what_cannot_work_together_is_refused_all_at_once(refuse_kumiki: Refuse) -> None:
    said = refuse_kumiki({
        "kumiki:freeTier": True,
        "kumiki:tables": {
            "here": {**GOOD, "provisioned": {"read": UNITS, "write": UNITS}, "replicas": [REGION], "recoveryDays": 7},
            "there": {**GOOD, "provisioned": {"read": UNITS, "write": UNITS}, "replicas": ["ap-northeast-3"]},
            "alerts": GOOD,
        },
        "kumiki:services": {"api": {"tag": "1", "tables": {"session": "read"}}},
    })  # fmt: skip
    for part in (
        "kumiki:tables.here.replicas: ap-northeast-1 is the stack's own region; use another",
        "kumiki:tables.here.recoveryDays: 7 costs money and freeTier is true; use 0",
        "kumiki:tables.there.replicas: ap-northeast-3 costs money and freeTier is true",
        "kumiki:tables.alerts.provisioned: is missing: on demand is never free",
        "kumiki:tables.alerts: is a name that the program uses itself",
        "kumiki:tables: may use 40 read units with their indexes and freeTier is true; use 25 at most",
        "kumiki:services.api.tables.session: is not a table of this stack; the tables are: alerts, here, there",
    ):
        assert part in said


def test_what_only_the_table_can_judge_is_refused_before_anything_is_made(refuse_kumiki: Refuse) -> None:
    said = refuse_kumiki({
        "kumiki:tables": {
            "unused": {"attributes": {"id": "S", "title": "S"}, "hashKey": "id"},
            "untyped": {"attributes": {"id": "S"}, "hashKey": "idd"},
            "expiring": {**GOOD, "ttl": "id"},
            "capped": {**GOOD, "limit": {"read": 1, "write": 1}, "provisioned": {"read": UNITS, "write": UNITS}},
            "upside-down": {**GOOD, "provisioned": {"read": {"minimum": 9, "maximum": 1}, "write": UNITS}},
            "indexed": {**GOOD, "indexes": {"x": {"hashKey": "id"}}},
        },
        "kumiki:services": {"api": {"tag": "1"}},
    })  # fmt: skip
    for part in (
        "kumiki:tables.unused.attributes: 'title' is no key of the table or of an index; remove it",
        "kumiki:tables.untyped.hashKey: 'idd' has no type; did you mean 'id'? add it to attributes",
        "kumiki:tables.expiring.ttl: 'id' is a key",
        "kumiki:tables.capped.limit: '1 and 1' is for tables on demand",
        "kumiki:tables.upside-down.provisioned.read.maximum: 1 is less than minimum, 9",
        "kumiki:tables.indexed.indexes.x: 'x' is not a name; use 3 to 255",
    ):
        assert part in said


def test_a_replica_where_data_may_not_be_is_refused_once_by_its_key(refuse_kumiki: Refuse) -> None:
    said = refuse_kumiki(
        {
            "kumiki:tables": {"pages": {**GOOD, "replicas": ["us-west-2"]}},
            "kumiki:services": None,
            "kumiki:logAnalytics": None,
        }
    )
    assert "have 1 mistake:" in said
    assert "kumiki:tables.pages.replicas[0]: us-west-2 is not a region in which this stack may keep" in said
