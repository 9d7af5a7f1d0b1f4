"""Clusters, task definitions and services. The emulator starts no task: it keeps what it was asked for."""

from __future__ import annotations

import json
from typing import Any, Final

from rehearsal.cloud.creation import Call, CreateContext, Spec
from rehearsal.lint import shapes
from rehearsal.problems import RequestError


def _task(inputs: dict[str, Any]) -> dict[str, Any]:
    """Containers come as JSON text; a volume without a source is an empty folder on the task's disk."""
    try:
        containers = json.loads(inputs["containerDefinitions"])
    except ValueError as error:
        raise RequestError(f"containerDefinitions: is not JSON: {error}") from error
    return {**inputs, "containerDefinitions": containers}


def _providers(inputs: dict[str, Any]) -> dict[str, Any]:
    """AWS requires both lists, and the provider sends an empty one for what nobody says."""
    return {"capacityProviders": [], "defaultCapacityProviderStrategies": [], **inputs}


def _service(inputs: dict[str, Any]) -> dict[str, Any]:
    """What the provider spreads over arguments is one deployment configuration for AWS."""
    moved = {
        "deploymentMaximumPercent", "deploymentMinimumHealthyPercent", "deploymentCircuitBreaker",
        "deploymentConfiguration", "networkConfiguration", "alarms",
    }  # fmt: skip
    shaped = {key: value for key, value in inputs.items() if key not in moved}
    deployment = {
        "maximumPercent": inputs.get("deploymentMaximumPercent"),
        "minimumHealthyPercent": inputs.get("deploymentMinimumHealthyPercent"),
        "deploymentCircuitBreaker": inputs.get("deploymentCircuitBreaker"),
        "alarms": inputs.get("alarms"),
        **inputs.get("deploymentConfiguration", {}),
    }
    deployment = {key: value for key, value in deployment.items() if value is not None}
    if deployment:
        shaped["deploymentConfiguration"] = deployment
    if "networkConfiguration" in inputs:
        network = inputs["networkConfiguration"]
        public = "ENABLED" if network.get("assignPublicIp") else "DISABLED"
        shaped["networkConfiguration"] = {"awsvpcConfiguration": {**network, "assignPublicIp": public}}
    return shaped


def _express_address(context: CreateContext) -> list[dict[str, str]]:
    name = context.inputs["serviceName"]
    return [{"accessType": "PUBLIC", "endpoint": f"{name}.ecs.{context.region}.on.aws"}]


SPECS: Final[dict[str, Spec]] = {
    "aws:ecs/cluster:Cluster": Spec(
        service="ecs",
        create=Call(operation="CreateCluster", takes={"name": "clusterName"}),
        id="cluster.clusterArn",
        autoname="name",
        outputs={"arn": "cluster.clusterArn"},
    ),
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": Spec(
        service="ecs",
        create=Call(
            operation="PutClusterCapacityProviders",
            reshape=_providers,
            takes={
                "clusterName": "cluster",
                "defaultCapacityProviderStrategies": "defaultCapacityProviderStrategy",
            },
        ),
        id="{clusterName}",
    ),
    "aws:ecs/taskDefinition:TaskDefinition": Spec(
        service="ecs",
        create=Call(operation="RegisterTaskDefinition", reshape=_task),
        id="{family}",
        left_out={"trackLatest": "which revision the provider reads"},
        outputs={
            "arn": "taskDefinition.taskDefinitionArn",
            "arnWithoutRevision": "arn:{partition}:ecs:{region}:{account}:task-definition/{family}",
            "revision": "taskDefinition.revision",
        },
    ),
    "aws:ecs/service:Service": Spec(
        service="ecs",
        create=Call(
            operation="CreateService",
            takes={
                "name": "serviceName",
                "capacityProviderStrategies": "capacityProviderStrategy",
                "iamRole": "role",
                "orderedPlacementStrategies": "placementStrategy",
            },
            reshape=_service,
        ),
        id="service.serviceArn",
        autoname="name",
        left_out={
            "forceDelete": "read by the provider on deletion",
            "forceNewDeployment": "read by the provider on updates",
            "sigintRollback": "what the provider does when it is interrupted",
            "triggers": "read by the provider on updates",
            "waitForSteadyState": "how long the provider waits",
        },
        outputs={"arn": "service.serviceArn"},
    ),
    "aws:ecs/expressGatewayService:ExpressGatewayService": Spec(
        service="ecs",
        create=Call(operation="CreateExpressGatewayService", reshape=shapes.express),
        id="arn:{partition}:ecs:{region}:{account}:service/{cluster}/{serviceName}",
        defaults={"cluster": "default"},
        left_out={
            "waitForSteadyState": "how long the provider waits",
            "timeouts": "how long the provider waits",
        },
        outputs={
            "serviceArn": "arn:{partition}:ecs:{region}:{account}:service/{cluster}/{serviceName}",
            "serviceRevisionArn": "arn:{partition}:ecs:{region}:{account}:service-revision/{cluster}/{serviceName}/1",
            "ingressPaths": _express_address,
        },
        validated_only=lambda _inputs: "the emulator knows no Express Mode",
    ),
}
