"""Threat detection."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.creation import Call, Code, Making, Spec


def _switch_on(making: Making) -> dict[str, Any]:
    feature: dict[str, Any] = {"Name": making.inputs["name"], "Status": making.inputs["status"]}
    if further := making.inputs.get("additionalConfigurations"):
        feature["AdditionalConfiguration"] = [{"Name": one["name"], "Status": one["status"]} for one in further]
    return making.call("UpdateDetector", {"DetectorId": making.inputs["detectorId"], "Features": [feature]})


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
