"""Instances, their volumes and their interfaces."""

from __future__ import annotations

from typing import Any, Final

from rehearsal.cloud.creation import Call, Code, CreateContext, Spec

_ARN: Final = "arn:{partition}:ec2:{region}:{account}:"

_RENAMES: Final = {"ami": "ImageId", "iamInstanceProfile": "IamInstanceProfile.Name", "subnetId": "SubnetId",
                   "vpcSecurityGroupIds": "SecurityGroupIds", "privateIp": "PrivateIpAddress",
                   "availabilityZone": "Placement.AvailabilityZone", "tenancy": "Placement.Tenancy",
                   "monitoring": "Monitoring.Enabled"}  # fmt: skip
_PLAIN: Final = (
    "instanceType", "keyName", "userData", "metadataOptions", "creditSpecification", "disableApiStop",
    "disableApiTermination", "instanceInitiatedShutdownBehavior", "ebsOptimized", "maintenanceOptions",
    *_RENAMES,
)  # fmt: skip
_OWN: Final = ("primaryNetworkInterface", "associatePublicIpAddress", "rootBlockDevice", "ebsBlockDevices")


def _run(context: CreateContext) -> dict[str, Any]:
    inputs = {key: value for key, value in context.inputs.items() if key in _PLAIN}
    request: dict[str, Any] = {"MinCount": 1, "MaxCount": 1, **context.request("RunInstances", inputs, _RENAMES)}
    interface = context.inputs.get("primaryNetworkInterface")
    if interface is not None:
        request["NetworkInterfaces"] = [{"DeviceIndex": 0, "NetworkInterfaceId": interface["networkInterfaceId"]}]
    elif "associatePublicIpAddress" in context.inputs:
        # AWS takes the subnet and the groups where the address is asked for.
        nested = {"DeviceIndex": 0, "AssociatePublicIpAddress": context.inputs["associatePublicIpAddress"]}
        for key, member in (("SubnetId", "SubnetId"), ("SecurityGroupIds", "Groups")):
            if key in request:
                nested[member] = request.pop(key)
        request["NetworkInterfaces"] = [nested]
    disks, tags = _disks(context)
    if disks:
        request["BlockDeviceMappings"] = disks
    specifications = [("instance", context.tags), ("volume", tags)]
    request["TagSpecifications"] = [
        {"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in sorted(every.items())]}
        for kind, every in specifications
        if every
    ]
    return context.call("RunInstances", {key: value for key, value in request.items() if value != []})["Instances"][0]


def _disks(context: CreateContext) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The volumes that come with the instance, and the tags of the first of them."""
    root = context.inputs.get("rootBlockDevice")
    named = [(disk["deviceName"], disk) for disk in context.inputs.get("ebsBlockDevices", [])]
    if root is not None:
        named.insert(0, (_root_device(context), root))
    mappings = [
        {
            "DeviceName": name,
            "Ebs": context.request(
                "CreateVolume",
                {key: value for key, value in disk.items() if key in ("encrypted", "kmsKeyId", "iops", "throughput")},
                {},
            )
            | {
                member: disk[key]
                for key, member in (
                    ("volumeType", "VolumeType"),
                    ("volumeSize", "VolumeSize"),
                    ("deleteOnTermination", "DeleteOnTermination"),
                )
                if key in disk
            },
        }
        for name, disk in named
    ]
    for mapping in mappings:
        ebs = mapping["Ebs"]
        if "VolumeSize" in ebs:
            ebs["VolumeSize"] = int(ebs["VolumeSize"])
    return mappings, (root or {}).get("tags", {})


def _root_device(context: CreateContext) -> str:
    images = context.call("DescribeImages", {"Filters": [{"Name": "image-id", "Values": [context.inputs["ami"]]}]})
    return next((image["RootDeviceName"] for image in images["Images"]), "/dev/xvda")


def _interface(inputs: dict[str, Any]) -> dict[str, Any]:
    addresses = inputs.get("privateIps", [])
    kept = {key: value for key, value in inputs.items() if key != "privateIps"}
    if addresses:
        kept["privateIpAddresses"] = [
            {"privateIpAddress": address, "primary": number == 0} for number, address in enumerate(addresses)
        ]
    return kept


def public_name(context: CreateContext) -> str:
    """The name that AWS gives to a public address; the provider works it out by itself."""
    zone = "compute-1" if context.region == "us-east-1" else f"{context.region}.compute"
    return f"ec2-{context.response['PublicIp'].replace('.', '-')}.{zone}.amazonaws.com"


SPECS: Final[dict[str, Spec]] = {
    "aws:ec2/instance:Instance": Spec(
        service="ec2",
        create=Code(_run, reads=(*_PLAIN, *_OWN)),
        id="InstanceId",
        left_out={
            "userDataReplaceOnChange": "read by the provider when user data changes",
            "sourceDestCheck": "belongs to the interface",
        },
        outputs={
            "arn": _ARN + "instance/{id}",
            "availabilityZone": "Placement.AvailabilityZone",
            "instanceState": lambda _making: "running",
            "privateIp": "PrivateIpAddress",
            "subnetId": "SubnetId",
        },
    ),
    "aws:ec2/networkInterface:NetworkInterface": Spec(
        service="ec2",
        create=Call(
            operation="CreateNetworkInterface",
            takes={"securityGroups": "Groups", "privateIp": "PrivateIpAddress"},
            reshape=_interface,
        ),
        id="NetworkInterface.NetworkInterfaceId",
        outputs={
            "arn": _ARN + "network-interface/{id}",
            "macAddress": "NetworkInterface.MacAddress",
            "privateIp": "NetworkInterface.PrivateIpAddress",
        },
        tagging="network-interface",
    ),
    "aws:ec2/volumeAttachment:VolumeAttachment": Spec(
        service="ec2",
        create=Call(operation="AttachVolume", takes={"deviceName": "Device"}),
        id="vai-{volumeId}-{instanceId}",
        left_out={
            "forceDetach": "read by the provider on deletion",
            "stopInstanceBeforeDetaching": "read by the provider on deletion",
        },
    ),
    "aws:ebs/volume:Volume": Spec(
        service="ec2",
        create=Call(operation="CreateVolume", takes={"type": "VolumeType"}),
        id="VolumeId",
        left_out={"finalSnapshot": "read by the provider on deletion"},
        outputs={"arn": _ARN + "volume/{id}"},
        tagging="volume",
    ),
}
