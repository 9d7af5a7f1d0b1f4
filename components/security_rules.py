"""Rules of security groups: one TCP port, one source or destination, one reason each, as resources of their own."""

from __future__ import annotations

from typing import TypedDict, Unpack

import pulumi
import pulumi_aws as aws


class SourceOrDestination(TypedDict, total=False):
    """The source of an ingress rule or the destination of an egress rule: one of these."""

    group: pulumi.Input[str]
    """The members of a security group."""
    cidr: pulumi.Input[str]
    """IPv4 addresses."""
    prefix_list: pulumi.Input[str]
    """The addresses in a list that AWS keeps."""


def label(cidr: str) -> str:
    """The addresses as a part of a rule's name: numbered, the rules behind one that is put in would change."""
    return cidr.replace(".", "-").replace("/", "-")


def closed_group(
    name: str, vpc_id: pulumi.Input[str], description: str, opts: pulumi.ResourceOptions
) -> aws.ec2.SecurityGroup:
    """A group without a rule: nobody calls its members, and they call nobody."""
    return aws.ec2.SecurityGroup(name, vpc_id=vpc_id, description=description, tags={"Name": name}, opts=opts)


def cloudfront_addresses(component: pulumi.Resource) -> pulumi.Output[str]:
    """The prefix list, kept by AWS, of the addresses from which CloudFront fetches. It counts as 55 of the 60 rules of
    a group, so that only one port can be opened to it."""
    name, opts = "com.amazonaws.global.cloudfront.origin-facing", pulumi.InvokeOptions(parent=component)
    return aws.ec2.get_managed_prefix_list_output(name=name, opts=opts).id


def allow_ingress(
    name: str,
    group_id: pulumi.Input[str],
    port: pulumi.Input[int],
    why: str,
    opts: pulumi.ResourceOptions,
    **other_side: Unpack[SourceOrDestination],
) -> None:
    """Let the source call a port of the members of `group_id`."""
    _rule(aws.vpc.SecurityGroupIngressRule, name, group_id, port, why, opts, other_side)


def allow_egress(
    name: str,
    group_id: pulumi.Input[str],
    port: pulumi.Input[int],
    why: str,
    opts: pulumi.ResourceOptions,
    **other_side: Unpack[SourceOrDestination],
) -> None:
    """Let the members of `group_id` call a port of the destination, which needs an ingress rule for them."""
    _rule(aws.vpc.SecurityGroupEgressRule, name, group_id, port, why, opts, other_side)


def _rule(
    kind: type[aws.vpc.SecurityGroupIngressRule | aws.vpc.SecurityGroupEgressRule],
    name: str,
    group_id: pulumi.Input[str],
    port: pulumi.Input[int],
    why: str,
    opts: pulumi.ResourceOptions,
    other_side: SourceOrDestination,
) -> None:
    kind(
        name,
        security_group_id=group_id,
        description=why,
        ip_protocol="tcp",
        from_port=port,
        to_port=port,
        referenced_security_group_id=other_side.get("group"),
        cidr_ipv4=other_side.get("cidr"),
        prefix_list_id=other_side.get("prefix_list"),
        opts=opts,
    )
