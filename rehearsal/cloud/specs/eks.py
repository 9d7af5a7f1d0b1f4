"""Kubernetes: clusters and groups of nodes. What runs in them nothing here emulates."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.creation import Call, CreateContext, Spec


def _cluster(inputs: dict[str, Any]) -> dict[str, Any]:
    """The network and the logs have other names and shapes for AWS."""
    aside = ("vpcConfig", "enabledClusterLogTypes", "encryptionConfig")
    shaped = {key: value for key, value in inputs.items() if key not in aside}
    if "vpcConfig" in inputs:
        shaped["resourcesVpcConfig"] = inputs["vpcConfig"]
    if "enabledClusterLogTypes" in inputs:
        shaped["logging"] = {"clusterLogging": [{"types": inputs["enabledClusterLogTypes"], "enabled": True}]}
    if "encryptionConfig" in inputs:
        shaped["encryptionConfig"] = [inputs["encryptionConfig"]]
    return shaped


def _of_cluster(name: str) -> Any:
    return lambda context: _part(context, name)


def _part(context: CreateContext, name: str) -> Any:
    return context.response.get("cluster", {}).get(name)


SPECS: Final[dict[str, Spec]] = {
    "aws:eks/cluster:Cluster": Spec(
        service="eks",
        create=Call(operation="CreateCluster", reshape=_cluster),
        id="{name}",
        autoname="name",
        left_out={"defaultAddonsToRemoves": "removed by the provider once the cluster is there"},
        outputs={
            "arn": "cluster.arn",
            "endpoint": "cluster.endpoint",
            "status": "cluster.status",
            "version": "cluster.version",
            "platformVersion": "cluster.platformVersion",
            "certificateAuthority": _of_cluster("certificateAuthority"),
            "certificateAuthorities": lambda context: [_part(context, "certificateAuthority") or {}],
            "identities": lambda context: [
                {"oidcs": [{"issuer": (_part(context, "identity") or {}).get("oidc", {}).get("issuer")}]}
            ],
        },
    ),
    "aws:eks/nodeGroup:NodeGroup": Spec(
        service="eks",
        create=Call(
            operation="CreateNodegroup",
            takes={"nodeGroupName": "nodegroupName", "nodeRoleArn": "nodeRole", "subnetIds": "subnets"},
        ),
        id="{clusterName}:{nodeGroupName}",
        autoname="nodeGroupName",
        left_out={"forceUpdateVersion": "read by the provider when the version changes"},
        outputs={"arn": "nodegroup.nodegroupArn", "status": "nodegroup.status"},
    ),
}
