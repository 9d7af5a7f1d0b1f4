"""Networks: endpoints, NAT and load balancers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from costs.model import CostComponent, Resource, by_use, fixed, free, not_priced
from costs.services.registry import prices
from costs.stack import Stack

REQUESTS_PER_LCU_HOUR: Final = 25 * 3600
"""A unit of an application load balancer takes 25 new connections a second, each as if for one request, or 1 GB an
hour. https://aws.amazon.com/elasticloadbalancing/pricing/"""

_FLOWS_PER_NLCU_HOUR: Final = 800 * 3600
_TLS_FLOWS_PER_NLCU_HOUR: Final = 50 * 3600
"""A unit of a network load balancer takes 800 new TCP connections a second, or 50 of TLS that it ends itself."""


def zones_of(inputs: Any) -> int:
    """AWS allows one subnet of each zone, so an endpoint has as many zones as subnets."""
    named = inputs.get("subnetIds") or []
    configured = [one.get("subnetId") for one in inputs.get("subnetConfigurations") or []]
    return len({*named, *configured})


@prices("ec2/vpcEndpoint:VpcEndpoint", "opensearch/serverlessVpcEndpoint:ServerlessVpcEndpoint")
def endpoint(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """By the hour in each zone, and by the GB; gateway endpoints (S3, DynamoDB) are free."""
    kind = one.inputs.get("vpcEndpointType") or ("Gateway" if one.type.startswith("ec2/") else "Interface")
    if kind == "Gateway":
        yield free("gateway endpoints cost nothing")
        return
    if kind == "GatewayLoadBalancer":
        yield fixed("endpoint, each zone", "gwlb.endpoint_hour", max(zones_of(one.inputs), 1) * stack.hours)
        same = [each for each in stack.of(one.type) if each.inputs.get("vpcEndpointType") == kind]
        data = stack.expects("endpointGb") if same[0] is one else 0
        yield by_use("data through all of them", "gwlb.endpoint_gb", data)
        return
    if kind != "Interface":
        yield not_priced(f"endpoint of type {kind}", f"endpoints of type {kind} have no price here")
        return
    yield fixed("endpoint, each zone", "vpc.endpoint.interface_hour", max(zones_of(one.inputs), 1) * stack.hours)
    interfaces = [each for each in stack.of(one.type) if each.inputs.get("vpcEndpointType") in ("Interface", None)]
    if one.type.startswith("ec2/") and interfaces[:1] == [one]:
        yield by_use("data through all endpoints", "vpc.endpoint.interface_gb", stack.expects("endpointGb"))


@prices("ec2/natGateway:NatGateway")
def nat(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """By the hour and by the GB; its public address is a resource of its own. A regional one is billed for each zone
    that it works in: those of the VPC's subnets."""
    zones = 1
    if one.inputs.get("availabilityMode") == "regional":
        zones = len({each.inputs.get("availabilityZone") for each in stack.of("ec2/subnet:Subnet")}) or 1
        yield fixed("public IPv4 addresses", "vpc.public_ipv4.in_use_hour", zones * stack.hours)
    yield fixed("gateway", "nat_gateway.hour", zones * stack.hours)
    yield by_use("data through all gateways", "nat_gateway.gb", stack.use("natGb", one))


@prices("lb/loadBalancer:LoadBalancer", "alb/loadBalancer:LoadBalancer")
def balancer(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """By the hour, by units of load, and a public address in each zone if the internet may reach it."""
    kind = one.inputs.get("loadBalancerType") or "application"
    if kind == "gateway":
        yield not_priced("gateway load balancer", "gateway load balancers have no price here")
        return
    if kind not in ("application", "network"):
        yield not_priced("load balancer", f"those of type {kind} have no price here")
        return
    yield fixed(f"{kind} load balancer", "alb.hour", stack.hours)
    each = REQUESTS_PER_LCU_HOUR if kind == "application" else _flows_per_unit(one, stack)
    units = stack.use("webRequests", one) / each
    yield by_use("units of load", "alb.lcu_hour" if kind == "application" else "nlb.lcu_hour", units)
    if one.inputs.get("minimumLoadBalancerCapacity"):
        yield not_priced("capacity kept ready", "units that are reserved have no price here")
    # What is not known yet may be reached by the internet.
    if one.inputs.get("internal") not in (True, "true"):
        mappings = one.inputs.get("subnetMappings") or []
        zones = len(one.inputs.get("subnets") or mappings) or 2
        # An elastic address that a zone brings along is a resource of its own.
        zones -= sum(bool(each.get("allocationId")) for each in mappings)
        if zones:
            yield fixed("public IPv4 addresses", "vpc.public_ipv4.in_use_hour", zones * stack.hours)


def _flows_per_unit(balancer_: Resource, stack: Stack) -> int:
    tls = any(
        each.inputs.get("protocol") == "TLS" and each.inputs.get("loadBalancerArn") in balancer_.outputs.values()
        for each in stack.of("lb/listener:Listener", "alb/listener:Listener")
    )
    return _TLS_FLOWS_PER_NLCU_HOUR if tls else _FLOWS_PER_NLCU_HOUR


@prices("elb/loadBalancer:LoadBalancer")
def classic(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """A load balancer of the first generation."""
    del one, stack
    yield not_priced("classic load balancer", "load balancers of the first generation have no price here")


@prices("ec2transitgateway/transitGateway:TransitGateway", "ec2transitgateway/vpcAttachment:VpcAttachment")
def transit(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """Attachments are paid by the hour, and by the GB that they send."""
    if one.type.endswith(":TransitGateway"):
        yield free("the attachments are paid")
        return
    yield fixed("attachment", "tgw.attachment_hour", stack.hours)
    yield not_priced("data through attachments", "how much it is, is not among the use that is known")


@prices("ec2/vpnConnection:VpnConnection")
def tunnel(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """By the hour, and a public address for each of its two tunnels."""
    del one
    yield fixed("VPN connection", "vpn.connection_hour", stack.hours)
    yield fixed("public IPv4 addresses", "vpc.public_ipv4.in_use_hour", 2 * stack.hours)


@prices("ec2clientvpn/networkAssociation:NetworkAssociation")
def association(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """A network of client VPN, by the hour; connections cost extra."""
    del one
    yield fixed("network of client VPN", "client_vpn.association_hour", stack.hours)


@prices("vpclattice/service:Service")
def lattice(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """By the hour; by the request beyond 300,000 an hour and by the GB."""
    del one
    yield fixed("service", "lattice.service_hour", stack.hours)
    yield not_priced("data and requests", "how many there are is not among the use that is known")


@prices("ec2/trafficMirrorSession:TrafficMirrorSession")
def mirrored(one: Resource, stack: Stack) -> Iterator[CostComponent]:
    """By the interface that is mirrored."""
    del one
    yield fixed("interface mirrored", "traffic_mirror.session_hour", stack.hours)
