"""Security groups: what may talk to what."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from guardrails import types
from guardrails.kit import ADVISORY, MANDATORY, Props, aws, example, graph_rule, ref, rule, show

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from guardrails.kit import Context, Resource


_ALL = (
    types.SECURITY_GROUP,
    types.SECURITY_GROUP_RULE,
    types.SECURITY_GROUP_INGRESS_RULE,
    types.SECURITY_GROUP_EGRESS_RULE,
)
_WEB_PORTS = (80, 443)
_ENDS = ("securityGroupId", "referencedSecurityGroupId")
# What providers fill in when nobody wrote a description.
_NO_DESCRIPTION = {"", "Managed by Pulumi", "Managed by Terraform"}


@dataclass(frozen=True)
class _Opening:
    """One rule of a security group, whichever way it was written."""

    props: Props

    @property
    def all_ports(self) -> bool:
        if self._protocol in {"-1", "all"}:
            return True
        start, end = self.ports
        return start == 0 and end == 65535

    @property
    def ports(self) -> tuple[float | None, float | None]:
        return self.props.number("fromPort"), self.props.number("toPort")

    @property
    def is_web_only(self) -> bool:
        start, end = self.ports
        return self._protocol in {"tcp", "6", "udp", "17"} and start == end and start in _WEB_PORTS

    @property
    def _protocol(self) -> str:
        return (self.props.text("ipProtocol") or self.props.text("protocol")).lower()

    def world(self) -> Iterator[str]:
        """The address ranges of (half) the world that it names."""
        for key in ("cidrBlocks", "ipv6CidrBlocks", "cidrIpv4", "cidrIpv6"):
            for cidr in self.props.items(key).texts():
                if is_world(cidr):
                    yield cidr

    @property
    def names_a_group(self) -> bool:
        keys = ("securityGroups", "sourceSecurityGroupId", "referencedSecurityGroupId")
        return bool(self.props.maybe("self") is True or any(self.props.has(key) for key in keys))

    def show(self) -> str:
        if self.all_ports:
            return "all ports"
        start, end = (show(port) for port in self.ports)
        return f"port {start}" if start == end else f"ports {start} to {end}"


def is_world(cidr: str) -> bool:
    """Whether a range is the internet or a large part of it: `0.0.0.0/1` twice is no better than `0.0.0.0/0`. Of IPv6,
    fc00::/7 is for private networks (RFC 4193)."""
    address, _, length = cidr.partition("/")
    if re.match(r"f[cd][0-9a-f]{0,2}:", address.lower()) and length.isdecimal() and int(length) >= 7:
        return False
    return length.isdecimal() and int(length) < (16 if ":" in address else 8)


def _openings(resource: Resource, direction: str) -> Iterator[_Opening]:
    """The openings that the program wrote in this resource. A group's outputs repeat those of other resources."""
    if resource.kind == types.SECURITY_GROUP:
        yield from (_Opening(block) for block in resource.inputs.items(direction).blocks())
    elif resource.kind == types.SECURITY_GROUP_RULE:
        if resource.props.get("type") == direction:
            yield _Opening(resource.props)
    elif resource.kind == (
        types.SECURITY_GROUP_INGRESS_RULE if direction == "ingress" else types.SECURITY_GROUP_EGRESS_RULE
    ):
        yield _Opening(resource.props)


def _ingress(**props: Any) -> Any:
    rule_ = {"securityGroupId": ref("group"), "ipProtocol": "tcp", "description": "Clients", **props}
    return aws(types.SECURITY_GROUP_INGRESS_RULE, rule_, name="ingress")


def _egress(**props: Any) -> Any:
    rule_ = {"securityGroupId": ref("group"), "ipProtocol": "tcp", "description": "Answers", **props}
    return aws(types.SECURITY_GROUP_EGRESS_RULE, rule_, name="egress")


def _group(**props: Any) -> Any:
    return aws("ec2/securityGroup:SecurityGroup", {"description": "Load balancer", **props}, name="group")


_BALANCER = aws("lb/loadBalancer:LoadBalancer", {"securityGroups": [ref("group")]}, name="balancer")


@graph_rule(
    id="group-world-ingress",
    title="Nothing is open to the internet but ports 80 and 443 of load balancers",
    types=_ALL,
    level=MANDATORY,
    severity="high",
    topics=("network",),
    references=("P", "N-EC23", "C24", "C25", "C260", "C277", "F EC2.13", "F EC2.18", "F EC2.19"),
    remedy="Name the group, the prefix list or the addresses that need the port; use Session Manager for shells.",
)
def group_world_ingress(resource: Resource, at: Context) -> Iterator[str]:
    """A range shorter than /8 (IPv6: /16) counts as the internet. Whether a group belongs to a load balancer is read
    from the load balancers of the stack."""
    for opening in _openings(resource, "ingress"):
        for cidr in opening.world():
            if not (opening.is_web_only and _belongs_to_balancer(resource, at)):
                yield f"{cidr} may reach {opening.show()}"


