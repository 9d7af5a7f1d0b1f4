"""The audit trail."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.creation import Code, Making, Spec

_OF_CREATION: Final = {"enableLogFileValidation": "EnableLogFileValidation"}
_ASIDE: Final = ("enableLogging", "eventSelectors", "advancedEventSelectors", "insightSelectors", "tags", "region")


def _create(making: Making) -> dict[str, Any]:
    inputs = {key: value for key, value in making.inputs.items() if key not in _ASIDE}
    request = making.request("CreateTrail", inputs, _OF_CREATION)
    if making.tags:
        request["TagsList"] = [{"Key": key, "Value": value} for key, value in sorted(making.tags.items())]
    response = making.call("CreateTrail", request)
    if making.inputs.get("enableLogging", True):
        making.call("StartLogging", {"Name": making.inputs["name"]})
    for key, operation, member in (
        ("eventSelectors", "PutEventSelectors", "EventSelectors"),
        ("advancedEventSelectors", "PutEventSelectors", "AdvancedEventSelectors"),
        ("insightSelectors", "PutInsightSelectors", "InsightSelectors"),
    ):
        if key in making.inputs:
            further = making.request(operation, {member: making.inputs[key]}, {})
            making.call(operation, {"TrailName": making.inputs["name"], **further})
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
