"""Application Auto Scaling: of ECS services, Aurora readers, DynamoDB tables and whatever else has a number."""

from __future__ import annotations

from typing import Final

from rehearsal.cloud.creation import Call, Spec

_SERVICE: Final = "application-autoscaling"

SPECS: Final[dict[str, Spec]] = {
    "aws:appautoscaling/target:Target": Spec(
        service=_SERVICE,
        create=Call(operation="RegisterScalableTarget", takes={"roleArn": "RoleARN"}),
        id="{resourceId}",
        outputs={"arn": "ScalableTargetARN", "roleArn": "arn:{partition}:iam::{account}:role/aws-service-role"},
    ),
    "aws:appautoscaling/policy:Policy": Spec(
        service=_SERVICE,
        create=Call(operation="PutScalingPolicy", takes={"name": "PolicyName"}),
        id="{name}",
        autoname="name",
        defaults={"policyType": "StepScaling"},
        outputs={"arn": "PolicyARN"},
    ),
    "aws:appautoscaling/scheduledAction:ScheduledAction": Spec(
        service=_SERVICE,
        create=Call(operation="PutScheduledAction", takes={"name": "ScheduledActionName"}),
        id="{name}",
        autoname="name",
        outputs={
            "arn": "arn:{partition}:autoscaling:{region}:{account}:scheduledAction:{name}",
        },
    ),
}
