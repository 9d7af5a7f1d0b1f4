"""Threat detection."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.creation import Call, Code, CreateContext, Spec


def _switch_on(context: CreateContext) -> dict[str, Any]:
    feature: dict[str, Any] = {"Name": context.inputs["name"], "Status": context.inputs["status"]}
    if further := context.inputs.get("additionalConfigurations"):
        feature["AdditionalConfiguration"] = [{"Name": one["name"], "Status": one["status"]} for one in further]
    return context.call("UpdateDetector", {"DetectorId": context.inputs["detectorId"], "Features": [feature]})


SPECS: Final[dict[str, Spec]] = {
    "aws:guardduty/detector:Detector": Spec(
        service="guardduty",
        create=Call(operation="CreateDetector"),
        id="DetectorId",
        defaults={"enable": True},
        outputs={
            "arn": "arn:{partition}:guardduty:{region}:{account}:detector/{id}",
            "accountId": "{account}",
        },
    ),
    "aws:guardduty/detectorFeature:DetectorFeature": Spec(
        service="guardduty",
        create=Code(_switch_on, reads=("detectorId", "name", "status", "additionalConfigurations")),
        id="{detectorId}/{name}",
    ),
}
