"""What watches for unusual costs, and the tags on the bill."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.creation import Call, CreateContext, Spec


def _monitor(inputs: dict[str, Any]) -> dict[str, Any]:
    return {"anomalyMonitor": {_renamed(key, "monitorName"): value for key, value in inputs.items()}}


def _subscription(inputs: dict[str, Any]) -> dict[str, Any]:
    """The provider spells lists in the plural, and a dimension in the singular."""
    shaped = {_renamed(key, "subscriptionName"): value for key, value in inputs.items()}
    if "thresholdExpression" in shaped:
        shaped["thresholdExpression"] = _expression(shaped["thresholdExpression"])
    if "monitorArnLists" in shaped:
        shaped["monitorArnList"] = shaped.pop("monitorArnLists")
    return {"anomalySubscription": shaped}


def _renamed(key: str, name: str) -> str:
    return name if key == "name" else key


def _expression(given: dict[str, Any]) -> dict[str, Any]:
    spelt = {"ands": "and", "ors": "or", "dimension": "dimensions", "costCategory": "costCategories"}
    return {
        spelt.get(key, key): [_expression(one) for one in value] if key in ("ands", "ors") else value
        for key, value in given.items()
    }


def _tags(context: CreateContext) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(context.tags.items())]


SPECS: Final[dict[str, Spec]] = {
    "aws:costexplorer/anomalyMonitor:AnomalyMonitor": Spec(
        service="ce",
        create=Call(operation="CreateAnomalyMonitor", fixed={"ResourceTags": _tags}, reshape=_monitor),
        id="arn:{partition}:ce::{account}:anomalymonitor/{name}",
        autoname="name",
        outputs={"arn": "{id}"},
        validated_only=lambda _inputs: "the emulator looks for no unusual costs; AWS allows one for all services",
    ),
    "aws:costexplorer/anomalySubscription:AnomalySubscription": Spec(
        service="ce",
        create=Call(operation="CreateAnomalySubscription", fixed={"ResourceTags": _tags}, reshape=_subscription),
        id="arn:{partition}:ce::{account}:anomalysubscription/{name}",
        autoname="name",
        outputs={"arn": "{id}", "accountId": "{account}"},
        validated_only=lambda _inputs: "the emulator looks for no unusual costs",
    ),
    "aws:costexplorer/costAllocationTag:CostAllocationTag": Spec(
        service="ce",
        create=Call(
            operation="UpdateCostAllocationTagsStatus",
            reshape=lambda inputs: {"costAllocationTagsStatus": [inputs]},
        ),
        id="{tagKey}",
        outputs={"type": lambda _making: "UserDefined"},
        validated_only=lambda _inputs: "the emulator writes no bills; AWS refuses a tag on the day of its first use",
    ),
}