group_world_ingress.examples(
    compliant=[
        example(_group(), _ingress(fromPort=443, toPort=443, cidrIpv4="0.0.0.0/0"), _BALANCER),
        example(_group(), _ingress(fromPort=22, toPort=22, cidrIpv4="203.0.113.7/32")),
        example(_group(), _ingress(fromPort=5432, toPort=5432, referencedSecurityGroupId="sg-1234")),
        example(_group(), _ingress(fromPort=22, toPort=22, cidrIpv6="fd00::/8")),
        example(_group(), _egress(fromPort=22, toPort=22, cidrIpv4="0.0.0.0/0")),
    ],
    non_compliant=[
        example(_group(), _ingress(fromPort=22, toPort=22, cidrIpv4="0.0.0.0/0")),
        example(_group(), _ingress(fromPort=22, toPort=22, cidrIpv6="f000::/4")),
        example(_group(), _ingress(fromPort=443, toPort=443, cidrIpv6="::/0")),
        example(_group(), _ingress(fromPort=8080, toPort=8080, cidrIpv4="0.0.0.0/0"), _BALANCER),
        example(_group(), _ingress(fromPort=0, toPort=443, cidrIpv4="0.0.0.0/1"), _BALANCER),
        _group(ingress=[{"protocol": "tcp", "fromPort": 22, "toPort": 22, "cidrBlocks": ["0.0.0.0/0"]}]),
        example(
            _group(),
            aws(
                "ec2/securityGroupRule:SecurityGroupRule",
                {
                    "type": "ingress",
                    "protocol": "tcp",
                    "fromPort": 3389,
                    "toPort": 3389,
                    "cidrBlocks": ["10.0.0.0/8", "0.0.0.0/0"],
                    "securityGroupId": ref("group"),
                },
                name="rule",
            ),
        ),
    ],
)


def _belongs_to_balancer(resource: Resource, at: Context) -> bool:
    groups = (
        [resource]
        if resource.kind == types.SECURITY_GROUP
        else at.graph.targets(resource, types.SECURITY_GROUP, via="securityGroupId")
    )
    if not groups:
        # Another stack's group is none of a load balancer here; one that is not known yet might be.
        resource.props.get("securityGroupId")
    return any(at.graph.children(group, types.LB_LOAD_BALANCER, via="securityGroups") for group in groups)


_WORKERS = {"fromPort": 0, "toPort": 65535, "referencedSecurityGroupId": ref("group")}
_GLUE = aws(
    "glue/connection:Connection",
    {
        "name": "kumiki-dev-database",
        "physicalConnectionRequirements": {"subnetId": "subnet-1234", "securityGroupIdLists": [ref("group")]},
    },
    name="connection",
)


@graph_rule(
    id="group-all-ports",
    title="No security group opens all its ports",
    types=_ALL,
    level=MANDATORY,
    severity="medium",
    topics=("network",),
    remedy="Name the protocol and the port that the other side needs.",
)
def group_all_ports(resource: Resource, at: Context) -> Iterator[str]:
    """Incoming rules from anywhere, and outgoing rules to other groups; group-world-egress checks the rest. The workers
    of a Glue connection may call each other on every port: Glue refuses a connection without."""
    for opening in _openings(resource, "ingress"):
        if opening.all_ports and not _among_glue_workers(resource, at):
            yield "all ports are open to the source"
    for opening in _openings(resource, "egress"):
        if opening.all_ports and opening.names_a_group and not _among_glue_workers(resource, at):
            yield "all ports of another security group may be reached"


group_all_ports.examples(
    compliant=[
        example(_group(), _ingress(fromPort=5432, toPort=5432, referencedSecurityGroupId="sg-1234")),
        example(_group(), _egress(ipProtocol="-1", cidrIpv4="0.0.0.0/0")),
        example(_group(), _GLUE, _ingress(**_WORKERS)),
        example(_group(), _GLUE, _egress(**_WORKERS)),
    ],
    non_compliant=[
        example(_group(), _ingress(ipProtocol="-1", referencedSecurityGroupId="sg-1234")),
        example(_group(), _ingress(fromPort=0, toPort=65535, cidrIpv4="10.0.0.0/16")),
        example(_group(), _ingress(**_WORKERS)),
        example(_group(), _GLUE, _egress(**{**_WORKERS, "referencedSecurityGroupId": "sg-1234"})),
        example(_group(), _GLUE, _ingress(fromPort=0, toPort=65535, cidrIpv4="10.0.0.0/16")),
        example(_group(), _egress(ipProtocol="-1", referencedSecurityGroupId="sg-1234")),
        _group(ingress=[{"protocol": "-1", "fromPort": 0, "toPort": 0, "self": True}]),
    ],
)


