"""OpenSearch Serverless. moto keeps collections and what encrypts them; nothing answers at a collection's address."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.creation import Call, Spec


def _group(inputs: dict[str, Any]) -> dict[str, Any]:
    """The provider has a list of one, and writes OCU as a word."""
    limits = inputs.get("capacityLimits")
    if not limits:
        return inputs
    return {**inputs, "capacityLimits": {name.replace("InOcu", "InOCU"): most for name, most in limits[0].items()}}


SPECS: Final[dict[str, Spec]] = {
    "aws:opensearch/serverlessSecurityPolicy:ServerlessSecurityPolicy": Spec(
        service="opensearchserverless",
        create=Call(operation="CreateSecurityPolicy"),
        id="{name}",
        outputs={"policyVersion": "securityPolicyDetail.policyVersion"},
    ),
    "aws:opensearch/serverlessAccessPolicy:ServerlessAccessPolicy": Spec(
        service="opensearchserverless",
        create=Call(operation="CreateAccessPolicy"),
        id="{name}",
        outputs={"policyVersion": "accessPolicyDetail.policyVersion"},
        validated_only=lambda _inputs: "the emulator has no data access policies",
    ),
    "aws:opensearch/serverlessVpcEndpoint:ServerlessVpcEndpoint": Spec(
        service="opensearchserverless",
        create=Call(operation="CreateVpcEndpoint"),
        id="createVpcEndpointDetail.id",
    ),
    "aws:opensearch/serverlessCollectionGroup:ServerlessCollectionGroup": Spec(
        service="opensearchserverless",
        create=Call(operation="CreateCollectionGroup", reshape=_group),
        id="createCollectionGroupDetail.id",
        outputs={"arn": "createCollectionGroupDetail.arn"},
        validated_only=lambda _inputs: "the emulator has no groups of collections",
    ),
    "aws:opensearch/serverlessCollection:ServerlessCollection": Spec(
        service="opensearchserverless",
        create=Call(operation="CreateCollection"),
        id="createCollectionDetail.id",
        outputs={
            "arn": "createCollectionDetail.arn",
            "kmsKeyArn": "createCollectionDetail.kmsKeyArn",
            "collectionEndpoint": "https://{id}.{region}.aoss.amazonaws.com",
            "dashboardEndpoint": "https://{id}.{region}.aoss.amazonaws.com/_dashboards",
        },
    ),
}
