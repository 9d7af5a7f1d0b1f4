"""Groups of instances."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.creation import Call, Code, CreateContext, Spec

_ARN: Final = "arn:{partition}:autoscaling:{region}:{account}:"
_RENAMES: Final = {
    "name": "AutoScalingGroupName",
    "launchConfiguration": "LaunchConfigurationName",
    "loadBalancers": "LoadBalancerNames",
    "targetGroupArns": "TargetGroupARNs",
    "protectFromScaleIn": "NewInstancesProtectedFromScaleIn",
    "serviceLinkedRoleArn": "ServiceLinkedRoleARN",
}
_PLAIN: Final = (
    *_RENAMES, "minSize", "maxSize", "desiredCapacity", "desiredCapacityType", "availabilityZones", "capacityRebalance",
    "context", "defaultCooldown", "defaultInstanceWarmup", "healthCheckGracePeriod", "healthCheckType",
    "maxInstanceLifetime", "placementGroup", "terminationPolicies",
)  # fmt: skip
_TEMPLATE: Final = {"id": "LaunchTemplateId", "name": "LaunchTemplateName", "version": "Version"}


def _group(context: CreateContext) -> dict[str, Any]:
    """Subnets are one text for AWS, the template is named by what is known of it, and tags say whether instances get
    them, so the group takes no default ones."""
    inputs = {key: value for key, value in context.inputs.items() if key in _PLAIN}
    request = context.request("CreateAutoScalingGroup", inputs, _RENAMES)
    if context.inputs.get("vpcZoneIdentifiers"):
        request["VPCZoneIdentifier"] = ",".join(context.inputs["vpcZoneIdentifiers"])
    if "launchTemplate" in context.inputs:
        request["LaunchTemplate"] = {_TEMPLATE[key]: value for key, value in context.inputs["launchTemplate"].items()}
    if context.inputs.get("tags"):
        request["Tags"] = [
            {
                "Key": tag["key"],
                "Value": tag["value"],
                "PropagateAtLaunch": tag["propagateAtLaunch"],
                "ResourceId": context.inputs["name"],
                "ResourceType": "auto-scaling-group",
            }
            for tag in context.inputs["tags"]
        ]
    response = context.call("CreateAutoScalingGroup", request)
    if "enabledMetrics" in context.inputs:
        metrics = {"Metrics": context.inputs["enabledMetrics"], "Granularity": "1Minute"}
        context.call("EnableMetricsCollection", {"AutoScalingGroupName": context.inputs["name"], **metrics})
    return response


SPECS: Final[dict[str, Spec]] = {
    "aws:autoscaling/group:Group": Spec(
        service="autoscaling",
        create=Code(_group, reads=(*_PLAIN, "vpcZoneIdentifiers", "launchTemplate", "enabledMetrics")),
        id="{name}",
        autoname="name",
        left_out={
            "forceDelete": "read by the provider on deletion",
            "forceDeleteWarmPool": "read by the provider on deletion",
            "waitForCapacityTimeout": "how long the provider waits",
            "waitForElbCapacity": "what the provider waits for",
            "minElbCapacity": "what the provider waits for",
            "ignoreFailedScalingActivities": "what the provider waits for",
            "instanceRefresh": "read by the provider when the template changes",
        },
        outputs={
            # AWS puts an id of its own in the middle.
            "arn": _ARN + "autoScalingGroup:rehearsed:autoScalingGroupName/{id}",
        },
    ),
    "aws:autoscaling/policy:Policy": Spec(
        service="autoscaling",
        create=Call(
            operation="PutScalingPolicy",
            takes={"name": "PolicyName", "cooldown": "Cooldown", "policyType": "PolicyType"},
        ),
        id="{name}",
        autoname="name",
        outputs={"arn": _ARN + "scalingPolicy:rehearsed:autoScalingGroupName/{autoscalingGroupName}:policyName/{id}"},
    ),
}
