"""EventBridge: buses, rules and their targets."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.creation import Call, Code, CreateContext, Spec
from rehearsal.problems import AwsError


def _target(context: CreateContext) -> dict[str, Any]:
    aside = ("rule", "eventBusName", "forceDestroy", "region", "targetId", "inputTransformer")
    inputs = {key: value for key, value in context.inputs.items() if key not in aside}
    target = context.request("PutTargets", {"targets": [{**inputs, "id": context.inputs["targetId"]}]}, {})["Targets"][
        0
    ]
    transformer = context.inputs.get("inputTransformer")
    if transformer is not None:
        target["InputTransformer"] = {"InputTemplate": transformer["inputTemplate"]}
        if "inputPaths" in transformer:
            target["InputTransformer"]["InputPathsMap"] = transformer["inputPaths"]
    request: dict[str, Any] = {"Rule": context.inputs["rule"], "Targets": [target]}
    if "eventBusName" in context.inputs:
        request["EventBusName"] = context.inputs["eventBusName"]
    response = context.call("PutTargets", request)
    if response.get("FailedEntryCount"):
        failed = response["FailedEntries"][0]
        raise AwsError(f"PutTargets: {failed.get('ErrorMessage')} ({failed.get('ErrorCode')})")
    return response


SPECS: Final[dict[str, Spec]] = {
    "aws:cloudwatch/eventBus:EventBus": Spec(
        service="events",
        create=Call(operation="CreateEventBus"),
        id="{name}",
        outputs={"arn": "EventBusArn"},
    ),
    "aws:cloudwatch/eventRule:EventRule": Spec(
        service="events",
        create=Call(operation="PutRule"),
        id=lambda context: "/".join(filter(None, (context.inputs.get("eventBusName"), context.inputs["name"]))),
        autoname="name",
        outputs={"arn": "RuleArn"},
    ),
    "aws:cloudwatch/eventTarget:EventTarget": Spec(
        service="events",
        create=Code(
            _target,
            reads=(
                "rule",
                "eventBusName",
                "targetId",
                "arn",
                "roleArn",
                "input",
                "inputPath",
                "inputTransformer",
                "deadLetterConfig",
                "retryPolicy",
            ),
        ),
        id="{rule}-{targetId}",
        autoname="targetId",
    ),
}
