"""Where packets go: the route tables of a VPC, and what has to wait for its way to the internet."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import pulumi
import pulumi_aws as aws

from ..children import Children

_T = TypeVar("_T")

CHILDREN = ("route_table", "route_table_association", "route")


@dataclass(frozen=True, kw_only=True)
class Routes:
    """Makes the route tables of each tier."""

    prefix: str
    vpc_id: pulumi.Output[str]
    child: Children

    def public(
        self, subnets: Sequence[aws.ec2.Subnet], internet: aws.ec2.InternetGateway
    ) -> tuple[aws.ec2.RouteTable, list[pulumi.Resource]]:
        """One table for all public subnets, which have the same routes in every zone, and always will; and what makes
        up their way to the internet."""
        table, associations = self._table("public", subnets)
        return table, [self._default("public", table, gateway_id=internet.id), *associations]

    def private(
        self, subnets: Sequence[aws.ec2.Subnet], nats: Sequence[aws.ec2.NatGateway]
    ) -> list[aws.ec2.RouteTable]:
        """A table for each zone, whatever the NAT, so that going from one NAT to one for each zone changes a route and
        replaces nothing."""
        tables = []
        for zone, subnet in enumerate(subnets):
            table, _ = self._table(f"private-{zone + 1}", [subnet], numbered=False)
            if nats:
                self._default(f"private-{zone + 1}", table, nat_gateway_id=nats[zone].id)
            tables.append(table)
        return tables

    def isolated(self, subnets: Sequence[aws.ec2.Subnet]) -> None:
        """One table, handed to nobody: the isolated tier reaches its neighbours only, not even S3."""
        self._table("isolated", subnets)

    def _table(
        self, label: str, subnets: Sequence[aws.ec2.Subnet], *, numbered: bool = True
    ) -> tuple[aws.ec2.RouteTable, list[aws.ec2.RouteTableAssociation]]:
        name = f"{self.prefix}-{label}-route-table"
        table = aws.ec2.RouteTable(name, vpc_id=self.vpc_id, tags={"Name": name}, opts=self.child("route_table"))
        associations = [
            aws.ec2.RouteTableAssociation(
                f"{name}-association-{number}" if numbered else f"{name}-association",
                route_table_id=table.id,
                subnet_id=subnet.id,
                opts=self.child("route_table_association"),
            )
            for number, subnet in enumerate(subnets, start=1)
        ]
        return table, associations

    def _default(self, label: str, table: aws.ec2.RouteTable, **target: pulumi.Input[str]) -> aws.ec2.Route:
        return aws.ec2.Route(
            f"{self.prefix}-{label}-internet-route",
            route_table_id=table.id,
            destination_cidr_block="0.0.0.0/0",
            **cast("Any", target),
            opts=self.child("route"),
        )


def once_made(ids: pulumi.Output[_T], first: Sequence[pulumi.Resource]) -> pulumi.Output[_T]:
    """The ids, with everything that uses them made after `first`: a public address, a load balancer and a server that
    calls out at its first start need the way to the internet, which the subnet's id says nothing of. Not `all`: a new
    association would make the ids unknown at a preview, and a server in such a subnet seem to be replaced."""

    async def resources() -> set[pulumi.Resource]:
        return {*await ids.resources(), *first}

    # The value is there wherever the ids are known; the type allows for the rest.
    value = cast("Awaitable[_T]", ids.future(with_unknowns=True))
    return pulumi.Output(resources(), value, ids.is_known(), ids.is_secret())
