"""The data catalogue: databases and tables."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.account import ACCOUNT
from rehearsal.cloud.creation import Call, Spec


def _database(inputs: dict[str, Any]) -> dict[str, Any]:
    database = {key: value for key, value in inputs.items() if key not in ("catalogId", "tags")}
    return {"catalogId": inputs.get("catalogId", ACCOUNT), "databaseInput": database}


def _table(inputs: dict[str, Any]) -> dict[str, Any]:
    aside = ("catalogId", "databaseName", "partitionIndices", "openTableFormatInput")
    table = {key: value for key, value in inputs.items() if key not in aside}
    if "storageDescriptor" in table:
        names = {"serDeInfo": "serdeInfo"}
        table["storageDescriptor"] = {names.get(key, key): value for key, value in table["storageDescriptor"].items()}
    request = {"catalogId": inputs.get("catalogId", ACCOUNT), "databaseName": inputs["databaseName"]}
    if "partitionIndices" in inputs:
        request["partitionIndexes"] = inputs["partitionIndices"]
    if "openTableFormatInput" in inputs:
        request["openTableFormatInput"] = inputs["openTableFormatInput"]
    return {**request, "tableInput": table}


def _security(inputs: dict[str, Any]) -> dict[str, Any]:
    encryption = dict(inputs["encryptionConfiguration"])
    # AWS takes a list of ways to encrypt in S3, the provider one.
    encryption["s3Encryption"] = [encryption["s3Encryption"]]
    names = {"cloudwatchEncryption": "cloudWatchEncryption"}
    return {**inputs, "encryptionConfiguration": {names.get(key, key): value for key, value in encryption.items()}}


def _connection(inputs: dict[str, Any]) -> dict[str, Any]:
    aside = ("catalogId", "physicalConnectionRequirements", "region", "tags")
    connection = {key: value for key, value in inputs.items() if key not in aside}
    if "physicalConnectionRequirements" in inputs:
        names = {"securityGroupIdLists": "securityGroupIdList"}
        place = inputs["physicalConnectionRequirements"].items()
        connection["physicalConnectionRequirements"] = {names.get(key, key): value for key, value in place}
    given = {key: inputs[key] for key in ("catalogId", "tags") if key in inputs}
    return {**given, "connectionInput": connection}


def _crawler(inputs: dict[str, Any]) -> dict[str, Any]:
    targets = ("s3Targets", "jdbcTargets", "dynamodbTargets", "catalogTargets")
    request = {key: value for key, value in inputs.items() if key not in targets}
    request["targets"] = {key: inputs[key] for key in targets if key in inputs}
    if "securityConfiguration" in request:
        request["crawlerSecurityConfiguration"] = request.pop("securityConfiguration")
    return request


SPECS: Final[dict[str, Spec]] = {
    "aws:glue/catalogDatabase:CatalogDatabase": Spec(
        service="glue",
        create=Call(operation="CreateDatabase", reshape=_database),
        id="{account}:{name}",
        autoname="name",
        outputs={
            "arn": "arn:{partition}:glue:{region}:{account}:database/{name}",
            "catalogId": "{account}",
        },
    ),
    "aws:glue/catalogTable:CatalogTable": Spec(
        service="glue",
        create=Call(operation="CreateTable", reshape=_table),
        id="{account}:{databaseName}:{name}",
        autoname="name",
        outputs={
            "arn": "arn:{partition}:glue:{region}:{account}:table/{databaseName}/{name}",
            "catalogId": "{account}",
        },
    ),
    "aws:glue/securityConfiguration:SecurityConfiguration": Spec(
        service="glue",
        create=Call(operation="CreateSecurityConfiguration", reshape=_security),
        id="{name}",
        autoname="name",
    ),
    "aws:glue/connection:Connection": Spec(
        service="glue",
        create=Call(operation="CreateConnection", reshape=_connection),
        id="{account}:{name}",
        autoname="name",
        outputs={"arn": "arn:{partition}:glue:{region}:{account}:connection/{name}", "catalogId": "{account}"},
    ),
    "aws:glue/job:Job": Spec(
        service="glue",
        create=Call(operation="CreateJob", takes={"roleArn": "Role", "connections": "Connections.Connections"}),
        id="{name}",
        autoname="name",
        outputs={"arn": "arn:{partition}:glue:{region}:{account}:job/{name}"},
    ),
    "aws:glue/crawler:Crawler": Spec(
        service="glue",
        create=Call(operation="CreateCrawler", reshape=_crawler),
        id="{name}",
        autoname="name",
        outputs={"arn": "arn:{partition}:glue:{region}:{account}:crawler/{name}"},
    ),
}
