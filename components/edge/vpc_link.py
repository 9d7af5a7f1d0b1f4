"""The way by which an HTTP API reaches a load balancer that the internet does not.

Use: link = VpcLink("chat-prod-link", VpcLinkArgs(), network=network, load_balancer=web, server_name="api.example.com")
     routes = {"ANY /{proxy+}": HttpRoute(load_balancer=True)}
     api = HttpApi("chat-prod-http", HttpApiArgs(routes=routes, public=True), functions={}, link=link)
"""

from __future__ import annotations

from typing import Protocol

import pulumi
import pulumi_aws as aws

from ..args import ComponentArgs
from ..component import Component
from ..network.network import Network
from ..security_rules import allow_egress, allow_ingress, closed_group


class InternalLoadBalancer(Protocol):
    """What a link needs to know of the load balancer behind it."""

    @property
    def listener_arn(self) -> pulumi.Output[str]: ...
    @property
    def security_group_id(self) -> pulumi.Output[str]: ...
    @property
    def port(self) -> int:
        """On which it listens."""
        ...


class VpcLinkArgs(ComponentArgs):
    """A link: free in itself; what passes is paid with the API's requests and the load balancer's units of load."""


class VpcLink(Component):
    """Network interfaces of API Gateway in the private subnets, which may speak to the load balancer and nobody else.

    AWS changes neither subnets nor groups of a link: another zone makes another link, before the old one goes.
    """

    CHILDREN = ("security_group", "egress_rule", "ingress_rule", "link")

    connection_id: pulumi.Output[str]
    """What an integration names."""
    listener_arn: pulumi.Output[str]
    """Where requests go."""
    server_name: str | None
    """The name in the certificate that the load balancer must show; None: it is asked in plain text, inside the VPC."""

    def __init__(
        self,
        name: str,
        args: VpcLinkArgs,
        *,
        network: Network,
        load_balancer: InternalLoadBalancer,
        server_name: str | None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param network: Where it stands; its private subnets.
        :param load_balancer: An internal one, of the same account.
        :param server_name: The name for which the load balancer's certificate was issued. None: it has none.
        """
        super().__init__(name, args, opts)
        group = closed_group(
            f"{name}-security-group", network.vpc_id, f"API Gateway in {name}", self._child("security_group")
        )
        port, why = load_balancer.port, "Requests of API Gateway"
        allow_egress(
            f"{name}-egress-rule",
            group.id,
            port,
            why,
            self._child("egress_rule"),
            group=load_balancer.security_group_id,
        )
        allow_ingress(
            f"{name}-ingress-rule",
            load_balancer.security_group_id,
            port,
            why,
            self._child("ingress_rule"),
            group=group.id,
        )
        link = aws.apigatewayv2.VpcLink(
            f"{name}-link",
            name=name,
            subnet_ids=network.private_subnet_ids,
            security_group_ids=[group.id],
            tags={"Name": f"{name}-link"},
            opts=self._child("link"),
        )
        self.connection_id, self.listener_arn, self.server_name = link.id, load_balancer.listener_arn, server_name
        self.register_outputs({"connectionId": self.connection_id})
