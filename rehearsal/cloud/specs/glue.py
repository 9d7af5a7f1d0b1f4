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
}
