"""Lambda. moto keeps functions and calls none: whoever calls one is answered with what it was sent."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.archives import zipped
from rehearsal.cloud.creation import Call, Code, CreateContext, Spec

_FUNCTION: Final = (
    "architectures",
    "deadLetterConfig",
    "description",
    "environment",
    "ephemeralStorage",
    "handler",
    "kmsKeyArn",
    "layers",
    "loggingConfig",
    "imageConfig",
    "memorySize",
    "packageType",
    "role",
    "runtime",
    "snapStart",
    "timeout",
    "tracingConfig",
    "vpcConfig",
)
"""Inputs that the creating request takes under their own names."""

_ELSEWHERE: Final = {
    "imageUri": "ImageUri",
    "s3Bucket": "S3Bucket",
    "s3Key": "S3Key",
    "s3ObjectVersion": "S3ObjectVersion",
}
"""Inputs that say where the code is, if it does not come with the program."""

_LAYER: Final = ("compatibleArchitectures", "compatibleRuntimes", "description", "layerName", "licenseInfo")


def _code(inputs: dict[str, Any]) -> dict[str, Any]:
    """Where the function's code is: an image, an object, or an archive that the provider uploads."""
    given = {name: inputs[key] for key, name in _ELSEWHERE.items() if key in inputs}
    return given or {"ZipFile": zipped(inputs.get("code"))}


def _create_function(context: CreateContext) -> dict[str, Any]:
    inputs = context.inputs
    request = context.request("CreateFunction", {key: inputs[key] for key in _FUNCTION if key in inputs}, {})
    request |= {"FunctionName": inputs["name"], "Code": _code(inputs)}
    if context.tags:
        request["Tags"] = context.tags
    made = context.call("CreateFunction", request)
    if "reservedConcurrentExecutions" in inputs:
        reserved = {"ReservedConcurrentExecutions": inputs["reservedConcurrentExecutions"]}
        context.call("PutFunctionConcurrency", {"FunctionName": inputs["name"], **reserved})
    # moto publishes nothing by itself, whatever the creating request says.
    version = (
        context.call("PublishVersion", {"FunctionName": inputs["name"]})["Version"]
        if inputs.get("publish")
        else "$LATEST"
    )
    return {**made, "Version": version}


def _publish_layer(context: CreateContext) -> dict[str, Any]:
    inputs = {key: context.inputs[key] for key in _LAYER if key in context.inputs}
    request = context.request("PublishLayerVersion", inputs, {})
    return context.call("PublishLayerVersion", {**request, "Content": {"ZipFile": zipped(context.inputs.get("code"))}})


def _destination(inputs: dict[str, Any]) -> dict[str, Any]:
    """The provider names a destination's ARN otherwise than AWS."""
    failed = (inputs.get("destinationConfig") or {}).get("onFailure")
    if failed is None:
        return inputs
    return {**inputs, "destinationConfig": {"onFailure": {"destination": failed["destinationArn"]}}}


def _invocations(arn: str) -> str:
    """By which API Gateway calls what has this ARN."""
    region = arn.split(":")[3]
    return f"arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{arn}/invocations"


SPECS: Final[dict[str, Spec]] = {
    "aws:lambda/function:Function": Spec(
        service="lambda",
        create=Code(
            _create_function, reads=("code", "name", "publish", "reservedConcurrentExecutions", *_ELSEWHERE, *_FUNCTION)
        ),
        id="FunctionName",
        autoname="name",
        outputs={
            "arn": "FunctionArn",
            "version": "Version",
            "qualifiedArn": lambda context: f"{context.response['FunctionArn']}:{context.response['Version']}",
            "invokeArn": lambda context: _invocations(context.response["FunctionArn"]),
        },
        left_out={
            "replaceSecurityGroupsOnDestroy": "read by the provider on deletion",
            "replacementSecurityGroupIds": "read by the provider on deletion",
            "sourceCodeHash": "read by the provider to find changes",
        },
    ),
    "aws:lambda/layerVersion:LayerVersion": Spec(
        service="lambda",
        create=Code(_publish_layer, reads=("code", *_LAYER)),
        id="LayerVersionArn",
        outputs={
            "arn": "LayerVersionArn",
            "layerArn": "LayerArn",
            "version": lambda context: str(context.response["Version"]),
        },
        left_out={"sourceCodeHash": "read by the provider to find changes"},
    ),
    "aws:lambda/alias:Alias": Spec(
        service="lambda",
        create=Call(operation="CreateAlias"),
        id="AliasArn",
        outputs={"arn": "AliasArn", "invokeArn": lambda context: _invocations(context.response["AliasArn"])},
    ),
    "aws:lambda/functionUrl:FunctionUrl": Spec(
        service="lambda",
        create=Call(operation="CreateFunctionUrlConfig", takes={"authorizationType": "AuthType"}),
        id="{functionName}",
        outputs={
            "functionUrl": "FunctionUrl",
            "functionArn": "FunctionArn",
            "urlId": lambda context: (
                str(context.response.get("FunctionUrl", "")).removeprefix("https://").split(".")[0]
            ),
        },
    ),
    "aws:lambda/permission:Permission": Spec(
        service="lambda",
        create=Call(operation="AddPermission", takes={"function": "FunctionName"}),
        id="{statementId}",
        autoname="statementId",
    ),
    "aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig": Spec(
        service="lambda",
        create=Call(operation="PutProvisionedConcurrencyConfig"),
        id="{functionName},{qualifier}",
        validated_only=lambda _inputs: "the emulator has no provisioned concurrency",
    ),
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": Spec(
        service="lambda",
        create=Call(operation="PutFunctionEventInvokeConfig"),
        id="{functionName}:{qualifier}",
    ),
    "aws:lambda/eventSourceMapping:EventSourceMapping": Spec(
        service="lambda",
        create=Call(operation="CreateEventSourceMapping", reshape=_destination),
        id="UUID",
        outputs={"arn": "EventSourceMappingArn", "uuid": "UUID", "functionArn": "FunctionArn"},
    ),
    "aws:lambda/invocation:Invocation": Spec(
        service="lambda",
        create=Call(operation="Invoke", takes={"input": "Payload"}),
        id="{functionName}_{qualifier}",
        outputs={"result": lambda _making: "null"},
        validated_only=lambda _inputs: "the emulator runs no function",
        left_out={
            "lifecycleScope": "read by the provider on changes",
            "terraformKey": "read by the provider on changes",
            "triggers": "read by the provider to find changes",
        },
    ),
}
