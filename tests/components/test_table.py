"""DynamoDB tables: what each promises, and what it refuses."""

from __future__ import annotations

import json
from typing import Any

import pulumi_aws as aws
import pytest

from components.alarms import AlarmTopics
from components.data.table import Table
from components.data.table_args import RequestLimit, TableArgs
from components.data.table_keys import Index, LocalIndex
from components.data.table_scaling import CapacityRange, Provisioned
from components.errors import ArgumentError
from components.identity.key import ExistingKey
from tests.conftest import ACCOUNT, REGION, Recorder, Registered
from tests.iam import allowed

KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/data"
OUR_KEY = ExistingKey(arn=KEY)
TOPICS = AlarmTopics(critical="arn:aws:sns:::critical", warning="arn:aws:sns:::warning")
ARN = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/wiki-dev-sessions"
VIA_DYNAMODB = {"kms__ViaService": f"dynamodb.{REGION}.amazonaws.com"}


def table_args(**changes: Any) -> TableArgs:
    return TableArgs(
        **{"attributes": {"user": "S", "session": "S"}, "hash_key": "user", "range_key": "session", **changes}
    )


def table(key: ExistingKey | None = None, replica_keys: Any = None, **changes: Any) -> Table:
    return Table("wiki-dev-sessions", table_args(**changes), key=key, replica_keys=replica_keys)


def units(minimum: int = 5, maximum: int = 100) -> CapacityRange:
    return CapacityRange(minimum=minimum, maximum=maximum)


def provisioned(**changes: Any) -> Provisioned:
    return Provisioned(**{"read": units(), "write": units(2, 50), **changes})


OSAKA = "ap-northeast-3"
BY_SESSION = {"by-session": Index(hash_key="session")}


def of_table(recorder: Recorder) -> dict[str, Any]:
    return recorder.one("dynamodb/table:Table").inputs


# --- Capacity --------------------------------------------------------------------------------------------------------


def test_a_table_is_paid_by_the_request_unless_it_is_given_capacity(recorder: Recorder) -> None:
    recorder.run(table)
    made = recorder.one("dynamodb/table:Table")
    assert made.inputs["billingMode"] == "PAY_PER_REQUEST"
    assert not {"readCapacity", "writeCapacity", "onDemandThroughput"} & set(made.inputs)
    assert not recorder.of("appautoscaling/target:Target")
    assert made.ignore_changes == ["replicas"]


@pytest.mark.covers("C5")
def test_capacity_follows_reads_and_writes_of_the_table_and_of_each_index(recorder: Recorder) -> None:
    recorder.run(lambda: table(indexes=BY_SESSION, provisioned=provisioned(utilisation_percent=60)))
    found = {
        (one.inputs["resourceId"], one.inputs["scalableDimension"]): (
            one.inputs["minCapacity"],
            one.inputs["maxCapacity"],
        )
        for one in recorder.of("appautoscaling/target:Target")
    }
    index = "table/wiki-dev-sessions/index/by-session"
    assert found == {
        ("table/wiki-dev-sessions", "dynamodb:table:ReadCapacityUnits"): (5, 100),
        ("table/wiki-dev-sessions", "dynamodb:table:WriteCapacityUnits"): (2, 50),
        (index, "dynamodb:index:ReadCapacityUnits"): (5, 100),
        (index, "dynamodb:index:WriteCapacityUnits"): (2, 50),
    }
    aims = {
        (one.inputs["resourceId"], one.inputs["scalableDimension"]): (
            one.inputs["targetTrackingScalingPolicyConfiguration"]["targetValue"],
            one.inputs["targetTrackingScalingPolicyConfiguration"]["predefinedMetricSpecification"][
                "predefinedMetricType"
            ],
        )
        for one in recorder.of("appautoscaling/policy:Policy")
    }
    assert aims == {
        where: (60, f"DynamoDB{where[1].split(':')[2].removesuffix('CapacityUnits')}CapacityUtilization")
        for where in found
    }


def test_an_update_leaves_the_tables_capacity_to_scaling_and_still_changes_indexes(recorder: Recorder) -> None:
    recorder.run(lambda: table(indexes=BY_SESSION, provisioned=provisioned()))
    made = recorder.one("dynamodb/table:Table")
    assert made.inputs["billingMode"] == "PROVISIONED"
    assert (made.inputs["readCapacity"], made.inputs["writeCapacity"]) == (5, 2)
    (index,) = made.inputs["globalSecondaryIndexes"]
    assert (index["readCapacity"], index["writeCapacity"]) == (5, 2)
    assert set(made.ignore_changes) == {"replicas", "readCapacity", "writeCapacity"}


