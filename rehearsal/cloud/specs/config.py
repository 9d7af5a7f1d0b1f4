"""The record of configuration, and the rules that judge it."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.creation import Call, Code, CreateContext, Spec


def _recorder(inputs: dict[str, Any]) -> dict[str, Any]:
    recorder = {key: value for key, value in inputs.items() if key != "roleArn"}
    if "roleArn" in inputs:
        recorder["roleARN"] = inputs["roleArn"]
    group = dict(recorder.get("recordingGroup") or {})
    if strategies := group.pop("recordingStrategies", None):
        group["recordingStrategy"] = strategies
    if group:
        recorder["recordingGroup"] = group
    return {"configurationRecorder": recorder}


def _channel(inputs: dict[str, Any]) -> dict[str, Any]:
    channel = {key: value for key, value in inputs.items() if key not in ("snapshotDeliveryProperties", "snsTopicArn")}
    if "snapshotDeliveryProperties" in inputs:
        channel["configSnapshotDeliveryProperties"] = inputs["snapshotDeliveryProperties"]
    if "snsTopicArn" in inputs:
        channel["snsTopicARN"] = inputs["snsTopicArn"]
    return {"deliveryChannel": channel}


def _start_or_stop(context: CreateContext) -> dict[str, Any]:
    operation = "StartConfigurationRecorder" if context.inputs["isEnabled"] else "StopConfigurationRecorder"
    return context.call(operation, {"ConfigurationRecorderName": context.inputs["name"]})


def _rule(inputs: dict[str, Any]) -> dict[str, Any]:
    rule = {("configRuleName" if key == "name" else key): value for key, value in inputs.items()}
    return {"configRule": rule}


SPECS: Final[dict[str, Spec]] = {
    "aws:cfg/recorder:Recorder": Spec(
        service="config",
        create=Call(operation="PutConfigurationRecorder", reshape=_recorder),
        id="{name}",
        defaults={"name": "default"},
    ),
    "aws:cfg/deliveryChannel:DeliveryChannel": Spec(
        service="config",
        create=Call(operation="PutDeliveryChannel", reshape=_channel),
        id="{name}",
        defaults={"name": "default"},
    ),
    "aws:cfg/recorderStatus:RecorderStatus": Spec(
        service="config", create=Code(_start_or_stop, reads=("name", "isEnabled")), id="{name}"
    ),
    "aws:cfg/rule:Rule": Spec(
        service="config",
        create=Call(operation="PutConfigRule", reshape=_rule),
        id="{name}",
        autoname="name",
        outputs={
            "arn": "arn:{partition}:config:{region}:{account}:config-rule/config-rule-{name}",
            "ruleId": "config-rule-{name}",
        },
    ),
}