def _among_glue_workers(resource: Resource, at: Context) -> bool:
    """Whether a rule opens a group to its own members only, and a Glue connection places its workers there."""
    if resource.kind not in (
        types.SECURITY_GROUP_INGRESS_RULE,
        types.SECURITY_GROUP_EGRESS_RULE,
    ) or not resource.props.has("referencedSecurityGroupId"):
        return False
    own, other = (
        {group.urn: group for group in at.graph.targets(resource, types.SECURITY_GROUP, via=key)} for key in _ENDS
    )
    for groups, key in zip((own, other), _ENDS, strict=True):
        if not groups:
            # Another stack's group is none of these workers; one that is not known yet might be.
            resource.props.get(key)
    if not own or own.keys() != other.keys():
        return False
    place = "physicalConnectionRequirements.securityGroupIdLists"
    return any(at.graph.children(group, types.GLUE_CONNECTION, via=place) for group in own.values())


@rule(
    id="group-world-egress",
    title="No security group allows egress to every port on the internet",
    types=_ALL,
    level=ADVISORY,
    severity="low",
    topics=("network",),
    references=("C382",),
    remedy="Allow 443 only, or name a prefix list.",
)
def group_world_egress(resource: Resource, _at: Context) -> Iterator[str]:
    """What can call any port anywhere can carry data out any way it likes."""
    for opening in _openings(resource, "egress"):
        if opening.all_ports:
            for cidr in opening.world():
                yield f"all ports of {cidr} may be reached"


group_world_egress.examples(
    compliant=[example(_group(), _egress(fromPort=443, toPort=443, cidrIpv4="0.0.0.0/0"))],
    non_compliant=[
        example(_group(), _egress(ipProtocol="-1", cidrIpv4="0.0.0.0/0")),
        _group(egress=[{"protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlocks": ["0.0.0.0/0"]}]),
    ],
)


@rule(
    id="group-descriptions",
    title="Security groups and their rules say what they are for",
    types=_ALL,
    level=MANDATORY,
    severity="low",
    topics=("network",),
    references=("P", "N-EC27", "C23"),
    remedy="Write a description; changing the one of a group replaces it.",
)
def group_descriptions(resource: Resource, _at: Context) -> Iterator[str]:
    """A description that the provider filled in says nothing, so it does not count."""
    if not _described(resource.props):
        yield "there is no description"
    if resource.kind == types.SECURITY_GROUP:
        for direction in ("ingress", "egress"):
            if not all(_described(block) for block in resource.inputs.items(direction).blocks()):
                yield f"an inline {direction} rule has no description"


group_descriptions.examples(
    compliant=[example(_group(), _ingress(fromPort=443, toPort=443, cidrIpv4="10.0.0.0/16"))],
    non_compliant=[
        _group(description="Managed by Pulumi"),
        example(_group(), _ingress(description=None, fromPort=443, toPort=443, cidrIpv4="10.0.0.0/16")),
        _group(ingress=[{"protocol": "tcp", "fromPort": 443, "toPort": 443, "self": True}]),
    ],
)


def _described(props: Props) -> bool:
    return props.text("description") not in _NO_DESCRIPTION


@graph_rule(
    id="group-one-way-of-rules",
    title="A security group has inline rules or rule resources, not both",
    types=(types.SECURITY_GROUP,),
    level=MANDATORY,
    severity="high",
    topics=("network",),
    references=("A",),
    remedy="Use SecurityGroupIngressRule and SecurityGroupEgressRule only.",
)
def group_one_way_of_rules(group: Resource, at: Context) -> Iterator[str]:
    """Inline rules and rule resources delete each other at every update."""
    inline = [key for key in ("ingress", "egress") if len(group.inputs.items(key))]
    if inline and at.graph.known_children(
        group,
        types.SECURITY_GROUP_RULE,
        types.SECURITY_GROUP_INGRESS_RULE,
        types.SECURITY_GROUP_EGRESS_RULE,
        via="securityGroupId",
    ):
        yield f"it has inline {' and '.join(inline)} rules and rule resources"


group_one_way_of_rules.examples(
    compliant=[
        example(_group(), _ingress(fromPort=443, toPort=443, cidrIpv4="10.0.0.0/16")),
        _group(egress=[{"protocol": "tcp", "fromPort": 443, "toPort": 443, "self": True}]),
    ],
    non_compliant=[
        example(
            _group(egress=[{"protocol": "tcp", "fromPort": 443, "toPort": 443, "self": True}]),
            _ingress(fromPort=443, toPort=443, cidrIpv4="10.0.0.0/16"),
        )
    ],
)