def test_a_limit_caps_the_table_and_its_indexes(recorder: Recorder) -> None:
    recorder.run(lambda: table(indexes=BY_SESSION, limit=RequestLimit(read=100, write=50)))
    caps = {"maxReadRequestUnits": 100, "maxWriteRequestUnits": 50}
    made = of_table(recorder)
    assert made["onDemandThroughput"] == caps
    assert made["globalSecondaryIndexes"][0]["onDemandThroughput"] == caps


# --- Keys, expiry, recovery ------------------------------------------------------------------------------------------


def test_indexes_copy_the_whole_item_some_attributes_or_only_keys(recorder: Recorder) -> None:
    recorder.run(
        lambda: table(
            attributes={"user": "S", "session": "S", "at": "N"},
            indexes={
                "by-session": Index(hash_key="session"),
                "by-time": Index(hash_key="user", range_key="at", attributes=["title", "author"]),
            },
            local_indexes={"ordered": LocalIndex(range_key="at", attributes=[])},
        )
    )
    made = of_table(recorder)
    whole, some = made["globalSecondaryIndexes"]
    assert (whole["projectionType"], some["projectionType"]) == ("ALL", "INCLUDE")
    assert some["nonKeyAttributes"] == ["author", "title"]
    assert some["keySchemas"] == [
        {"attributeName": "user", "keyType": "HASH"},
        {"attributeName": "at", "keyType": "RANGE"},
    ]
    (local,) = made["localSecondaryIndexes"]
    assert local == {"name": "ordered", "rangeKey": "at", "projectionType": "KEYS_ONLY"}


@pytest.mark.covers("B2")
def test_items_end_by_the_attribute_that_says_when(recorder: Recorder) -> None:
    recorder.run(lambda: table(ttl="expires"))
    assert of_table(recorder)["ttl"] == {"attributeName": "expires", "enabled": True}
    assert {one["name"] for one in of_table(recorder)["attributes"]} == {"user", "session"}


@pytest.mark.covers("D2")
def test_a_table_can_be_restored_to_any_second_of_the_last_35_days(recorder: Recorder) -> None:
    recorder.run(table)
    assert of_table(recorder)["pointInTimeRecovery"] == {"enabled": True, "recoveryPeriodInDays": 35}


def test_recovery_can_be_switched_off(recorder: Recorder) -> None:
    recorder.run(lambda: table(recovery_days=0))
    assert of_table(recorder)["pointInTimeRecovery"] == {"enabled": False}


@pytest.mark.parametrize(("retention", "protected"), [("protected", True), ("ephemeral", False)])
def test_what_is_protected_refuses_to_be_deleted(retention: str, protected: bool, recorder: Recorder) -> None:
    recorder.run(lambda: table(OUR_KEY, {OSAKA: OUR_KEY}, retention=retention, replicas=[OSAKA]))
    for kind in ("dynamodb/table:Table", ":TableReplica"):
        made = recorder.one(kind)
        assert (made.protect, made.inputs["deletionProtectionEnabled"]) == (protected, protected), kind


def test_a_table_is_encrypted_with_the_key_it_is_given_or_with_dynamodbs_own(
    recorder: Recorder, request: pytest.FixtureRequest
) -> None:
    recorder.run(lambda: table(OUR_KEY))
    assert of_table(recorder)["serverSideEncryption"] == {"enabled": True, "kmsKeyArn": KEY}
    other: Recorder = request.getfixturevalue("previewer")
    # Not `enabled: true` without a key: that would be the account's key, which costs money.
    assert "serverSideEncryption" not in of_table(other.run(table))


# --- Replicas --------------------------------------------------------------------------------------------------------


@pytest.mark.covers("D2")
def test_a_replica_stands_in_its_region_with_its_key_and_can_be_restored_too(recorder: Recorder) -> None:
    there = "arn:aws:kms:ap-northeast-3:123456789012:key/copy"
    recorder.run(lambda: table(OUR_KEY, {OSAKA: ExistingKey(arn=there)}, replicas=[OSAKA]))
    copy = recorder.one(":TableReplica").inputs
    assert (copy["region"], copy["kmsKeyArn"], copy["pointInTimeRecovery"]) == ("ap-northeast-3", there, True)
    # Changes travel by the stream, and the replica appears in the table's own properties.
    made = recorder.one("dynamodb/table:Table")
    assert (made.inputs["streamEnabled"], made.inputs["streamViewType"]) == (True, "NEW_AND_OLD_IMAGES")
    assert "replicas" in made.ignore_changes


