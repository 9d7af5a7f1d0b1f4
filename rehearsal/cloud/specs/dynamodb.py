"""DynamoDB: tables and their replicas."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.account import ACCOUNT, PARTITION
from rehearsal.cloud.creation import Call, CreateContext, Spec


def _schema(block: dict[str, Any]) -> list[dict[str, Any]]:
    """The keys of a table or an index, in either of the provider's ways to write them."""
    if "keySchemas" in block:
        return block["keySchemas"]
    pairs = (("HASH", block.get("hashKey")), ("RANGE", block.get("rangeKey")))
    return [{"attributeName": name, "keyType": kind} for kind, name in pairs if name is not None]


def _throughput(block: dict[str, Any]) -> dict[str, Any]:
    if "readCapacity" not in block:
        return {}
    return {
        "provisionedThroughput": {
            "readCapacityUnits": block["readCapacity"],
            "writeCapacityUnits": block["writeCapacity"],
        }
    }


def _index(block: dict[str, Any], hash_key: str | None = None) -> dict[str, Any]:
    """A local index has the hash key of its table."""
    projection = {"projectionType": block["projectionType"]}
    if "nonKeyAttributes" in block:
        projection["nonKeyAttributes"] = block["nonKeyAttributes"]
    read = {
        "name", "hashKey", "rangeKey", "keySchemas", "projectionType", "nonKeyAttributes", "readCapacity",
        "writeCapacity",
    }  # fmt: skip
    return {
        **{key: value for key, value in block.items() if key not in read},
        "indexName": block["name"],
        "keySchema": _schema({"hashKey": hash_key, **block} if hash_key else block),
        "projection": projection,
        **_throughput(block),
    }


def _table(inputs: dict[str, Any]) -> dict[str, Any]:
    read = {
        "attributes", "hashKey", "rangeKey", "readCapacity", "writeCapacity", "streamEnabled", "streamViewType",
        "serverSideEncryption", "globalSecondaryIndexes", "localSecondaryIndexes",
    }  # fmt: skip
    request = {key: value for key, value in inputs.items() if key not in read}
    request["attributeDefinitions"] = [
        {"attributeName": one["name"], "attributeType": one["type"]} for one in inputs["attributes"]
    ]
    request["keySchema"] = _schema(inputs)
    request |= _throughput(inputs)
    if inputs.get("streamEnabled"):
        request["streamSpecification"] = {"streamEnabled": True, "streamViewType": inputs["streamViewType"]}
    encryption = inputs.get("serverSideEncryption")
    if encryption is not None and encryption["enabled"]:
        key = {"KMSMasterKeyId": encryption["kmsKeyArn"]} if "kmsKeyArn" in encryption else {}
        request["sseSpecification"] = {"enabled": True, "sseType": "KMS", **key}
    if "globalSecondaryIndexes" in inputs:
        request["globalSecondaryIndexes"] = [_index(one) for one in inputs["globalSecondaryIndexes"]]
    if "localSecondaryIndexes" in inputs:
        request["localSecondaryIndexes"] = [_index(one, inputs["hashKey"]) for one in inputs["localSecondaryIndexes"]]
    return request


def _recovery(inputs: dict[str, Any]) -> dict[str, Any]:
    asked = inputs["pointInTimeRecovery"]
    renamed = {("pointInTimeRecoveryEnabled" if key == "enabled" else key): value for key, value in asked.items()}
    return {"pointInTimeRecoverySpecification": renamed}


def _table_of(arn: str) -> str:
    return arn.rpartition("/")[2]


def _main_table(context: CreateContext) -> str:
    return _table_of(context.inputs["globalTableArn"])


_OF_THE_REPLICA: Final = {"kmsKeyArn": "KMSMasterKeyId", "tableClassOverride": "TableClassOverride"}


def _replica(context: CreateContext) -> list[dict[str, Any]]:
    given = {member: context.inputs[key] for key, member in _OF_THE_REPLICA.items() if key in context.inputs}
    return [{"Create": {"RegionName": context.region, **given}}]


def _recovery_of_replica(inputs: dict[str, Any]) -> dict[str, Any]:
    return _recovery({"pointInTimeRecovery": {"enabled": inputs["pointInTimeRecovery"]}})


SPECS: Final[dict[str, Spec]] = {
    "aws:dynamodb/table:Table": Spec(
        service="dynamodb",
        create=Call(operation="CreateTable", takes={"name": "TableName"}, reshape=_table),
        id="{name}",
        autoname="name",
        then=[
            Call(
                operation="UpdateTimeToLive",
                takes={"ttl": "TimeToLiveSpecification"},
                fixed={"TableName": "{id}"},
            ),
            Call(
                operation="UpdateContinuousBackups",
                takes={"pointInTimeRecovery": "PointInTimeRecoverySpecification"},
                fixed={"TableName": "{id}"},
                reshape=_recovery,
            ),
        ],
        outputs={
            "arn": "TableDescription.TableArn",
            "streamArn": "TableDescription.LatestStreamArn",
            "streamLabel": "TableDescription.LatestStreamLabel",
        },
    ),
    "aws:dynamodb/tableReplica:TableReplica": Spec(
        service="dynamodb",
        create=Call(
            operation="UpdateTable",
            fixed={"TableName": _main_table, "ReplicaUpdates": _replica},
            reshape=lambda inputs: {
                key: value for key, value in inputs.items() if key not in {"globalTableArn", *_OF_THE_REPLICA}
            },
        ),
        id=lambda context: (
            f"{_table_of(context.inputs['globalTableArn'])}:{context.inputs['globalTableArn'].split(':')[3]}"
        ),
        then=[
            Call(
                operation="UpdateContinuousBackups",
                takes={"pointInTimeRecovery": "PointInTimeRecoverySpecification"},
                fixed={"TableName": _main_table},
                reshape=_recovery_of_replica,
            ),
            Call(
                operation="UpdateTable",
                takes={"deletionProtectionEnabled": "DeletionProtectionEnabled"},
                fixed={"TableName": _main_table},
            ),
        ],
        tagging=Call(operation="TagResource"),
        outputs={
            "arn": lambda context: (
                f"arn:{PARTITION}:dynamodb:{context.region}:{ACCOUNT}:table/"
                + _table_of(context.inputs["globalTableArn"])
            )
        },
        validated_only=lambda _inputs: "the emulator takes the order of a replica and makes none",
    ),
}
