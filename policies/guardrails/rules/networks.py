"""VPCs: default groups, flow logs, endpoints, subnets, network access lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from guardrails import types
from guardrails.kit import ADVISORY, MANDATORY, aws, example, graph_rule, json_of, ref, rule, setting, statements
from guardrails.rules.security_groups import is_world

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from guardrails.kit import Context, Props, Resource


_ADMIN_PORTS = {22: "SSH", 3389: "remote desktop"}

_VPC = aws("ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/16"}, name="vpc")


def _in_vpc(type_: str, **props: Any) -> Any:
    return aws(type_, {"vpcId": ref("vpc"), **props}, name="in-vpc")


@graph_rule(
    id="vpc-default-group-closed",
    title="The default security group of each VPC is closed",
    types=(types.EC2_VPC,),
    level=MANDATORY,
    severity="high",
    topics=("network",),
    references=("C2-12", "F EC2.2"),
    remedy="Add a DefaultSecurityGroup without rules: it removes those that AWS made.",
)
def vpc_default_group_closed(vpc: Resource, at: Context) -> Iterator[str]:
    """AWS makes a group that lets its members talk to each other and to the world; whatever is launched without a
    group of its own joins it."""
    groups = at.graph.children(vpc, types.DEFAULT_SECURITY_GROUP, via="vpcId")
    if not groups:
        yield "the default security group keeps the rules that AWS created"
    for group in groups:
        for direction in ("ingress", "egress"):
            if len(group.inputs.items(direction)):
                yield f"the default security group has {direction} rules"


vpc_default_group_closed.examples(
    compliant=[example(_VPC, _in_vpc(types.DEFAULT_SECURITY_GROUP))],
    non_compliant=[
        _VPC,
        example(
            _VPC,
            _in_vpc(
                types.DEFAULT_SECURITY_GROUP, ingress=[{"protocol": "-1", "fromPort": 0, "toPort": 0, "self": True}]
            ),
        ),
    ],
)


@graph_rule(
    id="vpc-flow-logs",
    title="Each VPC has a flow log",
    types=(types.EC2_VPC,),
    level=MANDATORY,
    severity="medium",
    topics=("logging",),
    references=("N-VPC7", "C2-11"),
    remedy="Add a FlowLog with the VPC's id and traffic type ALL.",
)
def vpc_flow_logs(vpc: Resource, at: Context) -> Iterator[str]:
    """What was refused must be recorded too, so traffic type ACCEPT is not enough."""
    logs = at.graph.children(vpc, types.FLOW_LOG, via="vpcId")
    if not logs:
        yield "there is no flow log"
    elif not any(log.props.get("trafficType") in ("ALL", "REJECT") for log in logs):
        yield "refused connections are not recorded"


vpc_flow_logs.examples(
    compliant=[example(_VPC, _in_vpc(types.FLOW_LOG, trafficType="ALL", logDestination="arn:aws:s3:::logs"))],
    non_compliant=[_VPC, example(_VPC, _in_vpc(types.FLOW_LOG, trafficType="ACCEPT"))],
)


_ANYBODY: dict[str, Any] = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}


@rule(
    id="endpoint-policy",
    title="VPC endpoints have a policy that restricts calls",
    types=(types.VPC_ENDPOINT,),
    level=ADVISORY,
    severity="medium",
    topics=("network",),
    remedy="Give the endpoint a policy; at least a condition on aws:PrincipalAccount or aws:ResourceAccount.",
)
def endpoint_policy(endpoint: Resource, _at: Context) -> Iterator[str]:
    """Without a policy an endpoint carries every call of everybody, also with stolen keys of another account."""
    if endpoint.props.get("vpcEndpointType", "Gateway") not in ("Gateway", "Interface"):
        return
    if not endpoint.props.has("policy"):
        yield "there is no policy, so every call is allowed"
    for each in statements(endpoint.props, "policy"):
        if each.allows and each.is_for_anyone and "*" in each.actions and "*" in each.resources and not each.conditions:
            yield "the policy allows every call"


endpoint_policy.examples(
    compliant=[
        aws(
            "ec2/vpcEndpoint:VpcEndpoint",
            {
                "serviceName": "com.amazonaws.ap-northeast-1.logs",
                "policy": json_of(
                    {**_ANYBODY, "Condition": {"StringEquals": {"aws:PrincipalAccount": "123456789012"}}}
                ),
            },
        ),
        aws("ec2/vpcEndpoint:VpcEndpoint", {"vpcEndpointType": "GatewayLoadBalancer"}),
    ],
    non_compliant=[
        aws("ec2/vpcEndpoint:VpcEndpoint", {"serviceName": "com.amazonaws.ap-northeast-1.s3"}),
        aws("ec2/vpcEndpoint:VpcEndpoint", {"policy": json_of(_ANYBODY)}),
    ],
)


subnet_no_public_address = setting(
    id="subnet-no-public-address",
    title="Subnets do not give out public addresses",
    types=(types.EC2_SUBNET, types.DEFAULT_SUBNET),
    path="mapPublicIpOnLaunch",
    allowed=(False,),
    wrong=True,
    default=False,
    message="every instance launched here gets a public address",
    description="What gets an address without asking is on the internet without anybody having decided it.",
    level=MANDATORY,
    severity="medium",
    topics=("network",),
    references=("A", "P", "C88", "C130", "F EC2.15"),
    remedy="Leave mapPublicIpOnLaunch off; what needs an address asks for one. Declare an exception by a waiver.",
)


@dataclass(frozen=True)
class _Entry:
    number: float
    allows: bool
    lets: frozenset[int]
    """The administration ports it is about, for the whole internet."""


def _entries(acl: Resource, at: Context) -> Iterator[_Entry]:
    for block in acl.inputs.items("ingress").blocks():
        yield _entry(block, "ruleNo", "action")
    for child in at.graph.known_children(acl, types.NETWORK_ACL_RULE, via="networkAclId"):
        if not child.props.get("egress"):
            yield _entry(child.props, "ruleNumber", "ruleAction")


def _entry(block: Props, number: str, action: str) -> _Entry:
    start, end = block.number("fromPort") or 0, block.number("toPort") or 0
    protocol = block.text("protocol").lower()
    everything = protocol in {"-1", "all"}
    cidrs = (block.text("cidrBlock"), block.text("ipv6CidrBlock"))
    relevant = any(is_world(cidr) for cidr in cidrs) and (everything or protocol in {"tcp", "6"})
    ports = [port for port in _ADMIN_PORTS if relevant and (everything or start <= port <= end)]
    return _Entry(block.number(number) or 0, block.text(action).lower() == "allow", frozenset(ports))


def _acl(*ingress: dict[str, Any]) -> Any:
    allow = {"action": "allow", "protocol": "tcp", "cidrBlock": "0.0.0.0/0"}
    return aws("ec2/networkAcl:NetworkAcl", {"ingress": [{**allow, **entry} for entry in ingress]}, name="acl")


@graph_rule(
    id="acl-admin-ports",
    title="No network ACL opens SSH or RDP to the internet",
    types=(types.NETWORK_ACL, types.DEFAULT_NETWORK_ACL),
    level=MANDATORY,
    severity="medium",
    topics=("network",),
    references=("C231", "C232"),
    remedy="Open 80, 443 and, for answers, 1024 to 3388 and 3390 to 65535.",
)
def acl_admin_ports(acl: Resource, at: Context) -> Iterator[str]:
    """The entries are tried in the order of their numbers, inline ones and rule resources together: the first that is
    about the port decides."""
    entries = sorted(_entries(acl, at), key=lambda entry: entry.number)
    for port, name in _ADMIN_PORTS.items():
        decides = next((entry for entry in entries if port in entry.lets), None)
        if decides and decides.allows:
            yield f"port {port} ({name}) is open to the internet"


acl_admin_ports.examples(
    compliant=[
        _acl({"ruleNo": 100, "fromPort": 443, "toPort": 443}),
        _acl(
            {"ruleNo": 90, "fromPort": 3389, "toPort": 3389, "action": "deny"},
            {"ruleNo": 100, "fromPort": 1024, "toPort": 65535},
        ),
        _acl({"ruleNo": 100, "protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlock": "10.0.0.0/16"}),
    ],
    non_compliant=[
        _acl({"ruleNo": 100, "fromPort": 22, "toPort": 22}),
        _acl({"ruleNo": 100, "protocol": "-1", "fromPort": 0, "toPort": 0}),
        _acl(
            {"ruleNo": 100, "fromPort": 1024, "toPort": 65535},
            {"ruleNo": 110, "fromPort": 3389, "toPort": 3389, "action": "deny"},
        ),
        example(
            aws("ec2/networkAcl:NetworkAcl", name="acl"),
            aws(
                "ec2/networkAclRule:NetworkAclRule",
                {
                    "networkAclId": ref("acl"),
                    "ruleNumber": 100,
                    "protocol": "6",
                    "ruleAction": "allow",
                    "cidrBlock": "0.0.0.0/0",
                    "fromPort": 20,
                    "toPort": 25,
                },
                name="acl-rule",
            ),
        ),
    ],
)


_HOLDERS = {
    types.EC2_EIP: (
        (types.NAT_GATEWAY, "allocationId"),
        (types.EIP_ASSOCIATION, "allocationId"),
        (types.LB_LOAD_BALANCER, "subnetMappings"),
    ),
    types.EBS_VOLUME: ((types.VOLUME_ATTACHMENT, "volumeId"),),
}


@graph_rule(
    id="nothing-unattached",
    title="Public addresses and volumes are attached",
    types=(types.EC2_EIP, types.EBS_VOLUME),
    level=ADVISORY,
    severity="low",
    topics=("cost",),
    references=("A", "C2-19"),
    remedy="Attach it, or remove it.",
)
def nothing_unattached(resource: Resource, at: Context) -> Iterator[str]:
    """An address is $3.65 a month and a volume $0.096 for each GB, used or not."""
    if resource.props.has("instance") or resource.props.has("networkInterface"):
        return
    if not any(at.graph.children(resource, kind, via=via) for kind, via in _HOLDERS[resource.kind]):
        yield "it is not attached"


nothing_unattached.examples(
    compliant=[
        example(
            aws("ec2/eip:Eip", {"domain": "vpc"}, name="address"),
            aws("ec2/natGateway:NatGateway", {"allocationId": ref("address"), "subnetId": "subnet-1"}, name="nat"),
        ),
        aws("ec2/eip:Eip", {"domain": "vpc", "instance": "i-1"}, name="address"),
    ],
    non_compliant=[
        aws("ec2/eip:Eip", {"domain": "vpc"}, name="address"),
        aws("ebs/volume:Volume", {"availabilityZone": "ap-northeast-1a", "size": 8}, name="volume"),
    ],
)
