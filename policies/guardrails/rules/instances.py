"""Servers and their volumes."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING

from guardrails import types
from guardrails.kit import MANDATORY, aws, example, graph_rule, ref, rule
from guardrails.rules.functions import looks_secret, names_a_secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.kit import Context, Resource
    from guardrails.kit.examples import Example, Given


def _host(**changes: object) -> Given:
    return aws("ec2/instance:Instance", {"metadataOptions": {"httpTokens": "required"}, **changes}, name="host")


def _alone(**changes: object) -> Example:
    return example(_host(**changes))


@rule(
    id="instance-metadata-tokens",
    title="Instances require IMDSv2",
    types=(types.EC2_INSTANCE, types.LAUNCH_TEMPLATE),
    level=MANDATORY,
    severity="high",
    topics=("IAM",),
    references=("N-EC27", "F EC2.8"),
    remedy="Set metadataOptions.httpTokens to required.",
    remediate=lambda _instance, _at: {"metadataOptions": {"httpTokens": "required"}},
)
def instance_metadata_tokens(instance: Resource, _at: Context) -> Iterator[str]:
    """Without a token one request that an application forwards for a stranger is enough to take the role."""
    if instance.props.get("metadataOptions.httpEndpoint") == "disabled":
        return
    if instance.props.get("metadataOptions.httpTokens") != "required":
        yield "the role's credentials are given without a token (IMDSv1)"


instance_metadata_tokens.examples(
    compliant=[_alone(), _alone(metadataOptions={"httpEndpoint": "disabled"})],
    non_compliant=[
        aws("ec2/instance:Instance"),
        _alone(metadataOptions={"httpTokens": "optional"}),
        _alone(metadataOptions={"httpEndpoint": "enabled"}),
        aws("ec2/launchTemplate:LaunchTemplate"),
    ],
)


@rule(
    id="instance-metadata-hops",
    title="The credentials of an instance do not reach its containers",
    types=(types.EC2_INSTANCE, types.LAUNCH_TEMPLATE),
    level=MANDATORY,
    severity="medium",
    topics=("IAM",),
    references=("F EC2.3",),
    remedy="Set metadataOptions.httpPutResponseHopLimit to 1, or waive it and say which container needs the role.",
)
def instance_metadata_hops(instance: Resource, _at: Context) -> Iterator[str]:
    """Each network of containers is one hop more; AWS's default is 1."""
    hops = instance.props.number("metadataOptions.httpPutResponseHopLimit")
    if hops is not None and hops > 1:
        yield f"the hop limit of the metadata service is {hops:g}"


instance_metadata_hops.examples(
    compliant=[_alone(), _alone(metadataOptions={"httpTokens": "required", "httpPutResponseHopLimit": 1})],
    non_compliant=[_alone(metadataOptions={"httpTokens": "required", "httpPutResponseHopLimit": 2})],
)


@rule(
    id="volume-encrypted",
    title="Volumes are encrypted",
    types=(types.EBS_VOLUME, types.EC2_INSTANCE),
    level=MANDATORY,
    severity="high",
    topics=("at rest",),
    references=("N-EC26", "F EC2.7", "F EC2.28"),
    remedy="Set encrypted on the volume and on every block device of the server.",
)
def volume_encrypted(resource: Resource, _at: Context) -> Iterator[str]:
    """The images of Amazon and Canonical are not encrypted: a root volume that the program does not set is not
    either, unless the account encrypts by default."""
    if resource.kind == types.EBS_VOLUME:
        if not resource.props.get("encrypted"):
            yield "the volume is not encrypted"
        return
    if not resource.props.get("rootBlockDevice.encrypted"):
        yield "the root volume is not encrypted"
    for disk in resource.inputs.items("ebsBlockDevices").blocks():
        if not disk.get("encrypted"):
            yield f"{disk.text('deviceName')} is not encrypted"


volume_encrypted.examples(
    compliant=[
        aws("ebs/volume:Volume", {"encrypted": True}),
        aws("ebs/volume:Volume", {"snapshotId": "snap-1", "encrypted": True}),
        _alone(rootBlockDevice={"encrypted": True}, ebsBlockDevices=[{"deviceName": "/dev/sdf", "encrypted": True}]),
    ],
    non_compliant=[
        aws("ebs/volume:Volume"),
        aws("ebs/volume:Volume", {"encrypted": False}),
        _alone(),
        _alone(rootBlockDevice={"volumeType": "gp3"}),
        _alone(rootBlockDevice={"encrypted": True}, ebsBlockDevices=[{"deviceName": "/dev/sdf"}]),
    ],
)


