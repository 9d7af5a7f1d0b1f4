"""Keys and aliases."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.creation import Call, Code, Making, Spec


def _rotation(making: Making) -> dict[str, Any]:
    period = making.inputs.get("rotationPeriodInDays")
    return {"RotationPeriodInDays": period} if period else {}


def _create_key(making: Making) -> dict[str, Any]:
    aside = ("enableKeyRotation", "rotationPeriodInDays", "isEnabled", "deletionWindowInDays", "tags", "region")
    inputs = {key: value for key, value in making.inputs.items() if key not in aside}
    request = making.request("CreateKey", inputs, {"customerMasterKeySpec": "KeySpec", "xksKeyId": "XksKeyId"})
    if making.tags:
        request["Tags"] = [{"TagKey": key, "TagValue": value} for key, value in sorted(making.tags.items())]
    response = making.call("CreateKey", request)
    key = response["KeyMetadata"]["KeyId"]
    if making.inputs.get("enableKeyRotation"):
        making.call("EnableKeyRotation", {"KeyId": key, **_rotation(making)})
    if making.inputs.get("isEnabled") is False:
        making.call("DisableKey", {"KeyId": key})
    return response


SPECS: Final[dict[str, Spec]] = {
    "aws:kms/key:Key": Spec(
        service="kms",
        create=Code(
            _create_key,
            reads=(
                "description",
                "policy",
                "keyUsage",
                "customerMasterKeySpec",
                "multiRegion",
                "customKeyStoreId",
                "xksKeyId",
                "bypassPolicyLockoutSafetyCheck",
                "enableKeyRotation",
                "rotationPeriodInDays",
                "isEnabled",
            ),
        ),
        id="KeyMetadata.KeyId",
        outputs={"arn": "KeyMetadata.Arn", "keyId": "{id}"},
    ),
    "aws:kms/alias:Alias": Spec(
        service="kms",
        create=Call(operation="CreateAlias", takes={"name": "AliasName"}),
        autoname="name",
        autoname_form=lambda name, _given: f"alias/{name}",
        id="{name}",
        outputs={
            "arn": "arn:{partition}:kms:{region}:{account}:{name}",
            "targetKeyArn": lambda making: making.call("DescribeKey", {"KeyId": making.inputs["targetKeyId"]})[
                "KeyMetadata"
            ]["Arn"],
        },
    ),
}
