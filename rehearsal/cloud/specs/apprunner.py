"""App Runner. The emulator has none of it: each request is checked and answered from the model."""

from __future__ import annotations

import hashlib
from typing import Any, Final

from rehearsal.cloud.creation import Call, CreateContext, Spec

_ABSENT: Final = "the emulator does not know App Runner"


def _id(context: CreateContext) -> str:
    """Made up here, because what refers to it is checked against AWS's pattern of such ids."""
    return hashlib.sha256(context.urn.encode()).hexdigest()[:32]


def _arn(kind: str, name: str) -> Any:
    def arn(context: CreateContext) -> str:
        numbered = "" if kind == "service" else "/1"
        return context.find(
            f"arn:{{partition}}:apprunner:{{region}}:{{account}}:{kind}/{{{name}}}{numbered}/{_id(context)}"
        )

    return arn


SPECS: Final[dict[str, Spec]] = {
    "aws:apprunner/autoScalingConfigurationVersion:AutoScalingConfigurationVersion": Spec(
        service="apprunner",
        create=Call(operation="CreateAutoScalingConfiguration"),
        id=_arn("autoscalingconfiguration", "autoScalingConfigurationName"),
        outputs={
            "arn": _arn("autoscalingconfiguration", "autoScalingConfigurationName"),
            "autoScalingConfigurationRevision": lambda _context: 1,
        },
        validated_only=lambda _inputs: _ABSENT,
    ),
    "aws:apprunner/observabilityConfiguration:ObservabilityConfiguration": Spec(
        service="apprunner",
        create=Call(operation="CreateObservabilityConfiguration"),
        id=_arn("observabilityconfiguration", "observabilityConfigurationName"),
        outputs={"arn": _arn("observabilityconfiguration", "observabilityConfigurationName")},
        validated_only=lambda _inputs: _ABSENT,
    ),
    "aws:apprunner/vpcConnector:VpcConnector": Spec(
        service="apprunner",
        create=Call(operation="CreateVpcConnector"),
        id=_arn("vpcconnector", "vpcConnectorName"),
        outputs={"arn": _arn("vpcconnector", "vpcConnectorName")},
        validated_only=lambda _inputs: _ABSENT,
    ),
    "aws:apprunner/service:Service": Spec(
        service="apprunner",
        create=Call(operation="CreateService"),
        id=_arn("service", "serviceName"),
        outputs={
            "arn": _arn("service", "serviceName"),
            "serviceId": _id,
            "serviceUrl": lambda context: f"{_id(context)[:10]}.{context.region}.awsapprunner.com",
            "status": lambda _context: "RUNNING",
        },
        validated_only=lambda _inputs: _ABSENT,
    ),
}
