"""The specs of DynamoDB tables, on moto: what a table's inputs become, and how the table then behaves."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.cloud.client import CreateResult
from rehearsal.problems import RehearsalError
from tests.rehearsal.test_specs import REGION, TAGS, Cloud, cloud, tags_of

__all__ = ["cloud"]

KEYS: dict[str, Any] = {
    "attributes": [{"name": "user", "type": "S"}, {"name": "session", "type": "S"}, {"name": "at", "type": "N"}],
    "hashKey": "user",
    "rangeKey": "session",
}
BY_SESSION: dict[str, Any] = {
    "name": "by-session",
    "keySchemas": [
        {"attributeName": "session", "keyType": "HASH"}, {"attributeName": "at", "keyType": "RANGE"},
    ],
    "projectionType": "INCLUDE",
    "nonKeyAttributes": ["title"],
}  # fmt: skip


def table(cloud: Cloud, **changes: Any) -> CreateResult:
    inputs = {
        **KEYS, "name": "shop-sessions", "billingMode": "PAY_PER_REQUEST", "globalSecondaryIndexes": [BY_SESSION],
        **changes,
    }  # fmt: skip
    return cloud.make("aws:dynamodb/table:Table", **inputs)


def described(cloud: Cloud) -> dict[str, Any]:
    return cloud.ask("dynamodb", "DescribeTable", TableName="shop-sessions")["Table"]


def put(cloud: Cloud, user: str, session: str, at: int, **more: Any) -> None:
    item = {"user": {"S": user}, "session": {"S": session}, "at": {"N": str(at)}, "title": {"S": f"{user}'s"}}
    cloud.account.client("dynamodb", REGION).put_item(TableName="shop-sessions", Item=item, **more)


def test_a_table_has_its_keys_its_key_its_tags_its_stream_and_its_recovery(cloud: Cloud) -> None:
    key = cloud.make("aws:kms/key:Key").outputs["arn"]
    made = table(
        cloud,
        serverSideEncryption={"enabled": True, "kmsKeyArn": key},
        streamEnabled=True,
        streamViewType="NEW_AND_OLD_IMAGES",
        pointInTimeRecovery={"enabled": True, "recoveryPeriodInDays": 35},
        ttl={"attributeName": "expires", "enabled": True},
        deletionProtectionEnabled=True,
        onDemandThroughput={"maxReadRequestUnits": 100, "maxWriteRequestUnits": 50},
    )
    assert (made.id, made.status, made.left_out) == ("shop-sessions", "emulated", [])
    found = described(cloud)
    assert found["KeySchema"] == [
        {"AttributeName": "user", "KeyType": "HASH"},
        {"AttributeName": "session", "KeyType": "RANGE"},
    ]
    assert found["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert found["SSEDescription"]["KMSMasterKeyArn"] == key
    assert found["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert found["DeletionProtectionEnabled"] is True
    assert (made.outputs["arn"], made.outputs["streamArn"]) == (found["TableArn"], found["LatestStreamArn"])
    assert tags_of(cloud.ask("dynamodb", "ListTagsOfResource", ResourceArn=found["TableArn"])["Tags"]) == TAGS
    expiry = cloud.ask("dynamodb", "DescribeTimeToLive", TableName="shop-sessions")["TimeToLiveDescription"]
    assert expiry == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}
    backups = cloud.ask("dynamodb", "DescribeContinuousBackups", TableName="shop-sessions")
    recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"


def test_capacity_and_local_indexes_reach_the_table(cloud: Cloud) -> None:
    table(
        cloud,
        billingMode="PROVISIONED",
        readCapacity=5,
        writeCapacity=2,
        globalSecondaryIndexes=[{**BY_SESSION, "readCapacity": 4, "writeCapacity": 1}],
        localSecondaryIndexes=[{"name": "by-time", "rangeKey": "at", "projectionType": "KEYS_ONLY"}],
    )
    found = described(cloud)
    units = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 2}
    assert units.items() <= found["ProvisionedThroughput"].items()
    (index,) = found["GlobalSecondaryIndexes"]
    assert index["ProvisionedThroughput"]["ReadCapacityUnits"] == 4
    assert index["Projection"] == {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["title"]}
    (local,) = found["LocalSecondaryIndexes"]
    assert [key["AttributeName"] for key in local["KeySchema"]] == ["user", "at"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"attributes": [*KEYS["attributes"], {"name": "unused", "type": "S"}]}, "not used"),
        ({"attributes": [{"name": "user", "type": "X"}]}, "'X' is not allowed"),
        ({"hashKee": "user"}, "hashKee"),
        ({"globalSecondaryIndexes": [{**BY_SESSION, "projected": "ALL"}]}, "projected"),
        ({"streamEnabled": True, "streamViewType": "ALL"}, "'ALL' is not allowed"),
        ({"billingMode": "PROVISIONED"}, "must both be specified"),
        ({"pointInTimeRecovery": {"enabled": True, "recoveryPeriodInDays": 36}}, "above AWS's maximum of 35"),
    ],
)
def test_what_aws_would_refuse_is_refused(cloud: Cloud, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(RehearsalError, match=words):
        table(cloud, **changes)


@pytest.mark.covers("B2", "C5")
def test_an_item_is_put_once_and_its_second_writer_is_told(cloud: Cloud) -> None:
    table(cloud)
    absent = {"ConditionExpression": "attribute_not_exists(#user)", "ExpressionAttributeNames": {"#user": "user"}}
    put(cloud, "ann", "s1", 1, **absent)
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        put(cloud, "ann", "s1", 2, **absent)
    put(cloud, "ann", "s2", 3, **absent)
    found = cloud.account.client("dynamodb", REGION).query(
        TableName="shop-sessions", KeyConditionExpression="#user = :ann",
        ExpressionAttributeNames={"#user": "user"}, ExpressionAttributeValues={":ann": {"S": "ann"}},
    )  # fmt: skip
    assert [(item["session"]["S"], item["at"]["N"]) for item in found["Items"]] == [("s1", "1"), ("s2", "3")]


@pytest.mark.covers("D2")
def test_an_index_finds_items_by_other_keys_in_its_own_order_with_what_it_copies(cloud: Cloud) -> None:
    table(cloud)
    put(cloud, "bob", "s1", 2)
    put(cloud, "ann", "s1", 1)
    put(cloud, "ann", "s2", 3)
    found = cloud.account.client("dynamodb", REGION).query(
        TableName="shop-sessions", IndexName="by-session", KeyConditionExpression="#session = :s1",
        ExpressionAttributeNames={"#session": "session"}, ExpressionAttributeValues={":s1": {"S": "s1"}},
    )  # fmt: skip
    assert [item["user"]["S"] for item in found["Items"]] == ["ann", "bob"]
    assert {key for item in found["Items"] for key in item} == {"user", "session", "at", "title"}


@pytest.mark.covers("C5")
def test_scaling_takes_a_table_and_an_index(cloud: Cloud) -> None:
    for resource, dimension in (
        ("table/shop-sessions", "dynamodb:table:ReadCapacityUnits"),
        ("table/shop-sessions/index/by-session", "dynamodb:index:WriteCapacityUnits"),
    ):
        where = {"serviceNamespace": "dynamodb", "scalableDimension": dimension, "resourceId": resource}
        cloud.make("aws:appautoscaling/target:Target", resource, minCapacity=5, maxCapacity=100, **where)
    found = cloud.ask("application-autoscaling", "DescribeScalableTargets", ServiceNamespace="dynamodb")
    assert {one["ResourceId"] for one in found["ScalableTargets"]} == {
        "table/shop-sessions", "table/shop-sessions/index/by-session",
    }  # fmt: skip


def test_a_replica_is_checked_and_never_said_to_exist(cloud: Cloud) -> None:
    arn = table(cloud).outputs["arn"]
    made = cloud.make("aws:dynamodb/tableReplica:TableReplica", globalTableArn=arn, pointInTimeRecovery=True)
    assert (made.status, made.id) == ("validated", f"shop-sessions:{REGION}")
    assert "Replicas" not in described(cloud)
    with pytest.raises(RehearsalError, match="'COLD' is not allowed"):
        cloud.make("aws:dynamodb/tableReplica:TableReplica", globalTableArn=arn, tableClassOverride="COLD")
    with pytest.raises(RehearsalError, match="pointInTime"):
        cloud.make("aws:dynamodb/tableReplica:TableReplica", globalTableArn=arn, pointInTime=True)
