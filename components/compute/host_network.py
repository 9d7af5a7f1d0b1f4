"""How a host of the free tier is reached: its security group, and the address that it keeps when it is replaced."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pulumi
import pulumi_aws as aws

from ..children import Children
from ..security_rules import allow_egress, allow_ingress, closed_group, cloudfront_addresses, label
from .host_args import FreeTierHostArgs, System

ORIGIN_PORT: Final = 80

# Amazon's packages come by HTTPS; Ubuntu's archives are served by HTTP only, and signed.
_OUTWARD_PORTS: Final[Mapping[System, tuple[int, ...]]] = {"amazonLinux": (443,), "ubuntu": (443, 80)}


def security_group(
    host: pulumi.ComponentResource, name: str, args: FreeTierHostArgs, vpc_id: pulumi.Input[str], child: Children
) -> pulumi.Output[str]:
    """Requests by way of CloudFront, shells of those who may, and outwards what an installation needs."""
    group = closed_group(f"{name}-security-group", vpc_id, f"The host {name}", child("security_group"))
    cloudfront = cloudfront_addresses(host)
    rule, opts = f"{name}-ingress-from-cloudfront", child("ingress_rule")
    allow_ingress(rule, group.id, ORIGIN_PORT, "Requests by way of CloudFront", opts, prefix_list=cloudfront)
    for cidr in args.ssh.allow_from if args.ssh else ():
        rule, opts = f"{name}-ssh-ingress-from-{label(cidr)}", child("ssh_ingress_rule")
        allow_ingress(rule, group.id, 22, "Shells of an administrator", opts, cidr=cidr)
    for port in _OUTWARD_PORTS[args.system]:
        why = "AWS, packages and images" if port == 443 else "Ubuntu's packages, which are signed"
        opts = child("egress_rule")
        allow_egress(f"{name}-egress-{port}", group.id, port, why, opts, cidr="0.0.0.0/0")
    return group.id


def interface(
    name: str, subnet_id: pulumi.Input[str], group_id: pulumi.Input[str], child: Children
) -> tuple[aws.ec2.NetworkInterface, aws.ec2.Eip]:
    """Apart from the instance, and before it: it has its address from its first second, and so has the next one."""
    made = aws.ec2.NetworkInterface(
        f"{name}-network-interface",
        subnet_id=subnet_id,
        security_groups=[group_id],
        description=f"The host {name}",
        tags={"Name": f"{name}-network-interface"},
        opts=child("network_interface"),
    )
    address = aws.ec2.Eip(
        f"{name}-address",
        domain="vpc",
        network_interface=made.id,
        tags={"Name": f"{name}-address"},
        opts=child("address"),
    )
    return made, address
