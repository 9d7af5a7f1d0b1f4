"""File systems that many programs mount at once."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.creation import Call, CreateContext, Spec

_ARN: Final = "arn:{partition}:elasticfilesystem:{region}:{account}:"
_RULES: Final = {
    "transitionToIa": "TransitionToIA",
    "transitionToPrimaryStorageClass": "TransitionToPrimaryStorageClass",
    "transitionToArchive": "TransitionToArchive",
}


def _system(inputs: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in inputs.items() if key != "lifecyclePolicies"}


def _policies(inputs: dict[str, Any]) -> dict[str, Any]:
    return {
        "lifecyclePolicies": [
            {_RULES[key]: value for key, value in policy.items()} for policy in inputs["lifecyclePolicies"]
        ]
    }


def _token(context: CreateContext) -> str:
    return context.urn[-64:]


def _tags(context: CreateContext) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(context.tags.items())]


SPECS: Final[dict[str, Spec]] = {
    "aws:efs/fileSystem:FileSystem": Spec(
        service="efs",
        create=Call(
            operation="CreateFileSystem",
            takes={"provisionedThroughputInMibps": "ProvisionedThroughputInMibps"},
            fixed={"Tags": _tags},
            reshape=_system,
        ),
        id="FileSystemId",
        autoname="creationToken",
        then=[
            Call(
                operation="PutLifecycleConfiguration",
                takes={"lifecyclePolicies": "LifecyclePolicies"},
                fixed={"FileSystemId": "{id}"},
                reshape=_policies,
            )
        ],
        outputs={
            "arn": _ARN + "file-system/{id}",
            "dnsName": "{id}.efs.{region}.amazonaws.com",
            "numberOfMountTargets": lambda _context: 0,
        },
    ),
    "aws:efs/mountTarget:MountTarget": Spec(
        service="efs",
        create=Call(operation="CreateMountTarget"),
        id="MountTargetId",
        outputs={
            "dnsName": "{fileSystemId}.efs.{region}.amazonaws.com",
            "fileSystemArn": _ARN + "file-system/{fileSystemId}",
            "ipAddress": "IpAddress",
            "networkInterfaceId": "NetworkInterfaceId",
            "availabilityZoneId": "AvailabilityZoneId",
            "availabilityZoneName": "AvailabilityZoneName",
        },
    ),
    "aws:efs/accessPoint:AccessPoint": Spec(
        service="efs",
        create=Call(
            operation="CreateAccessPoint", fixed={"ClientToken": lambda context: context.urn[-64:], "Tags": _tags}
        ),
        id="AccessPointId",
        outputs={"arn": "AccessPointArn", "fileSystemArn": _ARN + "file-system/{fileSystemId}"},
    ),
}
