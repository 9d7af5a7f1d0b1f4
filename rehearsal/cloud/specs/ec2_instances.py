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


_OF_TEMPLATE: Final = (
    "blockDeviceMappings", "creditSpecification", "disableApiStop", "disableApiTermination", "ebsOptimized",
    "iamInstanceProfile", "imageId", "instanceInitiatedShutdownBehavior", "instanceType", "keyName",
    "maintenanceOptions", "metadataOptions", "monitoring", "networkInterfaces", "placement", "tagSpecifications",
    "userData", "vpcSecurityGroupIds", "securityGroupNames", "cpuOptions", "hibernationOptions", "enclaveOptions",
    "capacityReservationSpecification", "instanceMarketOptions", "privateDnsNameOptions",
)  # fmt: skip


def _template(context: CreateContext) -> dict[str, Any]:
    """What an instance is made of is one structure for AWS."""
    data = {key: value for key, value in context.inputs.items() if key in _OF_TEMPLATE}
    names = {"vpcSecurityGroupIds": "securityGroupIds", "securityGroupNames": "securityGroups"}
    shaped: dict[str, Any] = {names.get(key, key): value for key, value in data.items()}
    if "ebsOptimized" in shaped:
        # The provider takes it as a text.
        shaped["ebsOptimized"] = str(shaped["ebsOptimized"]).lower() == "true"
    if "networkInterfaces" in shaped:
        inner = {"securityGroups": "groups", "ipv4Addresses": "privateIpAddresses"}
        shaped["networkInterfaces"] = [
            {inner.get(key, key): _truth(value) for key, value in one.items()} for one in shaped["networkInterfaces"]
        ]
    if "blockDeviceMappings" in shaped:
        shaped["blockDeviceMappings"] = [
            {key: {k: _truth(v) for k, v in value.items()} if key == "ebs" else value for key, value in one.items()}
            for one in shaped["blockDeviceMappings"]
        ]
    if "tagSpecifications" in shaped:
        shaped["tagSpecifications"] = [
            {
                "resourceType": one.get("resourceType"),
                "tags": [{"key": key, "value": value} for key, value in sorted(one.get("tags", {}).items())],
            }
            for one in shaped["tagSpecifications"]
        ]
    request = context.request(
        "CreateLaunchTemplate",
        {
            "launchTemplateName": context.inputs["name"],
            **({"versionDescription": context.inputs["description"]} if "description" in context.inputs else {}),
            "launchTemplateData": shaped,
        },
        {},
    )
    request.setdefault("LaunchTemplateData", {})
    if context.tags:
        request["TagSpecifications"] = [
            {
                "ResourceType": "launch-template",
                "Tags": [{"Key": key, "Value": value} for key, value in sorted(context.tags.items())],
            }
        ]
    return context.call("CreateLaunchTemplate", request)["LaunchTemplate"]


def _truth(value: Any) -> Any:
    """The provider takes some truth values as texts, so that none is one, too."""
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


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
    "aws:ec2/keyPair:KeyPair": Spec(
        service="ec2",
        create=Call(operation="ImportKeyPair", takes={"publicKey": "PublicKeyMaterial"}),
        id="KeyName",
        autoname="keyName",
        outputs={
            "arn": _ARN + "key-pair/{id}",
            "fingerprint": "KeyFingerprint",
            "keyPairId": "KeyPairId",
            "keyType": lambda context: "ed25519" if "ed25519" in str(context.inputs.get("publicKey")) else "rsa",
        },
        tagging="key-pair",
    ),
    "aws:ec2/launchTemplate:LaunchTemplate": Spec(
        service="ec2",
        create=Code(_template, reads=("name", "description", *_OF_TEMPLATE)),
        id="LaunchTemplateId",
        autoname="name",
        left_out={
            "updateDefaultVersion": "read by the provider when the template changes",
            "defaultVersion": "read by the provider when the template changes",
        },
        outputs={
            "arn": _ARN + "launch-template/{id}",
            "latestVersion": lambda _context: 1,
            "defaultVersion": lambda _context: 1,
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
