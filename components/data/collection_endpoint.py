"""The way from a network to its collections: the VPC endpoint that OpenSearch Serverless keeps itself.

Use: endpoint = CollectionEndpoint("wiki-dev-collections", CollectionEndpointArgs(), network=network)
     endpoint.allow_from(service.security_group_id, "api")

Not the interface endpoint `aoss` of the network, which leads to the API that makes collections and not to what is in
them (https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-vpc.html). A VPC takes one, for
all of its collections: a second one would claim the same private domain.
"""

from __future__ import annotations

from typing import Final

import pulumi
import pulumi_aws as aws

from ..args import ComponentArgs
from ..component import Component
from ..network.network import Network
from .guard import Guard

PORT: Final = 443


class CollectionEndpointArgs(ComponentArgs):
    """A VPC endpoint of OpenSearch Serverless. In ap-northeast-1 it costs $0.014 an hour in each zone, $10 a month, and
    $0.01 a GB."""


class CollectionEndpoint(Component):
    """An endpoint in each private subnet that lets nobody in until it is told to."""

    CHILDREN = ("security_group", "ingress_rule", "endpoint")

    id: pulumi.Output[str]
    security_group_id: pulumi.Output[str]
    port: int = PORT

    def __init__(
        self,
        name: str,
        args: CollectionEndpointArgs,
        *,
        network: Network,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param network: In whose private subnets it stands. Its VPC must resolve names by AWS's DNS.
        """
        super().__init__(name, args, opts)
        self._guard = Guard.of(name, "Collections", PORT, network, self._child)
        endpoint = aws.opensearch.ServerlessVpcEndpoint(
            f"{name}-endpoint",
            name=name,
            vpc_id=network.vpc_id,
            subnet_ids=network.private_subnet_ids,
            security_group_ids=[self._guard.group.id],
            opts=self._child("endpoint"),
        )
        self.id, self.security_group_id = endpoint.id, self._guard.group.id
        self.register_outputs({"id": self.id})

    def allow_from(self, security_group_id: pulumi.Input[str], name: str) -> None:
        """Let the members of one security group ask, and nobody else. `name` tells the rules apart."""
        self._guard.allow_from(security_group_id, name)
