"""Lake Formation: who administers it, the buckets that it opens and shuts, and its grants."""

from __future__ import annotations

import json
from typing import Any, Final

from rehearsal.cloud.creation import Call, CreateContext, Spec

_RESOURCES: Final = {
    "database": ("Database", {"name": "Name", "catalogId": "CatalogId"}),
    "table": ("Table", {"name": "Name", "databaseName": "DatabaseName", "catalogId": "CatalogId"}),
    "dataLocation": ("DataLocation", {"arn": "ResourceArn", "catalogId": "CatalogId"}),
}


def _settings(inputs: dict[str, Any]) -> dict[str, Any]:
    settings: dict[str, Any] = {
        # What is left out is empty: the provider puts the whole of the settings in place of what there was.
        "DataLakeAdmins": [{"DataLakePrincipalIdentifier": one} for one in inputs.get("admins", [])]
    }
    for kind in ("Database", "Table"):
        settings[f"Create{kind}DefaultPermissions"] = [
            {"Principal": {"DataLakePrincipalIdentifier": one["principal"]}, "Permissions": one["permissions"]}
            for one in inputs.get(f"create{kind}DefaultPermissions", [])
        ]
    taken = {"admins", "createDatabaseDefaultPermissions", "createTableDefaultPermissions"}
    return {key: value for key, value in inputs.items() if key not in taken} | {"DataLakeSettings": settings}


def _permissions(inputs: dict[str, Any]) -> dict[str, Any]:
    request = {key: value for key, value in inputs.items() if key not in _RESOURCES}
    request["principal"] = {"DataLakePrincipalIdentifier": inputs["principal"]}
    request["resource"] = {
        member: {names.get(key, key): value for key, value in inputs[kind].items()}
        for kind, (member, names) in _RESOURCES.items()
        if kind in inputs
    }
    return request


def _identity(context: CreateContext) -> str:
    return json.dumps(context.inputs, sort_keys=True)


SPECS: Final[dict[str, Spec]] = {
    "aws:lakeformation/dataLakeSettings:DataLakeSettings": Spec(
        service="lakeformation",
        create=Call(operation="PutDataLakeSettings", reshape=_settings),
        id="{account}",
    ),
    "aws:lakeformation/resource:Resource": Spec(
        service="lakeformation",
        create=Call(operation="RegisterResource", takes={"arn": "ResourceArn"}),
        id=lambda context: context.inputs["arn"],
    ),
    "aws:lakeformation/permissions:Permissions": Spec(
        service="lakeformation",
        create=Call(operation="GrantPermissions", reshape=_permissions),
        id=_identity,
    ),
}
