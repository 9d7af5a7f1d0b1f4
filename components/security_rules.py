"""Rules of security groups: one TCP port, one peer, one reason each, as resources of their own."""

from __future__ import annotations

from typing import TypedDict, Unpack

import pulumi
import pulumi_aws as aws


class Peer(TypedDict, total=False):
    """Who is on the other side: one of these."""

    group: pulumi.Input[str]
    """The members of a security group."""
    cidr: pulumi.Input[str]
    """IPv4 addresses."""
    prefix_list: pulumi.Input[str]
    """The addresses in a list that AWS keeps."""


def let_in(
    name: str,
    group_id: pulumi.Input[str],
    port: pulumi.Input[int],
    why: str,
    opts: pulumi.ResourceOptions,
    **peer: Unpack[Peer],
) -> None:
    """Let the peer call a port of the members of `group_id`."""
    _rule(aws.vpc.SecurityGroupIngressRule, name, group_id, port, why, opts, peer)


def let_out(
    name: str,
    group_id: pulumi.Input[str],
    port: pulumi.Input[int],
    why: str,
    opts: pulumi.ResourceOptions,
    **peer: Unpack[Peer],
) -> None:
    """Let the members of `group_id` call a port of the peer, who must let them in."""
    _rule(aws.vpc.SecurityGroupEgressRule, name, group_id, port, why, opts, peer)


def _rule(
    kind: type[aws.vpc.SecurityGroupIngressRule | aws.vpc.SecurityGroupEgressRule],
    name: str,
    group_id: pulumi.Input[str],
    port: pulumi.Input[int],
    why: str,
    opts: pulumi.ResourceOptions,
    peer: Peer,
) -> None:
    kind(
        name,
        security_group_id=group_id,
        description=why,
        ip_protocol="tcp",
        from_port=port,
        to_port=port,
        referenced_security_group_id=peer.get("group"),
        cidr_ipv4=peer.get("cidr"),
        prefix_list_id=peer.get("prefix_list"),
        opts=opts,
    )
