"""What other components need to know of a network, and what a stack tells other stacks of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import pulumi


class Network(Protocol):
    """What a component needs to know of the network it stands in, however that network came to be."""

    @property
    def vpc_id(self) -> pulumi.Output[str]: ...
    @property
    def cidr(self) -> pulumi.Output[str]: ...
    @property
    def public_subnet_ids(self) -> pulumi.Output[list[str]]: ...
    @property
    def private_subnet_ids(self) -> pulumi.Output[list[str]]: ...
    @property
    def isolated_subnet_ids(self) -> pulumi.Output[list[str]]: ...
    @property
    def database_subnet_group_name(self) -> pulumi.Output[str] | None: ...
    @property
    def endpoint_security_group_id(self) -> pulumi.Output[str] | None: ...
    @property
    def s3_prefix_list_id(self) -> pulumi.Output[str] | None: ...
    @property
    def dynamodb_prefix_list_id(self) -> pulumi.Output[str] | None: ...


@dataclass(frozen=True, kw_only=True)
class ExistingNetwork:
    """A network that this stack uses and does not own."""

    vpc_id: pulumi.Output[str]
    cidr: pulumi.Output[str]
    public_subnet_ids: pulumi.Output[list[str]]
    private_subnet_ids: pulumi.Output[list[str]]
    isolated_subnet_ids: pulumi.Output[list[str]]
    database_subnet_group_name: pulumi.Output[str] | None = None
    endpoint_security_group_id: pulumi.Output[str] | None = None
    s3_prefix_list_id: pulumi.Output[str] | None = None
    dynamodb_prefix_list_id: pulumi.Output[str] | None = None


NETWORK_OUTPUTS = {
    "vpc_id": "vpcId",
    "cidr": "vpcCidr",
    "public_subnet_ids": "publicSubnetIds",
    "private_subnet_ids": "privateSubnetIds",
    "isolated_subnet_ids": "isolatedSubnetIds",
    "database_subnet_group_name": "databaseSubnetGroupName",
    "endpoint_security_group_id": "endpointSecurityGroupId",
    "s3_prefix_list_id": "s3PrefixListId",
    "dynamodb_prefix_list_id": "dynamodbPrefixListId",
}
"""What a stack exports of its network, and another stack reads: attribute → output."""

REQUIRED_OUTPUTS = ("vpc_id", "cidr", "public_subnet_ids", "private_subnet_ids", "isolated_subnet_ids")
"""What every network has; the rest is missing where the network lacks it."""
