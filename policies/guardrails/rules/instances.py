"""Servers and their volumes."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING

from guardrails.kit import MANDATORY, aws, example, graph_rule, ref, rule
from guardrails.kit.reach import ADDRESS, HOST, INTERFACE
from guardrails.rules.functions import looks_secret, names_a_secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.kit import Context, Resource
    from guardrails.kit.examples import Example, Given

TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
VOLUME = "aws:ebs/volume:Volume"


def _host(**changes: object) -> Given:
    return aws("ec2/instance:Instance", {"metadataOptions": {"httpTokens": "required"}, **changes}, name="host")


def _alone(**changes: object) -> Example:
    return example(_host(**changes))


@rule(
    id="instance-metadata-tokens",
    title="Servers give their credentials only to who asks with a token (IMDSv2)",
    types=(HOST, TEMPLATE),
    level=MANDATORY,
    severity="high",
    topics=("IAM",),
    references=("N-EC27", "F EC2.8"),
    remedy="Set metadataOptions.httpTokens to required.",
    remediate=lambda _instance, _at: {"metadataOptions": {"httpTokens": "required"}},
    compliant=[_alone(), _alone(metadataOptions={"httpEndpoint": "disabled"})],
    non_compliant=[
        example(aws("ec2/instance:Instance")),
        _alone(metadataOptions={"httpTokens": "optional"}),
        _alone(metadataOptions={"httpEndpoint": "enabled"}),
        example(aws("ec2/launchTemplate:LaunchTemplate")),
    ],
)
def instance_metadata_tokens(instance: Resource, _at: Context) -> Iterator[str]:
    """Without a token one request that an application forwards for a stranger is enough to take the role."""
    if instance.props.get("metadataOptions.httpEndpoint") == "disabled":
        return
    if instance.props.get("metadataOptions.httpTokens") != "required":
        yield "the role's credentials are given without a token"


@rule(
    id="instance-metadata-hops",
    title="The credentials of a server do not reach its containers",
    types=(HOST, TEMPLATE),
    level=MANDATORY,
    severity="medium",
    topics=("IAM",),
    references=("F EC2.3",),
    remedy="Set metadataOptions.httpPutResponseHopLimit to 1, or waive it and say which container needs the role.",
    compliant=[_alone(), _alone(metadataOptions={"httpTokens": "required", "httpPutResponseHopLimit": 1})],
    non_compliant=[_alone(metadataOptions={"httpTokens": "required", "httpPutResponseHopLimit": 2})],
)
def instance_metadata_hops(instance: Resource, _at: Context) -> Iterator[str]:
    """Each network of containers is one hop more; AWS's default is 1."""
    hops = instance.props.number("metadataOptions.httpPutResponseHopLimit")
    if hops is not None and hops > 1:
        yield f"an answer of the metadata service lives for {hops:g} hops"


@rule(
    id="volume-encrypted",
    title="Volumes are encrypted",
    types=(VOLUME, HOST),
    level=MANDATORY,
    severity="high",
    topics=("at rest",),
    references=("N-EC26", "F EC2.7", "F EC2.28"),
    remedy="Set encrypted on the volume and on every block device of the server.",
    compliant=[
        example(aws("ebs/volume:Volume", {"encrypted": True})),
        example(aws("ebs/volume:Volume", {"snapshotId": "snap-1", "encrypted": True})),
        _alone(rootBlockDevice={"encrypted": True}, ebsBlockDevices=[{"deviceName": "/dev/sdf", "encrypted": True}]),
    ],
    non_compliant=[
        example(aws("ebs/volume:Volume")),
        example(aws("ebs/volume:Volume", {"encrypted": False})),
        _alone(),
        _alone(rootBlockDevice={"volumeType": "gp3"}),
        _alone(rootBlockDevice={"encrypted": True}, ebsBlockDevices=[{"deviceName": "/dev/sdf"}]),
    ],
)
def volume_encrypted(resource: Resource, _at: Context) -> Iterator[str]:
    """The images of Amazon and Canonical are not encrypted: a root volume that nobody speaks of is not either, unless
    the account encrypts by default."""
    if resource.kind == VOLUME:
        if not resource.props.get("encrypted"):
            yield "the volume is not encrypted"
        return
    if not resource.props.get("rootBlockDevice.encrypted"):
        yield "the root volume is not encrypted"
    for disk in resource.inputs.items("ebsBlockDevices").blocks():
        if not disk.get("encrypted"):
            yield f"{disk.text('deviceName')} is not encrypted"


