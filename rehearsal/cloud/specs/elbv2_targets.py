"""Target groups and listener rules. A rule's conditions and actions have names of their own in each place."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud import moto_patches
from rehearsal.cloud.creation import Code, CreateContext, Spec

_HEALTH: Final = {
    "enabled": "HealthCheckEnabled",
    "healthyThreshold": "HealthyThresholdCount",
    "interval": "HealthCheckIntervalSeconds",
    "path": "HealthCheckPath",
    "port": "HealthCheckPort",
    "protocol": "HealthCheckProtocol",
    "timeout": "HealthCheckTimeoutSeconds",
    "unhealthyThreshold": "UnhealthyThresholdCount",
}
_ATTRIBUTES: Final = {
    "deregistrationDelay": "deregistration_delay.timeout_seconds",
    "loadBalancingAlgorithmType": "load_balancing.algorithm.type",
    "loadBalancingAnomalyMitigation": "load_balancing.algorithm.anomaly_mitigation",
    "loadBalancingCrossZoneEnabled": "load_balancing.cross_zone.enabled",
    "slowStart": "slow_start.duration_seconds",
}
_PLAIN: Final = ("name", "port", "protocol", "protocolVersion", "vpcId", "targetType", "ipAddressType")


def _target_group(context: CreateContext) -> dict[str, Any]:
    inputs = {key: value for key, value in context.inputs.items() if key in _PLAIN}
    request = context.request("CreateTargetGroup", inputs, {})
    health = dict(context.inputs.get("healthCheck", {}))
    if "matcher" in health:
        request["Matcher"] = {"HttpCode": health.pop("matcher")}
    request.update(context.request("CreateTargetGroup", health, _HEALTH))
    if context.tags:
        request["Tags"] = _pairs(context.tags)
    response = context.call("CreateTargetGroup", request)
    attributes = [
        {"Key": attribute, "Value": _text(context.inputs[name])}
        for name, attribute in _ATTRIBUTES.items()
        if name in context.inputs
    ]
    if attributes:
        arn = response["TargetGroups"][0]["TargetGroupArn"]
        context.call("ModifyTargetGroupAttributes", {"TargetGroupArn": arn, "Attributes": attributes})
    return response


def _rule(context: CreateContext) -> dict[str, Any]:
    request: dict[str, Any] = {
        "ListenerArn": context.inputs["listenerArn"],
        "Priority": int(context.inputs["priority"]),
        "Conditions": [_condition(condition) for condition in context.inputs["conditions"]],
        "Actions": [_action(context, action) for action in context.inputs["actions"]],
    }
    if any("JwtValidationConfig" in action for action in request["Actions"]):
        moto_patches.apply_to_judged_tokens()
    if context.tags:
        request["Tags"] = _pairs(context.tags)
    return context.call("CreateRule", request)


def _attachment(context: CreateContext) -> dict[str, Any]:
    target: dict[str, Any] = {"Id": context.inputs["targetId"]}
    if "port" in context.inputs:
        target["Port"] = int(context.inputs["port"])
    if "availabilityZone" in context.inputs:
        target["AvailabilityZone"] = context.inputs["availabilityZone"]
    return context.call("RegisterTargets", {"TargetGroupArn": context.inputs["targetGroupArn"], "Targets": [target]})


def _certificate(context: CreateContext) -> dict[str, Any]:
    certificates = [{"CertificateArn": context.inputs["certificateArn"]}]
    return context.call(
        "AddListenerCertificates", {"ListenerArn": context.inputs["listenerArn"], "Certificates": certificates}
    )


def _condition(condition: dict[str, Any]) -> dict[str, Any]:
    (kind, value), *_ = condition.items()
    fields = {
        "hostHeader": ("host-header", "HostHeaderConfig"),
        "pathPattern": ("path-pattern", "PathPatternConfig"),
        "sourceIp": ("source-ip", "SourceIpConfig"),
        "httpRequestMethod": ("http-request-method", "HttpRequestMethodConfig"),
    }
    if kind == "httpHeader":
        header = {"HttpHeaderName": value["httpHeaderName"], "Values": value["values"]}
        return {"Field": "http-header", "HttpHeaderConfig": header}
    field, config = fields[kind]
    return {"Field": field, config: {"Values": value["values"]}}


def _action(context: CreateContext, action: dict[str, Any]) -> dict[str, Any]:
    shaped = {key: value for key, value in action.items() if key != "forward"}
    names = {"fixedResponse": "FixedResponseConfig", "jwtValidation": "JwtValidationConfig"}
    names |= {"redirect": "RedirectConfig"}
    built = context.request("CreateRule", {"actions": [{names.get(k, k): v for k, v in shaped.items()}]}, {})
    result: dict[str, Any] = built["Actions"][0]
    if "forward" in action:
        forward = action["forward"]
        result["ForwardConfig"] = {
            "TargetGroups": [
                {"TargetGroupArn": group["arn"], "Weight": int(group.get("weight", 1))}
                for group in forward["targetGroups"]
            ]
        }
    return result


def _pairs(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) else str(value)


def _suffix(context: CreateContext) -> str:
    return context.response["TargetGroups"][0]["TargetGroupArn"].rpartition(":")[2]


SPECS: Final[dict[str, Spec]] = {
    "aws:lb/targetGroup:TargetGroup": Spec(
        service="elbv2",
        create=Code(_target_group, reads=(*_PLAIN, "healthCheck", *_ATTRIBUTES)),
        id=lambda context: context.response["TargetGroups"][0]["TargetGroupArn"],
        autoname="name",
        outputs={
            "arn": lambda context: context.response["TargetGroups"][0]["TargetGroupArn"],
            "arnSuffix": _suffix,
        },
    ),
    "aws:lb/targetGroupAttachment:TargetGroupAttachment": Spec(
        service="elbv2",
        create=Code(_attachment, reads=("targetGroupArn", "targetId", "port", "availabilityZone")),
        id="{targetGroupArn}-{targetId}",
    ),
    "aws:lb/listenerCertificate:ListenerCertificate": Spec(
        service="elbv2",
        create=Code(_certificate, reads=("listenerArn", "certificateArn")),
        id="{listenerArn}_{certificateArn}",
    ),
    "aws:lb/listenerRule:ListenerRule": Spec(
        service="elbv2",
        create=Code(_rule, reads=("listenerArn", "priority", "conditions", "actions")),
        id=lambda context: context.response["Rules"][0]["RuleArn"],
        outputs={"arn": lambda context: context.response["Rules"][0]["RuleArn"]},
    ),
}
