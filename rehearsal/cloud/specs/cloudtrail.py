"""The audit trail."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.creation import Code, CreateContext, Spec

_OF_CREATION: Final = {
    "enableLogFileValidation": "EnableLogFileValidation",
    "cloudWatchLogsGroupArn": "CloudWatchLogsLogGroupArn",
}
_ASIDE: Final = ("enableLogging", "eventSelectors", "advancedEventSelectors", "insightSelectors", "tags", "region")


def _create(context: CreateContext) -> dict[str, Any]:
    inputs = {key: value for key, value in context.inputs.items() if key not in _ASIDE}
    request = context.request("CreateTrail", inputs, _OF_CREATION)
    if context.tags:
        request["TagsList"] = [{"Key": key, "Value": value} for key, value in sorted(context.tags.items())]
    response = context.call("CreateTrail", request)
    if context.inputs.get("enableLogging", True):
        context.call("StartLogging", {"Name": context.inputs["name"]})
    for key, operation, member in (
        ("eventSelectors", "PutEventSelectors", "EventSelectors"),
        ("advancedEventSelectors", "PutEventSelectors", "AdvancedEventSelectors"),
        ("insightSelectors", "PutInsightSelectors", "InsightSelectors"),
    ):
        if key in context.inputs:
            further = context.request(operation, {member: context.inputs[key]}, {})
            context.call(operation, {"TrailName": context.inputs["name"], **further})
    return response


SPECS: Final[dict[str, Spec]] = {
    "aws:cloudtrail/trail:Trail": Spec(
        service="cloudtrail",
        create=Code(
            _create,
            reads=(
                "name",
                "s3BucketName",
                "s3KeyPrefix",
                "snsTopicName",
                "includeGlobalServiceEvents",
                "isMultiRegionTrail",
                "isOrganizationTrail",
                "enableLogFileValidation",
                "cloudWatchLogsGroupArn",
                "cloudWatchLogsRoleArn",
                "kmsKeyId",
                "enableLogging",
                "eventSelectors",
                "advancedEventSelectors",
                "insightSelectors",
            ),
        ),
        id="TrailARN",
        autoname="name",
        outputs={"arn": "TrailARN", "homeRegion": "{region}"},
    ),
}
