"""The specs of instances, volumes, interfaces and addresses, on moto."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.cloud.lookups import look_up
from rehearsal.problems import RehearsalError
from tests.rehearsal.test_specs import TAGS, Cloud, tags_of

PARAMETER = "aws:ssm/getParameter:getParameter"
AMAZON = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
CANONICAL = "/aws/service/canonical/ubuntu/server/22.04/stable/current/amd64/hvm/ebs-gp2/ami-id"


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    made = Cloud()
    yield made
    made.account.close()


def instance(cloud: Cloud, **changes: Any) -> Any:
    inputs = {
        "ami": look_up(cloud.account, "ap-northeast-1", PARAMETER, {"name": AMAZON})["insecureValue"],
        "instanceType": "t3.micro", "userDataReplaceOnChange": True, **changes,
    }  # fmt: skip
    return cloud.make("aws:ec2/instance:Instance", **inputs)


def described(cloud: Cloud, identifier: str) -> dict[str, Any]:
    return cloud.ask("ec2", "DescribeInstances", InstanceIds=[identifier])["Reservations"][0]["Instances"][0]


def test_an_image_is_found_in_a_region_of_which_the_emulator_has_no_parameters(cloud: Cloud) -> None:
    region = "mx-central-1"
    with pytest.raises(ClientError, match="ParameterNotFound"):
        cloud.account.client("ssm", region).get_parameter(Name=AMAZON)
    image = look_up(cloud.account, region, PARAMETER, {"name": AMAZON})["value"]
    (known,) = cloud.account.call("ec2", "DescribeImages", region, {"ImageIds": [image]})["Images"]
    assert known["ImageId"] == image
    with pytest.raises(RehearsalError, match="ParameterNotFound"):
        look_up(cloud.account, region, PARAMETER, {"name": AMAZON.replace("al2023", "al2032")})


def test_an_instance_takes_the_interface_and_its_address(cloud: Cloud) -> None:
    subnet = cloud.subnet()
    group = cloud.make("aws:ec2/securityGroup:SecurityGroup", name="host", description="x").id
    interface = cloud.make("aws:ec2/networkInterface:NetworkInterface", subnetId=subnet, securityGroups=[group])
    address = cloud.make("aws:ec2/eip:Eip", domain="vpc", networkInterface=interface.id)
    made = instance(
        cloud,
        primaryNetworkInterface={"networkInterfaceId": interface.id},
        userData="#cloud-config\n{}",
        metadataOptions={"httpTokens": "required", "httpPutResponseHopLimit": 1.0},
        creditSpecification={"cpuCredits": "standard"},
        rootBlockDevice={"volumeType": "gp3", "volumeSize": 12.0, "encrypted": True, "tags": {"Name": "root"}},
    )
    found = described(cloud, made.id)
    assert [one["NetworkInterfaceId"] for one in found["NetworkInterfaces"]] == [interface.id]
    assert [one["GroupId"] for one in found["NetworkInterfaces"][0]["Groups"]] == [group]
    (associated,) = cloud.ask("ec2", "DescribeAddresses", AllocationIds=[address.id])["Addresses"]
    assert associated["NetworkInterfaceId"] == interface.id
    ip = address.outputs["publicIp"].replace(".", "-")
    assert address.outputs["publicDns"] == f"ec2-{ip}.ap-northeast-1.compute.amazonaws.com"
    kept = cloud.ask("ec2", "DescribeInstanceAttribute", InstanceId=made.id, Attribute="userData")["UserData"]["Value"]
    assert base64.b64decode(kept) == b"#cloud-config\n{}"
    (mapping,) = found["BlockDeviceMappings"]
    (root,) = cloud.ask("ec2", "DescribeVolumes", VolumeIds=[mapping["Ebs"]["VolumeId"]])["Volumes"]
    assert (root["Size"], root["Encrypted"], root["VolumeType"]) == (12, True, "gp3")
    assert tags_of(found["Tags"]) == TAGS


def test_an_instance_runs_with_the_role_of_its_profile(cloud: Cloud) -> None:
    role = cloud.make("aws:iam/role:Role", name="host", assumeRolePolicy='{"Version": "2012-10-17", "Statement": []}')
    profile = cloud.make("aws:iam/instanceProfile:InstanceProfile", name="host", role=role.id)
    made = instance(cloud, iamInstanceProfile="host")
    assert described(cloud, made.id)["IamInstanceProfile"]["Arn"] == profile.outputs["arn"]
    found = cloud.ask("iam", "GetInstanceProfile", InstanceProfileName="host")["InstanceProfile"]
    assert [one["RoleName"] for one in found["Roles"]] == ["host"]


def test_a_volume_is_attached_under_its_name(cloud: Cloud) -> None:
    made = instance(cloud)
    zone = made.outputs["availabilityZone"]
    volume = cloud.make(
        "aws:ebs/volume:Volume", availabilityZone=zone, size=8.0, type="gp3", encrypted=True, finalSnapshot=True
    )
    cloud.make(
        "aws:ec2/volumeAttachment:VolumeAttachment",
        deviceName="/dev/sdf", instanceId=made.id, volumeId=volume.id, skipDestroy=True,
    )  # fmt: skip
    (found,) = cloud.ask("ec2", "DescribeVolumes", VolumeIds=[volume.id])["Volumes"]
    assert [(one["InstanceId"], one["Device"]) for one in found["Attachments"]] == [(made.id, "/dev/sdf")]
    assert (found["Size"], found["Encrypted"], found["VolumeType"]) == (8, True, "gp3")


def test_a_misspelt_option_of_an_instance_is_refused(cloud: Cloud) -> None:
    with pytest.raises(RehearsalError, match="httpToken"):
        instance(cloud, metadataOptions={"httpToken": "required"})
    # The SDK knows it, and no request carries it: a gap, and no mistake.
    assert [path.rpartition(".")[2] for path in instance(cloud, hibernation=True).unmapped] == ["hibernation"]


def test_a_volume_of_a_kind_that_does_not_exist_is_refused(cloud: Cloud) -> None:
    with pytest.raises(RehearsalError, match="gp9"):
        cloud.make("aws:ebs/volume:Volume", availabilityZone="ap-northeast-1a", size=8.0, type="gp9")


def test_the_publishers_parameters_name_an_image(cloud: Cloud) -> None:
    for name in (AMAZON, CANONICAL):
        found = look_up(cloud.account, "ap-northeast-1", PARAMETER, {"name": name})
        assert found["insecureValue"] == found["value"]
        assert found["value"].startswith("ami-")
    with pytest.raises(RehearsalError, match="not found"):
        look_up(cloud.account, "ap-northeast-1", PARAMETER, {"name": "/nobody/knows"})


def test_the_value_of_an_encrypted_parameter_is_never_plain(cloud: Cloud) -> None:
    cloud.make("aws:ssm/parameter:Parameter", name="/a", type="SecureString", value="hidden")
    found = look_up(cloud.account, "ap-northeast-1", PARAMETER, {"name": "/a"})
    assert found["value"] == "hidden"
    assert "insecureValue" not in found
