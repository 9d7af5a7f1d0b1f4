"""Keys and aliases."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.creation import Call, Code, CreateContext, Spec


def period(context: CreateContext) -> int | None:
    """Days between two rotations of a key, where somebody says so."""
    return context.inputs.get("rotationPeriodInDays")


def _rotation(context: CreateContext) -> dict[str, Any]:
    return {"RotationPeriodInDays": days} if (days := period(context)) else {}


def _create_key(context: CreateContext) -> dict[str, Any]:
    aside = ("enableKeyRotation", "rotationPeriodInDays", "isEnabled", "deletionWindowInDays", "tags", "region")
    inputs = {key: value for key, value in context.inputs.items() if key not in aside}
    request = context.request("CreateKey", inputs, {"customerMasterKeySpec": "KeySpec", "xksKeyId": "XksKeyId"})
    if context.tags:
        request["Tags"] = [{"TagKey": key, "TagValue": value} for key, value in sorted(context.tags.items())]
    response = context.call("CreateKey", request)
    key = response["KeyMetadata"]["KeyId"]
    if context.inputs.get("enableKeyRotation"):
        context.call("EnableKeyRotation", {"KeyId": key, **_rotation(context)})
    if context.inputs.get("isEnabled") is False:
        context.call("DisableKey", {"KeyId": key})
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
            "targetKeyArn": lambda context: context.call("DescribeKey", {"KeyId": context.inputs["targetKeyId"]})[
                "KeyMetadata"
            ]["Arn"],
        },
    ),
}