def _addressed(**interface: object) -> list[Given]:
    return [
        aws("ec2/networkInterface:NetworkInterface", interface, name="interface"),
        _host(primaryNetworkInterface={"networkInterfaceId": ref("interface")}),
    ]


@graph_rule(
    id="instance-public-address",
    title="A server has a public address only if it is given one by name",
    types=(HOST, TEMPLATE),
    level=MANDATORY,
    severity="high",
    topics=("network",),
    references=("F EC2.9", "F EC2.25"),
    remedy="Leave associatePublicIpAddress off; what the internet must reach gets an Eip, alone, in the program.",
    compliant=[
        _alone(),
        _alone(associatePublicIpAddress=False),
        example(*_addressed(), aws("ec2/eip:Eip", {"networkInterface": ref("interface")}, name="address")),
    ],
    non_compliant=[
        _alone(associatePublicIpAddress=True),
        example(aws("ec2/launchTemplate:LaunchTemplate", {
            "metadataOptions": {"httpTokens": "required"},
            "networkInterfaces": [{"associatePublicIpAddress": True}],
        })),
        example(
            _host(associatePublicIpAddress=False),
            aws("ec2/eip:Eip", {"instance": ref("host")}, name="address"),
            aws("ec2/eip:Eip", {"instance": ref("host")}, name="another"),
        ),
    ],
)  # fmt: skip
def instance_public_address(instance: Resource, at: Context) -> Iterator[str]:
    """An address that comes with the start changes with each stop, so that nothing can name it; and nobody sees in the
    program that the server is on the internet."""
    blocks = instance.inputs.items("networkInterfaces").blocks()
    if instance.props.get("associatePublicIpAddress") or any(each.get("associatePublicIpAddress") for each in blocks):
        yield "it gets a public address at its start"
    given = list(at.graph.children(instance, ADDRESS, via="instance"))
    for interface in at.graph.targets(instance, INTERFACE, via="primaryNetworkInterface"):
        given += at.graph.children(interface, ADDRESS, via="networkInterface")
    if len(given) > 1:
        yield f"it has {len(given)} public addresses: {', '.join(sorted(each.name for each in given))}"


_ASSIGNMENT = re.compile(
    r"""^\s*(?:[Ee][Nn][Vv]\s+|export\s+|[-]\s*)?['"]?(\w+)['"]?\s*[=:]\s*['"]?([^\s'"$<{(]+)""", re.MULTILINE
)


@rule(
    id="instance-no-literal-secret",
    title="No secret stands in what a server runs at its first start",
    types=(HOST, TEMPLATE),
    level=MANDATORY,
    severity="critical",
    topics=("secrets",),
    references=("C46",),
    remedy="Keep it in Secrets Manager or a SecureString, and have the script fetch it by the server's role.",
    compliant=[
        _alone(userData="#!/bin/sh\nexport DB_PASSWORD=$(aws ssm get-parameter --name /db/password)\n"),
        _alone(userData="#!/bin/sh\nTOKEN_SECRET=arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:x\n"),
        _alone(userData="#cloud-config\npassword_parameter: /kumiki/db/password\n"),
    ],
    non_compliant=[
        _alone(userData="#!/bin/sh\nexport DB_PASSWORD=opens-nothing\n"),
        _alone(userDataBase64=b64encode(b"#!/bin/sh\nAPI_KEY='opens-nothing'\n").decode()),
        example(
            aws("ec2/launchTemplate:LaunchTemplate", {
                "metadataOptions": {"httpTokens": "required"},
                "userData": b64encode(b"aws configure set aws_access_key_id AKIAIOSFODNN7EXAMPLE").decode(),
            })
        ),
    ],
)  # fmt: skip
def instance_no_literal_secret(instance: Resource, _at: Context) -> Iterator[str]:
    """Every program on the server, and whoever may look at the server or the template, reads it. A line that gives a
    name a value is judged by the name, every line by what looks like a key."""
    for key in ("userData", "userDataBase64"):
        text = _readable(instance.props.text(key))
        names = {
            name
            for name, value in _ASSIGNMENT.findall(text)
            if names_a_secret(name) and not value.startswith(("arn:", "/"))
        }
        for name in sorted(names):
            yield f"{name} says by its name that it is a secret"
        if not names and looks_secret(text):
            yield "it holds what looks like a key"


def _readable(text: str) -> str:
    """A template takes its script in base64 only, a server in either form."""
    try:
        return b64decode(text, validate=True).decode()
    except ValueError:
        return text


RULES = (
    instance_metadata_tokens,
    instance_metadata_hops,
    volume_encrypted,
    instance_public_address,
    instance_no_literal_secret,
)