def _addressed(**interface: object) -> list[Given]:
    return [
        aws("ec2/networkInterface:NetworkInterface", interface, name="interface"),
        _host(primaryNetworkInterface={"networkInterfaceId": ref("interface")}),
    ]


@graph_rule(
    id="instance-public-address",
    title="Instances have no public address but an Elastic IP",
    types=(types.EC2_INSTANCE, types.LAUNCH_TEMPLATE),
    level=MANDATORY,
    severity="high",
    topics=("network",),
    references=("F EC2.9", "F EC2.25"),
    remedy="Leave associatePublicIpAddress off; give what the internet must reach one Eip.",
)
def instance_public_address(instance: Resource, at: Context) -> Iterator[str]:
    """An address that comes with the start changes with each stop, so that nothing can name it; and nobody sees in the
    program that the server is on the internet."""
    blocks = instance.inputs.items("networkInterfaces").blocks()
    if instance.props.get("associatePublicIpAddress") or any(each.get("associatePublicIpAddress") for each in blocks):
        yield "it gets a public address at launch"
    given = list(at.graph.children(instance, types.EC2_EIP, via="instance"))
    for interface in at.graph.targets(instance, types.NETWORK_INTERFACE, via="primaryNetworkInterface"):
        given += at.graph.children(interface, types.EC2_EIP, via="networkInterface")
    if len(given) > 1:
        yield f"it has {len(given)} public addresses: {', '.join(sorted(each.name for each in given))}"


instance_public_address.examples(
    compliant=[
        _alone(),
        _alone(associatePublicIpAddress=False),
        example(*_addressed(), aws("ec2/eip:Eip", {"networkInterface": ref("interface")}, name="address")),
    ],
    non_compliant=[
        _alone(associatePublicIpAddress=True),
        aws("ec2/launchTemplate:LaunchTemplate", {
            "metadataOptions": {"httpTokens": "required"},
            "networkInterfaces": [{"associatePublicIpAddress": True}],
        }),
        example(
            _host(associatePublicIpAddress=False),
            aws("ec2/eip:Eip", {"instance": ref("host")}, name="address"),
            aws("ec2/eip:Eip", {"instance": ref("host")}, name="another"),
        ),
    ],
)  # fmt: skip


_ASSIGNMENT = re.compile(
    r"""^\s*(?:[Ee][Nn][Vv]\s+|export\s+|[-]\s*)?['"]?(\w+)['"]?\s*[=:]\s*['"]?([^\s'"$<{(]+)""", re.MULTILINE
)


@rule(
    id="instance-no-literal-secret",
    title="No secret is in an instance's user data",
    types=(types.EC2_INSTANCE, types.LAUNCH_TEMPLATE),
    level=MANDATORY,
    severity="critical",
    topics=("secrets",),
    references=("C46",),
    remedy="Keep it in Secrets Manager or a SecureString, and have the script fetch it by the server's role.",
)
def instance_no_literal_secret(instance: Resource, _at: Context) -> Iterator[str]:
    """Every program on the server, and whoever may look at the server or the template, reads it. A line that gives a
    name a value is checked by the name, every line by what looks like a key."""
    for key in ("userData", "userDataBase64"):
        text = _readable(instance.props.text(key))
        names = {
            name
            for name, value in _ASSIGNMENT.findall(text)
            if names_a_secret(name) and not value.startswith(("arn:", "/"))
        }
        for name in sorted(names):
            yield f"{name} has the name of a secret"
        if not names and looks_secret(text):
            yield "the user data holds what looks like a key"


instance_no_literal_secret.examples(
    compliant=[
        _alone(userData="#!/bin/sh\nexport DB_PASSWORD=$(aws ssm get-parameter --name /db/password)\n"),
        _alone(userData="#!/bin/sh\nTOKEN_SECRET=arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:x\n"),
        _alone(userData="#cloud-config\npassword_parameter: /kumiki/db/password\n"),
    ],
    non_compliant=[
        _alone(userData="#!/bin/sh\nexport DB_PASSWORD=opens-nothing\n"),
        _alone(userDataBase64=b64encode(b"#!/bin/sh\nAPI_KEY='opens-nothing'\n").decode()),
        aws("ec2/launchTemplate:LaunchTemplate", {
                "metadataOptions": {"httpTokens": "required"},
                "userData": b64encode(b"aws configure set aws_access_key_id AKIAIOSFODNN7EXAMPLE").decode(),
            }),
    ],
)  # fmt: skip


def _readable(text: str) -> str:
    """A template takes its script in base64 only, a server in either form."""
    try:
        return b64decode(text, validate=True).decode()
    except ValueError:
        return text
