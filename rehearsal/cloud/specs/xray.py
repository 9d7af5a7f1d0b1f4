"""X-Ray: groups of traces and sampling rules."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.creation import Call, CreateContext, Spec

_RULE: Final = {
    "fixedRate": "FixedRate",
    "host": "Host",
    "httpMethod": "HTTPMethod",
    "priority": "Priority",
    "reservoirSize": "ReservoirSize",
    "resourceArn": "ResourceARN",
    "ruleName": "RuleName",
    "serviceName": "ServiceName",
    "serviceType": "ServiceType",
    "urlPath": "URLPath",
    "version": "Version",
    "attributes": "Attributes",
}


def _tags(context: CreateContext) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(context.tags.items())]


def _rule(request: dict[str, Any]) -> dict[str, Any]:
    """AWS has the rule in a structure of its own."""
    rule = {_RULE[key]: value for key, value in request.items() if key in _RULE}
    return {**{key: value for key, value in request.items() if key not in _RULE}, "SamplingRule": rule}


_ABSENT: Final = "the emulator has no X-Ray"

SPECS: Final[dict[str, Spec]] = {
    "aws:xray/group:Group": Spec(
        service="xray",
        create=Call(operation="CreateGroup", fixed={"Tags": _tags}),
        id="arn:{partition}:xray:{region}:{account}:group/{groupName}/REHEARSAL",
        outputs={"arn": "{id}"},
        validated_only=lambda _inputs: _ABSENT,
    ),
    "aws:xray/samplingRule:SamplingRule": Spec(
        service="xray",
        create=Call(operation="CreateSamplingRule", fixed={"Tags": _tags}, reshape=_rule),
        id="{ruleName}",
        outputs={"arn": "arn:{partition}:xray:{region}:{account}:sampling-rule/{ruleName}"},
        validated_only=lambda _inputs: _ABSENT,
    ),
}