def test_a_replica_that_lags_is_told(recorder: Recorder) -> None:
    recorder.run(lambda: table(replicas=[OSAKA]).alarms(TOPICS))
    alarm = recorder.named("wiki-dev-sessions-ap-northeast-3-lag-alarm").inputs
    assert alarm["dimensions"] == {"TableName": "wiki-dev-sessions", "ReceivingRegion": "ap-northeast-3"}
    assert (alarm["metricName"], alarm["threshold"]) == ("ReplicationLatency", 60_000)


# --- Permissions -----------------------------------------------------------------------------------------------------


def granted(recorder: Recorder, verb: str, **changes: Any) -> list[dict[str, Any]]:
    def program() -> None:
        role = aws.iam.Role("caller", assume_role_policy="{}")
        getattr(table(OUR_KEY, **changes), f"grant_{verb}")(role)

    return [one.policy() for one in recorder.run(program).of(":RolePolicy")]


READS = ("GetItem", "BatchGetItem", "Query", "Scan", "ConditionCheckItem", "DescribeTable")
WRITES = ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem")
NEVER = ("DeleteTable", "UpdateTable", "UpdateTimeToLive", "RestoreTableToPointInTime", "PartiQLSelect")


@pytest.mark.parametrize(
    ("verb", "may", "may_not"),
    [("read", READS, WRITES), ("write", WRITES, READS[:5]), ("read_write", (*READS, *WRITES), ())],
)
def test_a_grant_lets_a_role_do_what_it_says_on_this_table_and_nothing_more(
    verb: str, may: tuple[str, ...], may_not: tuple[str, ...], recorder: Recorder
) -> None:
    documents = granted(recorder, verb)
    for action in may:
        assert allowed(documents, f"dynamodb:{action}", ARN), action
        assert not allowed(documents, f"dynamodb:{action}", f"{ARN}-2"), action
    for action in (*may_not, *NEVER):
        assert not allowed(documents, f"dynamodb:{action}", ARN), action
    assert not any("*" in action for one in documents[0]["Statement"] for action in one["Action"])


@pytest.mark.parametrize(("verb", "may_search"), [("read", True), ("read_write", True), ("write", False)])
def test_who_reads_a_table_may_search_its_indexes_and_no_more_there(
    verb: str, may_search: bool, recorder: Recorder
) -> None:
    documents = granted(recorder, verb, indexes=BY_SESSION)
    for action in ("Query", "Scan"):
        assert allowed(documents, f"dynamodb:{action}", f"{ARN}/index/by-session") is may_search
    assert not allowed(documents, "dynamodb:GetItem", f"{ARN}/index/by-session")


def test_without_indexes_nothing_is_granted_on_them(recorder: Recorder) -> None:
    assert "/index/" not in json.dumps(granted(recorder, "read"))


def test_the_key_opens_the_items_of_tables_and_nothing_else(recorder: Recorder) -> None:
    documents = granted(recorder, "read")
    assert allowed(documents, "kms:Decrypt", KEY, **VIA_DYNAMODB)
    assert not allowed(documents, "kms:Decrypt", KEY)
    assert not allowed(documents, "kms:Decrypt", KEY, kms__ViaService=f"s3.{REGION}.amazonaws.com")
    assert not allowed(documents, "kms:Encrypt", KEY, **VIA_DYNAMODB)


def test_who_writes_may_encrypt(recorder: Recorder) -> None:
    documents = granted(recorder, "write")
    for action in ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"):
        assert allowed(documents, action, KEY, **VIA_DYNAMODB)


def test_who_follows_the_changes_may_not_read_the_items(recorder: Recorder) -> None:
    documents = granted(recorder, "stream_read", stream="keys")
    stream = f"{ARN}/stream/2026-01-01T00:00:00.000"
    for action in ("DescribeStream", "GetRecords", "GetShardIterator"):
        assert allowed(documents, f"dynamodb:{action}", stream)
        assert not allowed(documents, f"dynamodb:{action}", stream.replace("sessions", "others"))
    assert allowed(documents, "kms:Decrypt", KEY, **VIA_DYNAMODB)
    for action in ("GetItem", "Query", "Scan", "PutItem"):
        assert not allowed(documents, f"dynamodb:{action}", ARN)


def test_nobody_follows_the_changes_of_a_table_that_passes_none_on(recorder: Recorder) -> None:
    with pytest.raises(ArgumentError, match="stream: None is needed to follow the changes"):
        granted(recorder, "stream_read")


# --- Alarms ----------------------------------------------------------------------------------------------------------


def counted(alarm: Registered) -> set[tuple[str, frozenset[tuple[str, str]]]]:
    """The metrics that an alarm adds up, with their dimensions."""
    metrics = [query["metric"] for query in alarm.inputs["metricQueries"] if "metric" in query]
    return {(one["metricName"], frozenset(one["dimensions"].items())) for one in metrics}


