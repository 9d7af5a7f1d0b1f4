"""AWS Backup: vaults, plans, and what they are for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rehearsal.cloud.creation import Call, Spec

_RULE: Final = {
    "targetVaultName": "targetBackupVaultName",
    "schedule": "scheduleExpression",
    "startWindow": "startWindowMinutes",
    "completionWindow": "completionWindowMinutes",
}
_LIFECYCLE: Final = {"coldStorageAfter": "moveToColdStorageAfterDays", "deleteAfter": "deleteAfterDays"}
_COPY: Final = {"destinationVaultArn": "destinationBackupVaultArn"}


def _renamed(block: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    shaped = {names.get(key, key): value for key, value in block.items()}
    if "lifecycle" in shaped:
        shaped["lifecycle"] = _renamed(shaped["lifecycle"], _LIFECYCLE)
    if "copyActions" in shaped:
        shaped["copyActions"] = [_renamed(copy, _COPY) for copy in shaped["copyActions"]]
    return shaped


def _plan(inputs: dict[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in inputs.items() if key not in {"name", "rules"}}
    rules = [_renamed(rule, _RULE) for rule in inputs["rules"]]
    return {"backupPlan": {**rest, "backupPlanName": inputs["name"], "rules": rules}}


def _pairs(conditions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"conditionKey": one["key"], "conditionValue": one["value"]} for one in conditions]


# The provider's plurals are AWS's operators.
_OPERATORS: Final = {
    "stringEquals": "stringEquals",
    "stringNotEquals": "stringNotEquals",
    "stringLikes": "stringLike",
    "stringNotLikes": "stringNotLike",
}


def _selection(inputs: dict[str, Any]) -> dict[str, Any]:
    chosen = {key: value for key, value in inputs.items() if key not in {"name", "planId"}}
    chosen["selectionName"] = inputs["name"]
    if "conditions" in inputs:
        chosen["conditions"] = {
            _OPERATORS.get(operator, operator): _pairs(pairs)
            for block in inputs["conditions"]
            for operator, pairs in block.items()
        }
    if "selectionTags" in inputs:
        tags = chosen.pop("selectionTags")
        chosen["listOfTags"] = [{"conditionType": tag["type"], **_pairs([tag])[0]} for tag in tags]
    return {"backupPlanId": inputs["planId"], "backupSelection": chosen}


SPECS: Final[dict[str, Spec]] = {
    "aws:backup/vault:Vault": Spec(
        service="backup",
        create=Call(operation="CreateBackupVault", takes={"name": "BackupVaultName", "kmsKeyArn": "EncryptionKeyArn"}),
        id="{name}",
        autoname="name",
        tagging=Call(
            operation="TagResource",
            fixed={
                "ResourceArn": lambda context: context.response["BackupVaultArn"],
                "Tags": lambda context: context.tags,
            },
        ),
        outputs={"arn": "BackupVaultArn"},
    ),
    "aws:backup/vaultLockConfiguration:VaultLockConfiguration": Spec(
        service="backup",
        create=Call(operation="PutBackupVaultLockConfiguration"),
        id="{backupVaultName}",
        outputs={"backupVaultArn": "arn:{partition}:backup:{region}:{account}:backup-vault:{backupVaultName}"},
    ),
    "aws:backup/plan:Plan": Spec(
        service="backup",
        create=Call(operation="CreateBackupPlan", reshape=_plan),
        id="BackupPlanId",
        tagging=Call(
            operation="TagResource",
            fixed={
                "ResourceArn": lambda context: context.response["BackupPlanArn"],
                "Tags": lambda context: context.tags,
            },
        ),
        outputs={"arn": "BackupPlanArn", "version": "VersionId"},
    ),
    "aws:backup/selection:Selection": Spec(
        service="backup",
        create=Call(operation="CreateBackupSelection", reshape=_selection),
        id="SelectionId",
        validated_only=lambda _inputs: "the emulator keeps plans and backs nothing up",
    ),
    "aws:backup/regionSettings:RegionSettings": Spec(
        service="backup",
        create=Call(operation="UpdateRegionSettings"),
        id="{region}",
        validated_only=lambda _inputs: "the emulator knows no settings of a region's backups",
    ),
}