def test_throttling_is_told_for_the_table_and_for_each_index(recorder: Recorder) -> None:
    recorder.run(lambda: table(indexes=BY_SESSION).alarms(TOPICS))
    of = ("TableName", "wiki-dev-sessions")
    index = ("GlobalSecondaryIndexName", "by-session")
    for name, where in (("throttled", {of}), ("by-session-throttled", {of, index})):
        alarm = recorder.named(f"wiki-dev-sessions-{name}-alarm")
        assert counted(alarm) == {
            ("ReadThrottleEvents", frozenset(where)), ("WriteThrottleEvents", frozenset(where)),
        }  # fmt: skip
        assert alarm.inputs["alarmActions"] == [TOPICS.warning]


def test_errors_of_dynamodb_itself_wake_somebody_whatever_was_asked(recorder: Recorder) -> None:
    recorder.run(lambda: table().alarms(TOPICS))
    alarm = recorder.named("wiki-dev-sessions-system-errors-alarm")
    operations = {dict(dimensions)["Operation"] for _, dimensions in counted(alarm)}
    assert operations >= {"GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "TransactWriteItems"}
    # AWS adds up ten metrics in an alarm at most.
    assert len(operations) <= 10
    assert alarm.inputs["alarmActions"] == [TOPICS.critical]


# --- Refusals --------------------------------------------------------------------------------------------------------

SORTED_BY_TIME = {"all": LocalIndex(range_key="at")}
MANY = {f"by-{number}": Index(hash_key="session") for number in range(21)}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"attributes": {"user": "S", "session": "S", "title": "S"}}, r"attributes: 'title' is no key .*remove it"),
        ({"attributes": {"user": "S"}}, "range_key: 'session' has no type; add it to attributes"),
        ({"attributes": {"usr": "S", "session": "S"}}, "hash_key: 'user' has no type; did you mean 'usr'"),
        ({"attributes": {"user": "S", "session": "X"}}, r"attributes.session: 'X' is not allowed; use S, N or B"),
        ({"range_key": "user"}, "range_key: 'user' is the hash key already"),
        ({"indexes": {"x": Index(hash_key="session")}}, "indexes.x: 'x' is not a name; use 3 to 255"),
        ({"indexes": {"by s": Index(hash_key="session")}}, "'by s' is not a name"),
        ({"indexes": {"all": Index(hash_key="kind")}}, "indexes.all.hash_key: 'kind' has no type"),
        ({"indexes": {"all": Index(hash_key="user", range_key="user")}}, "indexes.all.range_key: 'user' is the hash"),
        ({"indexes": MANY}, "indexes: 21 are too many; AWS allows 20"),
        ({"local_indexes": {"all": LocalIndex(range_key="session")}}, "'session' is a key of the table already"),
        (
            {"range_key": None, "attributes": {"user": "S", "at": "N"}, "local_indexes": SORTED_BY_TIME},
            "local_indexes: 'all' sorts otherwise .*add range_key, or use indexes",
        ),
        ({"ttl": "session"}, "ttl: 'session' is a key"),
        ({"recovery_days": 36}, "recovery_days: 36 is not allowed; use 0 to 35 days"),
        ({"stream": "all"}, "stream: 'all' is not allowed; use keys, new, old or both"),
        ({"provisioned": provisioned(), "limit": RequestLimit(read=1, write=1)}, "limit: .*is for tables on demand"),
        ({"replicas": [OSAKA], "provisioned": provisioned()}, "replicas: .*remove provisioned"),
        ({"replicas": [OSAKA], "stream": "keys"}, "stream: 'keys' does not carry .*use both"),
        ({"replicas": [OSAKA] * 2}, "names a region twice"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        table_args(**changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"read": {"minimum": 0, "maximum": 9}}, "read.minimum: 0 is not allowed; use 1 to 40000"),
        ({"write": {"minimum": 10, "maximum": 5}}, "write.maximum: 5 is less than minimum, 10"),
        ({"read": {"minimum": 1, "maximum": 40_001}}, "read.maximum: 40001 is not allowed; use 1 to 40000"),
        ({"utilisation_percent": 95}, "utilisation_percent: 95 is not allowed; use 20 to 90 percent"),
    ],
)
def test_capacity_that_cannot_be_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        provisioned(**changes)


def test_replicas_have_keys_exactly_if_the_table_has_one(recorder: Recorder) -> None:
    with pytest.raises(ArgumentError, match="replica_keys: 'ap-northeast-3' must be there exactly if"):
        recorder.run(lambda: table(OUR_KEY, replicas=[OSAKA]))


def test_a_limit_that_answers_nothing_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"write: 0 is not allowed; use 1 to 40000"):
        RequestLimit(read=1, write=0)
